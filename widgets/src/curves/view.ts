/** The Curves view: charts of the selected runs, with one toolbar, one cursor and one zoom for all. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, WatchingElement } from '../element.ts';
import { Doing } from '../load.ts';
import { menuChoices } from '../menu.ts';
import { empty, failed, loading, noRunChosen } from '../view-states.ts';
import { waitingOf } from '../store/queue.ts';
import { saveFile } from '../save-file.ts';
import { HeldRuns } from '../store/held-runs.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, paletteOf, scrolling, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { stepsWithin, type Axis } from './axis.ts';
import { neighbour, sizeOf, type OwnChart } from './board.ts';
import './chart.ts';
import type { CurveChart } from './chart.ts';
import type { BoardRequest, ChartFile } from './chart-menu.ts';
import { chartsFor, groupsOf, type ChartSpec } from './charts.ts';
import { csv } from './csv.ts';
import type { ChartRun } from './figure.ts';
import { pngOf } from './png.ts';
import type { StepOf } from './readings.ts';
import { svgOf } from './svg.ts';
import { rolloutCharts } from './rollout-lines.ts';
import { RunStatistics } from './statistics.ts';
import { CurvesModel } from './model.ts';
import './own-chart.ts';
import { runChips } from './run-chips.ts';
import { toolbar } from './toolbar.ts';
import { style } from './view-style.ts';

/** Least width of a column of the board, in pixels, and the gap between two. */
const COLUMN = { width: 320, gap: 4 };

