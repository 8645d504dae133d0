/** One chart: its lines on a canvas; cursor, brush, marks and the table of values lie over it. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { number } from '../format.ts';
import { icon } from '../icons.ts';
import { saveFile } from '../save-file.ts';
import { nearest } from '../sorted.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, paletteOf, tokens } from '../theme.ts';
import '../menu.ts';
import { xOfStep } from './axis.ts';
import { sizeOf } from './board.ts';
import { ChartDrawing, type Source } from './chart-drawing.ts';
import { enterMarks, isMark, marks, walkMarks } from './chart-marks.ts';
import { chartMenu, chartMenuStyle, type BoardRequest, type ChartFile } from './chart-menu.ts';
import { DragToPlace } from './chart-place.ts';
import { ChartPointer } from './chart-pointer.ts';
import { sizeHandle } from './chart-size.ts';
import { style } from './chart-style.ts';
import { explain, type ChartSpec } from './charts.ts';
import { csv, csvOfLines } from './csv.ts';
import type { ChartRun } from './figure.ts';
import { legend } from './legend.ts';
import { hasRollouts, withHeat } from './lines.ts';
import type { CurvesModel } from './model.ts';
import { pngOf } from './png.ts';
import { readings, stepAt, type Reading, type StepOf } from './readings.ts';
import { Scale } from './scale.ts';
import { svgOf, type Picture } from './svg.ts';
import { placeTooltip, tooltip } from './tooltip.ts';
import { painting, reading, unhurried } from './turns.ts';

/** Properties of which the page shows nothing that is not painted first. */
const DRAWN = new Set<PropertyKey>(['runs', 'revision', 'overlaid']);
/** Pixels from the cursor within which a point is read. */
const READ_SLACK = 4;
/** Milliseconds after which points are drawn that could not be seen when they came. */
const LATER_MS = 5000;
/** Of a picture of one chart, in pixels. */
const SAVED_SIZE = { width: 900, height: 500 };

