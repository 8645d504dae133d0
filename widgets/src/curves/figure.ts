/** What a chart draws, in its own values: a trace for each line, what x and y span, and the ticks of both. scene.ts brings it to pixels. No DOM here. */
import { duration } from '../format.ts';
import type { Palette } from '../theme.ts';
import { AXIS, axisValues, pausesOf, type Axis } from './axis.ts';
import type { YRange } from './board.ts';
import type { ChartSpec } from './charts.ts';
import { binned, every, placesOf, pointsIn, type Area, type Line, type View } from './downsample.ts';
import { Extremes } from './extremes.ts';
import { derived, type Value } from './growing.ts';
import { heatTrace, type HeatTrace } from './rollout-lines.ts';
import type { ChartLine, ChartRun } from './line.ts';
import { withHeat } from './lines.ts';
import type { ChartSettings } from './settings.ts';
import { smooths } from './smoothing.ts';
import { areApart, bulkRange } from './y-range.ts';

export type { ChartLine, ChartRun } from './line.ts';
export type { ChartSettings } from './settings.ts';

interface Style {
  colour: string;
  /** Pixels. */
  width: number;
  /** A name of theme.ts's DASHES. */
  dash: string;
  opacity: number;
}

/** A value holds until the next (`stepped`), or goes on to it in a straight line. A missing value is a gap. */
export interface LineTrace extends Line, Style {
  kind: 'line';
  stepped: boolean;
  /** So few points that each has a dot. */
  dots: boolean;
}

/** From a lowest to a highest value at each x: a band, or a line of more points than there are pixels. */
export interface AreaTrace extends Area, Style {
  kind: 'area';
}

export type Trace = LineTrace | AreaTrace;

/** More raw lines than this are a haze in which nobody reads one. */
const MOST_RAW = 12;
/** Fewer points than these have a dot each. */
const FEW_POINTS = 30;
/** Pixels from point to point below which a line is drawn as what it covers: one with some hundred corners is slow to stroke, above all in dashes. */
const DENSE = 2;

const BAND = { width: 0, dash: 'solid', opacity: 0.14 };
const RAW = { width: 1, dash: 'solid', opacity: 0.25 };
const SHOWN = { width: 1.75, opacity: 1 };

/** The bands, the raw lines faint, the smoothed ones on top; of each about as many points as the chart has pixels across. */
export function traces(lines: readonly ChartLine[], settings: ChartSettings, pixels: number): Trace[] {
  const faint = smooths(settings) && lines.length <= MOST_RAW;
  const columns = lines.map((line) => ({ line, view: viewOf(line, settings), ...drawable(line, settings) }));
  return [
    ...columns.flatMap(({ line, view, shown }) => (line.spread ? [band(line, line.spread, shown, view, pixels)] : [])),
    ...columns.filter(({ line }) => faint && line.shown !== line.raw).map(({ line, view, raw }) => trace(line, view, raw, pixels, RAW)),
    ...columns.map(({ line, view, shown }) => trace(line, view, shown, pixels, { ...SHOWN, dash: line.dash })),
  ];
}

function viewOf({ x, breaks }: ChartLine, { range }: ChartSettings): View {
  const [from, to] = range ?? [-Infinity, Infinity];
  return { x, breaks, from, to };
}

/**
 * What an axis can show: a logarithmic one has no place for zero and below. The mean of zeros would sink without end there: where the raw value
 * cannot be drawn its mean is left out too.
 */
function drawable({ raw, shown }: ChartLine, { logY }: ChartSettings): { raw: Value[]; shown: Value[] } {
  if (!logY) return { raw, shown };
  const positive = (column: Value[]): Value[] => derived<Value>([column, raw], 'above 0', (at) => ((raw[at] ?? 0) > 0 ? column[at] : null));
  return { raw: positive(raw), shown: positive(shown) };
}

function trace({ colour, shape, sparse }: ChartLine, view: View, y: Value[], pixels: number, style: Omit<Style, 'colour'>): Trace {
  const [seen, values] = sparse ? joined(view, y) : [view, y];
  const stepped = shape === 'hv';
  if (pointsIn(seen) > Math.max(FEW_POINTS, stepped ? pixels : pixels / DENSE))
    return { kind: 'area', colour, ...style, ...binned(seen, values, values, pixels) };
  const line = every(seen, values);
  const dots = line.y.reduce<number>((count, value) => count + (value === null ? 0 : 1), 0) < FEW_POINTS;
  return { kind: 'line', colour, ...style, ...line, stepped, dots };
}

/** A metric that is logged now and then: only its points, one joined to the next. */
function joined(view: View, y: Value[]): [View, Value[]] {
  const places = placesOf(y);
  return [{ ...view, x: places.map((at) => view.x[at]), breaks: [] }, places.map((at) => y[at])];
}

