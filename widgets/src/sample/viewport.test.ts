import { describe, expect, it } from 'vitest';
import { between, fit, overflows, pan, visible, zoom } from './viewport.ts';

const frame = { width: 400, height: 300 };
const image = { width: 800, height: 400 };

describe('fit', () => {
  it('shows all of a large image, in the middle', () => expect(fit(image, frame)).toEqual({ scale: 0.5, x: 0, y: 50 }));
  it('enlarges a tiny image eight times at most', () =>
    expect(fit({ width: 10, height: 10 }, frame)).toEqual({ scale: 8, x: 160, y: 110 }));
});

describe('zoom', () => {
  it('keeps the pixel that is under the pointer there', () => {
    const before = zoom(fit(image, frame), 4, { x: 200, y: 150 }, image, frame);
    const at = { x: 130, y: 90 };
    const pixel = { x: (at.x - before.x) / before.scale, y: (at.y - before.y) / before.scale };
    const after = zoom(before, 1.5, at, image, frame);
    expect((at.x - after.x) / after.scale).toBeCloseTo(pixel.x);
    expect((at.y - after.y) / after.scale).toBeCloseTo(pixel.y);
  });
  it('ends at 32 times, and at all of the image or its own pixels', () => {
    expect(zoom(fit(image, frame), 1e6, { x: 0, y: 0 }, image, frame).scale).toBe(32);
    expect(zoom(fit(image, frame), 1e-6, { x: 0, y: 0 }, image, frame).scale).toBe(0.5);
    const small = { width: 20, height: 20 };
    expect(zoom(fit(small, frame), 1e-6, { x: 0, y: 0 }, small, frame)).toEqual({ scale: 1, x: 190, y: 140 });
  });
});

describe('pan', () => {
  const large = { scale: 1, x: -100, y: 0 };
  it('never leaves a gap beside an image that is larger than its frame', () => {
    expect(pan(large, 500, 0, image, frame).x).toBe(0);
    expect(pan(large, -5000, 0, image, frame).x).toBe(-400);
  });
  it('leaves an image that fits where it is', () => expect(pan(fit(image, frame), 30, 30, image, frame)).toEqual(fit(image, frame)));
  it('is needed only where something is outside', () => {
    expect(overflows(large, image, frame)).toBe(true);
    expect(overflows(fit(image, frame), image, frame)).toBe(false);
  });
});

describe('a stretch of the image', () => {
  const view = { scale: 2, x: -100, y: 10 };
  const size = { width: 300, height: 200 };
  it('lies between two points, whichever comes first, in whole pixels of the file', () => {
    const wanted = { left: 55, top: 5, width: 20, height: 15 };
    expect(between({ x: 10, y: 20 }, { x: 49, y: 50 }, view, size)).toEqual(wanted);
    expect(between({ x: 49, y: 50 }, { x: 10, y: 20 }, view, size)).toEqual(wanted);
  });
  it('never leaves the image, nor is empty', () => {
    expect(between({ x: -5000, y: -5000 }, { x: 5000, y: 5000 }, view, size)).toEqual({ left: 0, top: 0, ...size });
    expect(between({ x: 9000, y: 9000 }, { x: 9000, y: 9000 }, view, size)).toEqual({ left: 299, top: 199, width: 1, height: 1 });
  });
  it('is what the frame shows', () => {
    expect(visible({ scale: 1, x: -100, y: -50 }, image, frame)).toEqual({ left: 100, top: 50, ...frame });
    expect(visible(fit(image, frame), image, frame)).toEqual({ left: 0, top: 0, ...image });
  });
});
