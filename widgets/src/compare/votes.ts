/** Majorities of N samples a question: accuracy against N, what that costs in tokens, and how to get samples where there are none. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import type { Mark } from '../charts/geometry.ts';
import { figureChart } from '../charts/small-chart.ts';
import type { EvalComparison, EvalSummary, Reading, Votes } from '../connector.ts';
import { columnOf, modelName, STATES } from '../evaluation/model.ts';
import { percentage } from '../evaluation/shares.ts';
import { integer, number } from '../format.ts';
import { seriesColours } from '../theme.ts';

const SIZE = { width: 420, height: 150 };
/** What can be asked for where there is none, or more than there is. */
const COUNTS = [4, 8, 16, 32, 64];
const AXES = { samples: 'N', tokens: 'tokens a question' } as const;
const DASHES = ['', '5 3', '1 3', '7 3 1 3'];

export interface VotesChoice {
  reading: Reading;
  /** What x is: samples, or tokens of a question. */
  axis: 'samples' | 'tokens';
  /** How many samples are asked for next. */
  count: number;
  busy: boolean;
}

export interface VotesActions {
  choose: (change: Partial<Pick<VotesChoice, 'axis' | 'count'>>) => void;
  draw: (evaluation: EvalSummary, samples: number) => void;
}

export function votesView(comparison: EvalComparison, choice: VotesChoice, actions: VotesActions): TemplateResult {
  const { evaluations, votes } = comparison;
  return html`<section aria-label="Majority of samples">
    <h3>
      Majority of N samples against
      ${(['samples', 'tokens'] as const).map(
        (axis) =>
          html`<button aria-pressed=${choice.axis === axis} data-testid=${`votes-${axis}`} @click=${() => actions.choose({ axis })}>
            ${AXES[axis]}
          </button> `,
      )}
      <span class="secondary">${columnOf(choice.reading, evaluations).name}; the letter that most of N answers give, ties shared</span>
    </h3>
    ${votes.some((of) => of !== null) ? drawn(comparison, choice) : nothing} ${missing(comparison, choice, actions)}
  </section>`;
}

function drawn({ evaluations, votes, reports }: EvalComparison, { reading, axis }: VotesChoice): TemplateResult {
  const colours = seriesColours();
  const there = votes.flatMap((of, at) => (of ? [{ of, at, colour: colours[at % colours.length] }] : []));
  const xOf = ({ n, tokens }: Votes['by_count'][number]): number => (axis === 'samples' ? n : tokens);
  const last = Math.max(...there.map(({ of }) => xOf(of.by_count.at(-1)!)));
  const marks: Mark[] = there.flatMap(({ of, at, colour }): Mark[] => [
    ...(['low', 'high'] as const).map((end): Mark => ({
      kind: 'line',
      points: of.by_count.map((each) => [xOf(each), each[reading][end]]),
      colour: 'var(--medr1-border)',
    })),
    {
      kind: 'line',
      points: of.by_count.map((each) => [xOf(each), each[reading].majority]),
      colour,
      dots: of.samples <= 16,
      dash: DASHES[at],
    },
    ...(axis === 'tokens' && reports[at].mean_tokens !== null
      ? [
          {
            kind: 'label',
            at: [Math.min(reports[at].mean_tokens, last), reports[at][reading].rate ?? 0],
            text: letterOf(at),
            colour,
          } as const,
        ]
      : []),
  ]);
  const all = there.flatMap(({ of }) => of.by_count.flatMap((each) => [each[reading].low, each[reading].high]));
  const y = [Math.max(0, Math.floor(10 * Math.min(...all)) / 10), Math.min(1, Math.ceil(10 * Math.max(...all)) / 10)] as const;
  const tick = axis === 'samples' ? 1 : 0;
  return html`<div class="side-by-side">
    <div class="votes">
      ${figureChart(
        {
          title: `majority right, ${percentage(y[0])} to ${percentage(y[1])} %, against ${AXES[axis]}`,
          marks,
          size: SIZE,
          x: [tick, last],
          y,
          ticks: [tick, last].map((at) => ({ at, text: axis === 'samples' ? integer(at) : number(at) })),
          zones: [],
          table: {
            columns: ['evaluation', 'N', 'majority right, %', 'tokens a question'],
            rows: there.flatMap(({ of, at }) =>
              of.by_count.map((each) => [letterOf(at), integer(each.n), percentage(each[reading].majority), number(each.tokens)]),
            ),
          },
          none: 'No sample yet',
          notes: html`${there.map(({ at, colour }) => html`<span><b style=${`color:${colour}`}>—</b> ${letterOf(at)}</span>`)}${axis === 'tokens' ? html`<span>letters: the greedy answer</span>` : nothing}`,
        },
        'votes-chart',
      )}
    </div>
    <div class="scroll" tabindex="0" role="group" aria-label="Majorities">
      <table>
        <thead>
          <tr>
            <th>evaluation</th>
            <th class="number">N</th>
            <th class="number">majority, %</th>
            <th class="number">95 %</th>
            <th class="number" title="One of N samples at least is right">one right, %</th>
            <th class="number">tokens a question</th>
          </tr>
        </thead>
        <tbody>
          ${there.flatMap(({ of, at }) => rowsOf(of, letterOf(at), evaluations[at], reports[at][reading].rate, reports[at].mean_tokens, reading))}
        </tbody>
      </table>
    </div>
  </div>`;
}

