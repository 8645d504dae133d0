/** The figures of each evaluation side by side, what of each is left out, and the settings in which they differ. */
import { html, nothing, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import type { EvalComparison, EvalReport, EvalSummary } from '../connector.ts';
import { columnOf, modelName, variantTag } from '../evaluation/model.ts';
import { shareView } from '../evaluation/shares.ts';
import { integer, number } from '../format.ts';
import { middle } from '../middle.ts';

/** `last`: of a column behind those of the evaluations. */
export function headRow(evaluations: readonly EvalSummary[], first = 'figure', last = ''): TemplateResult {
  return html`<tr>
    <th>${first}</th>
    ${evaluations.map(
      (one, i) =>
        html`<th class="number name" title=${one.name}>
          <b>${letterOf(i)}</b> ${middle(modelName(one))}
          <span class="chip" title=${one.settings.variant}>${variantTag(one.settings.variant)}</span>
        </th>`,
    )}
    ${last === '' ? nothing : html`<th class="number">${last}</th>`}
  </tr>`;
}

export function figuresView({ evaluations, reports, items, questions, apart }: EvalComparison): TemplateResult {
  const row = (name: string, cell: (report: EvalReport, summary: EvalSummary) => unknown): TemplateResult =>
    html`<tr>
      <th scope="row">${name}</th>
      ${reports.map((report, i) => html`<td class="number">${cell(report, evaluations[i])}</td>`)}
    </tr>`;
  return html`<section aria-label="Summary">
    <p class="secondary" data-testid="compared">On the ${integer(items)} questions that all of them answered. ${leftOut(questions)}</p>
    <div class="scroll" tabindex="0" role="group" aria-label="Figures side by side">
      <table>
        <thead>
          ${headRow(evaluations)}
        </thead>
        <tbody>
          ${READINGS.map((reading) => row(`${columnOf(reading, evaluations).name}, %`, (report) => shareView(report[reading])))}
          ${row('tokens an answer', ({ mean_tokens }) => number(mean_tokens))}
          ${row('tokens a right answer', ({ tokens_per_correct }) => number(tokens_per_correct))}
          ${row('read differently', ({ differing }) => integer(differing.length))}
          ${
            apart.length > 0
              ? html`<tr class="head">
                  <th colspan=${1 + evaluations.length}>They differ in</th>
                </tr>`
              : nothing
          }
          ${apart.map(
            ({ setting, values }) =>
              html`<tr data-testid="apart">
                <th scope="row">${setting}</th>
                ${values.map((value) => html`<td class="number value" title=${value}>${value}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const LEFT_OUT = [
  ['unanswered', 'not answered yet'],
  ['unshared', 'not answered by all others'],
  ['changed', 'with other words, options, answer or image under the same id'],
] as const;

/** "Left out of B: 50 not answered yet." */
function leftOut(questions: EvalComparison['questions']): TemplateResult | typeof nothing {
  const parts = questions.flatMap((one, at) => {
    const counts = LEFT_OUT.flatMap(([key, text]) => (one[key] > 0 ? [`${integer(one[key])} ${text}`] : []));
    return counts.length > 0 ? [`Left out of ${letterOf(at)}: ${counts.join(', ')}.`] : [];
  });
  return parts.length > 0 ? html`<span data-testid="left-out">${parts.join(' ')}</span>` : nothing;
}
