/**
 * How far the answers of one or several evaluations follow from their reasoning: a curve for each change of the reasoning, one number for each curve, and
 * paired tests of the same questions answered with reasoning and without. Tests can be started here; those under way are followed.
 */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import { REASONING_TESTS } from '@medr1/kernel-bridge/protocol';
import type { Mark, Point } from '../charts/geometry.ts';
import { figureChart, smallChartStyle } from '../charts/small-chart.ts';
import type { EvalSummary, FaithfulnessComparison, FaithfulnessState, ReasoningCurve, ReasoningPair } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, MISSING } from '../format.ts';
import { Doing, Latest } from '../load.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { failed, loaded } from '../view-states.ts';
import { percentage, points, pValue, shareStyles } from './shares.ts';

const SIZE = { width: 220, height: 110 };
const LIMITS = [50, 100, 500, 1000];
const POLL_MS = 1000;
const DASHES = ['', '5 3', '1 3', '7 3 1 3'];
const HEIGHTS = { same: 'same answer', right: 'right answer' } as const;
type Height = keyof typeof HEIGHTS;
type Test = ReasoningCurve['test'];

/** "early answering: the reasoning ends ..." has a name and what is done. */
const halves = (test: Test): [name: string, what: string] => {
  const text = REASONING_TESTS[test];
  const at = text.indexOf(': ');
  return [text.slice(0, at), text.slice(at + 2)];
};

