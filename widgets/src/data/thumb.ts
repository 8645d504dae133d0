/**
 * An image that is fetched once its tile has stayed for a moment, and given up when the tile leaves: taking `src` away ends the request,
 * which removing the element alone does not.
 */
import { noChange, type ElementPart } from 'lit';
import { AsyncDirective } from 'lit/async-directive.js';
import { directive, type PartInfo } from 'lit/directive.js';

/** Long enough that tiles which fly past never ask, short enough not to be noticed. */
const STAY_MS = 60;
/** Longest sides the backend makes. */
const SIZES = [96, 192, 384, 768];

/** The smallest thumbnail that is sharp on this screen. */
export function thumbSize(width: number, height: number, ratio: number): number {
  const needed = Math.max(width, height) * ratio;
  return SIZES.find((size) => size >= needed * 0.9) ?? SIZES.at(-1)!;
}

class Thumb extends AsyncDirective {
  #image: HTMLImageElement | null = null;
  #url = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(part: PartInfo) {
    super(part);
  }

  render(_url: string): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [url]: [string]): typeof noChange {
    this.#image = part.element as HTMLImageElement;
    if (url !== this.#url) {
      this.#url = url;
      this.#load();
    }
    return noChange;
  }

  protected override disconnected(): void {
    clearTimeout(this.#timer);
    this.#image?.removeAttribute('src');
  }

  protected override reconnected(): void {
    this.#load();
  }

  #load(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#image?.setAttribute('src', this.#url), STAY_MS);
  }
}

/** On an <img>: shows what is at this address. */
export const thumb = directive(Thumb);
