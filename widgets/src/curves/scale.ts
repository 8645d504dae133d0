/** Where x stands in a chart: between values and pixels of the plotting area. */

/** Pixels around the plotting area. */
export const MARGIN = { l: 44, r: 8, t: 6, b: 22 };

export class Scale {
  readonly #low: number;
  readonly #span: number;
  readonly #pixels: number;

  /** `width` of the whole chart, in pixels. */
  constructor([low, high]: readonly [number, number], width: number) {
    this.#low = low;
    this.#span = high - low;
    this.#pixels = Math.max(1, width - MARGIN.l - MARGIN.r);
  }

  /** Of x, in one pixel. */
  get perPixel(): number {
    return this.#span / this.#pixels;
  }

  /** Null outside the plotting area, a pixel of tolerance apart. */
  toPixel(x: number): number | null {
    const pixel = ((x - this.#low) / this.#span) * this.#pixels;
    return pixel < -1 || pixel > this.#pixels + 1 ? null : MARGIN.l + pixel;
  }

  /** What is beside the plotting area counts as its edge. */
  toValue(pixel: number): number {
    const share = Math.min(1, Math.max(0, (pixel - MARGIN.l) / this.#pixels));
    return this.#low + share * this.#span;
  }
}
