/** How a noisy line is smoothed. Missing and non-finite values stay gaps and leave the mean alone. */
import type { Value } from './growing.ts';

export const SMOOTHERS = ['ema', 'mean', 'none'] as const;
export type Smoother = (typeof SMOOTHERS)[number];

export interface Smoothing {
  smoother: Smoother;
  /** Weight of the exponential moving average, 0 to below 1; 0 smooths nothing. */
  smoothing: number;
  /** Points of the mean; 1 smooths nothing. */
  window: number;
}

/** Whether these settings change a line at all. */
export const smooths = ({ smoother, smoothing, window }: Smoothing): boolean =>
  (smoother === 'ema' && smoothing > 0) || (smoother === 'mean' && window > 1);

/** A mean that goes on: each call takes the next value that is there. */
type Running = (value: number) => number;

/** What was smoothed of a column, which only ever grows; a column that is changed otherwise is another array. */
const kept = new WeakMap<readonly Value[], { key: string; out: Value[]; next: Running }>();

/** The column itself where these settings change nothing. Of a column that has grown only what is new is computed. */
export function smoothed(values: readonly Value[], settings: Smoothing): Value[] {
  if (!smooths(settings)) return values as Value[];
  const key = `${settings.smoother} ${settings.smoothing} ${settings.window}`;
  let known = kept.get(values);
  if (known?.key !== key || known.out.length > values.length) kept.set(values, (known = { key, out: [], next: runningMean(settings) }));
  extend(known.out, values, known.next);
  return known.out;
}

const runningMean = ({ smoother, smoothing, window }: Smoothing): Running => (smoother === 'ema' ? ema(smoothing) : lastMean(window));

function extend(out: Value[], values: readonly Value[], next: Running): Value[] {
  for (let i = out.length; i < values.length; i++) {
    const value = values[i];
    out.push(value === null || !Number.isFinite(value) ? null : next(value));
  }
  return out;
}

/** Of the last value that was not zero: less than this is what a long run of zeros left of it, and reads as zero. */
const FADED = 1e-3;

/**
 * Exponential moving average with the bias of its start taken out, as TensorBoard and W&B smooth:
 * last = w * last + (1 - w) * y, shown as last / (1 - w^n). Where the values have become zero, their mean does too in the end: a share that
 * nothing has any more would otherwise read 1.98e-7, and pull a logarithmic axis down with it.
 */
export const smooth = (values: readonly Value[], weight: number): Value[] => extend([], values, ema(weight));

function ema(weight: number): Running {
  let last = 0;
  let debias = 0; // 1 - w^n
  let seen = 0;
  return (value) => {
    if (value !== 0) seen = Math.abs(value);
    last = weight * last + (1 - weight) * value;
    debias = weight * debias + (1 - weight);
    const mean = last / debias;
    return value === 0 && Math.abs(mean) < FADED * seen ? 0 : mean;
  };
}

/** Mean of the last `window` points that are there. It looks back alone: a point that was drawn never moves when a new one comes. */
export const windowMean = (values: readonly Value[], window: number): Value[] => extend([], values, lastMean(window));

function lastMean(window: number): Running {
  const ring = new Float64Array(Math.max(1, window));
  let count = 0;
  return (value) => {
    ring[count++ % ring.length] = value;
    const filled = Math.min(count, ring.length);
    let sum = 0; // added up anew: a running sum drifts, and windows are short
    for (let i = 0; i < filled; i++) sum += ring[i];
    return sum / filled;
  };
}
