/** Distributions of values, drawn by the views and printed by the command line. */

const RANGES = 10;

/** Values from `from` to below `to`, the last range with its end; one value where both are the same. */
export interface Range {
  from: number;
  to: number;
}

/** Ascending: the values themselves where they are ten at most, else ten ranges of one width. None for no values. */
export function rangesOf(values: readonly number[]): Range[] {
  const distinct = [...new Set(values.map(rounded))].sort((a, b) => a - b);
  if (distinct.length <= RANGES) return distinct.map((value) => ({ from: value, to: value }));
  const [low, high] = [distinct[0], distinct.at(-1)!];
  const edge = (i: number): number => low + (i * (high - low)) / RANGES;
  return Array.from({ length: RANGES }, (_, i) => ({ from: edge(i), to: edge(i + 1) }));
}

/** Index of the range that holds a value; of the last one where it is above all. */
export function placeIn(ranges: readonly Range[], value: number): number {
  const one = rounded(value);
  return ranges.findIndex(({ from, to }, i) => (from === to ? one === from : one < to || i === ranges.length - 1));
}

/** How many of the values are in each of the ranges that `rangesOf` made of these values, alone or with others. */
export function countsIn(ranges: readonly Range[], values: readonly number[]): number[] {
  const counts = ranges.map(() => 0);
  for (const value of values) counts[placeIn(ranges, value)]++;
  return counts;
}

/** Sums of weighted rewards differ in their last digits where they are meant to be the same. */
const rounded = (value: number): number => Number(value.toPrecision(9));
