/**
 * What is brought into view, or gets the keyboard, comes to lie beside the part that a view pins to its edge, not under it: the view's scroll padding is
 * as high as that part, which may wrap to further lines.
 */
import type { LitElement, ReactiveController } from 'lit';

interface Pinned {
  /** Selector of the part that stays. */
  part: string;
  edge?: 'top' | 'bottom';
  /** Selector of what scrolls, where it is not the view itself. */
  scroller?: string;
}

/** To be called by the constructor of the view. */
export const keepUncovered = (view: LitElement, pinned: Pinned): void => view.addController(new Uncovered(view, pinned));

class Uncovered implements ReactiveController {
  readonly #view: LitElement;
  readonly #pinned: Required<Pick<Pinned, 'part' | 'edge'>> & Pinned;
  #part: HTMLElement | null = null;
  #watch: ResizeObserver | null = null;

  constructor(view: LitElement, pinned: Pinned) {
    this.#view = view;
    this.#pinned = { edge: 'top', ...pinned };
  }

  hostUpdated(): void {
    const part = this.#view.renderRoot.querySelector<HTMLElement>(this.#pinned.part);
    if (part === this.#part || typeof ResizeObserver === 'undefined') return;
    this.hostDisconnected();
    this.#part = part;
    if (part === null) return;
    this.#watch = new ResizeObserver(() => this.#pad(part));
    this.#watch.observe(part);
  }

  hostDisconnected(): void {
    this.#watch?.disconnect();
    this.#part = null;
  }

  #pad(part: HTMLElement): void {
    const { edge, scroller } = this.#pinned;
    const scrolls = scroller === undefined ? this.#view : this.#view.renderRoot.querySelector<HTMLElement>(scroller);
    scrolls?.style.setProperty(`scroll-padding-${edge}`, `${part.offsetHeight}px`);
  }
}
