/** What runs along x: the optimiser step, time with or without the pauses, tokens trained on, or passes over the questions. */
import type { FollowedRun } from '../store/followed-run.ts';
import { lowerBound, nearest } from '../sorted.ts';
import { derived, latestFor } from './growing.ts';

export const AXES = ['step', 'time', 'training', 'tokens', 'epoch'] as const;
export type Axis = (typeof AXES)[number];

interface AxisFacts {
  /** In the choice of the axis. */
  label: string;
  /** Before a value, in the table of values. */
  title: string;
  /** After the last number of the axis. */
  unit: string;
  /** Values are written as whole numbers. */
  whole: boolean;
  /** A time in which a run stands still is drawn as such: a line breaks there. */
  breaks: boolean;
}

export const AXIS: Record<Axis, AxisFacts> = {
  step: { label: 'step', title: 'step', unit: '', whole: true, breaks: false },
  time: { label: 'wall time', title: '', unit: ' min', whole: false, breaks: true },
  training: { label: 'time without pauses', title: '', unit: ' min', whole: false, breaks: true },
  tokens: { label: 'tokens', title: 'tokens', unit: '', whole: true, breaks: false },
  epoch: { label: 'questions seen (epochs)', title: 'epoch', unit: '', whole: false, breaks: false },
};

/**
 * x of every stored step, never decreasing. Wall time counts from the first step in minutes; time without pauses takes a step after a pause to have
 * taken as long as the usual one; tokens and epochs are `num_tokens` and `epoch` as logged so far.
 */
export function axisValues(series: FollowedRun, axis: Axis): number[] {
  if (axis === 'step') return series.steps;
  if (axis === 'time') {
    const first = series.times[0] ?? 0;
    const start = Math.min(series.detail?.summary.started_at ?? first, first); // a fork's first steps were trained before it began
    return ascending([series.times], `minutes since ${start}`, (at) => (series.times[at] - start) / 60_000);
  }
  if (axis === 'training') {
    const { steps, times, standstills } = series;
    return latestFor([times, steps, standstills], 'training', () => trainingMinutes(series));
  }
  const logged = series.metrics.get(axis === 'tokens' ? 'num_tokens' : 'epoch') ?? NOTHING;
  return ascending([series.steps, logged], axis, (at) => logged[at] ?? 0);
}

const NOTHING: readonly (number | null)[] = [];

/** A column that never goes down: what would is lifted to the highest before. */
const ascending = (columns: readonly (readonly unknown[])[], name: string, value: (at: number) => number): number[] =>
  derived<number>(columns, name, (at, before) => Math.max(before.at(-1) ?? -Infinity, value(at)));

/** Minutes trained since the first stored step: every time that the run stood still counts as one usual step. */
function trainingMinutes({ steps, times, standstills }: FollowedRun): number[] {
  const took = times.slice(1).map((time, i) => Math.max(0, time - times[i]));
  const usual = median(took);
  for (const at of breaksOf(steps, standstills)) took[at - 1] = Math.min(took[at - 1], usual);
  let sum = 0;
  return times.map((_, i) => (i === 0 ? 0 : (sum += took[i - 1]) / 60_000));
}

/** Places, among the steps of a run, of the first step after each time that the run stood still. */
export function breaksOf(steps: readonly number[], standstills: readonly number[]): number[] {
  const places = standstills.map((step) => lowerBound(steps, step + 1)).filter((at) => at > 0 && at < steps.length);
  return [...new Set(places)].sort((a, b) => a - b);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** x of the stored step nearest to `step`; null before the first. */
export function xOfStep(series: FollowedRun, axis: Axis, step: number): number | null {
  return xOfSteps(series, axis)(step);
}

/** The same for many steps. */
export function xOfSteps(series: FollowedRun, axis: Axis): (step: number) => number | null {
  const values = axisValues(series, axis);
  return (step) => {
    const index = nearest(series.steps, step);
    return index < 0 ? null : values[index];
  };
}

/** First and last stored step whose neighbourhood lies between two values of x; null where none does. */
export function stepsWithin(series: FollowedRun, axis: Axis, [low, high]: readonly [number, number]): [number, number] | null {
  const x = axisValues(series, axis);
  const from = Math.max(0, lowerBound(x, low) - 1);
  const to = Math.min(x.length - 1, lowerBound(x, high));
  return from < to ? [series.steps[from], series.steps[to]] : null;
}
