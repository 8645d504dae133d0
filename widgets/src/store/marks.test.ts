import { expect, it } from 'vitest';
import type { MetricTable } from '../connector.ts';
import { notFinite } from './marks.ts';

it('values that are not finite have one mark a stretch, whatever the steps that were logged', () => {
  const step = [10, 20, 30, 40, 50, 60];
  const non_finite: MetricTable['non_finite'] = {
    loss: [
      [30, 'NaN'],
      [40, 'NaN'],
      [50, 'Infinity'],
      [60, 'Infinity'],
    ],
    kl: [
      [10, 'NaN'],
      [30, 'NaN'],
    ],
  };
  const table = { step, time: step.map((one) => one * 1000), metrics: {}, non_finite } as unknown as MetricTable;
  expect(notFinite(table).map((mark) => [mark.step, mark.time, mark.detail])).toEqual([
    [30, 30_000, 'loss NaN in steps 30 to 40, kl NaN'],
    [50, 50_000, 'loss Infinity in steps 50 to 60'],
    [10, 10_000, 'kl NaN'],
  ]);
});
