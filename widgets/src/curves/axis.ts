/** What runs along x: the optimiser step, minutes since the run began, or tokens trained on. */
import type { RunSeries } from '../store/run-series.ts';
import { lowerBound, nearest } from '../sorted.ts';

export const AXES = ['step', 'time', 'tokens'] as const;
export type Axis = (typeof AXES)[number];

export const AXIS_TITLES: Record<Axis, string> = { step: 'step', time: 'minutes', tokens: 'tokens' };
export const AXIS_LABELS: Record<Axis, string> = { step: 'step', time: 'wall time', tokens: 'tokens' };

/** x of every stored step, never decreasing. Wall time counts from the first step in minutes; tokens are `num_tokens` as logged so far. */
export function axisValues(series: RunSeries, axis: Axis): number[] {
  if (axis === 'step') return series.steps;
  if (axis === 'time') {
    const first = series.times[0] ?? 0;
    const start = Math.min(series.detail?.summary.started_at ?? first, first); // a fork's first steps were trained before it began
    return ascending(series.times.map((time) => (time - start) / 60_000));
  }
  const tokens = series.metrics.get('num_tokens') ?? [];
  return ascending(series.steps.map((_, index) => tokens[index] ?? 0));
}

/** x of the stored step nearest to `step`; null before the first. */
export function xOfStep(series: RunSeries, axis: Axis, step: number): number | null {
  const index = nearest(series.steps, step);
  return index < 0 ? null : axisValues(series, axis)[index];
}

/** First and last stored step whose neighbourhood lies between two values of x; null where none does. */
export function stepsWithin(series: RunSeries, axis: Axis, [low, high]: readonly [number, number]): [number, number] | null {
  const x = axisValues(series, axis);
  const from = Math.max(0, lowerBound(x, low) - 1);
  const to = Math.min(x.length - 1, lowerBound(x, high));
  return from < to ? [series.steps[from], series.steps[to]] : null;
}

function ascending(values: number[]): number[] {
  let highest = -Infinity;
  return values.map((value) => (highest = Math.max(highest, value)));
}