export class EvaluationReasoning extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    evaluations: { attribute: false },
    height: { state: true },
    limit: { state: true },
    mistakes: { state: true },
  };
  declare workbench: IWorkbench;
  declare evaluations: readonly EvalSummary[];
  /** What the curves show. */
  declare height: Height;
  declare limit: number;
  declare mistakes: boolean;
  readonly #found = new Latest<FaithfulnessComparison>();
  readonly #doing = new Doing();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.height = 'same';
    this.limit = 500;
    this.mistakes = true;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.#found, this.#doing];
  }

  protected override release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#found.stop();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const ids = this.evaluations.map(({ id }) => id);
    if (this.#found.answer?.evaluations.some(({ evaluation }, at) => evaluation !== ids[at])) this.#found.clear();
    const key = this.evaluations.map(({ id, state, done }) => `${id} ${state} ${done}`).join('\n');
    void this.#found.askOnce(key, (signal) => this.workbench.connector.evals.compareFaithfulness({ ids }, signal), { keep: true });
  }

  protected override updated(): void {
    const running = this.#found.answer?.evaluations.some((one) => one.running) ?? false;
    if (!running || this.#timer !== undefined || !this.isConnected) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#found.retry();
    }, POLL_MS);
  }

  protected override render(): TemplateResult {
    return html`<section aria-label="Reasoning">
      <h3>
        Does the answer follow from the reasoning?
        ${(Object.keys(HEIGHTS) as Height[]).map(
          (height) =>
            html`<button aria-pressed=${this.height === height} data-testid=${`reasoning-${height}`} @click=${() => (this.height = height)}>
              ${HEIGHTS[height]}
            </button> `,
        )}
      </h3>
      ${loaded(this.#found, 'what was tested', (found) => this.#whole(found))}
      ${this.#doing.error ? failed(this.#doing.error, () => this.#doing.forgive()) : nothing}
    </section>`;
  }

  #whole({ evaluations, pairs }: FaithfulnessComparison): TemplateResult {
    const tests = (Object.keys(REASONING_TESTS) as Test[]).filter((test) =>
      evaluations.some(({ curves }) => curves.some((one) => one.test === test)),
    );
    return html`${evaluations.map((one, at) => this.#stateOf(one, at))} ${this.#settings(evaluations)}
    ${
      tests.length > 0
        ? html`<p class="secondary">
              Upwards: ${this.height === 'same' ? 'answers that stay the same' : 'right answers'}, 0 to 100 %. Across: how much of the
              reasoning is kept, put in its place, or goes before the mistake.
            </p>
            <div class="curves">${tests.map((test) => this.#chart(test, evaluations))}</div>
            ${areasView(tests, evaluations)}`
        : nothing
    }
    ${pairs.length > 0 ? pairsView(pairs, evaluations) : nothing}`;
  }

  /** How much of one evaluation was tested, and what can be done about it. */
  #stateOf(one: FaithfulnessState, at: number): TemplateResult {
    const { evaluation, looked_at, answered, tested, no_reasoning, no_letter, running, trouble } = one;
    const summary = this.evaluations.find(({ id }) => id === evaluation);
    const counts = [
      [tested, 'tested'],
      [no_reasoning, 'without reasoning before the letter'],
      [no_letter, 'without a letter'],
    ] as const;
    const said = counts.filter(([count]) => count > 0).map(([count, text]) => `${integer(count)} ${text}`);
    const wanted = Math.min(this.limit, answered);
    const enough = looked_at >= wanted;
    const name = letterOf(at);
    return html`<p data-testid="reasoning-state">
      <b>${name}</b>
      ${
        looked_at === 0
          ? html`<span class="secondary">none of ${integer(answered)} answers was looked at yet</span>`
          : html`${integer(looked_at)} of ${integer(answered)} answers looked at:
            ${said.join(', ')}${tested === 0 ? html`<span class="secondary">; nothing to change in them</span>` : nothing}`
      }
      ${trouble ? html`<span class="warning" data-testid="reasoning-trouble">⚠ ${trouble}</span>` : nothing}
      ${
        running
          ? html`<span role="status" class="secondary">· testing more …</span>
              <button data-testid="reasoning-stop" ?disabled=${this.#doing.isBusy()} @click=${() => this.#stop(evaluation)}>
                Stop ${name}
              </button>`
          : html`<button
              data-testid="reasoning-test"
              ?disabled=${this.#doing.isBusy() || enough || summary?.state !== 'finished'}
              title=${enough ? 'As many were looked at already' : summary?.state !== 'finished' ? 'The evaluation is not finished' : nothing}
              @click=${() => this.#test(evaluation)}
            >
              ${looked_at > 0 && !enough ? 'Go on with' : 'Test'} ${name}
            </button>`
      }
    </p>`;
  }

  #settings(evaluations: readonly FaithfulnessState[]): TemplateResult | typeof nothing {
    if (evaluations.every(({ answered }) => answered === 0)) return nothing;
    return html`<p class="secondary">
      <label
        >Answers of each
        <select data-testid="reasoning-limit" @change=${(event: Event) => (this.limit = Number((event.target as HTMLSelectElement).value))}>
          ${LIMITS.map((limit) => html`<option value=${limit} ?selected=${limit === this.limit}>${integer(limit)}</option>`)}
        </select></label
      >
      <label
        ><input
          type="checkbox"
          data-testid="reasoning-mistakes"
          .checked=${this.mistakes}
          @change=${(event: Event) => (this.mistakes = (event.target as HTMLInputElement).checked)}
        />
        put mistakes in too, after which the model writes on (takes longest)</label
      >
    </p>`;
  }

  #test(id: string): void {
    const { limit, mistakes } = this;
    void this.#doing.do(() => this.workbench.connector.evals.testFaithfulness(id, { limit, mistakes })).then(() => this.#found.retry());
  }

  #stop(id: string): void {
    void this.#doing.do(() => this.workbench.connector.evals.action(id, { action: 'stop' })).then(() => this.#found.retry());
  }

  #chart(test: Test, evaluations: readonly FaithfulnessState[]): TemplateResult {
    const { height } = this;
    const colours = seriesColours();
    const [name, what] = halves(test);
    const there = evaluations.flatMap(({ curves }, at) =>
      curves.filter((one) => one.test === test).map((of) => ({ points: of.points, at, colour: colours[at % colours.length] })),
    );
    const line = (of: (typeof there)[number], end: 'rate' | 'low' | 'high'): (Point | null)[] =>
      of.points.map((point) => (point[height][end] === null ? null : [point.share, point[height][end]]));
    const marks = there.flatMap((of): Mark[] => [
      ...(['low', 'high'] as const).map((end): Mark => ({ kind: 'line', points: line(of, end), colour: 'var(--medr1-border)' })),
      { kind: 'line', points: line(of, 'rate'), colour: of.colour, dash: DASHES[of.at], dots: true },
    ]);
    return figureChart(
      {
        title: html`<span title=${what}>${name}</span>`,
        ...{ marks, size: SIZE, x: [0, 1], y: [0, 1], zones: [] },
        ticks: [0, 1].map((at) => ({ at, text: `${100 * at} %` })),
        table: {
          columns: ['evaluation', 'share of the reasoning', `${HEIGHTS[height]}, %`, '95 %', 'answers'],
          rows: there.flatMap(({ points: all, at }) =>
            all.map(({ share, [height]: { rate, low, high, total } }) => [
              ...[letterOf(at), percentage(share), percentage(rate), `${percentage(low)} to ${percentage(high)}`, integer(total)],
            ]),
          ),
        },
        none: 'Nothing tested',
        notes: there.map(({ at, colour }) => html`<span><b style=${`color:${colour}`}>—</b> ${letterOf(at)}</span>`),
      },
      `reasoning-${test}`,
    );
  }

  static override styles = [
    tokens,
    base,
    shareStyles,
    smallChartStyle,
    css`
      .curves {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(180px, 1fr));
        gap: 8px 16px;
        max-width: 900px;
      }
      .what {
        white-space: normal;
        min-width: 24ch;
      }
      label {
        margin-right: 12px;
      }
    `,
  ];
}

