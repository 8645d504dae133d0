import { expect, it } from 'vitest';
import { bulkRange, outside } from './y-range.ts';

const ramp = Array.from({ length: 100 }, (_, i) => i / 100);

it('one spike goes, noise and trends stay', () => {
  const range = bulkRange([[...ramp, 40]], false)!;
  expect(range[0]).toBeLessThanOrEqual(0);
  expect(range[1]).toBeGreaterThan(0.99);
  expect(range[1]).toBeLessThan(1.2);
  expect(outside([[...ramp, 40, null]], range)).toBe(1);
  expect(bulkRange([ramp], false)).toBeNull(); // nothing lies far out
});

it('on a logarithmic axis the widths are those of the logarithms, and what is not above 0 plays no part', () => {
  const decades = Array.from({ length: 100 }, (_, i) => 10 ** (i / 25));
  expect(bulkRange([decades], true)).toBeNull();
  expect(bulkRange([decades], false)).not.toBeNull();
  expect(bulkRange([[...decades, 0, -1]], true)).toBeNull();
  expect(bulkRange([[...decades, 1e20]], true)![1]).toBeLessThan(1e5);
});

it('a handful of values and a constant have no outliers', () => {
  expect(bulkRange([[1, 2, 900]], false)).toBeNull();
  expect(bulkRange([[...Array.from({ length: 50 }, () => 1), 900]], false)).toBeNull();
});

it('an end that is left open leaves nothing out', () => expect(outside([[-9, 1, 9]], [null, 5])).toBe(1));

it('of long columns spikes go too, and no value of the bulk is left out', () => {
  const column = Array.from({ length: 20_000 }, (_, i) => Math.sin(i));
  column[777] = 50;
  column[5_001] = 1.2;
  const [low, high] = bulkRange([column], false)!;
  expect([low, high]).toEqual([expect.closeTo(-1.11, 1), expect.closeTo(1.31, 1)]);
  expect(outside([column], [low, high])).toBe(1);
});

it('of a metric that is logged now and then in a long run every value counts', () => {
  const column = Array.from({ length: 20_000 }, (_, i) => (i % 1000 === 999 ? i / 1000 : null));
  column[19_999] = 900;
  expect(bulkRange([column], false)![1]).toBeLessThan(30);
});
