/** One chart: its lines on a canvas; cursor, brush, marks and the table of values lie over it. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { number } from '../format.ts';
import { icon } from '../icons.ts';
import { saveFile } from '../save-file.ts';
import { nearest } from '../sorted.ts';
import type { Mark } from '../store/marks.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, paletteOf, tokens } from '../theme.ts';
import '../menu.ts';
import { xOfStep } from './axis.ts';
import { sizeOf } from './board.ts';
import { chartMenu, chartMenuStyle, type BoardRequest, type ChartFile } from './chart-menu.ts';
import { style } from './chart-style.ts';
import { explain, type ChartSpec } from './charts.ts';
import { csv, csvOfLines } from './csv.ts';
import { ChartDrawing, type Source } from './chart-drawing.ts';
import { cancelDraw, queueDraw } from './draw-queue.ts';
import type { ChartRun } from './figure.ts';
import { legend } from './legend.ts';
import type { CurvesModel } from './model.ts';
import { pngOf } from './png.ts';
import { readings, stepAt, type Reading, type StepOf } from './readings.ts';
import { Scale } from './scale.ts';
import { svgOf, type Picture } from './svg.ts';
import { tooltip } from './tooltip.ts';

const MARK_GLYPHS: Record<Mark['kind'], string> = { rewards: '▼', checkpoint: '◆', alert: '⚠', pause: '‖', fork: '↳' };
/** Pixels the pointer may move and still have clicked. */
const CLICK_SLACK = 4;
/** Pixels from the cursor within which a point is read. */
const READ_SLACK = 4;
/** Pixels between the cursor and the table of values. */
const TIP_GAP = 12;
/** Milliseconds after which points are drawn that could not be seen when they came. */
const LATER_MS = 5000;
/** Of a picture of one chart, in pixels. */
const SAVED_SIZE = { width: 900, height: 500 };
/** What a dragged chart carries. */
const DRAGGED = 'application/x-medr1-chart';
/** Pixels that an arrow key makes a chart higher or lower. */
const KEY_HEIGHT = 30;