/** One number a test and evaluation, with what it means. */
const areasView = (tests: readonly Test[], evaluations: readonly FaithfulnessState[]): TemplateResult =>
  html`<div class="scroll" tabindex="0" role="group" aria-label="Areas over the curves">
    <table>
      <thead>
        <tr>
          <th title="1 - the mean share of answers that stay the same, over the shares of the reasoning">area over the curve</th>
          ${evaluations.map((_, at) => html`<th class="number">${letterOf(at)}</th>`)}
          <th>what is done</th>
        </tr>
      </thead>
      <tbody>
        ${tests.map((test) => {
          const [name, what] = halves(test);
          return html`<tr data-testid="reasoning-area">
            <th scope="row">${name}</th>
            ${evaluations.map(({ curves }) => {
              const area = curves.find((one) => one.test === test)?.area_over_curve ?? null;
              return html`<td class="number">${area === null ? MISSING : area.toFixed(3)}</td>`;
            })}
            <td class="what secondary">${what}</td>
          </tr>`;
        })}
      </tbody>
    </table>
    <p class="small secondary">0: the answer never depends on the reasoning. Grey lines are 95 % Wilson intervals.</p>
  </div>`;

function pairsView(pairs: readonly ReasoningPair[], evaluations: readonly FaithfulnessState[]): TemplateResult {
  const several = pairs.length > 1;
  const way = ({ evaluation, reasoning }: ReasoningPair['a']): TemplateResult =>
    html`<b>${letterOf(evaluations.findIndex((one) => one.evaluation === evaluation))}</b
      >${reasoning ? nothing : ' without its reasoning'}`;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Right answers to the same questions">
    <table>
      <thead>
        <tr>
          <th>right answers to the same questions</th>
          <th class="number">questions</th>
          <th class="number">points</th>
          <th class="number">right only in the first</th>
          <th class="number">right only in the second</th>
          <th class="number" title="McNemar's exact test, two-sided">McNemar p</th>
          ${several ? html`<th class="number" title="The same, corrected for all pairs (Holm 1979)">p, Holm</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${pairs.map(
          ({ a, b, items, test }) =>
            html`<tr data-testid="reasoning-pair">
              <th scope="row">${way(a)} → ${way(b)}</th>
              <td class="number">${integer(items)}</td>
              <td class="number">${points(test.difference)}</td>
              <td class="number">${integer(test.only_a)}</td>
              <td class="number">${integer(test.only_b)}</td>
              <td class="number">${pValue(test.p)}</td>
              ${several ? html`<td class="number">${pValue(test.p_holm)}</td>` : nothing}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

define('medr1-evaluation-reasoning', EvaluationReasoning);
