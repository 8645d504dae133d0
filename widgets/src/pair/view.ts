/** The Pair view: two runs that differ in their prompt alone, curve over curve and question beside question. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { axisChoice } from '../curves/axis-choice.ts';
import '../curves/chart.ts';
import { chartsFor, type ChartSpec } from '../curves/charts.ts';
import type { ChartRun } from '../curves/figure.ts';
import type { StepOf } from '../curves/readings.ts';
import { CurvesModel } from '../curves/model.ts';
import { command, define, PageElement } from '../element.ts';
import { inSentence, integer } from '../format.ts';
import { empty, failed, loading } from '../view-states.ts';
import { stepChoice, stepChoiceStyles, valueChoice } from '../rollouts/toolbar.ts';
import { HeldRuns } from '../store/held-runs.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, scrolling, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import type { IWorkbench } from '../store/workbench.ts';
import {
  OUTCOMES,
  pairedQuestions,
  PairModel,
  pairOf,
  pairsOf,
  passing,
  type Outcome,
  type PairedQuestion,
  type PairOfRuns,
} from './model.ts';
import './question.ts';
import type { PairQuestion } from './question.ts';

const THUMB = 128;
/** Pairs offered where none is chosen. */
const OFFERED = 6;

export class PairView extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    curves: { attribute: false },
    folded: { state: true },
    open: { state: true },
  };
  declare workbench: IWorkbench;
  declare curves: CurvesModel;
  declare folded: boolean;
  /** Places in the step of the questions unfolded by hand; null = the first. */
  declare open: ReadonlySet<number> | null;

  #model: PairModel | null = null;
  readonly #held = new HeldRuns(this);

  constructor() {
    super();
    keepUncovered(this, { part: '.pinned' });
    this.curves = new CurvesModel();
    this.folded = false;
    this.open = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { left, right, filter, histories } = this.#model!;
    const { selection, runs, colours } = this.workbench;
    return [selection, runs.state, colours, left.state, right.state, filter, histories, this.curves.state];
  }

  protected override acquire(): void {
    this.#model ??= new PairModel(this.workbench.connector);
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const pair = this.#pair;
    this.#held.hold(this.workbench.runs, pair ? [pair.left.id, pair.right.id] : []);
    const step = this.#step;
    if (!pair || step === 0) return;
    this.workbench.colours.see([pair.left.id, pair.right.id]);
    this.#model!.show(pair, step, this.#both[0].config?.num_iterations ?? 1, this.workbench.selection.value.step === null);
    const shown = this.#model!.left.state.value.step;
    if (shown !== null) void this.#model!.readHistories(pair, shown);
  }

  get #pair(): PairOfRuns | null {
    const { selection, runs } = this.workbench;
    return pairOf(runs.get(selection.run ?? ''), runs.state.value.runs);
  }

  /** Left before right; none where no pair is shown. */
  get #both(): FollowedRun[] {
    const pair = this.#pair;
    return pair ? [pair.left, pair.right].flatMap(({ id }) => this.#held.get(id) ?? []) : [];
  }

  /** Newest step that both have made. */
  get #last(): number {
    const both = this.#both;
    return both.length < 2 ? 0 : Math.min(...both.map(({ lastStep }) => lastStep));
  }

  get #step(): number {
    const { step } = this.workbench.selection.value;
    return step === null ? this.#last : step;
  }

  protected override render(): TemplateResult {
    const pair = this.#pair;
    const { status } = this.workbench.runs.state.value;
    if (!pair) return status === 'loading' ? loading('runs') : this.#none();
    const trouble = this.#both.find(({ status }) => status === 'error');
    if (trouble) return failed(trouble.error!, () => void trouble.load());
    if (this.#both.some(({ status }) => status !== 'ready')) return loading('the pair');
    if (this.#last === 0)
      return empty(
        'No step yet',
        `${inSentence(pair.left.name)} and ${inSentence(pair.right.name)}: the first question appears when both have made a step.`,
      );
    return html`${this.#toolbar()}
      <div class="page" tabindex="-1">${this.#charts()} ${this.#body(pair)}</div>`;
  }

  #none(): TemplateResult {
    const { selection, runs } = this.workbench;
    const run = runs.get(selection.run ?? '');
    if (run?.pair)
      return empty(
        'The other run of this pair is not there',
        `${inSentence(run.name)} was trained beside a run with the variant ${run.pair.variant}, which was deleted. Put it back from the trash to compare the two.`,
        html`<button @click=${() => command(this, 'open-trash')}>Open trash</button>`,
      );
    const pairs = pairsOf(runs.state.value.runs).slice(0, OFFERED);
    return empty(
      run ? 'This run is of no pair' : 'No pair chosen',
      'A pair is two runs that see the same questions in the same order under two prompts, such as thinking and no thinking. New run starts one.',
      html`${pairs.map(
          ({ left, right }) =>
            html`<button data-testid="choose-pair" @click=${() => selection.move({ runs: [left.id, right.id] })}>
              ${left.name} | ${right.name}
            </button>`,
        )} <button @click=${() => command(this, 'open-new-run')}>New run …</button>`,
    );
  }

  #toolbar(): TemplateResult {
    const { filter } = this.#model!;
    const all = this.#questions;
    const step = this.#model!.left.state.value.step ?? this.#step;
    const live = this.workbench.selection.value.step === null;
    const [left, right] = this.#sides;
    const names: Record<Outcome, string> = {
      all: 'all',
      both: 'both right',
      left: `only ${left.variant} right`,
      right: `only ${right.variant} right`,
      none: 'neither right',
    };
    return html`<div class="toolbar pinned" role="toolbar" aria-label="Pair">
      ${stepChoice({
        ...{ step, last: this.#last, live, newest: 'Follow the newest step that both have made', testid: 'pair-step' },
        go: (to) => this.#goTo(to),
        follow: (follow) => this.workbench.selection.move({ step: follow ? null : step }),
      })}
      <label
        >show
        <select
          aria-label="Show"
          title="Right: more than half of the completions are"
          data-testid="pair-outcome"
          @change=${(event: Event) => this.#model!.set({ outcome: (event.target as HTMLSelectElement).value as Outcome })}
        >
          ${OUTCOMES.map(
            (one) =>
              html`<option value=${one} .selected=${one === filter.value.outcome}>
                ${names[one]} (${passing(all, { ...filter.value, outcome: one }).length})
              </option>`,
          )}
        </select></label
      >
      ${valueChoice(
        'modality',
        all.map(({ left }) => left.modality),
        filter.value.modality,
        (modality) => this.#model!.set({ modality }),
      )}
      ${valueChoice(
        'type',
        all.map(({ left }) => left.question_type),
        filter.value.type,
        (type) => this.#model!.set({ type }),
      )}
      <button class="quiet" aria-expanded=${!this.folded} @click=${() => (this.folded = !this.folded)}>
        <span aria-hidden="true">${this.folded ? '▸' : '▾'}</span> curves
      </button>
      ${this.folded ? nothing : axisChoice(this.curves.state.value.axis, (axis) => this.curves.set({ axis }))}
    </div>`;
  }

  get #sides() {
    const { left, right } = this.#pair!;
    const side = ({ id, variant }: PairOfRuns['left']) => ({ variant, colour: this.workbench.colours.of(id) });
    return [side(left), side(right)] as const;
  }

  get #questions(): PairedQuestion[] {
    const [left, right] = [this.#model!.left.state.value, this.#model!.right.state.value];
    return pairedQuestions(left.groups, left.step === right.step ? right.groups : []);
  }

  #charts(): TemplateResult | typeof nothing {
    if (this.folded) return nothing;
    const runs: ChartRun[] = this.#both.map((series) => ({ series, colour: this.workbench.colours.of(series.id) }));
    const revision = runs.reduce((sum, { series }) => sum + series.changed.value, 0);
    const { step } = this.workbench.selection.value;
    return html`<div class="charts">
      ${repeat(
        chartsOfPair(runs),
        ({ id }) => id,
        (spec) =>
          html`<medr1-chart
            .model=${this.curves}
            .spec=${spec}
            .runs=${runs}
            .revision=${revision}
            .overlaid=${true}
            .selected=${step === null ? null : { run: runs[0].series.id, step }}
            @medr1-step=${(event: CustomEvent<StepOf>) => this.#goTo(event.detail.step)}
          ></medr1-chart>`,
      )}
    </div>`;
  }

  #body(pair: PairOfRuns): TemplateResult {
    const model = this.#model!;
    for (const [side, run] of [
      [model.left, pair.left],
      [model.right, pair.right],
    ] as const) {
      const { status, error } = side.state.value;
      if (status === 'error') return failed(error!, () => void side.show(run.id, this.#step));
    }
    if (model.left.state.value.status !== 'ready' || model.left.state.value.run !== pair.left.id) return loading('rollouts');
    const all = this.#questions;
    if (all.length === 0) return empty('No rollouts kept for this step', 'Choose another step with ← and →.');
    const shown = passing(all, model.filter.value);
    if (shown.length === 0)
      return empty(
        'No question passes the filters',
        `${integer(all.length)} were asked at this step.`,
        html`<button @click=${() => model.set({ outcome: 'all', modality: null, type: null })}>Clear filters</button>`,
      );
    const histories = model.histories.value;
    return html`${
        histories.status === 'error'
          ? html`<p class="note small" role="alert"><span class="warning" aria-hidden="true">⚠</span> ${histories.error.message}</p>`
          : nothing
      }
      <div class="list" role="list" aria-label=${`Questions of step ${this.#step}`} @keydown=${this.#onKey} @pointerdown=${this.#hold}>
        ${repeat(
          shown,
          ({ left }) => left.group,
          (question, at) => this.#question(pair, question, at),
        )}
      </div>`;
  }

  #question(pair: PairOfRuns, question: PairedQuestion, at: number): TemplateResult {
    const { selection, connector } = this.workbench;
    const { group, image, item_id } = question.left;
    const histories = this.#model!.histories.value;
    const { completion, runs } = selection.value;
    const isChosen = selection.value.group === group && completion !== null;
    return html`<medr1-pair-question
      role="listitem"
      data-testid="pair-question"
      .question=${question}
      .sides=${this.#sides}
      .history=${histories.status === 'ready' ? (histories.value.get(item_id) ?? null) : null}
      .open=${this.#isOpen(group, at)}
      .chosen=${isChosen ? { side: runs[0] === pair.left.id ? 'left' : 'right', completion } : null}
      .thumb=${image ? connector.imageUrl(pair.left.id, image, THUMB) : null}
      @medr1-toggle=${() => this.#toggle(group, at)}
      @medr1-completion=${(event: CustomEvent<{ side: 'left' | 'right'; completion: number }>) => this.#choose(pair, question, event.detail)}
    ></medr1-pair-question>`;
  }

  #isOpen(group: number, at: number): boolean {
    return this.open === null ? at === 0 : this.open.has(group);
  }

  #toggle(group: number, at: number): void {
    const first = this.#questions.at(0)?.left.group;
    const open = new Set(this.open ?? (first === undefined ? [] : [first]));
    if (this.#isOpen(group, at)) open.delete(group);
    else open.add(group);
    this.open = open;
  }

  /** The run whose completion was clicked comes first, for the views that show one run. */
  #choose(
    { left, right }: PairOfRuns,
    question: PairedQuestion,
    { side, completion }: { side: 'left' | 'right'; completion: number },
  ): void {
    const runs = side === 'left' ? [left.id, right.id] : [right.id, left.id];
    const { step, group, item_id } = question.left;
    const series = this.#both[side === 'left' ? 0 : 1];
    const dataset = this.workbench.datasetOf(series);
    this.workbench.selection.move({ runs, ...(dataset && { dataset }), item: item_id, step, group, completion });
  }

  /** Reading holds the step: the newest must not slip in between a press and its release. */
  #hold = (): void => {
    const { step } = this.#model!.left.state.value;
    if (this.workbench.selection.value.step === null && step !== null) this.workbench.selection.move({ step });
  };

  #goTo(step: number): void {
    if (!Number.isFinite(step)) return this.requestUpdate();
    this.workbench.selection.move({ step: Math.min(this.#last, Math.max(1, Math.round(step))) });
  }

  /** Up and down walk the questions, left and right the steps. */
  #onKey = (event: KeyboardEvent): void => {
    const all = [...this.renderRoot.querySelectorAll<PairQuestion>('medr1-pair-question')];
    const at = all.findIndex((one) => one === event.target);
    if (event.key === 'ArrowLeft') this.#goTo(this.#step - 1);
    else if (event.key === 'ArrowRight') this.#goTo(this.#step + 1);
    else if (event.key === 'ArrowDown') all[at + 1]?.focus();
    else if (event.key === 'ArrowUp') all[at - 1]?.focus();
    else return;
    event.preventDefault();
  };

  static override styles = [
    tokens,
    base,
    scrolling,
    stepChoiceStyles,
    css`
      .toolbar label {
        max-width: 100%;
      }
      .toolbar select {
        min-width: 0;
        max-width: 180px;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr));
        gap: 4px;
        padding: 4px 8px;
      }
      .note {
        margin: 0;
        padding: 4px 12px;
      }
    `,
  ];
}

/** Reward and accuracy; held-out accuracy where the runs are evaluated. */
function chartsOfPair(runs: readonly ChartRun[]): ChartSpec[] {
  const names = [...new Set(runs.flatMap(({ series }) => [...series.metrics.keys()]))];
  const known = chartsFor(names);
  const accuracy = names.filter((name) => /^rewards\/accuracy\w*\/mean$/.test(name)).sort();
  return [
    ...known.filter(({ id }) => id === 'reward'),
    ...(accuracy.length === 0 ? [] : [{ id: 'accuracy', title: 'Accuracy', group: 'Reward', metrics: accuracy.slice(0, 1), unit: '' }]),
    ...known.filter(({ id }) => id === 'eval_accuracy'),
  ];
}

define('medr1-pair', PairView);
