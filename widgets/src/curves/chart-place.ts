/** A chart that is dragged by its head onto another of its board asks to take its place. */
import type { ReactiveController } from 'lit';
import type { BoardRequest } from './chart-menu.ts';

/** What a dragged chart carries. */
const DRAGGED = 'application/x-medr1-chart';

interface Placed extends EventTarget {
  addController(controller: ReactiveController): void;
  readonly chart: string;
  readonly onBoard: boolean;
  /** Another chart is dragged over it. */
  over: boolean;
  ask(request: BoardRequest): void;
}

export class DragToPlace implements ReactiveController {
  readonly #host: Placed & Element;

  constructor(host: Placed & Element) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    this.#host.addEventListener('dragover', this.#onOver);
    this.#host.addEventListener('dragleave', this.#onLeave);
    this.#host.addEventListener('drop', this.#onDrop);
  }

  hostDisconnected(): void {
    this.#host.removeEventListener('dragover', this.#onOver);
    this.#host.removeEventListener('dragleave', this.#onLeave);
    this.#host.removeEventListener('drop', this.#onDrop);
  }

  /** For the part of the chart that can be dragged. */
  readonly onStart = (event: DragEvent): void => {
    event.dataTransfer?.setData(DRAGGED, this.#host.chart);
    event.dataTransfer?.setDragImage(this.#host, 20, 20);
  };

  readonly #onOver = (event: Event): void => {
    if (!this.#host.onBoard || !(event as DragEvent).dataTransfer?.types.includes(DRAGGED)) return;
    event.preventDefault();
    this.#host.over = true;
  };

  readonly #onLeave = (): void => void (this.#host.over = false);

  readonly #onDrop = (event: Event): void => {
    this.#host.over = false;
    const chart = (event as DragEvent).dataTransfer?.getData(DRAGGED);
    if (!chart) return;
    event.preventDefault();
    if (chart !== this.#host.chart) this.#host.ask({ ask: 'take-place', chart, target: this.#host.chart });
  };
}
