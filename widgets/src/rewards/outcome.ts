/** What a preview has found: reports of the functions that were tried, distributions of values, rewards and advantages before and after. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ErrorBody, RewardReport } from '../connector.ts';
import { integer, number, percent, signed } from '../format.ts';
import { figureChart } from '../charts/small-chart.ts';
import { failed } from '../view-states.ts';
import { placeOf } from './source.ts';
import { histogram, rangeText } from './histogram.ts';
import { listed, readsOf, type Flip, type Preview, type Read, type Scored, type Values } from './model.ts';

export interface Outcome {
  /** Of the functions that had to be tried. */
  reports: RewardReport[];
  /** Of each function, those in force too. */
  values: Values[];
  groups: number;
  /** First and last step of the groups. */
  steps: [number, number];
  /** The groups, with the values under the new rewards. */
  tried: readonly Scored[];
  /** By function, the completions that it fails on. */
  failures: Record<string, Read[]>;
  /** What the new rewards would change; null where nothing is edited, or a function failed. */
  preview: Preview | null;
  /** Advantages are over the group's standard deviation. */
  scaled: boolean;
}

/** Completions that are listed, to be read. */
export interface Listing {
  /** "my_reward 0.5 to 1". */
  title: string;
  reads: Read[];
}

/** Entries of a list before the rest is asked for by a narrower range. */
const LISTED = 40;

/**
 * `colourOf`: of a function, as in its row; `show`: a completion that is to be read; `toLine`: the place of an error in its source; `list`: the
 * completions that a column or a "read" stands for, `listing` those that are listed now.
 */
export function outcomeView(
  outcome: Outcome,
  colourOf: (name: string) => string,
  show: (read: Pick<Read, 'step' | 'group' | 'completion'>) => void,
  toLine: (error: ErrorBody) => void,
  listing: Listing | null,
  list: (listing: Listing | null) => void,
): TemplateResult {
  const { reports, values, groups, steps, preview, tried, failures } = outcome;
  const readsOfFunction = (name: string): Read[] => readsOf(tried, ({ completions }) => completions.map(({ rewards }) => rewards[name]));
  const [from, to] = steps;
  return html`<section aria-label="Preview" data-testid="outcome">
    ${reports.map((report) => reportView(report, toLine))}
    <h4>
      Values
      <span class="secondary"
        >${integer(groups)} groups of ${from === to ? `step ${integer(to)}` : `steps ${integer(from)} to ${integer(to)}`}</span
      >
    </h4>
    <div class="histograms">
      ${values.map((one) => valuesView(one, colourOf(one.name), () => readsOfFunction(one.name), failures[one.name] ?? [], list))}
    </div>
    ${preview ? changeView(preview, outcome, show, list) : nothing} ${listing ? listView(listing, show, list) : nothing}
  </section>`;
}

function reportView(report: RewardReport, toLine: (error: ErrorBody) => void): TemplateResult {
  const { name, error, tests, log, failed: lost, failing, completions } = report;
  if (error)
    return html`<div data-testid="reward-report">
      ${failed(error)}
      ${placeOf(error.message) ? html`<button class="quiet link" data-testid="to-line" @click=${() => toLine(error)}>show the line in the editor</button>` : nothing}
      ${
        lost === 0
          ? nothing
          : html`<p class="small secondary">
              ${
                failing === lost
                  ? html`It fails on ${integer(lost)} of ${integer(lost + completions)} completions. Here the others are scored without
                    them; a run would pause.`
                  : html`No value for ${integer(lost)} of ${integer(lost + completions)} completions: it was not found out on which of a
                    step it fails.`
              }
            </p>`
      }
    </div>`;
  return html`<p class="report" data-testid="reward-report">
    <b>${name}</b>
    ${tests ? html`<span>✓ tests ${tests.passed}/${tests.total}</span>` : html`<span class="secondary">no tests</span>`}
    <span><b class="number">${number(report.ms_per_completion)}</b> ms a completion</span>
    ${log.length > 0 ? html`<span class="secondary small ellipsis" title=${log.join('\n')}>${log[0]}</span>` : nothing}
  </p>`;
}

type List = (listing: Listing | null) => void;

