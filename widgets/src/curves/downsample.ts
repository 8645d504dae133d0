/** Thins a line to about what the screen can show without losing a spike or a gap. */
import { lowerBound } from '../sorted.ts';

export type Value = number | null;

export interface Line {
  x: number[];
  y: Value[];
}

/**
 * At most about `2 * buckets` points of those with `from <= x <= to`: of each bucket of equal width in x its lowest and its highest,
 * in order, and one missing value where the bucket's line breaks. The neighbours just outside the range stay, so that the line leaves
 * the chart. `x` must not decrease.
 */
export function minMax({ x, y }: Line, buckets: number, from = -Infinity, to = Infinity): Line {
  const start = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, lowerBound(x, to) + 2);
  if (end - start <= 2 * buckets) return { x: x.slice(start, end), y: y.slice(start, end) };
  const left = x[start];
  const width = (x[end - 1] - left) / buckets || 1;
  const out: Line = { x: [], y: [] };
  let at = start;
  for (let bucket = 0; at < end; bucket++) {
    const edge = bucket === buckets - 1 ? Infinity : left + (bucket + 1) * width;
    const first = at;
    while (at < end && x[at] < edge) at++;
    if (at > first) keepExtremes(x, y, first, at, out);
    else if (edge === Infinity) break;
  }
  return out;
}

function keepExtremes(x: number[], y: Value[], first: number, end: number, out: Line): void {
  let low = -1;
  let high = -1;
  let gap = -1;
  for (let i = first; i < end; i++) {
    const value = y[i];
    if (value === null || Number.isNaN(value)) gap = i;
    else {
      if (low < 0 || value < (y[low] as number)) low = i;
      if (high < 0 || value >= (y[high] as number)) high = i;
    }
  }
  for (const i of [...new Set([low, high, gap])].filter((index) => index >= 0).sort((a, b) => a - b)) {
    out.x.push(x[i]);
    out.y.push(i === gap ? null : y[i]);
  }
}

/**
 * True for a metric that is logged now and then (an evaluation): its points are joined; in a dense one a missing value is a gap. A metric that
 * begins late or ends early is dense where it is.
 */
export function isSparse(values: readonly Value[]): boolean {
  const { first, last, there } = presence(values);
  if (there < 2) return there === 1 && values.length > 1;
  return there <= (last - first + 1) / 2;
}

interface Presence {
  /** Values that were looked at. */
  seen: number;
  /** Places of the first and the last that is there. */
  first: number;
  last: number;
  /** How many are there. */
  there: number;
}
const known = new WeakMap<readonly Value[], Presence>();

/** Of a column that has grown only what is new is looked at; a column that is changed otherwise is another array. */
export function presence(values: readonly Value[]): Presence {
  let found = known.get(values);
  if (!found || found.seen > values.length) known.set(values, (found = { seen: 0, first: -1, last: -1, there: 0 }));
  for (; found.seen < values.length; found.seen++) {
    if (values[found.seen] === null) continue;
    if (found.first < 0) found.first = found.seen;
    found.last = found.seen;
    found.there++;
  }
  return found;
}
