import { expect, it } from 'vitest';
import { MARGIN, Scale } from './scale.ts';

const WIDTH = 300 + MARGIN.l + MARGIN.r;
const scale = new Scale([100, 130], WIDTH);

it.each([
  [100, MARGIN.l],
  [115, MARGIN.l + 150],
  [130, MARGIN.l + 300],
])('x %s stands at pixel %s, and back', (x, pixel) => {
  expect(scale.toPixel(x)).toBe(pixel);
  expect(scale.toValue(pixel)).toBe(x);
});

it('what the zoom leaves out has no pixel; a pointer beside the plot is at its edge', () => {
  expect([scale.toPixel(99), scale.toPixel(131)]).toEqual([null, null]);
  expect([scale.toValue(0), scale.toValue(WIDTH)]).toEqual([100, 130]);
});