/** The greedy answer, then majorities of one, two, four, ... and of all. */
function rowsOf(
  of: Votes,
  letter: string,
  evaluation: EvalSummary,
  greedy: number | null,
  tokens: number | null,
  reading: Reading,
): TemplateResult[] {
  const shown = of.by_count.filter(({ n }) => Number.isInteger(Math.log2(n)) || n === of.samples);
  return [
    html`<tr class="head">
      <th scope="row" colspan="6">
        <b>${letter}</b> ${modelName(evaluation)}
        <span class="secondary"
          >${integer(of.samples)} samples of each of ${integer(of.questions)} questions at temperature ${of.temperature}; greedy
          ${percentage(greedy)} % for ${number(tokens)} tokens</span
        >
      </th>
    </tr>`,
    ...shown.map(
      (each) =>
        html`<tr data-testid="votes">
          <th scope="row">${letter}</th>
          <td class="number">${integer(each.n)}</td>
          <td class="number">${percentage(each[reading].majority)}</td>
          <td class="number secondary">${percentage(each[reading].low)} – ${percentage(each[reading].high)}</td>
          <td class="number">${percentage(each[reading].any)}</td>
          <td class="number">${number(each.tokens)}</td>
        </tr>`,
    ),
  ];
}

/** Evaluations whose questions have one answer each, or that could have more samples. */
function missing({ evaluations, votes }: EvalComparison, { count, busy }: VotesChoice, { choose, draw }: VotesActions): TemplateResult {
  const without = votes.flatMap((of, at) => (of === null ? [letterOf(at)] : []));
  const said =
    without.length === 0
      ? 'More samples go on from those that are there.'
      : `${without.join(', ')} ${without.length === 1 ? 'has' : 'have'} one greedy answer a question. A majority needs several answers to each, drawn at a temperature; that takes as many times longer.`;
  return html`<p data-testid="votes-missing">
    <span class="secondary">${said}</span>
    <select
      aria-label="Samples of each question"
      data-testid="votes-count"
      @change=${(event: Event) => choose({ count: Number((event.target as HTMLSelectElement).value) })}
    >
      ${COUNTS.map((one) => html`<option value=${one} .selected=${one === count}>${one} samples</option>`)}
    </select>
    ${evaluations.map((one, at) => {
      const { samples } = one;
      const lacking = samples !== null && samples.done < samples.total;
      const drawing = lacking && STATES[one.state].active;
      const enough = samples !== null && samples.wanted >= count && !lacking;
      return html`<button
        ?disabled=${busy || drawing || enough}
        title=${enough ? 'It has as many already' : drawing ? 'They are being drawn' : `Ask ${modelName(one)} each question ${count} times`}
        data-testid="draw-samples"
        @click=${() => draw(one, count)}
      >
        ${drawing ? `${letterOf(at)}: ${integer(samples.done)} of ${integer(samples.total)} drawn` : `Draw for ${letterOf(at)}`}
      </button> `;
    })}
  </p>`;
}

export const votesStyle = css`
  .votes {
    flex: 1 1 320px;
    max-width: 480px;
    min-width: 0;
  }
`;