export class CurveChart extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    spec: { attribute: false, hasChanged: isOther },
    runs: { attribute: false, hasChanged: areOthers },
    revision: { attribute: false },
    overlaid: { attribute: false },
    selected: { attribute: false, hasChanged: isOther },
    onBoard: { attribute: false },
    over: { type: Boolean, reflect: true },
  };
  declare model: CurvesModel;
  declare spec: ChartSpec;
  declare runs: ChartRun[];
  /** Changes whenever a run's data did. */
  declare revision: number;
  /** Several runs are chosen, whether hidden or not: colours then tell runs apart. */
  declare overlaid: boolean;
  declare selected: StepOf | null;
  /** It stands on a board: it can be moved and resized. */
  declare onBoard: boolean;
  /** Another chart is dragged over it. */
  declare over: boolean;

  readonly #drawing = new ChartDrawing(() => paletteOf(this));
  readonly #pointer = new ChartPointer(this);
  readonly #drag = new DragToPlace(this);
  /** Of the canvas in pixels; to ask the page for it would make it lay out everything. */
  #width = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  #resize: ResizeObserver | null = null;
  #leaveCursor: (() => void) | null = null;
  readonly #paint = (): boolean => this.#paintNow();
  readonly #read = (): void => this.requestUpdate();

  constructor() {
    super();
    this.runs = [];
    this.revision = 0;
    this.overlaid = false;
    this.selected = null;
    this.onBoard = false;
    this.over = false;
  }

  get chart(): string {
    return this.spec.id;
  }

  protected override identity(): PropertyKey[] {
    return ['model'];
  }

  protected override watched() {
    return [this.model.state];
  }

  protected override acquire(): void {
    this.#resize ??= new ResizeObserver(() => {
      const width = this.renderRoot.querySelector('canvas')?.clientWidth ?? 0;
      if (width === this.#width) return; // a legend that grew, say
      this.#width = width;
      this.#drawing.stale = true;
      this.requestUpdate();
    });
    this.#resize.observe(this);
    this.#leaveCursor = this.model.cursor.subscribe(() => this.#onCursor());
  }

  protected override release(): void {
    this.#leaveCursor?.();
    this.#resize?.disconnect();
    painting.cancel(this.#paint);
    unhurried.cancel(this.#paintAnew);
    reading.cancel(this.#read);
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#drawing.forget();
  }

  /** Where nothing but what it draws has changed, its page is written once that is painted, and not before as well. */
  protected override shouldUpdate(changed: PropertyValues): boolean {
    if (!super.shouldUpdate(changed)) return false;
    const drawnAlone = this.hasUpdated && this.#width > 0 && changed.size > 0 && [...changed.keys()].every((key) => DRAWN.has(key));
    if (drawnAlone && this.onScreen) painting.ask(this.#paint);
    return !drawnAlone;
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    this.#drawing.make(this.#source, false);
  }

  get #source(): Source {
    const { spec, runs, revision, overlaid } = this;
    return { spec, runs, revision, overlaid, settings: this.model.state.value };
  }

  protected override updated(): void {
    if (this.#drawing.stale && this.onScreen) painting.ask(this.#paint);
    this.#moveCursor();
    const tip = this.renderRoot.querySelector<HTMLElement>('.tooltip');
    const at = this.#cursorPixel;
    if (tip && at !== null) placeTooltip(tip, this.renderRoot.querySelector<HTMLElement>('.area')!, at);
  }

  /** The line follows at once in every chart; the values at once where the pointer is, elsewhere when it has come to rest. */
  #onCursor(): void {
    if (!this.onScreen || !this.hasUpdated) return;
    this.#moveCursor();
    if (this.#pointer.hovers) this.requestUpdate();
    else reading.ask(this.#read);
  }

  #moveCursor(): void {
    const line = this.renderRoot.querySelector<HTMLElement>('.cursor');
    if (!line) return;
    const at = this.#cursorPixel;
    line.hidden = at === null;
    if (at !== null) line.style.transform = `translateX(${at}px)`;
  }

  get #cursorPixel(): number | null {
    const cursor = this.model.cursor.value;
    return cursor === null ? null : (this.scale?.toPixel(cursor) ?? null);
  }

  get #height(): number {
    return sizeOf(this.model.state.value, this.spec.id).height;
  }

  /** False where nothing was painted. */
  #paintNow(): boolean {
    const canvas = this.renderRoot?.querySelector('canvas');
    const width = this.#width;
    if (!canvas || width === 0 || !this.isConnected) return false;
    this.#drawing.make(this.#source, true);
    const painted = this.#drawing.paint(canvas, { width, height: this.#height });
    const points = String(this.#drawing.points);
    if (painted) {
      clearTimeout(this.#later);
      this.#later = undefined;
      this.dataset.points = points;
    } else this.#later ??= setTimeout(() => unhurried.ask(this.#paintAnew), LATER_MS);
    this.dataset.told = points;
    this.requestUpdate(); // cursor and marks stand at pixels, the legend tells the newest points
    return painted;
  }

  /** What was too little to be seen is painted after a while all the same. */
  readonly #paintAnew = (): void => {
    this.#later = undefined;
    this.#drawing.forget();
    if (this.onScreen) this.#paintNow();
  };

  /** The chart as a picture by itself, of the size that it has on the board. */
  picture(): Picture {
    this.#drawing.make(this.#source, true); // a chart out of sight may have rested
    const size = { width: Math.max(1, this.offsetWidth), height: Math.max(this.#height, this.offsetHeight) };
    return this.#drawing.picture(size, `plot-${this.spec.id.replace(/\W/g, '-')}`);
  }

  /** Null as long as nothing is drawn. */
  get scale(): Scale | null {
    const range = this.#drawing.x;
    return range && this.#width > 0 ? new Scale(range, this.#width) : null;
  }

  protected override render(): TemplateResult {
    const { spec } = this;
    const cursor = this.model.cursor.value;
    const values = readings(this.#drawing.lines, cursor, this.#slack);
    return html`<section role="group" aria-label=${spec.title} data-testid="chart" data-chart=${spec.id}>
      ${this.#head()} ${legend(values, this.overlaid)}
      <div
        class="area"
        tabindex="0"
        role="group"
        aria-label=${this.#summary(values)}
        style=${`height:${this.#height}px`}
        @pointermove=${this.#pointer.onMove}
        @pointerleave=${this.#pointer.onLeave}
        @pointerdown=${this.#pointer.onDown}
        @pointerup=${this.#pointer.onUp}
        @dblclick=${() => this.model.set({ range: null })}
        @keydown=${this.#onKey}
      >
        <canvas aria-hidden="true"></canvas>
        ${this.#unseen()} ${this.#overlay(cursor, values)}
      </div>
      ${this.onBoard ? sizeHandle(this.model, spec, this, Number(this.dataset.columns ?? 1)) : nothing}
    </section>`;
  }

  /** What is read out: the values, and what the keys do. */
  #summary(values: readonly Reading[]): string {
    const { pauses } = this.#drawing;
    return [
      `${this.spec.title}: ${values.map(({ line, value }) => `${line.label} ${number(value)}`).join(', ')}.`,
      ...(pauses.length > 0 ? [`Pauses left out: ${pauses.join(', ')}.`] : []),
      'Left and Right move the cursor, Home and End to the ends, Enter selects the step, Down goes to the events.',
    ].join(' ');
  }

  #head(): TemplateResult {
    const { spec, model } = this;
    const { expanded, pinned } = model.state.value;
    return html`<header role="presentation" draggable=${this.onBoard ? 'true' : 'false'} @dragstart=${this.#drag.onStart}>
      <h4 title=${explain(spec) || spec.metrics.join(', ')}>${spec.title}</h4>
      ${spec.unit ? html`<span class="secondary small">${spec.unit}</span>` : nothing} ${this.#heatChoice()}
      <span class="spring"></span>
      <span class="tools"
        ><button
          class="quiet"
          aria-pressed=${pinned.includes(spec.id)}
          title="Pin to the front"
          aria-label=${`Pin ${spec.title}`}
          @click=${() => model.toggle('pinned', spec.id)}
        >
          ${pinned.includes(spec.id) ? '★' : '☆'}
        </button>
        <button
          class="quiet"
          aria-pressed=${expanded === spec.id}
          title="Large"
          aria-label=${`Show ${spec.title} large`}
          @click=${() => model.set({ expanded: expanded === spec.id ? null : spec.id })}
        >
          ${icon('expand')}
        </button>
        ${chartMenu(model, spec, { onBoard: this.onBoard, ask: (request) => this.ask(request), save: (file) => void this.#save(file) })}</span
      >
    </header>`;
  }

  /** Of a distribution of several runs: whose heat map is drawn. */
  #heatChoice(): TemplateResult | typeof nothing {
    const some = this.runs.filter(hasRollouts);
    if (this.spec.from?.kind !== 'distribution' || some.length < 2 || this.model.state.value.logY) return nothing;
    const shown = withHeat(some, this.model.state.value);
    return html`<select
      class="small heat"
      aria-label=${`Run of the heat map, ${this.spec.title}`}
      title="Run whose heat map is drawn, in all charts of rollouts"
      data-testid="heat-run"
      @change=${(event: Event) => this.model.set({ heatRun: (event.target as HTMLSelectElement).value })}
    >
      ${some.map((run) => html`<option value=${run.series.id} .selected=${run === shown}>${run.series.name}</option>`)}
    </select>`;
  }

  /** Why there is no line, or which values are not seen. */
  #unseen(): TemplateResult | typeof nothing {
    const { text, all } = this.#drawing.note;
    return text ? html`<p class=${all ? 'none secondary small' : 'partly secondary small'}>${text}</p>` : nothing;
  }

  #overlay(cursor: number | null, values: readonly Reading[]): TemplateResult {
    const { brush, hovers } = this.#pointer;
    const step = this.selected && this.#pixelOfSelected(this.selected);
    return html`
      ${step === null ? nothing : html`<div class="line step" style=${`left:${step}px`}></div>`}
      <div class="line cursor" hidden></div>
      ${brush ? html`<div class="brush" style=${`left:${Math.min(...brush)}px;width:${Math.abs(brush[1] - brush[0])}px`}></div>` : nothing}
      ${marks({
        runs: this.runs,
        overlaid: this.overlaid,
        pixelOfStep: (series, at) => this.#pixelOfStep(series, at),
        select: (at) => this.#select(at),
      })}
      ${hovers && cursor !== null && this.#cursorPixel !== null && values.length ? tooltip(values, cursor, this.model.state.value) : nothing}
    `;
  }

  #pixelOfStep(series: FollowedRun, step: number): number | null {
    const x = xOfStep(series, this.model.state.value.axis, step);
    return x === null ? null : (this.scale?.toPixel(x) ?? null);
  }

  /** Of the chosen step, on the line of its run; where that run is hidden, at its step. */
  #pixelOfSelected({ run, step }: StepOf): number | null {
    const shown = this.runs.find(({ series }) => series.id === run);
    if (shown) return this.#pixelOfStep(shown.series, step);
    return this.model.state.value.axis === 'step' ? (this.scale?.toPixel(step) ?? null) : null;
  }

  /** How far from the cursor a point may lie to be read, in x. */
  get #slack(): number {
    return READ_SLACK * (this.scale?.perPixel ?? 0);
  }

  #onKey = (event: KeyboardEvent): void => {
    if (isMark(event.target) ? walkMarks(this.renderRoot, event) : this.#walk(event)) event.preventDefault();
  };

  /** True where the key meant something. */
  #walk({ key }: KeyboardEvent): boolean {
    const { stops } = this.#drawing;
    const now = this.model.cursor.value;
    const at = now === null ? -1 : nearest(stops, now);
    const to = {
      ArrowRight: now === null ? stops.length - 1 : at + 1,
      ArrowLeft: now === null ? stops.length - 1 : at - 1,
      Home: 0,
      End: stops.length - 1,
    }[key];
    if (to !== undefined) this.#pointer.moveTo(stops[Math.min(stops.length - 1, Math.max(0, to))] ?? null);
    else if (key === 'Enter' && now !== null) this.#selectAt(now, () => null);
    else if (key === 'Escape') this.#pointer.onLeave();
    else if (key === 'ArrowDown') return enterMarks(this.renderRoot, this.#cursorPixel ?? 0);
    else return false;
    return true;
  }

  /** Chooses the step at x of the line that passes nearest to a pixel of the chart. */
  selectAt(x: number, y: number): void {
    const { scene } = this.#drawing;
    this.#selectAt(x, (value) => {
      const at = scene?.toY(value) ?? NaN;
      return Number.isFinite(at) ? Math.abs(at - y) : null;
    });
  }

  #selectAt(x: number, distance: (value: number) => number | null): void {
    this.#select(stepAt(this.#drawing.lines, this.model.state.value.axis, x, this.#slack, distance));
  }

  #select(step: StepOf | null): void {
    if (step !== null) this.dispatchEvent(new CustomEvent<StepOf>('medr1-step', { detail: step, bubbles: true, composed: true }));
  }

  ask(detail: BoardRequest): void {
    this.dispatchEvent(new CustomEvent<BoardRequest>('medr1-board', { detail, bubbles: true, composed: true }));
  }

  async #save(file: ChartFile): Promise<void> {
    const name = `${this.spec.title.replace(/[^\w.-]+/g, '-')}.${file}`;
    this.#drawing.make(this.#source, true);
    if (file === 'csv') return saveFile(name, new Blob([this.#numbers()], { type: 'text/csv' }));
    const picture = this.#drawing.picture(SAVED_SIZE, 'plot');
    const svg = svgOf([{ ...picture, x: 0, y: 0 }], paletteOf(this).surface);
    saveFile(name, file === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await pngOf(svg));
  }

  #numbers(): string {
    return this.spec.from ? csvOfLines(this.#drawing.lines, this.model.state.value.axis) : csv(this.runs, [this.spec]);
  }

  static override styles = [tokens, base, chartMenuStyle, style];
}

/** The board makes these anew each time that it draws; of most charts they say the same as before. */
function isOther(now: unknown, before: unknown): boolean {
  return JSON.stringify(now) !== JSON.stringify(before);
}

function areOthers(now: readonly ChartRun[], before: readonly ChartRun[] | undefined): boolean {
  const same = (a: ChartRun, b: ChartRun): boolean =>
    a.series === b.series && a.colour === b.colour && a.statistics === b.statistics && a.trial === b.trial;
  return now.length !== before?.length || now.some((run, at) => !same(run, before[at]));
}

define('medr1-chart', CurveChart);
