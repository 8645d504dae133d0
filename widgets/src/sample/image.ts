/**
 * The image of a question: wheel and keys zoom, a drag moves, a drag with Shift sets window and level where the image has more than
 * eight bits. The frame works in CSS pixels; from twofold on the pixels of the file are drawn as squares.
 */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { failed } from '../view-states.ts';
import { number } from '../format.ts';
import { base, tokens } from '../theme.ts';
import type { PictureModel } from './picture.ts';
import { between, fit, overflows, pan, STEP, visible, zoom, type Point, type Size, type Stretch, type Viewport } from './viewport.ts';
import { dragged, presets, type Window } from './window.ts';

const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: 40, y: 0 },
  ArrowRight: { x: -40, y: 0 },
  ArrowUp: { x: 0, y: 40 },
  ArrowDown: { x: 0, y: -40 },
};

export class SampleImage extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    modality: { attribute: false },
    label: { attribute: false },
    crop: { attribute: false },
    view: { state: true },
  };
  declare model: PictureModel;
  declare modality: string;
  /** What the image shows, for those who do not see it. */
  declare label: string;
  /** What of the image a model is to see; a drag draws another while there is one. Null: all of it. */
  declare crop: Stretch | null;
  /** Null: all of the image. */
  declare view: Viewport | null;

  #frame: Size = { width: 1, height: 1 };
  #watcher: ResizeObserver | null = null;
  #blob: Blob | null = null;
  #url = '';
  #path: string | null = null;
  #drag: { at: Point; from: Point; window: Window | null; crops: boolean } | null = null;

  constructor() {
    super();
    this.modality = '';
    this.label = '';
    this.crop = null;
    this.view = null;
  }

  protected override identity(): PropertyKey[] {
    return ['model'];
  }

  protected override watched() {
    return [this.model.state];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (typeof ResizeObserver === 'undefined') return;
    this.#watcher = new ResizeObserver(() => this.#measure());
    if (this.#stage) this.#watcher.observe(this.#stage);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watcher?.disconnect();
    this.#keep(null);
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const { path, picture } = this.model.state.value;
    if (path !== this.#path) this.view = null;
    this.#path = path;
    this.#keep(this.isConnected ? (picture?.blob ?? null) : null);
  }

  protected override firstUpdated(): void {
    this.#watcher?.observe(this.#stage!);
    // Lit listens passively to the wheel where the browser does; this one must keep the page from scrolling.
    this.#stage!.addEventListener('wheel', this.#onWheel, { passive: false });
    this.#measure();
  }

  get #stage(): HTMLElement | null {
    return this.renderRoot?.querySelector<HTMLElement>('.stage') ?? null;
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.#stage!;
    if (clientWidth === this.#frame.width && clientHeight === this.#frame.height) return;
    this.#frame = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    this.requestUpdate();
  }

  /** An address for the bytes; the one before is given back. */
  #keep(blob: Blob | null): void {
    if (blob === this.#blob) return;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#blob = blob;
    this.#url = blob ? URL.createObjectURL(blob) : '';
  }

  protected override render(): TemplateResult {
    const { status, picture, error } = this.model.state.value;
    const view = this.#view;
    return html`
      <div
        class=${`stage${this.crop ? ' cropping' : this.#canPan ? ' grab' : ''}`}
        tabindex="0"
        role="group"
        aria-label="Image: + and - zoom, 0 shows all, 1 shows its own pixels"
        data-testid="image-stage"
        @keydown=${this.#onKey}
        @pointerdown=${this.#onDown}
        @pointermove=${this.#onMove}
        @pointerup=${this.#onUp}
        @pointercancel=${this.#onUp}
        @dblclick=${() => (this.view = null)}
      >
        ${
          picture && view
            ? html`<img
                src=${this.#url}
                alt=${this.label}
                draggable="false"
                class=${view.scale >= 2 ? 'squares' : ''}
                style=${`width:${picture.width * view.scale}px;height:${picture.height * view.scale}px;transform:translate(${view.x}px,${view.y}px)`}
              />`
            : nothing
        }
        ${view && this.crop ? cropMark(this.crop, view) : nothing}
        ${status === 'loading' ? html`<p class="note secondary" role="status">Loading image …</p>` : nothing}
        ${status === 'idle' ? html`<p class="note secondary">The record names no image.</p>` : nothing}
        ${status === 'error' ? failed(error!, () => this.model.retry()) : nothing}
      </div>
      ${picture && view ? this.#toolbar(picture, view) : nothing}
    `;
  }

  #toolbar(size: Size, { scale }: Viewport): TemplateResult {
    return html`<div class="toolbar small" role="toolbar" aria-label="Image">
      <span class="zoom">
        <button class="quiet" title="Smaller (-)" aria-label="Smaller" @click=${() => this.#zoom(1 / STEP)}>−</button>
        <span class="number" data-testid="zoom">${Math.round(scale * 100)} %</span>
        <button class="quiet" title="Larger (+)" aria-label="Larger" @click=${() => this.#zoom(STEP)}>+</button>
        <button class="quiet" title="All of the image (0)" @click=${() => (this.view = null)}>fit</button>
        <button class="quiet" title="One pixel of the file on one of the page (1)" @click=${() => this.#zoom(1 / scale)}>1 : 1</button>
      </span>
      <button
        class="quiet"
        aria-pressed=${this.crop !== null}
        title="What a model is shown in Try it: the part in view; then a drag on the image draws another"
        data-testid="crop"
        @click=${() => this.#tellCrop(this.crop ? null : visible(this.#view!, size, this.#frame))}
      >
        Crop
      </button>
      <span class="secondary number" data-testid="image-size">${size.width} × ${size.height} px</span>
      ${this.#windowing()}
    </div>`;
  }

  #windowing(): TemplateResult | typeof nothing {
    const { picture, window, own } = this.model.state.value;
    const shown = window ?? own;
    if (!picture?.grey || !shown) return nothing;
    const choices = presets(picture.grey, this.modality);
    const named = Object.entries(choices).find(([, one]) => one?.window === window?.window && one?.level === window?.level)?.[0];
    const set = (change: Partial<Window>): void => this.model.setWindow({ window: shown.window, level: shown.level, ...change });
    return html`<span class="windowing" data-testid="windowing">
      <label title="Shift and drag to the right on the image widens it"
        >window
        <input
          type="number"
          min="1"
          step="any"
          .value=${String(shown.window)}
          data-testid="window"
          @change=${(event: Event) => set({ window: Math.max(1, valueOf(event, shown.window)) })}
      /></label>
      <label title="Shift and drag upwards on the image raises it"
        >level
        <input
          type="number"
          step="any"
          .value=${String(shown.level)}
          data-testid="level"
          @change=${(event: Event) => set({ level: valueOf(event, shown.level) })}
      /></label>
      <select
        aria-label="Window preset"
        title=${`Values of the file: ${number(picture.grey.low)} to ${number(picture.grey.high)}`}
        @change=${(event: Event) => this.model.setWindow(choices[(event.target as HTMLSelectElement).value])}
      >
        ${Object.keys(choices).map((name) => html`<option value=${name} .selected=${name === named}>${name}</option>`)}
        ${named === undefined ? html`<option value="" selected disabled>by hand</option>` : nothing}
      </select>
    </span>`;
  }

  get #size(): Size | null {
    return this.model.state.value.picture;
  }

  get #view(): Viewport | null {
    const size = this.#size;
    return size && (this.view ?? fit(size, this.#frame));
  }

  get #canPan(): boolean {
    const [size, view] = [this.#size, this.#view];
    return Boolean(size && view && overflows(view, size, this.#frame));
  }

  #zoom(factor: number, at: Point = { x: this.#frame.width / 2, y: this.#frame.height / 2 }): void {
    const [size, view] = [this.#size, this.#view];
    if (size && view) this.view = zoom(view, factor, at, size, this.#frame);
  }

  #pan(dx: number, dy: number): void {
    const [size, view] = [this.#size, this.#view];
    if (size && view) this.view = pan(view, dx, dy, size, this.#frame);
  }

  #onWheel = (event: WheelEvent): void => {
    if (!this.#size) return;
    event.preventDefault();
    this.#zoom(STEP ** (-event.deltaY / 100), this.#pointOf(event));
  };

  #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === '+' || key === '=') this.#zoom(STEP);
    else if (key === '-') this.#zoom(1 / STEP);
    else if (key === '0') this.view = null;
    else if (key === '1') this.#zoom(1 / (this.#view?.scale ?? 1));
    else if (key in ARROWS && this.#canPan) this.#pan(ARROWS[key].x, ARROWS[key].y);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  #onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || !this.#size) return;
    const at = { x: event.clientX, y: event.clientY };
    const { window, own } = this.model.state.value;
    const windowing = event.shiftKey ? (window ?? own) : null;
    this.#drag = { at, from: at, window: windowing, crops: this.crop !== null };
    (event.currentTarget as HTMLElement).setPointerCapture?.(event.pointerId);
  };

  #onMove = (event: PointerEvent): void => {
    const drag = this.#drag;
    if (!drag) return;
    if (drag.window) this.model.setWindow(dragged(drag.window, event.clientX - drag.from.x, event.clientY - drag.from.y));
    else if (drag.crops) this.#draw(drag.from, event);
    else this.#pan(event.clientX - drag.at.x, event.clientY - drag.at.y);
    drag.at = { x: event.clientX, y: event.clientY };
  };

  #onUp = (): void => {
    this.#drag = null;
  };

  #draw(from: Point, event: MouseEvent): void {
    const [size, view] = [this.#size, this.#view];
    if (size && view) this.#tellCrop(between(this.#pointOf({ clientX: from.x, clientY: from.y }), this.#pointOf(event), view, size));
  }

  #tellCrop(crop: Stretch | null): void {
    this.dispatchEvent(new CustomEvent<Stretch | null>('medr1-crop', { detail: crop }));
  }

  #pointOf({ clientX, clientY }: Pick<MouseEvent, 'clientX' | 'clientY'>): Point {
    const { left, top } = this.#stage!.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  static override styles = [
    tokens,
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
      }
      .stage {
        position: relative;
        flex: 1;
        min-height: 180px;
        overflow: hidden;
        touch-action: none;
        background: var(--medr1-behind);
        outline-offset: -2px;
      }
      .stage.grab {
        cursor: grab;
      }
      .stage.grab:active {
        cursor: grabbing;
      }
      img {
        position: absolute;
        top: 0;
        left: 0;
        max-width: none;
        transform-origin: 0 0;
        user-select: none;
      }
      .stage.cropping {
        cursor: crosshair;
      }
      .crop {
        position: absolute;
        box-sizing: border-box;
        border: 1px dashed var(--medr1-behind-text);
        box-shadow: 0 0 0 9999px color-mix(in srgb, var(--medr1-behind) 65%, transparent);
        pointer-events: none;
      }
      img.squares {
        image-rendering: pixelated;
      }
      .note {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        margin: 0;
        color: var(--medr1-behind-text);
      }
      .message {
        height: 100%;
        max-width: none;
        overflow: auto;
        background: var(--medr1-surface);
        border: 1px dashed var(--medr1-border);
      }
      .toolbar {
        padding: 4px 0;
        border: none;
      }
      .zoom,
      .windowing {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 4px;
        align-items: center;
      }
      .zoom .number {
        min-width: 6ch;
      }
      .zoom button {
        min-width: 24px;
      }
      .windowing input {
        width: 8ch;
        text-align: right;
      }
    `,
  ];
}

const cropMark = ({ left, top, width, height }: Stretch, { x, y, scale }: Viewport): TemplateResult =>
  html`<div
    class="crop"
    data-testid="crop-mark"
    style=${`left:${x + left * scale}px;top:${y + top * scale}px;width:${width * scale}px;height:${height * scale}px`}
  ></div>`;

const valueOf = (event: Event, otherwise: number): number => {
  const input = event.target as HTMLInputElement;
  return input.value.trim() !== '' && Number.isFinite(Number(input.value)) ? Number(input.value) : otherwise;
};

define('medr1-image', SampleImage);
