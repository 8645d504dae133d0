/** One chart: plotly draws the lines; cursor, brush, marks and the table of values lie over it. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { number } from '../format.ts';
import { icon } from '../icons.ts';
import { saveFrom } from '../save-file.ts';
import type { Mark, RunSeries } from '../store/run-series.ts';
import { base, SERIES, theme, tokens } from '../theme.ts';
import { axisValues, xOfStep } from './axis.ts';
import { style } from './chart-style.ts';
import { explain, type ChartSpec } from './charts.ts';
import { nearest } from './downsample.ts';
import { extent, layout, linesOf, readings, traces, type ChartLine, type ChartRun, type Palette, type Reading } from './figure.ts';
import type { CurvesModel } from './model.ts';
import { cancelDraw, loadPlotly, PLOTLY_CONFIG, queueDraw, type Plotly } from './plotly.ts';
import { Scale } from './scale.ts';
import { swatch, tooltip } from './tooltip.ts';

const HEIGHT = { small: 190, large: 420 };
const MARK_GLYPHS: Record<Mark['kind'], string> = { rewards: '▼', checkpoint: '◆', alert: '⚠', pause: '‖' };
/** Pixels the pointer may move and still have clicked. */
const CLICK_SLACK = 4;

export class CurveChart extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    spec: { attribute: false },
    runs: { attribute: false },
    revision: { attribute: false },
    selectedStep: { attribute: false },
    brush: { state: true },
    hovered: { state: true },
    problem: { state: true },
  };
  declare model: CurvesModel;
  declare spec: ChartSpec;
  declare runs: ChartRun[];
  /** Changes whenever a run's data did. */
  declare revision: number;
  declare selectedStep: number | null;
  /** Pixels from where to where the pointer was dragged. */
  declare brush: [number, number] | null;
  declare hovered: boolean;
  declare problem: string | null;

  #lines: ChartLine[] = [];
  #full: [number, number] | null = null;
  /** What the lines were made from. */
  #made: unknown[] = [];
  /** Dragging moves the chosen step instead of the zoom. */
  #scrubbing = false;
  /** Lines that are not on screen yet. */
  #stale = true;
  /** Of the drawing, 0 before the first. */
  #width = 0;
  #plotly: Plotly | null = null;
  #resize: ResizeObserver | null = null;
  readonly #draw = (): void => this.#drawNow();

  constructor() {
    super();
    this.runs = [];
    this.revision = 0;
    this.selectedStep = null;
    this.brush = null;
    this.hovered = false;
    this.problem = null;
  }

  protected override identity(): PropertyKey[] {
    return ['model'];
  }

  protected override watched() {
    return [this.model.cursor, this.model.state];
  }

  protected override acquire(): void {
    this.#resize ??= new ResizeObserver(() => {
      this.#stale = true;
      this.requestUpdate();
    });
    this.#resize.observe(this);
  }

  protected override release(): void {
    this.#resize?.disconnect();
    cancelDraw(this.#draw);
    const plot = this.#plot;
    if (plot) this.#plotly?.purge(plot);
    this.#stale = true;
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const { spec, runs, revision, model } = this;
    const from = [JSON.stringify(spec), revision, model.state.value, theme.value, ...runs.flatMap(({ series, index }) => [series, index])];
    if (from.length === this.#made.length && from.every((part, at) => part === this.#made[at])) return; // a moving cursor makes no new lines
    this.#made = from;
    this.#lines = linesOf(spec, runs, model.state.value, this.#palette());
    this.#full = extent(runs, model.state.value.axis);
    this.#stale = true;
  }

  protected override updated(): void {
    if (this.#stale && this.onScreen) queueDraw(this.#draw);
  }

  get #plot(): HTMLElement | null {
    return this.renderRoot?.querySelector<HTMLElement>('.plot') ?? null;
  }

  get #height(): number {
    return this.model.state.value.expanded === this.spec.id ? HEIGHT.large : HEIGHT.small;
  }

  #palette(): Palette {
    const style = getComputedStyle(this);
    const read = (name: string, other: string): string => style.getPropertyValue(name).trim() || other;
    const { dark } = theme.value;
    return {
      series: dark ? SERIES.dark : SERIES.light,
      text: read('--jp-ui-font-color1', dark ? '#e8e8e8' : '#212121'),
      grid: read('--jp-border-color2', dark ? '#424242' : '#e0e0e0'),
      surface: read('--jp-layout-color1', dark ? '#111' : '#fff'),
    };
  }

  #drawNow(): void {
    const plot = this.#plot;
    const width = plot?.clientWidth ?? 0;
    if (!plot || width === 0 || !this.isConnected) return;
    if (!this.#plotly) {
      loadPlotly().then(
        (plotly) => {
          this.#plotly = plotly;
          this.requestUpdate();
        },
        () => (this.problem = 'The chart library could not be loaded. Reload the page.'),
      );
      return;
    }
    const settings = this.model.state.value;
    const size = { width, height: this.#height };
    this.#stale = false;
    void this.#plotly.react(
      plot,
      traces(this.spec, this.#lines, settings, width),
      layout(settings, this.#palette(), size, this.#full),
      PLOTLY_CONFIG,
    );
    this.dataset.points = String(this.#lines.reduce((sum, line) => sum + line.x.length, 0));
    if (width !== this.#width) {
      this.#width = width;
      this.requestUpdate(); // cursor and marks stand at pixels
    }
  }

  /** Null as long as nothing is drawn. */
  get #scale(): Scale | null {
    const range = this.model.state.value.range ?? this.#full;
    return range && this.#width > 0 ? new Scale(range, this.#width) : null;
  }

  protected override render(): TemplateResult {
    const { spec, model } = this;
    const { expanded, pinned } = model.state.value;
    const cursor = model.cursor.value;
    const values = readings(this.#lines, cursor);
    const about = explain(spec);
    return html`<section aria-label=${spec.title} data-testid="chart" data-chart=${spec.id}>
      <header>
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
        <button class="quiet" title="Save as PNG" aria-label=${`Save ${spec.title} as PNG`} @click=${() => void this.#savePng()}>
          PNG
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
      </header>
      <div class="legend small">
        ${values.map(
          ({ line, value }) =>
            html`<span class="entry"
              ><i style=${swatch(line)}></i><span class="ellipsis">${line.label}</span><b class="number">${number(value)}</b></span
            >`,
        )}
      </div>
      <div
        class="area"
        tabindex="0"
        role="img"
        aria-label=${`${spec.title}: ${values.map(({ line, value }) => `${line.label} ${number(value)}`).join(', ')}. Arrow keys move the cursor, Enter selects the step.`}
        style=${`height:${this.#height}px`}
        @pointermove=${this.#onMove}
        @pointerleave=${this.#onLeave}
        @pointerdown=${this.#onDown}
        @pointerup=${this.#onUp}
        @dblclick=${() => model.set({ range: null })}
        @keydown=${this.#onKey}
      >
        <div class="plot"></div>
        ${this.problem ? html`<p class="message" role="alert">${this.problem}</p>` : nothing}
        ${!this.problem && values.every(({ value }) => value === null) ? html`<p class="none secondary small">no value yet</p>` : nothing}
        ${this.#overlay(cursor, values)}
      </div>
    </section>`;
  }

  #overlay(cursor: number | null, values: readonly Reading[]): TemplateResult {
    const at = cursor === null ? null : (this.#scale?.toPixel(cursor) ?? null);
    const step = this.runs[0] && this.selectedStep !== null ? this.#pixelOfStep(this.runs[0].series, this.selectedStep) : null;
    return html`
      ${step === null ? nothing : html`<div class="line step" style=${`left:${step}px`}></div>`}
      ${at === null ? nothing : html`<div class="line" style=${`left:${at}px`}></div>`}
      ${
        this.brush
          ? html`<div class="brush" style=${`left:${Math.min(...this.brush)}px;width:${Math.abs(this.brush[1] - this.brush[0])}px`}></div>`
          : nothing
      }
      ${this.#marks()}
      ${this.hovered && at !== null && values.length ? tooltip(values, this.model.state.value, at > this.#width / 2) : nothing}
    `;
  }

  #marks(): TemplateResult[] {
    return this.runs.flatMap(({ series }) =>
      series.marks.flatMap((mark) => {
        const at = this.#pixelOfStep(series, mark.step);
        if (at === null) return [];
        const text = [`${mark.title}, step ${mark.step}`, mark.detail].filter(Boolean).join('\n');
        return [
          html`${mark.kind === 'rewards' ? html`<div class="line mark" style=${`left:${at}px`}></div>` : nothing}
            <button
              class=${`quiet glyph ${mark.kind}`}
              style=${`left:${at}px`}
              title=${text}
              aria-label=${text}
              tabindex="-1"
              data-testid=${`mark-${mark.kind}`}
              @click=${(event: Event) => (event.stopPropagation(), this.#select(mark.step))}
              @pointerdown=${(event: Event) => event.stopPropagation()}
              @pointerup=${(event: Event) => event.stopPropagation()}
            >
              ${MARK_GLYPHS[mark.kind]}
            </button>`,
        ];
      }),
    );
  }

  #pixelOfStep(series: RunSeries, step: number): number | null {
    const x = xOfStep(series, this.model.state.value.axis, step);
    return x === null ? null : (this.#scale?.toPixel(x) ?? null);
  }

  #pixelOf(event: PointerEvent): number {
    return event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left;
  }

  #onMove = (event: PointerEvent): void => {
    const pixel = this.#pixelOf(event);
    this.hovered = true;
    this.model.cursor.set(this.#scale?.toValue(pixel) ?? null);
    if (this.brush) this.brush = [this.brush[0], pixel];
    if (this.#scrubbing) this.#selectAt(pixel);
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
      this.#selectAt(pixel);
    } else this.brush = [pixel, pixel];
  };

  #onUp = (): void => {
    this.#scrubbing = false;
    if (!this.brush) return;
    const [from, to] = [...this.brush].sort((a, b) => a - b);
    this.brush = null;
    const scale = this.#scale;
    if (!scale) return;
    const low = scale.toValue(from);
    if (to - from > CLICK_SLACK) this.model.set({ range: [low, scale.toValue(to)] });
    else this.#select(this.#stepAt(low));
  };

  #onKey = (event: KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const run = this.runs[0];
    if (!run) return;
    const x = axisValues(run.series, this.model.state.value.axis);
    if (way) {
      const now = this.model.cursor.value;
      const at = now === null ? x.length - 1 : nearest(x, now) + way;
      this.hovered = true;
      this.model.cursor.set(x[Math.min(x.length - 1, Math.max(0, at))] ?? null);
    } else if (event.key === 'Enter' && this.model.cursor.value !== null) this.#select(this.#stepAt(this.model.cursor.value));
    else if (event.key === 'Escape') this.#onLeave();
    else return;
    event.preventDefault();
  };

  #stepAt(x: number): number | null {
    const run = this.runs[0];
    if (!run) return null;
    return run.series.steps[nearest(axisValues(run.series, this.model.state.value.axis), x)] ?? null;
  }

  #selectAt(pixel: number): void {
    const scale = this.#scale;
    if (scale) this.#select(this.#stepAt(scale.toValue(pixel)));
  }

  #select(step: number | null): void {
    if (step !== null) this.dispatchEvent(new CustomEvent('medr1-step', { detail: step, bubbles: true, composed: true }));
  }

  async #savePng(): Promise<void> {
    const plot = this.#plot;
    if (!plot || !this.#plotly) return;
    const url = await this.#plotly.toImage(plot, { format: 'png', width: 900, height: 500, scale: 2 });
    saveFrom(url, `${this.spec.id.replaceAll('/', '-')}.png`);
  }

  static override styles = [tokens, base, style];
}

define('medr1-chart', CurveChart);
