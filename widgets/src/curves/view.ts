/** The Curves view: charts of the selected runs, with one toolbar, one cursor and one zoom for all. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { RunSummary } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { number } from '../format.ts';
import { Doing } from '../load.ts';
import { closeMenu } from '../menu.ts';
import { empty, failed, loading } from '../view-states.ts';
import { STATES } from '../runs/model.ts';
import { waitingOf } from '../store/queue.ts';
import { saveFile } from '../save-file.ts';
import { HeldRuns } from '../store/held-runs.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, paletteOf, scrolling, seriesColours, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { stepsWithin, type Axis } from './axis.ts';
import { axisChoice } from './axis-choice.ts';
import { neighbour, sizeOf, type OwnChart } from './board.ts';
import './chart.ts';
import type { CurveChart } from './chart.ts';
import type { BoardRequest, ChartFile } from './chart-menu.ts';
import { BY_SEED, differingKeys } from './groups.ts';
import { MOST_LETTERS } from './layouts.ts';
import { chartsFor, groupsOf, type ChartSpec } from './charts.ts';
import { csv } from './csv.ts';
import type { ChartRun } from './figure.ts';
import { pngOf } from './png.ts';
import type { StepOf } from './readings.ts';
import { svgOf } from './svg.ts';
import { rolloutCharts } from './rollout-lines.ts';
import { RunStatistics } from './statistics.ts';
import { CurvesModel, MAX_SMOOTHING, MAX_WINDOW } from './model.ts';
import './own-chart.ts';
import { SMOOTHERS, type Smoother } from './smoothing.ts';

const SMOOTHER_LABELS: Record<Smoother, string> = { ema: 'moving average', mean: 'mean of window', none: 'none' };
const SMOOTHER_TITLES: Record<Smoother, string> = {
  ema: 'Exponential moving average with the bias of its start removed; the raw line stays faint',
  mean: 'Mean of the last points; the raw line stays faint',
  none: 'Every value as it was logged',
};
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
    this.model = new CurvesModel();
    this.columns = 1;
    this.editing = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'model'];
  }

  protected override watched() {
    const { selection, runs, colours } = this.workbench;
    return [selection, runs.state, colours, this.model.state, this.model.layouts, this.#statistics!.changed, this.#saving, this.#painting];
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
    const { runs, status } = this.workbench.runs.state.value;
    if (ids.length === 0 && status === 'loading') return loading('runs');
    if (ids.length === 0)
      return empty(
        'No run chosen',
        runs.length > 0 ? 'Choose a run in the Runs panel; Ctrl+click overlays several.' : 'Start a run, and its curves grow here.',
        html`<button @click=${() => command(this, 'open-runs')}>Show runs</button>
          <button @click=${() => command(this, 'open-new-run')}>New run …</button>`,
      );
    // In the order in which they were chosen first: a click that brings a run to the front of the selection moves no chip.
    const all = this.#held.all.map((series) => ({
      series,
      colour: this.workbench.colours.of(series.id),
      statistics: this.#statistics!.of(series.id),
    }));
    const shown = all.filter(({ series }) => !this.model.state.value.hidden.includes(series.id));
    const charts = [
      ...chartsFor(shown.flatMap(({ series }) => [...series.metrics.keys()])),
      ...rolloutCharts(shown.flatMap(({ statistics }) => statistics ?? [])),
    ];
    return html`${this.#toolbar(shown, charts)} ${this.#chips(all)} ${this.#form(charts)} ${this.#body(all, shown, charts)}`;
  }

  #toolbar(shown: ChartRun[], charts: ChartSpec[]): TemplateResult {
    const { axis, logY, ignoreOutliers, search, range } = this.model.state.value;
    return html`<div class="toolbar pinned" role="toolbar" aria-label="Curves">
      ${axisChoice(axis, (to) => this.model.set({ axis: to }))} ${this.#smoothing()} ${this.#grouping()}
      <label><input type="checkbox" .checked=${logY} @change=${() => this.model.set({ logY: !logY })} />log y</label>
      <label
        title="y shows the middle 90 % of the values and half as much again on each side. Values outside are not drawn; the chart counts them"
        ><input
          type="checkbox"
          .checked=${ignoreOutliers}
          data-testid="ignore-outliers"
          @change=${() => this.model.set({ ignoreOutliers: !ignoreOutliers })}
        />ignore outliers</label
      >
      <input
        type="search"
        placeholder="find a metric"
        aria-label="Find a metric"
        .value=${search}
        @input=${(event: Event) => this.model.set({ search: (event.target as HTMLInputElement).value })}
      />
      <button
        ?disabled=${!range}
        title="Show all steps (double click on a chart). Drag zooms; a click, or Shift and drag, chooses the step whose rollouts are shown"
        @click=${() => this.model.set({ range: null })}
      >
        Reset zoom
      </button>
      <button title="A chart of metrics that you choose" data-testid="new-chart" @click=${() => (this.editing = '')}>New chart …</button>
      ${this.#layouts()}
      <medr1-menu label="Save" data-testid="save-board">
        ${(['png', 'svg', 'csv'] as const).map(
          (file) =>
            html`<button
              class="quiet"
              ?disabled=${charts.length === 0}
              @click=${(event: Event) => (closeMenu(event), void this.#saveBoard(file, shown, charts))}
            >
              ${file === 'csv' ? 'Numbers of all charts as CSV' : `Board as ${file.toUpperCase()}`}
            </button>`,
        )}
      </medr1-menu>
      ${this.#trouble('The board could not be saved', this.#saving)} ${this.#trouble('The colour was not kept', this.#painting)}
    </div>`;
  }

  #smoothing(): TemplateResult {
    const { smoother, smoothing, window } = this.model.state.value;
    const entered = (event: Event): number => Number((event.target as HTMLInputElement).value);
    return html`<label title=${SMOOTHER_TITLES[smoother]}
        >smoothing
        <select
          aria-label="Kind of smoothing"
          @change=${(event: Event) => this.model.set({ smoother: (event.target as HTMLSelectElement).value as Smoother })}
        >
          ${SMOOTHERS.map((one) => html`<option value=${one} ?selected=${one === smoother}>${SMOOTHER_LABELS[one]}</option>`)}
        </select>
      </label>
      ${
        smoother === 'none'
          ? nothing
          : html`<label>
              <input
                type="range"
                min=${smoother === 'ema' ? 0 : 1}
                max=${smoother === 'ema' ? MAX_SMOOTHING : MAX_WINDOW}
                step=${smoother === 'ema' ? 0.01 : 1}
                .value=${String(smoother === 'ema' ? smoothing : window)}
                aria-label=${smoother === 'ema' ? 'Smoothing' : 'Points of the mean'}
                @input=${(event: Event) => this.model.set(smoother === 'ema' ? { smoothing: entered(event) } : { window: entered(event) })}
              />
              <span class="number reading">${smoother === 'ema' ? smoothing.toFixed(2) : window}</span>
            </label>`
      }`;
  }

  /** Where several runs are chosen: which of them are one line. */
  #grouping(): TemplateResult | typeof nothing {
    const { groupBy } = this.model.state.value;
    const runs = this.#held.all;
    if (runs.length < 2) return nothing;
    const keys = [...new Set([...differingKeys(runs), ...(groupBy && groupBy !== BY_SEED ? [groupBy] : [])])];
    return html`<label title="Runs that are alike are drawn as their mean, with a band of one standard deviation"
      >mean over
      <select
        aria-label="Mean over runs"
        data-testid="group-by"
        @change=${(event: Event) => this.model.set({ groupBy: (event.target as HTMLSelectElement).value || null })}
      >
        <option value="" ?selected=${groupBy === null}>no runs</option>
        <option value=${BY_SEED} ?selected=${groupBy === BY_SEED}>seeds (all else alike)</option>
        ${keys.map((key) => html`<option value=${key} ?selected=${key === groupBy}>runs of the same ${key}</option>`)}
      </select>
    </label>`;
  }

  #layouts(): TemplateResult {
    const { layouts } = this.model;
    const names = Object.keys(layouts.value).sort();
    const save = (event: SubmitEvent): void => {
      event.preventDefault();
      const name = (event.target as HTMLFormElement).querySelector('input')!.value.trim();
      if (name) this.model.saveLayout(name);
    };
    return html`<medr1-menu label=${names.length > 0 ? `Layouts (${names.length})` : 'Layouts'} data-testid="layouts">
      ${names.map(
        (name) =>
          html`<div class="saved">
            <button class="quiet" @click=${(event: Event) => (closeMenu(event), this.model.applyLayout(name))}>${name}</button>
            <button class="quiet" title="Remove" aria-label=${`Remove ${name}`} @click=${() => layouts.remove(name)}>×</button>
          </div>`,
      )}
      <form class="saved" @submit=${save}>
        <input maxlength=${MOST_LETTERS} placeholder="name" aria-label="Name of the layout" /><button>Save as it is</button>
      </form>
      <button class="quiet" @click=${(event: Event) => (closeMenu(event), this.model.resetLayout())}>
        Order, sizes and ranges as at first
      </button>
    </medr1-menu>`;
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

  #chips(all: ChartRun[]): TemplateResult {
    const colours = seriesColours();
    const { hidden } = this.model.state.value;
    return html`<div class="chips" role="group" aria-label="Runs shown">
      ${repeat(
        all,
        ({ series }) => series.id,
        ({ series, colour }) => {
          const run = this.workbench.runs.get(series.id) ?? series.detail?.summary;
          const off = hidden.includes(series.id);
          return html`<span class="chip-of"
            ><button
              class="run"
              aria-pressed=${!off}
              title=${`${off ? 'Show' : 'Hide'} ${run?.name ?? series.id}`}
              data-testid="curves-run"
              @click=${() => this.model.toggle('hidden', series.id)}
            >
              <i style=${`background:${off ? 'transparent' : colours[colour]}`}></i>
              <span class="ellipsis">${run?.name ?? series.id}</span>
              ${run ? html`<span class="secondary">${STATES[run.state].glyph} ${run.step}</span><b class="number">${number(run.reward)}</b>` : nothing}</button
            >${run ? this.#colourMenu(run) : nothing}</span
          >`;
        },
      )}
    </div>`;
  }

  /** The colour is kept with the run, for every view and everybody. */
  #colourMenu({ id, name, annotations }: RunSummary): TemplateResult {
    const choose = (event: Event, colour: number | null): void => {
      closeMenu(event);
      void this.#paint(id, colour);
    };
    const radio = (colour: number | null, label: string, style: string): TemplateResult =>
      html`<button
        role="radio"
        class=${colour === null ? 'quiet' : 'swatch'}
        aria-checked=${annotations.colour === colour}
        aria-label=${label}
        title=${label}
        style=${style}
        @click=${(event: Event) => choose(event, colour)}
      >
        ${colour === null ? 'auto' : ''}
      </button>`;
    return html`<medr1-menu label="" says=${`Colour of ${name}`} data-testid="run-colour">
      <div role="radiogroup" aria-label=${`Colour of ${name}`} class="swatches">
        ${radio(null, 'Automatic', '')} ${seriesColours().map((value, at) => radio(at, `Colour ${at + 1}`, `background:${value}`))}
      </div>
    </medr1-menu>`;
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

  static override styles = [
    tokens,
    base,
    scrolling,
    css`
      .toolbar input[type='search'] {
        flex: 1 1 100px;
        min-width: 80px;
        max-width: 200px;
      }
      .toolbar input[type='range'] {
        flex: 1 1 60px;
        max-width: 130px;
      }
      .toolbar label:has([type='range']) {
        min-width: 0;
        max-width: 100%;
      }
      .reading {
        width: 4ch;
      }
      .chips {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
        padding: 4px 8px;
      }
      .run {
        display: inline-flex;
        gap: 6px;
        align-items: center;
        min-width: 0;
        max-width: 100%;
        min-height: 22px;
        background: none;
      }
      .run[aria-pressed] {
        box-shadow: none;
        border-color: var(--medr1-border);
      }
      .run[aria-pressed='false'] {
        opacity: 0.6;
      }
      .run i {
        flex: none;
        width: 10px;
        height: 10px;
        border: 1px solid var(--medr1-text-2);
        border-radius: 50%;
      }
      .chip-of {
        display: inline-flex;
        max-width: 100%;
      }
      .swatches,
      .saved {
        display: flex;
        gap: 4px;
      }
      .swatches {
        flex-wrap: wrap;
        width: 180px; /* of a panel that is as wide as it has to be: it stays in a narrow view */
      }
      .saved > :first-child {
        flex: 1;
        text-align: left;
      }
      .swatch {
        width: 24px;
        padding: 0;
      }
      .swatch[aria-checked='true'] {
        outline: 2px solid var(--medr1-text);
        outline-offset: 1px;
      }
      .toolbar medr1-menu > button {
        display: block;
        width: 100%;
        text-align: left;
      }
      .group {
        padding: 0 8px 4px;
      }
      .fold {
        padding: 2px 0;
        font-weight: 600;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
        gap: 4px;
      }
      .large {
        grid-column: 1 / -1 !important; /* over its own span */
      }
    `,
  ];
}

/** Points of a long run that its first reading left out, for the stretch that is zoomed to. */
function refine(series: FollowedRun, axis: Axis, range: [number, number]): void {
  const stretch = stepsWithin(series, axis, range);
  if (stretch) void series.refine(...stretch);
}

define('medr1-curves', CurvesView);
