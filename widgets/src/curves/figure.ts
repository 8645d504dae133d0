/** One chart as plotly wants it: the lines of every run, raw and smoothed, and the axes. No DOM here. */
import { describeMetric } from '@medr1/kernel-bridge/protocol/metrics';
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import { lowerBound, nearest } from '../sorted.ts';
import { DASHES, type Palette } from '../theme.ts';
import { AXIS, axisValues, breaksOf, type Axis } from './axis.ts';
import type { YRange } from './board.ts';
import { shortName, type ChartSpec } from './charts.ts';
import type { RolloutSource } from './rollout-source.ts';
import { isSparse, minMax, type Line, type Value } from './downsample.ts';
import { columnOf, columnPlaces, heatTrace, lastRevision, rewardUnder, type HeatTrace } from './rollout-lines.ts';
import { groupsBy, meansOf } from './groups.ts';
import type { ChartLine, ChartRun } from './line.ts';
import { MARGIN } from './scale.ts';
import { smoothed, smooths, type Smoothing } from './smoothing.ts';
import { bulkRange } from './y-range.ts';

export type { ChartLine, ChartRun } from './line.ts';

export interface ChartSettings extends Smoothing {
  axis: Axis;
  logY: boolean;
  /** y spans the bulk of the values; what lies far outside is not seen. */
  ignoreOutliers: boolean;
  /** Runs with the same value of this key of their configurations are one line (groups.ts); null draws each run. */
  groupBy: string | null;
  /** Visible part of x, shared by all charts; null = all. */
  range: [number, number] | null;
}

export interface Trace {
  x: number[];
  y: Value[];
  mode: 'lines' | 'lines+markers';
  line: { color: string; width: number; dash: string; shape: 'linear' | 'hv' };
  opacity: number;
  name: string;
  connectgaps: boolean;
  fill?: 'toself';
  fillcolor?: string;
  marker?: { size: number };
  hoverinfo: 'skip';
  /** In a picture, which has no other legend. */
  showlegend: boolean;
  type: 'scatter';
}

/**
 * One run chosen: each metric has its hue. Several runs: each run keeps its hue in all charts, metrics differ by dash; `overlaid` stays true
 * while all but one of them are hidden, so that hiding a run changes the meaning of no colour.
 */
export function linesOf(
  chart: ChartSpec,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  palette: Palette,
  overlaid = runs.length > 1,
): ChartLine[] {
  const lines = linesOfRuns(chart, runs, settings, palette, overlaid);
  if (settings.groupBy === null || !overlaid) return lines;
  const groups = groupsBy(
    runs.map(({ series }) => series),
    settings.groupBy,
  );
  return meansOf(lines, groups);
}

function linesOfRuns(
  chart: ChartSpec,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  palette: Palette,
  overlaid: boolean,
): ChartLine[] {
  if (chart.from) return rolloutLines(chart, chart.from, runs, settings, palette, overlaid);
  const several = chart.metrics.length > 1;
  return runs.flatMap((run) => {
    const axis = axisValues(run.series, settings.axis);
    const at = AXIS[settings.axis].breaks ? breaksOf(run.series.steps, run.series.standstills) : [];
    const x = withGaps(axis, at, (i) => (axis[i - 1] + axis[i]) / 2);
    const column = (metric: string, smoothing: Smoothing): Value[] | null => {
      const values = run.series.metrics.get(metric);
      return values ? withGaps<Value>(smoothed(values, smoothing), at, () => null) : null;
    };
    const lines = chart.metrics.flatMap((metric, place) => {
      const values = run.series.metrics.get(metric);
      if (!values) return [];
      const exact = describeMetric(metric)?.exact;
      const sparse = isSparse(values);
      const smoothing = sparse || exact ? AS_IT_IS : settings;
      const hue = overlaid || !several ? run.colour : place;
      const name = several ? shortName(chart, metric) : '';
      return {
        run,
        metric,
        who: run.series.name,
        label: overlaid ? [run.series.name, name].filter(Boolean).join(' · ') : name || metric,
        name,
        colour: palette.series[hue % palette.series.length],
        dash: DASHES[(several ? place : overlaid ? run.colour : 0) % DASHES.length],
        shape: exact === 'setting' ? ('hv' as const) : ('linear' as const),
        sparse,
        x,
        raw: column(metric, AS_IT_IS)!,
        shown: column(metric, smoothing)!,
        spread: chart.band ? column(chart.band, smoothing) : null,
      };
    });
    return chart.id === 'reward' ? [...lines, ...underLastRevision(run, settings, palette, overlaid)] : lines;
  });
}