export class CurvesView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    model: { attribute: false },
    columns: { state: true },
    editing: { state: true },
  };
  declare workbench: IWorkbench;
  declare model: CurvesModel;
  /** Charts that stand beside each other. */
  declare columns: number;
  /** Id of the chart whose metrics are being chosen, '' of a new one; null where none is. */
  declare editing: string | null;

  /** The zoom that points were read for. */
  #range: [number, number] | null = null;
  readonly #held = new HeldRuns(this);
  readonly #saving = new Doing();
  readonly #painting = new Doing();

  constructor() {
    super();
    keepUncovered(this, { part: '.pinned' });
    this.model = new CurvesModel();
    this.columns = 1;
    this.editing = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'model'];
  }

  protected override watched() {
    const { selection, runs, colours, rewardTrial } = this.workbench;
    const { state, layouts } = this.model;
    return [selection, runs.state, colours, rewardTrial, state, layouts, this.#statistics!.changed, this.#saving, this.#painting];
  }

  #resize: ResizeObserver | null = null;
  #statistics: RunStatistics | null = null;

  protected override acquire(): void {
    this.#statistics ??= new RunStatistics(this.workbench.connector);
    this.#resize ??= new ResizeObserver(() => this.#measure());
    this.#resize.observe(this);
    this.#measure();
  }

  protected override release(): void {
    this.#resize?.disconnect();
    this.#statistics?.dispose();
  }

  #measure(): void {
    this.columns = Math.max(1, Math.floor((this.clientWidth - 16 + COLUMN.gap) / (COLUMN.width + COLUMN.gap)));
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    this.#held.hold(this.workbench.runs, this.workbench.selection.value.runs);
    this.#wantStatistics();
    const { range, axis } = this.model.state.value;
    if (range === this.#range) return;
    this.#range = range;
    if (range) for (const series of this.#held.all) refine(series, axis, range);
  }

  /** Of the runs that are shown and have rollouts. */
  #wantStatistics(): void {
    const { hidden } = this.model.state.value;
    this.#statistics!.want(this.#held.all.filter(({ id, config }) => !hidden.includes(id) && config?.trainer !== 'sft'));
  }

  protected override render(): TemplateResult {
    const ids = this.workbench.selection.value.runs;
    const { status } = this.workbench.runs.state.value;
    if (ids.length === 0 && status === 'loading') return loading('runs');
    if (ids.length === 0)
      return noRunChosen(
        this,
        this.workbench.runs.state.value.runs,
        'Curves draw the metrics of a run over its steps. Ctrl+click on runs lays several over each other.',
      );
    // In the order in which they were chosen first: a click that brings a run to the front of the selection moves no chip.
    const trial = this.workbench.rewardTrial.value;
    const all = this.#held.all.map((series) => ({
      series,
      colour: this.workbench.colours.of(series.id),
      statistics: this.#statistics!.of(series.id),
      trial: trial?.run === series.id ? trial : null,
    }));
    const shown = all.filter(({ series }) => !this.model.state.value.hidden.includes(series.id));
    const charts = [
      ...chartsFor(shown.flatMap(({ series }) => [...series.metrics.keys()])),
      ...rolloutCharts(shown.flatMap(({ statistics }) => statistics ?? [])),
    ];
    return html`${toolbar({
      model: this.model,
      runs: this.#held.all,
      empty: charts.length === 0,
      newChart: () => (this.editing = ''),
      save: (file) => void this.#saveBoard(file, shown, charts),
      troubles: [this.#trouble('The board could not be saved', this.#saving), this.#trouble('The colour was not kept', this.#painting)],
    })}
    ${runChips(all, { workbench: this.workbench, model: this.model, paint: (run, colour) => void this.#paint(run, colour) })}
    ${this.#form(charts)} ${this.#body(all, shown, charts)}`;
  }

  async #saveBoard(file: ChartFile, shown: ChartRun[], charts: ChartSpec[]): Promise<void> {
    if (file === 'csv') return saveFile('curves.csv', new Blob([csv(shown, charts)], { type: 'text/csv' }));
    const elements = [...this.renderRoot.querySelectorAll<CurveChart>('medr1-chart')];
    await this.#saving.do(async () => {
      const placed = elements.map((chart) => {
        const { left, top } = chart.getBoundingClientRect();
        return { ...chart.picture(), x: Math.round(left), y: Math.round(top) };
      });
      const svg = svgOf(placed, paletteOf(this).surface);
      saveFile(`curves.${file}`, file === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await pngOf(svg));
    });
  }

  #form(charts: ChartSpec[]): TemplateResult | typeof nothing {
    const { editing } = this;
    if (editing === null) return nothing;
    const chart = this.model.state.value.own.find(({ id }) => id === editing) ?? null;
    const metrics = [
      ...new Set([
        ...charts.filter(({ from }) => !from).flatMap((one) => [...one.metrics, ...(one.band ? [one.band] : [])]),
        ...(chart?.metrics ?? []),
      ]),
    ];
    return html`<medr1-own-chart
      .metrics=${metrics.sort()}
      .chart=${chart}
      @medr1-cancel=${() => (this.editing = null)}
      @medr1-own-chart=${({ detail: { title, metrics: chosen } }: CustomEvent<Omit<OwnChart, 'id'>>) => {
        this.model.putOwn(title, chosen, chart?.id);
        this.editing = null;
      }}
    ></medr1-own-chart>`;
  }

  /** What a chart asks of the board; its neighbours are those of its group, as they stand. */
  #onRequest(request: BoardRequest, charts: ChartSpec[], group: ChartSpec[]): void {
    if (request.ask === 'edit') this.editing = request.chart;
    else if (request.ask === 'remove') this.model.removeOwn(request.chart);
    else {
      const ids = group.map(({ id }) => id);
      const target = request.ask === 'move' ? neighbour(ids, request.chart, request.way) : request.target;
      if (target !== null) this.model.move(charts, request.chart, target);
    }
  }

  async #paint(id: string, colour: number | null): Promise<void> {
    await this.#painting.do(async () => this.workbench.runs.apply({ summary: await this.workbench.connector.annotateRun(id, { colour }) }));
  }

  #trouble(what: string, { error }: Doing): TemplateResult | typeof nothing {
    return error ? html`<span role="alert" class="warning" title=${error.remedy}>${what}: ${error.message}</span>` : nothing;
  }

  #body(all: ChartRun[], shown: ChartRun[], charts: ChartSpec[]): TemplateResult {
    const broken = all.find(({ series }) => series.status === 'error');
    const trouble = broken ? failed(broken.series.error!, () => void broken.series.load()) : nothing;
    if (charts.length === 0) {
      if (broken) return html`${trouble}`;
      if (shown.length === 0) return empty('All runs hidden', 'Click a run above to show it.');
      if (shown.some(({ series }) => series.status === 'loading')) return loading('curves');
      return empty('No step yet', `The first point appears when the first optimiser step is done. ${this.#waiting(shown)}`.trim());
    }
    const visible = this.model.shown(charts);
    const { folded, pinned } = this.model.state.value;
    const pins = visible.filter(({ id }) => pinned.includes(id));
    const rest = visible.filter(({ id }) => !pinned.includes(id));
    return html`${trouble} ${visible.length === 0 ? empty('No metric of that name', 'Clear the search to see all charts.') : nothing}
    ${pins.length ? this.#group('Pinned', pins, shown, false, visible) : nothing}
    ${repeat(
      groupsOf(rest),
      (group) => group,
      (group) =>
        this.#group(
          group,
          rest.filter((chart) => chart.group === group),
          shown,
          folded.includes(group),
          visible,
        ),
    )}`;
  }

  /** Why a run has not begun. */
  #waiting(shown: readonly ChartRun[]): string {
    const { runs } = this.workbench.runs.state.value;
    const texts = shown.flatMap(({ series }) => {
      const run = this.workbench.runs.get(series.id);
      const waiting = run && waitingOf(run, runs);
      return waiting ? [`${run.name}: ${waiting.text}.`] : [];
    });
    return texts.join(' ');
  }

  #selected(): StepOf | null {
    const { run, value } = this.workbench.selection;
    return run === null || value.step === null ? null : { run, step: value.step };
  }

  /** The run whose step was clicked comes first, for the views that show one run. */
  #choose({ run, step }: StepOf): void {
    const { runs } = this.workbench.selection.value;
    this.workbench.selection.move({ runs: [run, ...runs.filter((id) => id !== run)], step });
  }

  #group(group: string, charts: ChartSpec[], shown: ChartRun[], folded: boolean, visible: ChartSpec[]): TemplateResult {
    const { revision } = this.#held;
    const state = this.model.state.value;
    return html`<section class="group" aria-label=${group}>
      <button class="quiet fold" aria-expanded=${!folded} @click=${() => this.model.toggle('folded', group)}>
        <span aria-hidden="true">${folded ? '▸' : '▾'}</span> ${group} <span class="secondary">${charts.length}</span>
      </button>
      ${
        folded
          ? nothing
          : html`<div
              class="charts"
              style=${`--columns:${this.columns}`}
              @medr1-board=${(event: CustomEvent<BoardRequest>) => this.#onRequest(event.detail, visible, charts)}
            >
              ${repeat(
                charts,
                ({ id }) => id,
                (spec) =>
                  html`<medr1-chart
                    class=${state.expanded === spec.id ? 'large' : ''}
                    style=${`grid-column:span ${sizeOf(state, spec.id, this.columns).columns}`}
                    data-columns=${this.columns}
                    .onBoard=${true}
                    .model=${this.model}
                    .spec=${spec}
                    .runs=${shown}
                    .revision=${revision}
                    .overlaid=${this.#held.all.length > 1}
                    .selected=${this.#selected()}
                    @medr1-step=${(event: CustomEvent<StepOf>) => this.#choose(event.detail)}
                  ></medr1-chart>`,
              )}
            </div>`
      }
    </section>`;
  }

  static override styles = [tokens, base, menuChoices, scrolling, style];
}

/** Points of a long run that its first reading left out, for the stretch that is zoomed to. */
function refine(series: FollowedRun, axis: Axis, range: [number, number]): void {
  const stretch = stepsWithin(series, axis, range);
  if (stretch) void series.refine(...stretch);
}

define('medr1-curves', CurvesView);
