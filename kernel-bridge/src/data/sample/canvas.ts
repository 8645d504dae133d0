import type { Rgb } from './png.ts';

/** Signed distance in pixels to a shape's edge, negative inside. */
export type Shape = (x: number, y: number) => number;
export type Colour = readonly [number, number, number]; // 0..255

/** A canvas of floating-point RGB; shapes are filled with soft edges one pixel wide. */
export class Canvas {
  readonly size: number;
  readonly data: Float32Array; // [size * size * 3], 0..255

  constructor(size: number) {
    this.size = size;
    this.data = new Float32Array(size * size * 3);
  }

  /** Sets every pixel. */
  fill(colour: (x: number, y: number) => Colour): void {
    for (let y = 0, i = 0; y < this.size; y++) for (let x = 0; x < this.size; x++, i += 3) this.data.set(colour(x, y), i);
  }

  /** Lays a colour over a shape; `box` = [centre x, centre y, reach] bounds the pixels looked at. */
  paint(shape: Shape, colour: Colour, alpha = 1, box: readonly [number, number, number] = [this.size / 2, this.size / 2, this.size]): void {
    const [cx, cy, reach] = box;
    const clip = (v: number) => Math.min(this.size, Math.max(0, v));
    const [x0, x1] = [clip(Math.floor(cx - reach - 1)), clip(Math.ceil(cx + reach + 2))];
    const [y0, y1] = [clip(Math.floor(cy - reach - 1)), clip(Math.ceil(cy + reach + 2))];
    for (let y = y0; y < y1; y++)
      for (let x = x0; x < x1; x++) {
        const cover = alpha * Math.min(1, Math.max(0, 0.5 - shape(x, y)));
        if (cover === 0) continue;
        const i = (y * this.size + x) * 3;
        for (let c = 0; c < 3; c++) this.data[i + c] += cover * (colour[c] - this.data[i + c]);
      }
  }

  set(x: number, y: number, colour: Colour): void {
    this.data.set(colour, (y * this.size + x) * 3);
  }

  /** Multiplies every pixel, channel by channel. */
  shade(factor: (x: number, y: number) => Colour): void {
    for (let y = 0, i = 0; y < this.size; y++)
      for (let x = 0; x < this.size; x++, i += 3) {
        const f = factor(x, y);
        for (let c = 0; c < 3; c++) this.data[i + c] *= f[c];
      }
  }

  toRgb(): Rgb {
    return { width: this.size, height: this.size, data: new Uint8Array(Uint8ClampedArray.from(this.data).buffer) };
  }
}

export const disc =
  (cx: number, cy: number, r: number): Shape =>
  (x, y) =>
    Math.hypot(x - cx, y - cy) - r;

/** Approximate distance, good enough for a soft edge. */
export const ellipse =
  (cx: number, cy: number, rx: number, ry: number): Shape =>
  (x, y) =>
    (Math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry);

export const ring =
  (cx: number, cy: number, r: number, width: number): Shape =>
  (x, y) =>
    Math.abs(Math.hypot(x - cx, y - cy) - r) - width / 2;

export const box =
  (cx: number, cy: number, halfWidth: number, halfHeight: number): Shape =>
  (x, y) =>
    Math.max(Math.abs(x - cx) - halfWidth, Math.abs(y - cy) - halfHeight);

/** `points` rays between an inner and the outer radius. */
export const star =
  (cx: number, cy: number, r: number, points: number, turn: number): Shape =>
  (x, y) => {
    const [dx, dy] = [x - cx, y - cy];
    const ray = Math.abs((((Math.atan2(dy, dx) + turn) * points) / (2 * Math.PI)) % 1);
    const edge = r * (0.45 + 0.55 * Math.abs(2 * ray - 1));
    return (Math.hypot(dx, dy) - edge) * 0.7;
  };

/** A band along a curve given as y(x). */
export const band =
  (curve: (x: number) => number, halfWidth: number): Shape =>
  (x, y) =>
    Math.abs(y - curve(x)) - halfWidth;

export const turned = (shape: Shape, cx: number, cy: number, angle: number): Shape => {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => shape(cx + cos * (x - cx) + sin * (y - cy), cy - sin * (x - cx) + cos * (y - cy));
};