export class CurveChart extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    spec: { attribute: false },
    runs: { attribute: false },
    revision: { attribute: false },
    overlaid: { attribute: false },
    selected: { attribute: false },
    onBoard: { attribute: false },
    over: { type: Boolean, reflect: true },
    brush: { state: true },
    hovered: { state: true },
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
  /** Pixels from where to where the pointer was dragged. */
  declare brush: [number, number] | null;
  declare hovered: boolean;

  readonly #drawing = new ChartDrawing(() => paletteOf(this));
  /** Dragging moves the chosen step instead of the zoom. */
  #scrubbing = false;
  /** Of the drawing, 0 before the first. */
  #width = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  #resize: ResizeObserver | null = null;
  readonly #draw = (): boolean => this.#drawNow();

  constructor() {
    super();
    this.runs = [];
    this.revision = 0;
    this.overlaid = false;
    this.selected = null;
    this.onBoard = false;
    this.over = false;
    this.brush = null;
    this.hovered = false;
    this.addEventListener('dragover', this.#onDragOver);
    this.addEventListener('dragleave', this.#onDragLeave);
    this.addEventListener('drop', this.#onDrop);
  }

  protected override identity(): PropertyKey[] {
    return ['model'];
  }

  protected override watched() {
    return [this.model.cursor, this.model.state];
  }

  protected override acquire(): void {
    this.#resize ??= new ResizeObserver(() => {
      this.#drawing.stale = true;
      this.requestUpdate();
    });
    this.#resize.observe(this);
  }

  protected override release(): void {
    this.#resize?.disconnect();
    cancelDraw(this.#draw);
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#drawing.forget();
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
    if (this.#drawing.stale && this.onScreen) queueDraw(this.#draw);
    this.#placeTooltip();
  }

  /** Under the chart, or over it where the window ends: never on the lines that are being read. */
  #placeTooltip(): void {
    const tip = this.renderRoot.querySelector<HTMLElement>('.tooltip');
    const at = this.#cursorPixel;
    if (!tip || at === null) return;
    const area = this.renderRoot.querySelector('.area')!.getBoundingClientRect();
    if (!tip.matches(':popover-open')) tip.showPopover?.();
    const { offsetWidth: width, offsetHeight: height } = tip;
    const below = area.bottom + 2;
    const left = at > this.#width / 2 ? area.left + at - width - TIP_GAP : area.left + at + TIP_GAP;
    tip.style.top = `${below + height <= innerHeight ? below : Math.max(0, area.top - height - 2)}px`;
    tip.style.left = `${Math.max(0, Math.min(innerWidth - width, left))}px`;
  }

  get #cursorPixel(): number | null {
    const cursor = this.model.cursor.value;
    return cursor === null ? null : (this.#scale?.toPixel(cursor) ?? null);
  }

  get #height(): number {
    return sizeOf(this.model.state.value, this.spec.id).height;
  }

  /** False where nothing was drawn. */
  #drawNow(): boolean {
    const canvas = this.renderRoot?.querySelector('canvas');
    const width = canvas?.clientWidth ?? 0;
    if (!canvas || width === 0 || !this.isConnected) return false;
    this.#drawing.make(this.#source, true);
    const painted = this.#drawing.paint(canvas, { width, height: this.#height });
    const points = String(this.#drawing.points);
    if (painted) {
      clearTimeout(this.#later);
      this.#later = undefined;
      this.dataset.points = points;
    } else this.#later ??= setTimeout(() => this.#drawAnew(), LATER_MS);
    this.dataset.told = points;
    this.#width = width;
    this.requestUpdate(); // cursor and marks stand at pixels, the legend tells the newest points
    return painted;
  }

  /** What was too little to be seen is drawn after a while all the same. */
  #drawAnew(): void {
    this.#later = undefined;
    this.#drawing.forget();
    this.requestUpdate();
  }

  /** The chart as a picture by itself, of the size that it has on the board. */
  picture(): Picture {
    this.#drawing.make(this.#source, true); // a chart out of sight may have rested
    const size = { width: Math.max(1, this.offsetWidth), height: Math.max(this.#height, this.offsetHeight) };
    return this.#drawing.picture(size, `plot-${this.spec.id.replace(/\W/g, '-')}`);
  }

  /** Null as long as nothing is drawn. */
  get #scale(): Scale | null {
    const range = this.#drawing.x;
    return range && this.#width > 0 ? new Scale(range, this.#width) : null;
  }

  protected override render(): TemplateResult {
    const { spec, model } = this;
    const { expanded, pinned } = model.state.value;
    const cursor = model.cursor.value;
    const values = readings(this.#drawing.lines, cursor, this.#slack);
    const about = explain(spec);
    return html`<section role="group" aria-label=${spec.title} data-testid="chart" data-chart=${spec.id}>
      <header draggable=${this.onBoard ? 'true' : 'false'} @dragstart=${this.#onDragStart}>
        <h4 title=${about || spec.metrics.join(', ')}>${spec.title}</h4>
        ${spec.unit ? html`<span class="secondary small">${spec.unit}</span>` : nothing}
        <span class="spring"></span>
        <button
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
        ${chartMenu(model, spec, { onBoard: this.onBoard, ask: this.#ask, save: (file) => void this.#save(file) })}
      </header>
      ${legend(values, this.overlaid)}
      <div
        class="area"
        tabindex="0"
        role="group"
        aria-label=${`${spec.title}: ${values.map(({ line, value }) => `${line.label} ${number(value)}`).join(', ')}. Left and Right move the cursor, Home and End to the ends, Enter selects the step, Down goes to the events.`}
        style=${`height:${this.#height}px`}
        @pointermove=${this.#onMove}
        @pointerleave=${this.#onLeave}
        @pointerdown=${this.#onDown}
        @pointerup=${this.#onUp}
        @dblclick=${() => model.set({ range: null })}
        @keydown=${this.#onKey}
      >
        <canvas aria-hidden="true"></canvas>
        ${this.#unseen()} ${this.#overlay(cursor, values)}
      </div>
      ${this.onBoard ? this.#handle() : nothing}
    </section>`;
  }

  /** Why there is no line, or which values are not seen. */
  #unseen(): TemplateResult | typeof nothing {
    const { text, all } = this.#drawing.note;
    return text ? html`<p class=${all ? 'none secondary small' : 'partly secondary small'}>${text}</p>` : nothing;
  }

  /** The corner by which the chart is made larger. */
  #handle(): TemplateResult {
    return html`<button
      class="quiet size"
      title="Drag to resize"
      aria-label=${`Size of ${this.spec.title}: Left and Right change its width, Up and Down its height`}
      data-testid="chart-size"
      @pointerdown=${this.#onResize}
      @keydown=${this.#onSizeKey}
    >
      <span aria-hidden="true">◢</span>
    </button>`;
  }

  #onResize = (event: PointerEvent): void => {
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    const { id } = this.spec;
    const start = sizeOf(this.model.state.value, id, Number(this.dataset.columns ?? 1));
    const column = this.offsetWidth / start.columns;
    const move = ({ clientX, clientY }: PointerEvent): void =>
      this.model.resize(id, {
        columns: (this.offsetWidth > 0 ? start.columns * column + clientX - event.clientX : column) / column,
        height: start.height + clientY - event.clientY,
      });
    const end = (): void => {
      handle.removeEventListener('pointermove', move);
      handle.removeEventListener('pointerup', end);
      handle.removeEventListener('pointercancel', end);
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', end);
    handle.addEventListener('pointercancel', end);
  };

  #onSizeKey = (event: KeyboardEvent): void => {
    const { id } = this.spec;
    const { columns, height } = sizeOf(this.model.state.value, id);
    const change = {
      ArrowRight: { columns: columns + 1 },
      ArrowLeft: { columns: columns - 1 },
      ArrowDown: { height: height + KEY_HEIGHT },
      ArrowUp: { height: height - KEY_HEIGHT },
    }[event.key];
    if (!change) return;
    event.preventDefault();
    this.model.resize(id, change);
  };

  #ask = (detail: BoardRequest): void => {
    this.dispatchEvent(new CustomEvent<BoardRequest>('medr1-board', { detail, bubbles: true, composed: true }));
  };

  #onDragStart = (event: DragEvent): void => {
    event.dataTransfer?.setData(DRAGGED, this.spec.id);
    event.dataTransfer?.setDragImage(this, 20, 20);
  };

  #onDragOver = (event: DragEvent): void => {
    if (!this.onBoard || !event.dataTransfer?.types.includes(DRAGGED)) return;
    event.preventDefault();
    this.over = true;
  };

  #onDragLeave = (): void => void (this.over = false);

  #onDrop = (event: DragEvent): void => {
    this.over = false;
    const chart = event.dataTransfer?.getData(DRAGGED);
    if (!chart) return;
    event.preventDefault();
    if (chart !== this.spec.id) this.#ask({ ask: 'take-place', chart, target: this.spec.id });
  };

  #overlay(cursor: number | null, values: readonly Reading[]): TemplateResult {
    const at = this.#cursorPixel;
    const step = this.selected && this.#pixelOfSelected(this.selected);
    return html`
      ${step === null ? nothing : html`<div class="line step" style=${`left:${step}px`}></div>`}
      ${at === null ? nothing : html`<div class="line" style=${`left:${at}px`}></div>`}
      ${
        this.brush
          ? html`<div class="brush" style=${`left:${Math.min(...this.brush)}px;width:${Math.abs(this.brush[1] - this.brush[0])}px`}></div>`
          : nothing
      }
      ${this.#marks()}
      ${this.hovered && cursor !== null && at !== null && values.length ? tooltip(values, cursor, this.model.state.value) : nothing}
    `;
  }

  #marks(): TemplateResult[] {
    return this.runs.flatMap(({ series }) =>
      series.marks.flatMap((mark) => {
        const at = this.#pixelOfStep(series, mark.step);
        if (at === null) return [];
        const title = `${this.overlaid ? `${series.name}: ` : ''}${mark.title}, step ${mark.step}`;
        const text = [title, mark.detail].filter(Boolean).join('\n');
        return [
          html`${mark.kind === 'rewards' || mark.kind === 'fork' ? html`<div class="line mark" style=${`left:${at}px`}></div>` : nothing}
            <button
              class=${`quiet glyph ${mark.kind}`}
              style=${`left:${at}px`}
              title=${text}
              aria-label=${text}
              tabindex="-1"
              data-testid=${`mark-${mark.kind}`}
              @click=${(event: Event) => (event.stopPropagation(), this.#select({ run: series.id, step: mark.step }))}
              @pointerdown=${(event: Event) => event.stopPropagation()}
              @pointerup=${(event: Event) => event.stopPropagation()}
            >
              ${MARK_GLYPHS[mark.kind]}
            </button>`,
        ];
      }),
    );
  }

  #pixelOfStep(series: FollowedRun, step: number): number | null {
    const x = xOfStep(series, this.model.state.value.axis, step);
    return x === null ? null : (this.#scale?.toPixel(x) ?? null);
  }

  /** Of the chosen step, on the line of its run; where that run is hidden, at its step. */
  #pixelOfSelected({ run, step }: StepOf): number | null {
    const shown = this.runs.find(({ series }) => series.id === run);
    if (shown) return this.#pixelOfStep(shown.series, step);
    return this.model.state.value.axis === 'step' ? (this.#scale?.toPixel(step) ?? null) : null;
  }

  /** How far from the cursor a point may lie to be read, in x. */
  get #slack(): number {
    const scale = this.#scale;
    return scale ? READ_SLACK * scale.perPixel : 0;
  }

  #pixelOf(event: PointerEvent): number {
    return event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left;
  }

  /** Pixels between the pointer and where a value is drawn; nobody knows before the first drawing. */
  #distanceFrom(event: PointerEvent): (value: number) => number | null {
    const y = event.clientY - (event.currentTarget as HTMLElement).getBoundingClientRect().top;
    const { scene } = this.#drawing;
    return (value) => {
      const at = scene?.toY(value) ?? NaN;
      return Number.isFinite(at) ? Math.abs(at - y) : null;
    };
  }

  #onMove = (event: PointerEvent): void => {
    const pixel = this.#pixelOf(event);
    this.hovered = true;
    this.model.cursor.set(this.#scale?.toValue(pixel) ?? null);
    if (this.brush) this.brush = [this.brush[0], pixel];
    if (this.#scrubbing) this.#selectAt(pixel, event);
  };

  #onLeave = (): void => {
    this.hovered = false;
    this.brush = null;
    this.#scrubbing = false;
    this.model.cursor.set(null);
  };

  #onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const pixel = this.#pixelOf(event);
    if (event.shiftKey) {
      this.#scrubbing = true;
      this.#selectAt(pixel, event);
    } else this.brush = [pixel, pixel];
  };

  #onUp = (event: PointerEvent): void => {
    this.#scrubbing = false;
    if (!this.brush) return;
    const [from, to] = [...this.brush].sort((a, b) => a - b);
    this.brush = null;
    const scale = this.#scale;
    if (!scale) return;
    const low = scale.toValue(from);
    if (to - from > CLICK_SLACK) this.model.set({ range: [low, scale.toValue(to)] });
    else this.#selectAt(from, event);
  };

  #onKey = (event: KeyboardEvent): void => {
    const onMark = (event.target as HTMLElement).classList.contains('glyph');
    if (onMark ? this.#walkMarks(event) : this.#walk(event)) event.preventDefault();
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
    if (to !== undefined) {
      this.hovered = true;
      this.model.cursor.set(stops[Math.min(stops.length - 1, Math.max(0, to))] ?? null);
    } else if (key === 'Enter' && now !== null)
      this.#select(stepAt(this.#drawing.lines, this.model.state.value.axis, now, this.#slack, () => null));
    else if (key === 'Escape') this.#onLeave();
    else if (key === 'ArrowDown') return this.#focusMark(this.#marksByPlace.find((mark) => mark.offsetLeft >= (this.#cursorPixel ?? 0)));
    else return false;
    return true;
  }

  #walkMarks({ key, target }: KeyboardEvent): boolean {
    const marks = this.#marksByPlace;
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1 }[key];
    if (way) return this.#focusMark(marks[marks.indexOf(target as HTMLElement) + way]);
    if (key !== 'ArrowUp' && key !== 'Escape') return false;
    this.renderRoot.querySelector<HTMLElement>('.area')?.focus();
    return true;
  }

  get #marksByPlace(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>('.glyph')].sort((a, b) => a.offsetLeft - b.offsetLeft);
  }

  #focusMark(mark: HTMLElement | undefined): boolean {
    mark?.focus();
    return mark !== undefined;
  }

  #selectAt(pixel: number, event: PointerEvent): void {
    const scale = this.#scale;
    if (!scale) return;
    const { axis } = this.model.state.value;
    this.#select(stepAt(this.#drawing.lines, axis, scale.toValue(pixel), this.#slack, this.#distanceFrom(event)));
  }

  #select(step: StepOf | null): void {
    if (step !== null) this.dispatchEvent(new CustomEvent<StepOf>('medr1-step', { detail: step, bubbles: true, composed: true }));
  }

  async #save(file: ChartFile): Promise<void> {
    const name = `${this.spec.title.replace(/[^\w.-]+/g, '-')}.${file}`;
    if (file === 'csv') return saveFile(name, new Blob([this.#numbers()], { type: 'text/csv' }));
    this.#drawing.make(this.#source, true);
    const picture = this.#drawing.picture(SAVED_SIZE, 'plot');
    const svg = svgOf([{ ...picture, x: 0, y: 0 }], paletteOf(this).surface);
    saveFile(name, file === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await pngOf(svg));
  }

  #numbers(): string {
    return this.spec.from ? csvOfLines(this.#drawing.lines, this.model.state.value.axis) : csv(this.runs, [this.spec]);
  }

  static override styles = [tokens, base, chartMenuStyle, style];
}

define('medr1-chart', CurveChart);
