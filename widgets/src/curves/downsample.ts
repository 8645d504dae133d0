/** Thins a line to what the screen can show without losing a spike or a gap. */
import { lowerBound } from '../sorted.ts';
import { Extremes } from './extremes.ts';
import { keptFor, latestFor, type Value } from './growing.ts';

export interface Line {
  x: number[];
  y: Value[];
}

/** What a line covers where it has more points than there are pixels: from its lowest to its highest value of each few neighbours. */
export interface Area {
  x: number[];
  low: Value[];
  high: Value[];
}

/** A part of a column of x, and the places in it before which a line breaks. */
export interface View {
  x: readonly number[];
  /** Ascending. */
  breaks: readonly number[];
  /** Visible part of x. */
  from: number;
  to: number;
}

/** Places of the first point that is drawn and of the one after the last: the neighbours just outside stay, so that a line leaves the chart. */
const placesIn = ({ x, from, to }: View): [number, number] => [
  Math.max(0, lowerBound(x, from) - 1),
  Math.min(x.length, lowerBound(x, to) + 2),
];

/** How many points a line has in the visible part. */
export function pointsIn(view: View): number {
  const [start, end] = placesIn(view);
  return end - start;
}

/** Every point in the visible part, with a missing value at each break. */
export function every(view: View, y: readonly Value[]): Line {
  const out: Line = { x: [], y: [] };
  for (const [from, end] of stretches(view)) {
    if (out.x.length > 0) lift(view.x[from], out.x, out.y);
    for (let i = from; i < end; i++) {
      out.x.push(view.x[i]);
      out.y.push(y[i]);
    }
  }
  return out;
}

/**
 * Lowest value of `low` and highest of `high` of bins of equally many neighbours, at most `bins` of them and a few more where the line breaks; a
 * missing value where it does, also at a single point that is missing.
 */
export function binned(view: View, low: readonly Value[], high: readonly Value[], bins: number): Area {
  const { x, breaks, from, to } = view;
  // a chart is drawn anew for many reasons, and most of its lines are as they were
  const last = latestFor<{ of: string; area: Area | null }>([low, high, x], 'binned', () => ({ of: '', area: null }));
  const of = [from, to, bins, ...breaks].join(' ');
  if (last.of !== of) Object.assign(last, { of, area: binnedAnew(view, low, high, bins) });
  return last.area!;
}

function binnedAnew(view: View, low: readonly Value[], high: readonly Value[], bins: number): Area {
  const size = 2 ** Math.max(0, Math.ceil(Math.log2(pointsIn(view) / Math.max(1, bins))));
  const [lows, highs] = [Extremes.of(low), low === high ? null : Extremes.of(high)];
  const out: Area = { x: [], low: [], high: [] };
  for (const [from, end] of stretches(view)) {
    if (out.x.length > 0) lift(view.x[from], out.x, out.low, out.high);
    for (let at = from; at < end;) {
      const next = Math.min(end, (Math.floor(at / size) + 1) * size);
      const bin = lows.over(at, next);
      const top = highs ? highs.over(at, next) : bin;
      const x = view.x[at === from ? from : next === end ? end - 1 : (at + next - 1) >> 1];
      if (!Number.isNaN(bin.low) && !Number.isNaN(top.high)) {
        out.x.push(x);
        out.low.push(bin.low);
        out.high.push(top.high);
      }
      if (bin.missing || top.missing) lift(x, out.x, out.low, out.high);
      at = next;
    }
  }
  return out;
}

/** Puts one missing value at the end of the columns. */
function lift(x: number, xs: number[], ...columns: Value[][]): void {
  if ((columns[0].at(-1) ?? null) === null) return;
  xs.push(x);
  for (const column of columns) column.push(null);
}

/** From where to where the line goes without a break: [first, end) of each stretch. */
function stretches(view: View): [number, number][] {
  const [start, end] = placesIn(view);
  const inside = view.breaks.filter((at) => at > start && at < end);
  const edges = [start, ...inside, end];
  return edges.slice(1).map((edge, i): [number, number] => [edges[i], edge]);
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

export function presence(values: readonly Value[]): Presence {
  const found = keptFor<Presence>([values], 'presence', () => ({ seen: 0, first: -1, last: -1, there: 0 }));
  for (; found.seen < values.length; found.seen++) {
    if (values[found.seen] === null) continue;
    if (found.first < 0) found.first = found.seen;
    found.last = found.seen;
    found.there++;
  }
  return found;
}

/** Places of the values that are there. */
export function placesOf(values: readonly Value[]): readonly number[] {
  const found = keptFor([values], 'places', () => ({ seen: 0, places: [] as number[] }));
  for (; found.seen < values.length; found.seen++) if (values[found.seen] !== null) found.places.push(found.seen);
  return found.places;
}
