import { expect, it } from 'vitest';
import { dragged, presets } from './window.ts';

const grey = { window: 400, level: 40, low: -1024, high: 3071 };

it('Hounsfield presets are offered for CT in Hounsfield units only', () => {
  expect(presets(grey, 'CT(Computed Tomography)')).toMatchObject({ lung: { window: 1500, level: -600 } });
  expect(Object.keys(presets({ ...grey, low: 0 }, 'CT(Computed Tomography)'))).toEqual(['as in the file', 'all values']);
  expect(Object.keys(presets(grey, 'X-Ray'))).toEqual(['as in the file', 'all values']);
});

it('all values reach from the least to the greatest', () => {
  const { window, level } = presets(grey, 'X-Ray')['all values']!;
  expect([level - window / 2, level + window / 2]).toEqual([-1024, 3071]);
});

it('a drag to the right doubles the window each 128 pixels, a drag upwards raises the level', () => {
  expect(dragged(grey, 128, 0)).toEqual({ window: 800, level: 40 });
  expect(dragged(grey, -256, 0)).toEqual({ window: 100, level: 40 });
  expect(dragged(grey, 0, -64)).toEqual({ window: 400, level: 140 });
  expect(dragged({ window: 1, level: 0 }, -1e4, 0).window).toBe(1);
});
