/** How evenly a data set is spread: right letters, numbers of options, modality by question type, and what cannot be used. */
import { html, type TemplateResult } from 'lit';
import { problemText } from '@medr1/kernel-bridge/protocol/problems';
import type { Audit } from '../connector.ts';
import { heat } from '../charts/meter.ts';
import { integer } from '../format.ts';
import { barChart } from './charts.ts';
import { bars, confounded, crossing, type Open } from './model.ts';

const CRAMER =
  "Cramér's V = sqrt(χ² / (n · (min(rows, columns) − 1))): 0 when modality and question type are independent, 1 when one tells the other.";

export function letterBars({ letters }: Audit, open: Open): TemplateResult {
  return html`<section data-testid="letters">
    <h2>Right answers by letter</h2>
    ${barChart(bars(letters), (name) => open({ facets: { answer: [name] } }))}
  </section>`;
}

export function optionBars({ options }: Audit, open: Open): TemplateResult {
  return html`<section data-testid="options">
    <h2>Options of a question</h2>
    ${barChart(bars(options), (name) => open({ facets: { options: [name] } }))}
  </section>`;
}

export function crossTable({ modality_by_type, confounding }: Audit, open: Open): TemplateResult {
  const { rows, columns, most } = crossing(modality_by_type);
  return html`<section data-testid="crossing">
    <h2>Modality by question type</h2>
    <p class="small">
      ${
        confounding === null
          ? 'A single modality or question type: nothing to confound.'
          : html`Modality and question type are <b>${confounded(confounding)}</b> confounded:
              <span class="number explained" title=${CRAMER} tabindex="0">Cramér's V ${confounding.toFixed(2)}</span>`
      }
    </p>
    <div class="scroll">
      <table class="heat" data-testid="crossing-table">
        <thead>
          <tr>
            <th scope="col" class="corner small secondary">questions</th>
            ${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}
            <th scope="col" class="number">all</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ name, total, counts }) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${counts.map(
                  (count, index) =>
                    html`<td class="number" style=${heat(count / most)}>
                      ${
                        count === 0
                          ? html`<span class="secondary">0</span>`
                          : html`<button
                              class="quiet"
                              @click=${() => open({ facets: { modality: [name], question_type: [columns[index].name] } })}
                            >
                              ${integer(count)}
                            </button>`
                      }
                    </td>`,
                )}
                <td class="number">${integer(total)}</td>
              </tr>`,
          )}
          <tr class="chance">
            <th scope="row">all</th>
            ${columns.map(({ total }) => html`<td class="number">${integer(total)}</td>`)}
            <td class="number">${integer(rows.reduce((sum, { total }) => sum + total, 0))}</td>
          </tr>
        </tbody>
      </table>
    </div>
  </section>`;
}

export function problemBars({ problems, items }: Audit, open: Open): TemplateResult {
  const list = Object.entries(problems).sort(([, a], [, b]) => b - a);
  return html`<section data-testid="problems">
    <h2>Questions that cannot be used <span class="count">${integer(list.reduce((sum, [, count]) => sum + count, 0))}</span></h2>
    ${
      list.length === 0
        ? html`<p class="small">✓ Every question can be used.</p>`
        : barChart(
            list.map(([name, count]) => ({ name, count, share: count / Math.max(1, items) })),
            (name) => open({ facets: { problem: [name] } }),
            problemText,
          )
    }
  </section>`;
}
