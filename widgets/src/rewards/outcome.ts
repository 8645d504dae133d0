/** What a preview has found: reports of the functions that were tried, distributions of values, rewards and advantages before and after. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ErrorBody, RewardReport } from '../connector.ts';
import { integer, number, percent, signed } from '../format.ts';
import { failed } from '../parts.ts';
import { placeOf } from './editor.ts';
import { histogram } from './histogram.ts';
import type { Flip, Preview, Values } from './model.ts';

export interface Outcome {
  /** Of the functions that had to be tried. */
  reports: RewardReport[];
  /** Of each function, those in force too. */
  values: Values[];
  groups: number;
  /** First and last step of the groups. */
  steps: [number, number];
  /** What the new rewards would change; null where nothing is edited, or a function failed. */
  preview: Preview | null;
  /** Advantages are over the group's standard deviation. */
  scaled: boolean;
}

/** `colourOf`: of a function, as in its row; `show`: a completion that is to be read; `toLine`: the place of an error in its source. */
export function outcomeView(
  outcome: Outcome,
  colourOf: (name: string) => string,
  show: (flip: Flip) => void,
  toLine: (error: ErrorBody) => void,
): TemplateResult {
  const { reports, values, groups, steps, preview } = outcome;
  const [from, to] = steps;
  return html`<section aria-label="Preview" data-testid="outcome">
    ${reports.map((report) => reportView(report, toLine))}
    <h4>
      Values
      <span class="secondary"
        >${integer(groups)} groups of ${from === to ? `step ${integer(to)}` : `steps ${integer(from)} to ${integer(to)}`}</span
      >
    </h4>
    <div class="histograms">${values.map((one) => valuesView(one, colourOf(one.name)))}</div>
    ${preview ? changeView(preview, outcome.scaled, show) : nothing}
  </section>`;
}

function reportView(report: RewardReport, toLine: (error: ErrorBody) => void): TemplateResult {
  const { name, error, tests, log, failed: lost, completions } = report;
  if (error)
    return html`<div data-testid="reward-report">
      ${failed(error)}
      ${placeOf(error.message) ? html`<button class="quiet link" data-testid="to-line" @click=${() => toLine(error)}>show the line in the editor</button>` : nothing}
      ${lost > 0 ? html`<p class="small secondary">No value for ${integer(lost)} of ${integer(lost + completions)} completions that were looked at.</p>` : nothing}
    </div>`;
  return html`<p class="report" data-testid="reward-report">
    <b>${name}</b>
    ${tests ? html`<span>✓ tests ${tests.passed}/${tests.total}</span>` : html`<span class="secondary">no tests</span>`}
    <span><b class="number">${number(report.ms_per_completion)}</b> ms a completion</span>
    ${log.length > 0 ? html`<span class="secondary small ellipsis" title=${log.join('\n')}>${log[0]}</span>` : nothing}
  </p>`;
}

function valuesView({ name, values, notApplicable, failed: lost }: Values, colour: string): TemplateResult {
  const all = values.length + notApplicable;
  const mean = values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  return histogram(
    html`<b>${name}</b>`,
    [{ label: '', values, colour }],
    html`<span>mean <b>${number(mean)}</b></span>
      <span title="null: left out of sum and means"
        >not applicable
        <b>${integer(notApplicable)}</b>${all > 0 && notApplicable > 0 ? ` (${percent(notApplicable / all)})` : nothing}</span
      >
      <span class=${lost > 0 ? 'problem' : ''} title="completions without a value, of calls that failed"
        >errors <b>${integer(lost)}</b></span
      >`,
  );
}

const NOW = 'var(--medr1-text-2)';
const NEW = 'var(--medr1-accent)';

function changeView(preview: Preview, scaled: boolean, show: (flip: Flip) => void): TemplateResult {
  const row = (title: string, before: string, after: string, note = ''): TemplateResult =>
    html`<tr>
      <th scope="row">${title}</th>
      <td class="number">${before}</td>
      <td class="number">${after}</td>
      <td class="secondary">${note}</td>
    </tr>`;
  const lists = ({ before, after }: { before: number[]; after: number[] }) => [
    { label: 'now', values: before, colour: NOW },
    { label: 'new', values: after, colour: NEW },
  ];
  return html`
    <h4>
      Under the new rewards <span class="key"><i class="now"></i> now <i class="new"></i> new</span>
    </h4>
    <div class="histograms">
      ${histogram('reward', lists(preview.rewards), '')}
      ${histogram(scaled ? 'advantage' : "reward less its group's mean", lists(preview.advantages), '')}
    </div>
    <table data-testid="preview-result">
      <thead>
        <tr>
          <th></th>
          <th class="number">now</th>
          <th class="number">new</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${row('mean reward', number(preview.meanBefore), number(preview.meanAfter))}
        ${row('groups that teach', integer(preview.teachingBefore), integer(preview.teachingAfter), `${preview.gained} gained, ${preview.lost} lost`)}
        ${row('advantages that change sign', '', integer(preview.flipped), `of ${integer(preview.completions)} completions`)}
      </tbody>
    </table>
    ${
      preview.flips.length === 0
        ? nothing
        : html`<div class="flips small" aria-label="Completions whose advantage changes sign most">
            ${preview.flips.map(
              (flip) =>
                html`<button class="quiet" data-testid="flip" title="Read it in Rollouts" @click=${() => show(flip)}>
                  step ${integer(flip.step)}, group ${flip.group}, completion ${flip.completion}:
                  <span class="number">${signed(flip.before)} → ${signed(flip.after)}</span>
                </button>`,
            )}
          </div>`
    }
  `;
}
