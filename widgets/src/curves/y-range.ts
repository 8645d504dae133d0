/** What y spans: the values, or the bulk of them where outliers are ignored, or what somebody typed. */
import type { YRange } from './board.ts';
import { presence } from './downsample.ts';
import type { Value } from './growing.ts';

/** Shares of the values between which their bulk lies, and how far beyond it, in its width, a value is no outlier yet. */
const BULK = [0.05, 0.95] as const;
const BEYOND = 0.5;
/** Fewer values have no outliers. */
const FEWEST = 8;
/** Values of a column from which its bulk is told. */
const ENOUGH = 1000;
/** Part of the span that is left free above and below. */
const PAD = 0.05;
/** Values that differ by less than this part of them are one value: the mean of equals differs from them in its last digits. */
const ROUNDING = 1e-9;

/** Whether values between these ends differ by more than rounding. */
export const areApart = (low: number, high: number): boolean => high - low > ROUNDING * Math.max(Math.abs(low), Math.abs(high));

/**
 * The range of all values that are no outliers, a little wider; null where none is one (then the drawing library chooses). An outlier lies more
 * than half the bulk's width outside the bulk, the middle 90 %: noise and trends stay, a spike goes. `log`: widths are those of the logarithms.
 */
export function bulkRange(columns: readonly (readonly Value[])[], log: boolean): [number, number] | null {
  const counts = (value: Value | undefined): value is number =>
    value !== null && value !== undefined && Number.isFinite(value) && (!log || value > 0);
  const scaled = (value: number): number => (log ? Math.log10(value) : value);
  const some = columns.flatMap((column) => everyNth(column).filter(counts).map(scaled));
  if (some.length < FEWEST) return null;
  const sorted = Float64Array.from(some).sort();
  const [low, high] = BULK.map((share) => sorted[Math.round(share * (sorted.length - 1))]);
  const width = high - low;
  if (!areApart(low, high)) return null; // a constant with a spike: nobody knows which of the two matters
  const [least, most] = [low - BEYOND * width, high + BEYOND * width];
  let [from, to, out] = [high, low, false];
  for (const column of columns)
    for (const one of column) {
      if (!counts(one)) continue;
      const value = scaled(one);
      if (value < least || value > most) out = true;
      else [from, to] = [Math.min(from, value), Math.max(to, value)];
    }
  if (!out) return null;
  const pad = PAD * (to - from);
  const range: [number, number] = [from - pad, to + pad];
  return log ? [10 ** range[0], 10 ** range[1]] : range;
}

/** Of a long column as many values, evenly spread, as say where its bulk lies. */
function everyNth(column: readonly Value[]): readonly Value[] {
  const every = presence(column).there / ENOUGH;
  if (every <= 1) return column;
  return Array.from({ length: Math.floor(column.length / every) }, (_, i) => column[Math.floor(i * every)]);
}

/** Values that lie outside a range. */
export function outside(columns: readonly (readonly Value[])[], [low, high]: YRange): number {
  let count = 0;
  for (const column of columns)
    for (const value of column) if (value !== null && ((low !== null && value < low) || (high !== null && value > high))) count++;
  return count;
}
