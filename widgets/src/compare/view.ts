/** The Compare view: two to four evaluations on the questions that all of them answered. Follows the selection; one that still runs is followed too. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import { smallChartStyle } from '../charts/small-chart.ts';
import type { EvalComparison, EvalSummary, MatrixKind, Reading } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import '../evaluation/answers.ts';
import '../evaluation/matrices.ts';
import '../evaluation/reasoning.ts';
import { heatStyle } from '../evaluation/matrices.ts';
import { columnOf, EvaluationModel } from '../evaluation/model.ts';
import { shareStyles } from '../evaluation/shares.ts';
import { Doing, Latest } from '../load.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { empty, failed, loaded, loading } from '../view-states.ts';
import { columnsStyle, columnsView } from './columns.ts';
import { figuresView } from './figures.ts';
import { agreementView, testsView, type Flips } from './pairs.ts';
import { slicesStyle, slicesView } from './slices.ts';
import { votesStyle, votesView, type VotesChoice } from './votes.ts';

export class CompareView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    flips: { state: true },
    kind: { state: true },
    reading: { state: true },
    votes: { state: true },
  };
  declare workbench: IWorkbench;
  declare flips: Flips;
  declare kind: MatrixKind;
  /** Of agreement and slices; the tests show both. */
  declare reading: Reading;
  declare votes: Pick<VotesChoice, 'axis' | 'count'>;
  readonly #comparison = new Latest<EvalComparison>();
  readonly #drawing = new Doing();
  #model: EvaluationModel | null = null;
  /** Names that were asked for last. */
  #asked = '';

  constructor() {
    super();
    this.flips = { pair: 0, filter: 'flips', reading: 'strict' };
    this.kind = 'modality';
    this.reading = 'strict';
    this.votes = { axis: 'samples', count: 8 };
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override acquire(): void {
    this.#model = new EvaluationModel(this.workbench.connector, this.workbench.selection);
    void this.#model.start();
  }

  protected override release(): void {
    this.#model?.dispose();
    this.#comparison.stop();
  }

  protected override watched() {
    return [this.#model!.state, this.workbench.selection, this.workbench.runs.state, this.#comparison, this.#drawing];
  }

  /** Evaluations or runs, as they are chosen. */
  get #names(): string[] {
    return this.workbench.selection.value.evaluations;
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    this.#ask();
  }

  /** Asks where other evaluations are chosen or one of them has more answers; not before an answer to the same names has come. */
  #ask(): void {
    const names = this.#names;
    const asked = names.join('\n');
    if (names.length < 2) {
      this.#asked = asked;
      return this.#comparison.clear();
    }
    const same = asked === this.#asked;
    if (same && this.#comparison.isPending) return;
    if (!same) this.flips = { pair: 0, filter: names.length > 2 ? 'split' : 'flips', reading: 'strict' };
    this.#asked = asked;
    const done = (same ? (this.#comparison.answer?.evaluations ?? []) : []).map(
      ({ id, done: before }) => this.#model?.get(id)?.done ?? before,
    );
    const stands = same && this.#comparison.answer?.evaluations.every((one, at) => one.done === done[at]);
    if (stands || (same && this.#comparison.error)) return;
    void this.#comparison.ask((signal) => this.workbench.connector.evals.compare({ ids: names }, signal), { keep: same });
  }

  protected override render(): TemplateResult {
    const model = this.#model;
    if (!model) return loading('evaluations');
    const { status, error, evaluations } = model.state.value;
    if (status === 'error') return failed(error!, () => void model.start());
    if (status === 'loading') return loading('evaluations');
    return html`<div @medr1-open-evaluation=${(event: CustomEvent<string>) => this.#open(event.detail)}>
      ${this.#toolbar(evaluations)} ${this.#body(evaluations)}
    </div>`;
  }

  #toolbar(evaluations: readonly EvalSummary[]): TemplateResult {
    const names = this.#names;
    const comparison = this.#comparison.answer;
    const meant = names.map((name, at) =>
      comparison?.evaluations.length === names.length ? comparison.evaluations[at] : evaluations.find(({ id }) => id === name),
    );
    return html`<div class="toolbar" role="toolbar" aria-label="Comparison">
      ${columnsView({
        names,
        meant,
        evaluations,
        nameOf: (name) => this.#nameOf(name),
        choose: (next) => this.workbench.selection.move({ evaluations: next }),
      })}
      ${
        comparison
          ? html`<span class="group" role="group" aria-label="Reading">
                ${READINGS.map(
                  (reading) =>
                    html`<button
                      aria-pressed=${reading === this.reading}
                      title=${columnOf(reading, comparison.evaluations).title}
                      data-testid=${`compare-${reading}`}
                      @click=${() => (this.reading = reading)}
                    >
                      ${columnOf(reading, comparison.evaluations).name}
                    </button>`,
                )}
              </span>
              <a
                class="small"
                download
                title="Every question with every answer to it"
                data-testid="compare-csv"
                href=${this.workbench.connector.evals.compareTableUrl(comparison.evaluations.map(({ id }) => id))}
                >CSV</a
              >`
          : nothing
      }
      <button class="quiet link" data-testid="copy-comparison" @click=${() => command(this, 'copy-link')}>Copy link</button>
    </div>`;
  }

  /** A run is called by its name; its step and variant stay behind it. */
  #nameOf(name: string): string {
    const [, id, rest] = /^([^@:]+)(.*)$/s.exec(name) ?? [null, name, ''];
    const run = this.workbench.runs.get(id);
    return run ? `${run.name}${rest}` : name;
  }

  #body(evaluations: readonly EvalSummary[]): TemplateResult {
    const names = this.#names;
    if (evaluations.length === 0)
      return empty(
        'No evaluation yet',
        'A comparison stands on stored evaluations: every answer of a model to the questions of a split.',
        html`<button class="primary" data-testid="first-evaluation" @click=${() => this.#evaluate()}>New evaluation</button>`,
      );
    if (names.length < 2)
      return empty(
        names.length === 0 ? 'Nothing is chosen yet' : 'Choose one more',
        'Two to four runs, checkpoints or variants are compared on the questions that all of them answered. Choose them above, or tick them in the list of evaluations.',
        html`<button data-testid="open-evaluations" @click=${() => command(this, 'open-evaluation')}>Evaluations</button>`,
      );
    return loaded(this.#comparison, 'the comparison', (comparison) => this.#whole(comparison, evaluations));
  }

  #whole(comparison: EvalComparison, evaluations: readonly EvalSummary[]): TemplateResult {
    const { flips, reading, kind } = this;
    const { a, b } = comparison.pairs[flips.pair] ?? comparison.pairs[0];
    const place = (id: string): number => comparison.evaluations.findIndex((one) => one.id === id);
    const finished = evaluations.filter(({ state }) => state === 'finished').map(({ id }) => id);
    return html`${figuresView(comparison)} ${testsView(comparison, flips, (next) => (this.flips = next))}
      ${agreementView(comparison, reading)}
      ${slicesView(comparison, { kind, reading, pair: [place(a), place(b)] }, (next) => (this.kind = next))}
      ${this.#drawing.error ? failed(this.#drawing.error) : nothing}
      ${votesView(
        comparison,
        { reading, ...this.votes, busy: this.#drawing.isBusy() },
        {
          choose: (change) => (this.votes = { ...this.votes, ...change }),
          draw: (evaluation, samples) => void this.#drawing.do(() => this.#draw(evaluation, samples)),
        },
      )}
      <medr1-evaluation-reasoning .workbench=${this.workbench} .evaluations=${comparison.evaluations}></medr1-evaluation-reasoning>
      <section aria-label="Matrices">
        <details>
          <summary>What checkpoints were trained on against what they were tested on, beside the paper's figures</summary>
          <medr1-evaluation-matrices .workbench=${this.workbench} .revision=${finished.join(' ')}></medr1-evaluation-matrices>
        </details>
      </section>
      <section aria-label="Questions"><h3>Question by question</h3></section>
      <medr1-evaluation-answers
        .workbench=${this.workbench}
        .evaluation=${comparison.evaluations[place(a)]}
        .against=${comparison.evaluations[place(b)]}
        .columns=${comparison.evaluations}
        .tables=${comparison.reports[place(a)]}
        .filter=${flips.filter}
        .reading=${flips.reading}
      ></medr1-evaluation-answers>`;
  }

  /** The stored evaluation is asked for again with samples: it keeps its answers and draws what is new. */
  #draw({ settings, samples: had }: EvalSummary, samples: number): Promise<EvalSummary> {
    const { run, step, model, dataset, split, variant, prompt_template, max_new_tokens, limit, seed, dtype, device, batch_size } = settings;
    return this.workbench.connector.evals.start({
      ...(run === null ? { model } : { run, ...(step !== null && { step }) }),
      ...{ dataset, split, variant, prompt_template, max_new_tokens, limit, seed, dtype, device, batch_size },
      ...{ samples, temperature: had?.temperature ?? 1 },
    });
  }

  #open(id: string): void {
    this.workbench.evaluation.place.set({ at: 'one', id });
    command(this, 'open-evaluation');
  }

  #evaluate(): void {
    this.workbench.evaluation.place.set({ at: 'new' });
    command(this, 'open-evaluation');
  }

  static override styles = [
    tokens,
    base,
    shareStyles,
    smallChartStyle,
    columnsStyle,
    slicesStyle,
    votesStyle,
    heatStyle,
    css`
      :host {
        height: 100%;
        overflow: auto;
      }
      .name {
        max-width: 28ch;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .value {
        max-width: 28ch;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      summary {
        cursor: pointer;
      }
      .toolbar a {
        color: inherit;
      }
      .toolbar .columns {
        padding: 0;
      }
    `,
  ];
}

define('medr1-compare', CompareView);