type Style = Pick<ChartLine, 'colour' | 'dash' | 'label' | 'name'>;

/** A line with a point at the last step of each column of a run's statistics. */
function columnLine(
  run: ChartRun,
  statistics: RolloutStatistics,
  metric: string,
  values: Value[],
  settings: ChartSettings,
  style: Style,
): ChartLine {
  return {
    ...{ run, metric, who: run.series.name, shape: 'linear', sparse: false, spread: null },
    ...style,
    x: columnPlaces(run.series, statistics, settings.axis),
    raw: values,
    shown: smoothed(values, settings),
  };
}

/** Where rewards were edited: the reward as the newest revision would have given it all along, so that an edit is no collapse. */
function underLastRevision(run: ChartRun, settings: ChartSettings, { series }: Palette, overlaid: boolean): ChartLine[] {
  const revision = lastRevision(run.series);
  if (!run.statistics || !revision) return [];
  const values = rewardUnder(revision, run.series.revisions, run.statistics);
  if (values.every((value) => value === null)) return [];
  const name = `under revision ${revision.revision}`;
  const style = {
    name,
    label: overlaid ? `${run.series.name} · ${name}` : `reward ${name}`,
    colour: series[run.colour % series.length],
    dash: 'dot',
  };
  return [columnLine(run, run.statistics, `reward ${name}`, values, settings, style)];
}

/** Of a distribution the median of each run, of a facet a line for each value. */
function rolloutLines(
  { metrics }: ChartSpec,
  source: RolloutSource,
  runs: readonly ChartRun[],
  settings: ChartSettings,
  { series, text }: Palette,
  overlaid: boolean,
): ChartLine[] {
  const several = metrics.length > 1;
  const onHeat = source.kind === 'distribution' && !settings.logY ? withHeat(runs) : undefined;
  return runs.flatMap((run) => {
    const { statistics } = run;
    if (!statistics || statistics.columns.length === 0) return [];
    return metrics.flatMap((metric, place) => {
      const values = columnOf(source, metric, statistics);
      if (!values) return [];
      const name = several ? metric : '';
      return columnLine(run, statistics, metric, values, settings, {
        name,
        label: overlaid ? [run.series.name, name].filter(Boolean).join(' · ') : metric,
        colour: run === onHeat ? text : series[(overlaid || !several ? run.colour : place) % series.length],
        dash: DASHES[(several ? place : overlaid ? run.colour : 0) % DASHES.length],
      });
    });
  });
}

/** The run whose heat map is drawn; its own line is in the colour of text, to be seen on it. */
const withHeat = (runs: readonly ChartRun[]): ChartRun | undefined =>
  runs.find(({ statistics }) => statistics && statistics.columns.length > 0);

/** Of a distribution the heat map of the first run: two laid over each other could not be read. A logarithmic axis has no place for it. */
export function heat({ from }: ChartSpec, runs: readonly ChartRun[], settings: ChartSettings, palette: Palette): HeatTrace[] {
  const first = withHeat(runs);
  if (from?.kind !== 'distribution' || !first?.statistics || settings.logY) return [];
  const colour = palette.series[first.colour % palette.series.length];
  const trace = heatTrace(first.series, first.statistics, from.of, settings.axis, [palette.surface, colour]);
  return trace ? [trace] : [];
}

const AS_IT_IS: Smoothing = { smoother: 'none', smoothing: 0, window: 1 };

/** The column with one more value before each of these places, where a line breaks; the column itself where there are none. */
function withGaps<T>(column: T[], places: readonly number[], between: (at: number) => T): T[] {
  if (places.length === 0) return column;
  const out: T[] = [];
  let from = 0;
  for (const at of places) {
    for (let i = from; i < at; i++) out.push(column[i]);
    out.push(between(at));
    from = at;
  }
  for (let i = from; i < column.length; i++) out.push(column[i]);
  return out;
}

