/** What a test set has in common with its train set: images, and option texts that were right before. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Audit } from '../connector.ts';
import { integer, percent } from '../format.ts';
import { heatTable, type HeatCell } from '../charts/heat-table.ts';
import { meter } from '../charts/meter.ts';
import { decimal } from './charts.ts';
import { matrices, shortName, type Matrix, type Open } from './model.ts';

const PRIOR =
  'Chooses the option whose text was most often right in train, without image or question: p = (times right + 0.25) / (times shown + 1).';

export function splitTable({ splits, near_duplicates }: Audit, open: Open): TemplateResult {
  return html`<section data-testid="splits">
    <h2>Train and test</h2>
    ${
      near_duplicates.looked
        ? nothing
        : html`<p class="small">
            <span class="warning" aria-hidden="true">⚠</span> Images were not decoded, so near-duplicates are unknown; one image is one
            path. Index the data set with its images to know more.
          </p>`
    }
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">split</th>
            <th scope="col" class="number">train</th>
            <th scope="col" class="number">test</th>
            <th scope="col" class="number" title="Test questions whose image is also in train">same image</th>
            <th scope="col" class="number" title="Further test questions whose image looks like one in train">near image</th>
            <th scope="col" class="number" title=${PRIOR}>option prior</th>
            <th scope="col" class="number" title="Accuracy of guessing each option equally often">chance</th>
          </tr>
        </thead>
        <tbody>
          ${splits.map(
            (split) =>
              html`<tr>
                <th scope="row">
                  <button
                    class="quiet"
                    title=${`${split.train} and ${split.test}`}
                    @click=${() => open({ facets: { split: [split.test] } })}
                  >
                    ${shortName(split.test)}
                  </button>
                </th>
                <td class="number">${integer(split.train_items)}</td>
                <td class="number">${integer(split.test_items)}</td>
                <td class="number">${overlap(split.image_overlap, split.test_items)}</td>
                <td class="number">${overlap(split.near_overlap, split.test_items)}</td>
                <td class="number">
                  <b>${decimal(split.prior_accuracy)} %</b>
                  ${meter([{ from: 0, to: split.prior_accuracy / 100 }], { tick: split.chance / 100 })}
                </td>
                <td class="number">${decimal(split.chance)} %</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

export function priorMatrices(audit: Audit): TemplateResult {
  return html`<section data-testid="prior">
    <h2 title=${PRIOR}>Option prior across splits</h2>
    <p class="small secondary">
      Accuracy in percent of choosing the option whose text was most often right in the split of the row, on the split of the column. No
      image, no question.
    </p>
    ${matrices(audit).map(matrixTable)}
  </section>`;
}

function matrixTable({ draw, rows, columns, cell }: Matrix): TemplateResult {
  const drawn = draw ? `drawn by ${draw.replaceAll('_', ' ')}` : 'train and test';
  const cellOf = (row: Matrix['rows'][number], column: Matrix['columns'][number]): HeatCell => {
    const value = cell(row.split, column.split);
    const least = column.chance ?? 0;
    const chance = column.chance === null ? '' : `, chance ${decimal(column.chance)} %`;
    return {
      content: value === null ? '–' : decimal(value),
      value: value === null ? null : Math.max(0, value - least) / Math.max(1, 100 - least),
      title: `${row.split} → ${column.split}: ${value === null ? 'not known' : `${decimal(value)} %`}${chance}`,
      own: row.label === column.label,
    };
  };
  return heatTable(
    {
      name: `Option prior, ${drawn}`,
      caption: drawn,
      corner: 'trained on ↓ tested on →',
      columns: columns.map(({ label, split }) => ({ label, title: split })),
      rows: rows.map((row) => ({ label: row.label, title: row.split, cells: columns.map((column) => cellOf(row, column)) })),
      foot: {
        label: 'chance',
        cells: columns.map(({ chance }) => html`<span class="secondary">${chance === null ? '–' : decimal(chance)}</span>`),
      },
    },
    'prior-matrix',
  );
}

/** "253  29.8 %". An unknown count shows as a question mark; a count of 0 is not shown as an alarm. */
function overlap(count: number | null, of: number): TemplateResult {
  if (count === null) return html`<span class="secondary" title="Images were not decoded">?</span>`;
  return html`${count > 0 ? html`<b>${integer(count)}</b>` : '0'} <span class="share small">${percent(count / Math.max(1, of))}</span>`;
}
