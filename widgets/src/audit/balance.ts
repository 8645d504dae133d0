/** How evenly a data set is spread: right letters, numbers of options, modality by question type, and what cannot be used. */
import { html, type TemplateResult } from 'lit';
import { problemText } from '@medr1/kernel-bridge/protocol/problems';
import type { Audit } from '../connector.ts';
import { heatTable, type HeatCell } from '../charts/heat-table.ts';
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
  const countCell = (count: number, modality: string, type: string): HeatCell => ({
    content:
      count === 0
        ? html`<span class="secondary">0</span>`
        : html`<button class="quiet" @click=${() => open({ facets: { modality: [modality], question_type: [type] } })}>
            ${integer(count)}
          </button>`,
    value: count / most,
  });
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
    ${heatTable(
      {
        name: 'Modality by question type',
        corner: 'questions',
        columns: [...columns.map(({ name }) => ({ label: name })), { label: 'all' }],
        rows: rows.map(({ name, total, counts }) => ({
          label: name,
          cells: [...counts.map((count, at) => countCell(count, name, columns[at].name)), { content: integer(total), value: null }],
        })),
        foot: {
          label: 'all',
          cells: [...columns, { total: rows.reduce((sum, { total }) => sum + total, 0) }].map(({ total }) => integer(total)),
        },
      },
      'crossing-table',
    )}
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