/** More raw lines than this are a haze in which nobody reads one, and half of the time that a chart takes to draw. */
const MOST_RAW = 12;

/** Traces of about two points a pixel: the band, the raw lines faint, the smoothed ones on top. */
export function traces(lines: readonly ChartLine[], settings: ChartSettings, pixels: number): Trace[] {
  const [from, to] = settings.range ?? [-Infinity, Infinity];
  const thin = (line: Pick<ChartLine, 'x' | 'sparse'>, y: Value[]): Line =>
    minMax(joined(line.x, drawable(y, settings), line.sparse), Math.max(50, Math.ceil(pixels)), from, to);
  const faint = smooths(settings) && lines.length <= MOST_RAW;
  return [
    ...lines.flatMap((line) => (line.spread ? band(line, line.spread, thin) : [])),
    ...lines
      .filter(({ raw, shown }) => faint && shown.some((value, at) => value !== raw[at]))
      .map((line) => trace(line, thin(line, line.raw), { opacity: 0.25, width: 1, dash: 'solid' }, false)),
    ...lines.map((line) => trace(line, thin(line, onPoints(line, settings)), { opacity: 1, width: 1.75, dash: line.dash })),
  ];
}

/** What an axis can show: a logarithmic one has no place for zero and below. */
const drawable = (y: Value[], { logY }: ChartSettings): Value[] =>
  logY ? y.map((value) => (value !== null && value > 0 ? value : null)) : y;

/** On a logarithmic axis the mean of zeros would sink without end: where the raw value cannot be drawn its mean is left out too. */
const onPoints = ({ raw, shown }: ChartLine, { logY }: ChartSettings): Value[] =>
  logY ? shown.map((value, at) => ((raw[at] ?? 0) > 0 ? value : null)) : shown;

/** Values that a logarithmic axis leaves out. */
export const leftOut = (lines: readonly ChartLine[]): number =>
  lines.reduce((count, { raw }) => count + raw.filter((value) => value !== null && value <= 0).length, 0);

/** A sparse metric joins its points; a dense one keeps its gaps. */
function joined(x: number[], y: Value[], sparse: boolean): Line {
  if (!sparse) return { x, y };
  const there = y.map((value, index) => (value === null ? -1 : index)).filter((index) => index >= 0);
  return { x: there.map((index) => x[index]), y: there.map((index) => y[index]) };
}

function trace(line: ChartLine, { x, y }: Line, style: { opacity: number; width: number; dash: string }, showlegend = true): Trace {
  const few = y.reduce<number>((count, value) => count + (value === null ? 0 : 1), 0) < 30;
  return {
    type: 'scatter',
    x,
    y,
    mode: few ? 'lines+markers' : 'lines', // a lone point between gaps draws no line
    marker: { size: 4 },
    line: { color: line.colour, width: style.width, dash: style.dash, shape: line.shape },
    opacity: style.opacity,
    name: line.label,
    connectgaps: false,
    showlegend,
    hoverinfo: 'skip',
  };
}

/** Mean plus and minus one standard deviation, smoothed alike: one closed outline for each stretch without a gap. */
function band(line: ChartLine, spread: Value[], thin: (line: Pick<ChartLine, 'x' | 'sparse'>, y: Value[]) => Line): Trace[] {
  const outline: Line = { x: [], y: [] };
  for (const [from, end] of stretches(line.shown, spread)) {
    const x = line.x.slice(from, end);
    const edge = (sign: 1 | -1): Line =>
      thin(
        { x, sparse: false },
        x.map((_, i) => line.shown[from + i]! + sign * spread[from + i]!),
      );
    const [upper, lower] = [edge(1), edge(-1)];
    if (outline.x.length > 0) outline.x.push(NaN) && outline.y.push(null); // plotly closes each part by itself
    outline.x.push(...upper.x, ...lower.x.reverse());
    outline.y.push(...upper.y, ...lower.y.reverse());
  }
  if (outline.x.length === 0) return [];
  return [
    {
      ...trace(line, outline, { opacity: 0.14, width: 0, dash: 'solid' }, false),
      mode: 'lines',
      fill: 'toself',
      fillcolor: line.colour,
    },
  ];
}

