/** How a noisy line is smoothed. Missing and non-finite values stay gaps and leave the mean alone. */
import type { Value } from './downsample.ts';

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

export function smoothed(values: readonly Value[], settings: Smoothing): Value[] {
  if (!smooths(settings)) return [...values];
  return settings.smoother === 'ema' ? smooth(values, settings.smoothing) : windowMean(values, settings.window);
}

/**
 * Exponential moving average with the bias of its start taken out, as TensorBoard and W&B smooth:
 * last = w * last + (1 - w) * y, shown as last / (1 - w^n).
 */
export function smooth(values: readonly Value[], weight: number): Value[] {
  if (weight <= 0) return [...values];
  let last = 0;
  let debias = 0; // 1 - w^n
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    last = weight * last + (1 - weight) * value;
    debias = weight * debias + (1 - weight);
    return last / debias;
  });
}

/** Mean of the last `window` points that are there. It looks back alone: a point that was drawn never moves when a new one comes. */
export function windowMean(values: readonly Value[], window: number): Value[] {
  const ring = new Float64Array(Math.max(1, window));
  let count = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    ring[count++ % ring.length] = value;
    const filled = Math.min(count, ring.length);
    let sum = 0; // added up anew: a running sum drifts, and windows are short
    for (let i = 0; i < filled; i++) sum += ring[i];
    return sum / filled;
  });
}
