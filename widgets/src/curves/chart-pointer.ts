/** The pointer on a chart: it moves the cursor, drags a zoom, and chooses a step; with Shift it drags the chosen step. */
import type { ReactiveController } from 'lit';
import type { CurvesModel } from './model.ts';
import type { Scale } from './scale.ts';

/** Pixels the pointer may move and still have clicked. */
const CLICK_SLACK = 4;

interface Pointed {
  addController(controller: ReactiveController): void;
  requestUpdate(): void;
  readonly model: CurvesModel;
  /** Null as long as nothing is drawn. */
  readonly scale: Scale | null;
  /** Chooses the step at a value of x; `y` is that of the pointer in the chart, in pixels. */
  selectAt(x: number, y: number): void;
}

export class ChartPointer implements ReactiveController {
  /** Pixels from where to where it was dragged. */
  brush: [number, number] | null = null;
  /** It is on the chart, or a key moved the cursor there. */
  hovers = false;
  readonly #host: Pointed;
  #scrubbing = false;

  constructor(host: Pointed) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {}

  /** Moves the cursor as if the pointer were there; null leaves. */
  moveTo(x: number | null): void {
    this.hovers = x !== null;
    this.#host.model.cursor.set(x);
    this.#host.requestUpdate();
  }

  readonly onMove = (event: PointerEvent): void => {
    const [pixel, y] = place(event);
    if (this.brush) this.brush = [this.brush[0], pixel];
    if (this.#scrubbing) this.#select(pixel, y);
    this.moveTo(this.#host.scale?.toValue(pixel) ?? null);
  };

  readonly onLeave = (): void => {
    this.brush = null;
    this.#scrubbing = false;
    this.moveTo(null);
  };

  readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const [pixel, y] = place(event);
    if (event.shiftKey) {
      this.#scrubbing = true;
      this.#select(pixel, y);
    } else this.brush = [pixel, pixel];
    this.#host.requestUpdate();
  };

  readonly onUp = (event: PointerEvent): void => {
    this.#scrubbing = false;
    if (!this.brush) return;
    const [from, to] = [...this.brush].sort((a, b) => a - b);
    this.brush = null;
    this.#host.requestUpdate();
    const { scale, model } = this.#host;
    if (!scale) return;
    if (to - from > CLICK_SLACK) model.set({ range: [scale.toValue(from), scale.toValue(to)] });
    else this.#select(from, place(event)[1]);
  };

  #select(pixel: number, y: number): void {
    const { scale } = this.#host;
    if (scale) this.#host.selectAt(scale.toValue(pixel), y);
  }
}

/** Of the pointer in the chart, in pixels. */
function place({ clientX, clientY, currentTarget }: PointerEvent): [x: number, y: number] {
  const { left, top } = (currentTarget as HTMLElement).getBoundingClientRect();
  return [clientX - left, clientY - top];
}
