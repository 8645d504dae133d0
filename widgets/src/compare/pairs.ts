/** Each two of the evaluations on the same questions: McNemar's tests, and how often they give the same answer. */
import { html, nothing, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import { heatTable } from '../charts/heat-table.ts';
import type { Agreement, EvalComparison, Reading } from '../connector.ts';
import { columnOf } from '../evaluation/model.ts';
import { percentage, points, pValue } from '../evaluation/shares.ts';
import { integer, MISSING } from '../format.ts';

/** Which questions are listed below: of which pair, and which of them. */
export interface Flips {
  /** Place of the pair. */
  pair: number;
  filter: 'split' | 'flips' | 'gained' | 'lost';
  reading: Reading;
}

/** Two digits, with a minus of the figure's width; nothing is minus zero. */
function kappaText(kappa: number | null): string {
  if (kappa === null) return MISSING;
  const text = Math.abs(kappa).toFixed(2);
  return kappa < 0 && Number(text) !== 0 ? `−${text}` : text;
}

const letterIn = ({ evaluations }: EvalComparison, id: string): string => letterOf(evaluations.findIndex((one) => one.id === id));

export function testsView(comparison: EvalComparison, flips: Flips, choose: (flips: Flips) => void): TemplateResult {
  const { pairs, evaluations } = comparison;
  const several = pairs.length > 1;
  const show = (at: number, filter: Flips['filter'], reading: Reading, count: number, title: string): TemplateResult =>
    html`<button
      aria-pressed=${flips.pair === at && flips.filter === filter && flips.reading === reading}
      title=${title}
      data-testid=${`flips-${filter}`}
      @click=${() => choose({ pair: at, filter, reading })}
    >
      ${integer(count)}
    </button>`;
  const row = (at: number, reading: Reading): TemplateResult => {
    const pair = pairs[at];
    const test = pair[reading];
    const [a, b] = [pair.a, pair.b].map((id) => letterIn(comparison, id));
    const { letter } = pair.agreement[reading];
    return html`<tr data-testid="pair">
      <th scope="row">${a} → ${b}</th>
      <td>${columnOf(reading, evaluations).name}</td>
      <td class="number">${points(test.difference)}</td>
      <td class="number">${show(at, 'gained', reading, test.only_a, `questions that only ${a} answers right`)}</td>
      <td class="number">${show(at, 'lost', reading, test.only_b, `questions that only ${b} answers right`)}</td>
      <td class="number" data-testid="p">${pValue(test.p)}</td>
      ${several ? html`<td class="number" data-testid="p-holm">${pValue(test.p_holm)}</td>` : nothing}
      <td class="number">${percentage(letter.rate)}</td>
    </tr>`;
  };
  return html`<section aria-label="McNemar's test">
    <h3>Each two on the same questions</h3>
    <div class="scroll" tabindex="0" role="group" aria-label="Tests of each pair">
      <table>
        <thead>
          <tr>
            <th>pair</th>
            <th>reading</th>
            <th class="number">points</th>
            <th class="number">right only in the first</th>
            <th class="number">right only in the second</th>
            <th class="number" title="McNemar's exact test, two-sided">McNemar p</th>
            ${several ? html`<th class="number" title="The same, corrected for all pairs of this comparison (Holm 1979)">p, Holm</th>` : nothing}
            <th class="number" title="Share of questions with the same letter">same answer, %</th>
          </tr>
        </thead>
        <tbody>
          ${pairs.flatMap((_, at) => READINGS.map((reading) => row(at, reading)))}
        </tbody>
      </table>
    </div>
    ${
      several
        ? html`<p class="small secondary">
            McNemar p is for one pair alone; of ${pairs.length} pairs, some p are small by chance. "p, Holm" is corrected for that.
          </p>`
        : nothing
    }
  </section>`;
}

/** Cohen's kappa of each two, by letter and by verdict. */
export function agreementView(comparison: EvalComparison, reading: Reading): TemplateResult {
  const { evaluations, pairs } = comparison;
  const name = columnOf(reading, evaluations).name;
  const letters = evaluations.map((_, at) => letterOf(at));
  const between = (a: string, b: string, by: 'letter' | 'verdict'): Agreement | null => {
    const pair = pairs.find((one) => (one.a === a && one.b === b) || (one.a === b && one.b === a));
    return pair ? pair.agreement[reading][by] : null;
  };
  const matrix = (by: 'letter' | 'verdict', caption: string): TemplateResult =>
    heatTable(
      {
        name: caption,
        caption,
        corner: "Cohen's κ",
        columns: letters.map((label, at) => ({ label, title: evaluations[at].name })),
        rows: evaluations.map((row, at) => ({
          label: letters[at],
          title: row.name,
          cells: evaluations.map((column) => {
            const found = between(row.id, column.id, by);
            if (!found) return { content: '', value: null };
            const same = `${integer(found.same)} of ${integer(found.total)} the same (${percentage(found.rate)} %)`;
            const text = kappaText(found.kappa);
            return {
              content: html`<span>${text}</span>`,
              value: found.kappa,
              title: found.kappa === null ? `${same}; κ says nothing where both say one and the same` : same,
            };
          }),
        })),
      },
      `agreement-${by}`,
    );
  return html`<section aria-label="Agreement">
    <h3>Agreement <span class="secondary">${name}; 1 = always the same, 0 = as often as by chance</span></h3>
    <div class="side-by-side">${matrix('letter', 'the same letter')} ${matrix('verdict', 'both right or both wrong')}</div>
  </section>`;
}