/** Mean plus and minus one standard deviation, smoothed alike. */
function band(line: ChartLine, spread: Value[], shown: Value[], view: View, pixels: number): AreaTrace {
  const edge = (sign: 1 | -1): Value[] =>
    derived<Value>([spread, shown], `edge ${sign}`, (at) => {
      const [middle, wide] = [shown[at] ?? null, spread[at]];
      return middle === null || wide === null ? null : middle + sign * wide;
    });
  return { kind: 'area', colour: line.colour, ...BAND, ...binned(view, edge(-1), edge(1), pixels) };
}

/** Of a distribution the heat map of one run: two laid over each other could not be read. A logarithmic axis has no place for it. */
export function heat({ from }: ChartSpec, runs: readonly ChartRun[], settings: ChartSettings, palette: Palette): HeatTrace | null {
  const shown = withHeat(runs, settings);
  if (from?.kind !== 'distribution' || !shown?.statistics || settings.logY || axisValues(shown.series, settings.axis).length === 0)
    return null;
  return heatTrace(shown.series, shown.statistics, from.of, settings.axis, palette.series[shown.colour % palette.series.length]);
}

/** Where a time in which a run stood still was left out of x, and how long it was. */
export interface Cut {
  x: number;
  text: string;
  colour: string;
}

export function cutsOf(runs: readonly ChartRun[], { axis }: Pick<ChartSettings, 'axis'>, { series: colours, text }: Palette): Cut[] {
  if (!AXIS[axis].cuts) return [];
  return runs.flatMap(({ series, colour }) => {
    const x = axisValues(series, axis);
    const own = runs.length > 1 ? colours[colour % colours.length] : text;
    return pausesOf(series).map(({ at, ms }) => ({ x: (x[at - 1] + x[at]) / 2, text: duration(ms / 1000), colour: own }));
  });
}

/** Values that a logarithmic axis leaves out. */
export const leftOut = (lines: readonly ChartLine[]): number =>
  lines.reduce((count, { raw }) => count + raw.filter((value) => value !== null && value <= 0).length, 0);

/** What y spans: the ends that somebody typed, else the values without outliers where these are ignored. Null leaves it to what is drawn. */
export function yRange(lines: readonly ChartLine[], settings: ChartSettings, [low, high]: YRange = [null, null]): [number, number] | null {
  const columns = lines.map(({ shown }) => shown);
  const bulk = settings.ignoreOutliers ? bulkRange(columns, settings.logY) : null;
  if (low === null && high === null) return bulk;
  const all = lines.map((line) => drawable(line, settings).shown).map((column) => Extremes.of(column).over(0, column.length));
  const some = all.filter((stretch) => !Number.isNaN(stretch.low));
  const range: [number, number] = [
    low ?? bulk?.[0] ?? Math.min(...some.map((stretch) => stretch.low)),
    high ?? bulk?.[1] ?? Math.max(...some.map((stretch) => stretch.high)),
  ];
  const drawn = range.every(Number.isFinite) && range[0] < range[1] && (!settings.logY || range[0] > 0);
  return drawn ? range : null;
}

/** Part of the span of the values that is left free above and below. */
const PAD = 0.05;

/** What y spans where nobody said: all that is drawn and a little more; values that are never negative start at 0 or above. */
export function spanOf(drawn: readonly Trace[], heat: HeatTrace | null, logY: boolean): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  const take = (value: Value): void => {
    if (value === null) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const one of drawn) {
    if (one.kind === 'line') one.y.forEach(take);
    else {
      if (!logY || one.width > 0) one.low.forEach(take); // a band that goes below 0 has no end on a logarithmic axis
      one.high.forEach(take);
    }
  }
  heat?.y.forEach(take);
  if (low > high) return logY ? [0.1, 10] : [0, 1];
  if (logY) return padded([Math.log10(low), Math.log10(high)], 0.5).map((power) => 10 ** power) as [number, number];
  const [from, to] = padded([low, high], low === 0 ? 1 : Math.abs(low) / 10);
  return [low >= 0 ? Math.max(0, from) : from, to];
}

/** `flat`: how far to go on both sides of a single value. */
function padded([low, high]: [number, number], flat: number): [number, number] {
  const pad = areApart(low, high) ? PAD * (high - low) : flat;
  return [low - pad, high + pad];
}

/** Smallest and largest x of all lines, so that every chart spans the same steps. */
export function extent(runs: readonly ChartRun[], axis: Axis): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { series } of runs) {
    const x = axisValues(series, axis);
    if (x.length === 0) continue;
    low = Math.min(low, x[0]);
    high = Math.max(high, x[x.length - 1]);
  }
  if (low > high) return null;
  return low === high ? [low - 1, high + 1] : [low, high];
}