function valuesView(
  { name, values, notApplicable, failed: lost, failing }: Values,
  colour: string,
  reads: () => Read[],
  failures: Read[],
  list: List,
): TemplateResult {
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
      <span
        class=${lost > 0 ? 'problem' : ''}
        title=${failing === lost ? 'completions that the function fails on' : 'completions of the steps in which the call failed'}
        data-testid="reward-errors"
        >errors ${failures.length === lost && lost > 0 ? nothing : html`<b>${integer(lost)}</b>`}
        ${
          failures.length === 0
            ? nothing
            : html`<button
                class="quiet link"
                title="Lists the completions that the function fails on"
                @click=${() => list({ title: `${name} fails`, reads: failures })}
              >
                ${integer(failures.length)}${failures.length === lost ? nothing : ' found'}
              </button>`
        }</span
      >
      ${readButton(name, values.length, reads, list)}`,
    (range, isIn) => list({ title: `${name} ${rangeText(range)}`, reads: listed(reads(), isIn) }),
  );
}

/** By keyboard what a click on a column is: all of them, the lowest first. */
const readButton = (name: string, count: number, reads: () => Read[], list: List): TemplateResult | typeof nothing =>
  count === 0
    ? nothing
    : html`<button
        class="quiet link"
        title=${`The completions by ${name}, the lowest first; a click on a column lists its own`}
        data-testid="read-values"
        @click=${() => list({ title: `${name}, the lowest first`, reads: listed(reads(), () => true) })}
      >
        read
      </button>`;

function listView({ title, reads }: Listing, show: (read: Read) => void, list: List): TemplateResult {
  return html`<section class="listing" aria-label="Completions" data-testid="listing">
    <h4>
      ${title} <span class="secondary">${integer(reads.length)} completions</span>
      <button class="quiet link" @click=${() => list(null)}>close</button>
    </h4>
    <div class="flips small">
      ${reads.slice(0, LISTED).map(
        (one) =>
          html`<button class="quiet" data-testid="listed" title="Read it in Rollouts" @click=${() => show(one)}>
            step ${integer(one.step)}, group ${one.group}, completion ${one.completion}:
            <span class="number">${Number.isNaN(one.value) ? 'no value' : number(one.value)}</span>
          </button>`,
      )}
    </div>
    ${reads.length > LISTED ? html`<p class="small secondary">The first ${integer(LISTED)} of them.</p>` : nothing}
  </section>`;
}

const NOW = 'var(--medr1-text-2)';
const NEW = 'var(--medr1-accent)';

/** The past under both rewards, step by step: solid as it was rewarded, dashed as it would be. */
function pastView({ steps }: Preview): TemplateResult | typeof nothing {
  if (steps.length < 2) return nothing;
  const points = (of: 'before' | 'after') => steps.map((one) => [one.step, one[of]] as const);
  const [first, last] = [steps[0].step, steps.at(-1)!.step];
  const means = steps.flatMap(({ before, after }) => [before, after]);
  return figureChart(
    {
      title: html`mean reward by step <span class="secondary">from ${number(Math.min(...means))} to ${number(Math.max(...means))}</span>`,
      marks: [
        { kind: 'line', points: points('before'), colour: NOW },
        { kind: 'line', points: points('after'), colour: NEW, dash: '5 3' },
      ],
      size: { width: 336, height: 72 },
      ticks: [first, last].map((step) => ({ at: step, text: `step ${integer(step)}` })),
      zones: steps.map(({ step, before, after }) => ({
        ...{ from: step - 0.5, to: step + 0.5 },
        title: `step ${integer(step)}: now ${number(before)}, new ${number(after)}`,
      })),
      table: {
        columns: ['step', 'now', 'new'],
        rows: steps.map(({ step, before, after }) => [integer(step), number(before), number(after)]),
      },
      none: 'no step',
    },
    'past',
  );
}

function changeView(preview: Preview, { scaled, tried }: Outcome, show: (flip: Flip) => void, list: List): TemplateResult {
  let from = 0;
  const ends = tried.map(({ completions: { length } }) => (from += length));
  const reads = (values: readonly number[]) => (): Read[] =>
    readsOf(tried, ({ completions: { length } }, at) => values.slice(ends[at] - length, ends[at]));
  const distribution = (title: string, { before, after }: { before: number[]; after: number[] }): TemplateResult =>
    histogram(title, lists({ before, after }), readButton(title, after.length, reads(after), list), (range, isIn) =>
      list({ title: `new ${title} ${rangeText(range)}`, reads: listed(reads(after)(), isIn) }),
    );
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
      ${distribution('reward', preview.rewards)} ${distribution(scaled ? 'advantage' : "reward less its group's mean", preview.advantages)}
    </div>
    ${pastView(preview)}
    <table data-testid="preview-result">
      <thead>
        <tr>
          <td></td>
          <th class="number">now</th>
          <th class="number">new</th>
          <td></td>
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
