/** What y spans: the values, or the bulk of them where outliers are ignored, or what somebody typed. */
import type { YRange } from './board.ts';
import type { Value } from './growing.ts';

/** Shares of the values between which their bulk lies, and how far beyond it, in its width, a value is no outlier yet. */
const BULK = [0.05, 0.95] as const;
const BEYOND = 0.5;
/** Fewer values have no outliers. */
const FEWEST = 8;
/** Part of the span that is left free above and below. */
const PAD = 0.05;

/**
 * The range of all values that are no outliers, a little wider; null where none is one (then the drawing library chooses). An outlier lies more
 * than half the bulk's width outside the bulk, the middle 90 %: noise and trends stay, a spike goes. `log`: widths are those of the logarithms.
 */
export function bulkRange(columns: readonly (readonly Value[])[], log: boolean): [number, number] | null {
  const values = columns
    .flatMap((column) => column.filter((value): value is number => value !== null && Number.isFinite(value) && (!log || value > 0)))
    .map((value) => (log ? Math.log10(value) : value))
    .sort((a, b) => a - b);
  if (values.length < FEWEST) return null;
  const [low, high] = BULK.map((share) => values[Math.round(share * (values.length - 1))]);
  const width = high - low;
  if (width === 0) return null; // a constant with a spike: nobody knows which of the two matters
  const [least, most] = [low - BEYOND * width, high + BEYOND * width];
  if (values[0] >= least && values.at(-1)! <= most) return null;
  const kept = values.filter((value) => value >= least && value <= most);
  const pad = PAD * (kept.at(-1)! - kept[0]);
  const range: [number, number] = [kept[0] - pad, kept.at(-1)! + pad];
  return log ? [10 ** range[0], 10 ** range[1]] : range;
}

/** Values that lie outside a range. */
export function outside(columns: readonly (readonly Value[])[], [low, high]: YRange): number {
  const out = (value: Value): boolean => value !== null && ((low !== null && value < low) || (high !== null && value > high));
  return columns.reduce((sum, column) => sum + column.filter(out).length, 0);
}
