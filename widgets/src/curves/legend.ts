/**
 * The names and values of a chart's lines. One run: a line of metrics. Several: a row a run, and a column a metric where there is more than one. Where so
 * many columns have no room, the colours of the runs and the dashes of the metrics are told apart, and the values stand at the cursor alone.
 */
import { html, type TemplateResult } from 'lit';
import { breakable } from '../breakable.ts';
import { number } from '../format.ts';
import { middle } from '../middle.ts';
import type { ChartLine } from './line.ts';
import type { Reading } from './readings.ts';
import { swatch } from './tooltip.ts';

/** Of a value, and those of all columns that a chart of the usual width has room for. */
const LETTERS = { value: 6, columns: 32 };

export function legend(values: readonly Reading[], overlaid: boolean): TemplateResult {
  const rows = Map.groupBy(values, ({ line }) => `${line.run.series.id} ${line.who}`);
  if (!overlaid) return html`<div class="legend small">${values.map(entry)}</div>`;
  const metrics = [...new Map(values.map(({ line }) => [line.metric, line])).values()];
  if (metrics.length < 2) return html`<div class="legend runs small">${values.map(entry)}</div>`;
  const letters = metrics.map((line) =>
    Math.max(
      LETTERS.value,
      ...nameOf(line)
        .split(/[/_ ]/)
        .map(({ length }) => length),
    ),
  );
  if (letters.reduce((sum, one) => sum + one) > LETTERS.columns) return keys([...rows.values()], metrics);
  return html`<div class="legend small">
    <table>
      <thead>
        <tr>
          <td></td>
          ${metrics.map((line) => html`<th scope="col"><i style=${dashOf(line)}></i> <span title=${nameOf(line)}>${breakable(nameOf(line))}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...rows.values()].map(
          (row) =>
            html`<tr>
              <th scope="row">${runKey(row)}</th>
              ${metrics.map(
                ({ metric }) => html`<td class="number">${number(row.find(({ line }) => line.metric === metric)?.value ?? null)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const nameOf = ({ name, metric }: ChartLine): string => name || metric;
const dashOf = (line: ChartLine): string => swatch({ ...line, colour: 'currentColor' });

const runKey = ([{ line }]: readonly Reading[]): TemplateResult =>
  html`<span class="entry"><i style=${`border-top-color:${line.colour}`}></i>${middle(line.who)}</span>`;

const keys = (rows: readonly Reading[][], metrics: readonly ChartLine[]): TemplateResult =>
  html`<div class="legend keys small">
    <div>${rows.map(runKey)}</div>
    <div>${metrics.map((line) => html`<span class="entry"><i style=${dashOf(line)}></i>${middle(nameOf(line))}</span>`)}</div>
  </div>`;

const entry = ({ line, value }: Reading): TemplateResult =>
  html`<span class="entry"><i style=${swatch(line)}></i>${middle(line.label)}<b class="number">${number(value)}</b></span>`;
