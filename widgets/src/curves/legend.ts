/** The names and values of a chart's lines. One run: a line of metrics. Several: a row a run, and a column a metric where there is more than one. */
import { html, type TemplateResult } from 'lit';
import { number } from '../format.ts';
import { middle } from '../middle.ts';
import type { Reading } from './readings.ts';
import { swatch } from './tooltip.ts';

export function legend(values: readonly Reading[], overlaid: boolean): TemplateResult {
  const rows = Map.groupBy(values, ({ line }) => `${line.run.series.id} ${line.who}`);
  if (!overlaid) return html`<div class="legend small">${values.map(entry)}</div>`;
  const metrics = [...new Map(values.map(({ line }) => [line.metric, line])).values()];
  if (metrics.length < 2) return html`<div class="legend runs small">${values.map(entry)}</div>`;
  return html`<div class="legend small">
    <table>
      <thead>
        <tr>
          <td></td>
          ${metrics.map((line) => html`<th scope="col"><i style=${swatch({ ...line, colour: 'currentColor' })}></i> <span class="ellipsis" title=${line.name || line.metric}>${line.name || line.metric}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...rows.values()].map(
          (row) =>
            html`<tr>
              <th scope="row">
                <span class="entry"><i style=${`border-top-color:${row[0].line.colour}`}></i>${middle(row[0].line.who)}</span>
              </th>
              ${metrics.map(
                ({ metric }) => html`<td class="number">${number(row.find(({ line }) => line.metric === metric)?.value ?? null)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const entry = ({ line, value }: Reading): TemplateResult =>
  html`<span class="entry"><i style=${swatch(line)}></i>${middle(line.label)}<b class="number">${number(value)}</b></span>`;
