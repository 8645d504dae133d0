/** One chart: plotly draws the lines; cursor, brush, marks and the table of values lie over it. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { integer, number } from '../format.ts';
import { icon } from '../icons.ts';
import type { Mark } from '../store/run-series.ts';
import { base, SERIES, theme, tokens } from '../theme.ts';
import { AXIS_TITLES, axisValues } from './axis.ts';
import { explain, type ChartSpec } from './charts.ts';
import { nearest } from './downsample.ts';
import { extent, layout, linesOf, readings, traces, type ChartLine, type ChartRun, type Palette } from './figure.ts';
import type { CurvesModel } from './model.ts';
import { cancelDraw, loadPlotly, PLOTLY_CONFIG, queueDraw, type Plotly } from './plotly.ts';

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

  /** Pixels of the plotting area, as `layout` sets them. */
  get #area(): { left: number; width: number } {
    return { left: 44, width: Math.max(1, this.#width - 52) };
  }

  get #range(): [number, number] | null {
    return this.model.state.value.range ?? this.#full;
  }

  #toPixel(x: number): number | null {
    const range = this.#range;
    if (!range || this.#width === 0) return null; // not drawn yet
    const { left, width } = this.#area;
    const pixel = left + ((x - range[0]) / (range[1] - range[0])) * width;
    return pixel < left - 1 || pixel > left + width + 1 ? null : pixel;
  }

  #toValue(pixel: number): number | null {
    const range = this.#range;
    if (!range) return null;
    const { left, width } = this.#area;
    const share = Math.min(1, Math.max(0, (pixel - left) / width));
    return range[0] + share * (range[1] - range[0]);
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

  #overlay(cursor: number | null, values: ReturnType<typeof readings>): TemplateResult {
    const at = cursor === null ? null : this.#toPixel(cursor);
    const step = this.#stepPixel();
    return html`
      ${step === null ? nothing : html`<div class="line step" style=${`left:${step}px`}></div>`}
      ${at === null ? nothing : html`<div class="line" style=${`left:${at}px`}></div>`}
      ${
        this.brush
          ? html`<div class="brush" style=${`left:${Math.min(...this.brush)}px;width:${Math.abs(this.brush[1] - this.brush[0])}px`}></div>`
          : nothing
      }
      ${this.#marks()} ${this.hovered && at !== null && values.length ? this.#tooltip(at, values) : nothing}
    `;
  }

  #marks(): TemplateResult[] {
    const { axis } = this.model.state.value;
    return this.runs.flatMap(({ series }) =>
      series.marks.flatMap((mark) => {
        const index = nearest(series.steps, mark.step);
        const at = index < 0 ? null : this.#toPixel(axisValues(series, axis)[index]);
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

  #tooltip(at: number, values: ReturnType<typeof readings>): TemplateResult {
    const { axis, smoothing } = this.model.state.value;
    const right = at > this.#width / 2;
    return html`<table class="tooltip small" style=${right ? 'left:48px' : 'right:8px'}>
      <thead>
        <tr>
          <th colspan="2">${AXIS_TITLES[axis]} ${axis === 'time' ? number(values[0].x) : integer(values[0].x)}</th>
          <th class="number">${smoothing > 0 ? 'smooth' : 'value'}</th>
          ${smoothing > 0 ? html`<th class="number">raw</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${values.map(
          ({ line, value, raw }) =>
            html`<tr>
              <td><i style=${swatch(line)}></i></td>
              <td class="label ellipsis">${line.label}</td>
              <td class="number">${number(value)}</td>
              ${smoothing > 0 ? html`<td class="number secondary">${number(raw)}</td>` : nothing}
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  #stepPixel(): number | null {
    const run = this.runs[0];
    if (!run || this.selectedStep === null) return null;
    const index = nearest(run.series.steps, this.selectedStep);
    return index < 0 ? null : this.#toPixel(axisValues(run.series, this.model.state.value.axis)[index]);
  }

  #pixelOf(event: PointerEvent): number {
    return event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left;
  }

  #onMove = (event: PointerEvent): void => {
    const pixel = this.#pixelOf(event);
    this.hovered = true;
    this.model.cursor.set(this.#toValue(pixel));
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
    const low = this.#toValue(from);
    const high = this.#toValue(to);
    if (low === null || high === null) return;
    if (to - from > CLICK_SLACK) this.model.set({ range: [low, high] });
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
    const x = this.#toValue(pixel);
    if (x !== null) this.#select(this.#stepAt(x));
  }

  #select(step: number | null): void {
    if (step !== null) this.dispatchEvent(new CustomEvent('medr1-step', { detail: step, bubbles: true, composed: true }));
  }

  async #savePng(): Promise<void> {
    const plot = this.#plot;
    if (!plot || !this.#plotly) return;
    const url = await this.#plotly.toImage(plot, { format: 'png', width: 900, height: 500, scale: 2 });
    const link = document.createElement('a');
    link.href = url;
    link.download = `${this.spec.id.replaceAll('/', '-')}.png`;
    link.click();
  }

  static override styles = [
    tokens,
    base,
    css`
      section {
        border: 1px solid var(--medr1-border);
        padding: 2px 4px 4px;
      }
      header {
        display: flex;
        gap: 4px;
        align-items: center;
      }
      h4 {
        margin: 0;
        padding-left: 4px;
        font-size: inherit;
        font-weight: 600;
        cursor: help;
      }
      header button {
        display: inline-flex;
        align-items: center;
        min-height: 20px;
        padding: 0 4px;
        font-size: 11px;
        opacity: 0;
      }
      section:hover header button,
      section:focus-within header button,
      header button[aria-pressed='true'] {
        opacity: 1;
      }
      header button[aria-pressed='true'] {
        border-color: transparent;
        box-shadow: none;
        color: var(--medr1-accent);
      }
      .spring {
        flex: 1;
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        align-content: start;
        height: calc(2 * 1.4em); /* two lines, so that neighbouring charts stand level */
        padding: 0 4px;
        overflow: auto;
      }
      :host(.large) .legend {
        height: auto;
      }
      .entry {
        display: inline-flex;
        gap: 4px;
        align-items: center;
        min-width: 0;
        max-width: 100%;
      }
      .entry b {
        flex: none;
        min-width: 5ch;
        font-weight: 600;
      }
      i {
        display: inline-block;
        flex: none;
        width: 16px;
        height: 0;
        border-top: 2px solid;
      }
      .area {
        position: relative;
        touch-action: pan-y;
        cursor: crosshair;
        overflow: hidden;
      }
      .area:has(.tooltip) {
        overflow: visible;
      }
      .plot {
        position: absolute;
        inset: 0;
      }
      .plot .svg-container {
        position: relative;
      }
      .plot .main-svg {
        position: absolute;
        top: 0;
        left: 0;
        pointer-events: none;
      }
      .plot svg {
        overflow: hidden;
        background: none !important;
      }
      .none {
        position: absolute;
        inset: 40% 0 auto;
        margin: 0;
        text-align: center;
      }
      .line {
        position: absolute;
        top: 6px;
        bottom: 22px;
        width: 0;
        border-left: 1px solid var(--medr1-text-2);
        pointer-events: none;
      }
      .line.step {
        border-left: 2px solid var(--medr1-accent);
        opacity: 0.6;
      }
      .line.mark {
        border-left-style: dashed;
        opacity: 0.7;
      }
      .glyph {
        position: absolute;
        bottom: 16px;
        min-height: 0;
        padding: 0;
        transform: translateX(-50%);
        font-size: 10px;
        line-height: 14px;
      }
      .glyph.alert {
        color: var(--medr1-warn-text);
      }
      .glyph.rewards {
        top: 0;
        bottom: auto;
      }
      .brush {
        position: absolute;
        top: 6px;
        bottom: 22px;
        background: var(--medr1-accent);
        opacity: 0.15;
        pointer-events: none;
      }
      .tooltip {
        position: absolute;
        top: 8px;
        z-index: 10;
        border: 1px solid var(--medr1-border);
        border-collapse: collapse;
        background: var(--medr1-surface);
        pointer-events: none;
        white-space: nowrap;
      }
      .tooltip th {
        text-align: left;
        font-weight: 600;
      }
      .tooltip th.number {
        text-align: right;
        font-weight: 400;
      }
      .tooltip .label {
        max-width: 160px;
      }
      .tooltip td,
      .tooltip th {
        padding: 1px 6px;
      }
    `,
  ];
}

const swatch = (line: ChartLine): string =>
  `border-top-color:${line.colour};border-top-style:${line.dash === 'solid' ? 'solid' : line.dash === 'dot' ? 'dotted' : 'dashed'}`;

define('medr1-chart', CurveChart);