/** From where to where both columns have values: [first, end) of each stretch. */
function stretches(a: readonly Value[], b: readonly Value[]): [number, number][] {
  const out: [number, number][] = [];
  a.forEach((value, at) => {
    if (value === null || (b[at] ?? null) === null) return;
    const last = out.at(-1);
    if (last?.[1] === at) last[1] = at + 1;
    else out.push([at, at + 1]);
  });
  return out;
}

export interface Reading {
  line: ChartLine;
  /** Of the point that is read; the cursor's where there is none. */
  x: number;
  value: number | null;
  raw: number | null;
}

/**
 * The value of each line at x, nothing where the line has no point there: a run that had ended, or had not begun. `slack` is how far from x a
 * point may lie. What is logged now and then holds from its point to the next. Without x, the values at each run's last step.
 */
export function readings(lines: readonly ChartLine[], x: number | null, slack = 0): Reading[] {
  return lines.map((line) => {
    const at = x === null ? lastPoint(line) : pointAt(line, x, slack);
    return { line, x: line.x[at] ?? x ?? NaN, value: line.shown[at] ?? null, raw: line.raw[at] ?? null };
  });
}

const lastPoint = (line: ChartLine): number => (line.sparse ? line.shown.findLastIndex((value) => value !== null) : line.shown.length - 1);

/** Index of the point of a line that holds at x, -1 where none does. */
function pointAt(line: ChartLine, x: number, slack: number): number {
  const reach = Math.max(slack, spacing(line.x) / 2);
  const near = nearest(line.x, x);
  if (near < 0 || Math.abs(line.x[near] - x) > reach) {
    const beside = line.x.length > 1 && x > line.x[0] && x < line.x.at(-1)!;
    if (!line.sparse || !beside) return -1;
  }
  if (!line.sparse) return near;
  let at = lowerBound(line.x, x + reach) - 1;
  while (at >= 0 && line.shown[at] === null) at--;
  return at;
}

/** The usual distance of two points: the middle one of up to a hundred. */
function spacing(x: readonly number[]): number {
  if (x.length < 2) return 0;
  const every = Math.max(1, Math.floor((x.length - 1) / 100));
  const gaps: number[] = [];
  for (let i = 1; i < x.length; i += every) gaps.push(x[i] - x[i - 1]);
  return gaps.sort((a, b) => a - b)[gaps.length >> 1];
}

/** A step of a run. */
export interface StepOf {
  run: string;
  step: number;
}

/**
 * The step that a click at x means: of the run whose line passes nearest to the pointer, of those that have a point there; `distance` says how
 * far a value lies from it, null where nobody knows. Null where no run has a step at x.
 */
export function stepAt(
  lines: readonly ChartLine[],
  axis: Axis,
  x: number,
  slack: number,
  distance: (value: number) => number | null,
): StepOf | null {
  let best: (StepOf & { away: number }) | null = null;
  for (const line of lines) {
    const { series } = line.run;
    const values = axisValues(series, axis);
    const at = nearest(values, x);
    if (at < 0 || Math.abs(values[at] - x) > Math.max(slack, spacing(values) / 2)) continue;
    const value = readings([line], values[at])[0].value;
    const away = value === null ? Infinity : (distance(value) ?? Infinity);
    if (best === null || away < best.away) best = { run: series.id, step: series.steps[at], away };
  }
  return best && { run: best.run, step: best.step };
}

/** Every x at which some run has a step, ascending: the keyboard's way through a chart. */
export function allX(runs: readonly ChartRun[], axis: Axis): number[] {
  return [...new Set(runs.flatMap(({ series }) => axisValues(series, axis)))].sort((a, b) => a - b);
}

/** The unit stands at the last mark of the axis, where a number alone does not say what it counts. */
const unitMarks = (axis: Axis): object => (AXIS[axis].unit ? { ticksuffix: AXIS[axis].unit, showticksuffix: 'last' } : {});

