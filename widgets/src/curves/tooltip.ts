/** The table of values at the cursor of a chart. */
import { html, nothing, type TemplateResult } from 'lit';
import { integer, number } from '../format.ts';
import { AXIS_TITLES } from './axis.ts';
import type { ChartLine, ChartSettings, Reading } from './figure.ts';

/** `left`: at the left edge of the chart, where it does not cover a cursor in the right half. */
export function tooltip(values: readonly Reading[], { axis, smoothing }: ChartSettings, left: boolean): TemplateResult {
  return html`<table class="tooltip small" style=${left ? 'left:48px' : 'right:8px'}>
    <thead>
      <tr>
        <th colspan="2">${AXIS_TITLES[axis]} ${axis === 'time' ? number(values[0].x) : integer(values[0].x)}</th>
        <th class="number">${smoothing > 0 ? 'smooth' : 'value'}</th>
        ${smoothing > 0 ? html`<th class="number">raw</th>` : nothing}
      </tr>
    </thead>
    <tbody>
      ${values.map(
        ({ line, value, raw }) =>
          html`<tr>
            <td><i style=${swatch(line)}></i></td>
            <td class="label ellipsis">${line.label}</td>
            <td class="number">${number(value)}</td>
            ${smoothing > 0 ? html`<td class="number secondary">${number(raw)}</td>` : nothing}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Style of a piece of the line, as it is drawn. */
export const swatch = (line: ChartLine): string =>
  `border-top-color:${line.colour};border-top-style:${line.dash === 'solid' ? 'solid' : line.dash === 'dot' ? 'dotted' : 'dashed'}`;
