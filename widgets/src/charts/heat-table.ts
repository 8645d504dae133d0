/** The skeleton of every heat table: names of rows and columns, and cells whose background says their number again. Views say what stands in a cell. */
import { html, nothing, type TemplateResult } from 'lit';
import { heat } from './meter.ts';

export interface HeatName {
  label: string;
  /** On hover. */
  title?: string;
}

export interface HeatCell {
  content: unknown;
  /** 0 to 1, or -1 to 1; null where the background stays empty. */
  value: number | null;
  title?: string;
  /** Outlined: its row and its column have one name. */
  own?: boolean;
}

export interface HeatTable {
  /** Read out where the table scrolls, which by keyboard it does once it has the focus. */
  name: string;
  caption?: unknown;
  /** Says what rows and columns are. */
  corner: string;
  columns: readonly HeatName[];
  rows: readonly (HeatName & { cells: readonly HeatCell[] })[];
  /** A last row under a line. */
  foot?: { label: string; cells: readonly unknown[] };
}

export function heatTable({ name, caption, corner, columns, rows, foot }: HeatTable, testid: string): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${name}>
    <table class="heat" data-testid=${testid}>
      ${
        caption
          ? html`<caption class="small secondary">
              ${caption}
            </caption>`
          : nothing
      }
      <thead>
        <tr>
          <th scope="col" class="corner small secondary">${corner}</th>
          ${columns.map(({ label, title }) => html`<th scope="col" title=${title ?? nothing}>${label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ label, title, cells }) =>
            html`<tr>
              <th scope="row" title=${title ?? nothing}>${label}</th>
              ${cells.map(
                (cell) =>
                  html`<td class=${cell.own ? 'number own' : 'number'} style=${heat(cell.value)} title=${cell.title ?? nothing}>
                    ${cell.content}
                  </td>`,
              )}
            </tr>`,
        )}
        ${
          foot
            ? html`<tr class="foot">
                <th scope="row">${foot.label}</th>
                ${foot.cells.map((content) => html`<td class="number">${content}</td>`)}
              </tr>`
            : nothing
        }
      </tbody>
    </table>
  </div>`;
}