/** What y spans: the ends that somebody typed, else the values without outliers where these are ignored. Null leaves it to the drawing library. */
export function yRange(lines: readonly ChartLine[], settings: ChartSettings, [low, high]: YRange = [null, null]): [number, number] | null {
  const columns = lines.map(({ shown }) => shown);
  const bulk = settings.ignoreOutliers ? bulkRange(columns, settings.logY) : null;
  if (low === null && high === null) return bulk;
  const values = columns.flatMap((column) => column.filter((value): value is number => value !== null && (!settings.logY || value > 0)));
  const extreme = (of: (a: number, b: number) => number, start: number): number => values.reduce((a, b) => of(a, b), start);
  const range: [number, number] = [low ?? bulk?.[0] ?? extreme(Math.min, Infinity), high ?? bulk?.[1] ?? extreme(Math.max, -Infinity)];
  const drawable = range.every(Number.isFinite) && range[0] < range[1] && (!settings.logY || range[0] > 0);
  return drawable ? range : null;
}

/** Axes and margins; `uirevision` keeps a zoom while data arrives. */
export function layout(
  settings: ChartSettings,
  palette: Palette,
  size: { width: number; height: number },
  full: [number, number] | null,
  drawn: readonly { y: readonly Value[] }[] = [],
  y: [number, number] | null = null,
) {
  const axis = {
    gridcolor: palette.grid,
    linecolor: palette.grid,
    zeroline: false,
    tickfont: { size: 10, color: palette.text },
    fixedrange: false,
    automargin: false,
    nticks: Math.max(3, Math.floor(size.width / 70)),
  };
  const range = settings.range ?? full;
  return {
    width: size.width,
    height: size.height,
    margin: { ...MARGIN },
    paper_bgcolor: 'transparent',
    plot_bgcolor: 'transparent',
    showlegend: false,
    hovermode: false as const,
    dragmode: 'zoom' as const,
    font: { color: palette.text, size: 10 },
    xaxis: { ...axis, ...unitMarks(settings.axis), ...(range ? { range: [...range], autorange: false } : { autorange: true }) },
    yaxis: {
      ...axis,
      fixedrange: true,
      ...(y ? { range: settings.logY ? y.map(Math.log10) : y, autorange: false } : { autorange: true }),
      type: settings.logY ? ('log' as const) : ('linear' as const),
      // A flat line at zero would get an axis from −1 to 1, though there is no share below none.
      rangemode: drawn.some(({ y }) => y.some((value) => value !== null && value < 0)) ? ('normal' as const) : ('nonnegative' as const),
      nticks: Math.max(3, Math.floor(size.height / 36)),
      exponentformat: 'e' as const,
    },
  };
}

/** The same drawing as a picture that stands alone: with a legend, on a surface. */
export function pictureLayout<L extends ReturnType<typeof layout>>(drawing: L, { surface, text }: Palette): object {
  return {
    ...drawing,
    paper_bgcolor: surface,
    showlegend: true,
    legend: { orientation: 'h', x: 0, y: 1, yanchor: 'bottom', font: { size: 10, color: text } },
    margin: { ...drawing.margin, t: 34 },
  };
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

/** Numbers of lines as CSV, a row a point: what is drawn of statistics has points of its own. */
export function csvOfLines(lines: readonly ChartLine[], axis: Axis): string {
  const rows = lines.flatMap(({ run, metric, x, raw }) =>
    x.map((at, i) => [quoted(run.series.id), quoted(metric), at, raw[i] ?? ''].join(',')),
  );
  return `${[`run,line,${axis},value`, ...rows].join('\n')}\n`;
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The charts' numbers as CSV: run, step, x and one column per metric; missing stays empty. */
export function csv(runs: readonly ChartRun[], charts: readonly ChartSpec[]): string {
  const metrics = [
    ...new Set(charts.filter(({ from }) => !from).flatMap((chart) => [...chart.metrics, ...(chart.band ? [chart.band] : [])])),
  ];
  const head = ['run', 'step', 'time_ms', ...metrics].map(quoted).join(',');
  const rows = runs.flatMap(({ series }) =>
    series.steps.map((step, index) =>
      [quoted(series.id), step, series.times[index], ...metrics.map((name) => series.metrics.get(name)?.[index] ?? '')].join(','),
    ),
  );
  return `${[head, ...rows].join('\n')}\n`;
}
