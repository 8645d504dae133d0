/** What runs along x: the optimiser step, time with or without the pauses, tokens trained on, or questions seen. */
import type { FollowedRun } from '../store/followed-run.ts';
import { lowerBound, nearest } from '../sorted.ts';
import { derived, latestFor } from './growing.ts';

export const AXES = ['step', 'time', 'training', 'tokens', 'questions', 'epoch'] as const;
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
  /** Such a time is left out: what is drawn says how long it was. */
  cuts: boolean;
  /** Metric that holds x; '' where it is made of steps and times. */
  metric: string;
}

const OF_STEPS = { breaks: false, cuts: false, metric: '' };
const OF_TIME = { title: '', unit: ' min', whole: false, breaks: true, metric: '' };
const COUNTED = { unit: '', whole: true, breaks: false, cuts: false };

export const AXIS: Record<Axis, AxisFacts> = {
  step: { label: 'step', title: 'step', unit: '', whole: true, ...OF_STEPS },
  time: { label: 'wall time', ...OF_TIME, cuts: false },
  training: { label: 'time without pauses', ...OF_TIME, cuts: true },
  tokens: { label: 'tokens', title: 'tokens', ...COUNTED, metric: 'num_tokens' },
  questions: { label: 'questions seen', title: 'questions', ...COUNTED, metric: 'num_questions' },
  epoch: { label: 'epochs', title: 'epoch', ...COUNTED, whole: false, metric: 'epoch' },
};

/**
 * x of every stored step, never decreasing. Wall time counts from the first step in minutes; time without pauses takes a step after a pause to have
 * taken as long as the usual one; the rest is a metric as logged so far. Empty where the run never logged that metric.
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
  const logged = series.metrics.get(AXIS[axis].metric);
  return logged ? ascending([series.steps, logged], axis, (at) => logged[at] ?? 0) : [];
}

/** A column that never goes down: what would is lifted to the highest before. */
const ascending = (columns: readonly (readonly unknown[])[], name: string, value: (at: number) => number): number[] =>
  derived<number>(columns, name, (at, before) => Math.max(before.at(-1) ?? -Infinity, value(at)));

/** Minutes trained since the first stored step: every time that the run stood still counts as one usual step. */
function trainingMinutes(series: FollowedRun): number[] {
  const { times } = series;
  const paused = new Map(pausesOf(series).map(({ at, ms }) => [at, ms]));
  let sum = 0;
  return times.map((time, i) => (i === 0 ? 0 : (sum += Math.max(0, time - times[i - 1]) - (paused.get(i) ?? 0)) / 60_000));
}

/** A time in which a run stood still. */
export interface Pause {
  /** Place of the first step after it. */
  at: number;
  /** Last step before it. */
  step: number;
  /** How much longer the step after it took than the usual one. */
  ms: number;
}

type Timed = Pick<FollowedRun, 'steps' | 'times' | 'standstills'>;

export const pausesOf = ({ steps, times, standstills }: Timed): Pause[] =>
  latestFor([times, steps, standstills], 'pauses', () => {
    const took = (at: number): number => Math.max(0, times[at] - times[at - 1]);
    const usual = median(times.slice(1).map((_, i) => took(i + 1)));
    const pauses = breaksOf(steps, standstills).map((at) => ({ at, step: steps[at - 1], ms: Math.max(0, took(at) - usual) }));
    return pauses.filter(({ ms }) => ms > 0);
  });

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
    return index < 0 ? null : (values[index] ?? null);
  };
}

/** First and last stored step whose neighbourhood lies between two values of x; null where none does. */
export function stepsWithin(series: FollowedRun, axis: Axis, [low, high]: readonly [number, number]): [number, number] | null {
  const x = axisValues(series, axis);
  const from = Math.max(0, lowerBound(x, low) - 1);
  const to = Math.min(x.length - 1, lowerBound(x, high));
  return from < to ? [series.steps[from], series.steps[to]] : null;
}
