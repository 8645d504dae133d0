/** The table of values at the cursor of a chart. */
import { html, nothing, type TemplateResult } from 'lit';
import { integer, number } from '../format.ts';
import { middle } from '../middle.ts';
import { AXIS } from './axis.ts';
import { smooths } from './smoothing.ts';
import type { ChartLine, ChartSettings } from './figure.ts';
import type { Reading } from './readings.ts';

/** `x`: where the cursor is. A value that holds from an earlier point says from which. */
export function tooltip(values: readonly Reading[], x: number, settings: ChartSettings): TemplateResult {
  const { title, unit, whole } = AXIS[settings.axis];
  const write = (value: number): string => (whole ? integer(value) : number(value));
  const head = `${title} ${write(x)}${unit}`.trim();
  const smooth = smooths(settings);
  return html`<table class="tooltip small" popover="manual">
    <thead>
      <tr>
        <th colspan="2">${head}</th>
        <th class="number">${smooth ? 'smooth' : 'value'}</th>
        ${smooth ? html`<th class="number">raw</th>` : nothing}
      </tr>
    </thead>
    <tbody>
      ${values.map(
        ({ line, value, raw, x: at }) =>
          html`<tr>
            <td><i style=${swatch(line)}></i></td>
            <td class="label">
              ${middle(line.label)}${line.sparse && value !== null && write(at) !== write(x) ? html` <span class="secondary">(${write(at)})</span>` : nothing}
            </td>
            <td class="number">${number(value)}</td>
            ${smooth ? html`<td class="number secondary">${number(raw)}</td>` : nothing}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Style of a piece of the line, as it is drawn. */
export const swatch = (line: Pick<ChartLine, 'colour' | 'dash'>): string =>
  `border-top-color:${line.colour};border-top-style:${line.dash === 'solid' ? 'solid' : line.dash === 'dot' ? 'dotted' : 'dashed'}`;

/** Pixels between the cursor and the table of values. */
const GAP = 12;

/** Shows the table under the chart, or over it where the window ends: never on the lines that are being read. `at`: the cursor in the area, in pixels. */
export function placeTooltip(tip: HTMLElement, area: HTMLElement, at: number): void {
  const box = area.getBoundingClientRect();
  if (!tip.matches(':popover-open')) tip.showPopover?.();
  const { offsetWidth: width, offsetHeight: height } = tip;
  const below = box.bottom + 2;
  const left = at > box.width / 2 ? box.left + at - width - GAP : box.left + at + GAP;
  const top = below + height <= innerHeight ? below : Math.max(0, box.top - height - 2);
  tip.style.transform = `translate(${Math.max(0, Math.min(innerWidth - width, left))}px, ${top}px)`;
}
