/** One chart as plotly wants it: the lines of every run, raw and smoothed, and the axes. No DOM here. */
import type { RunSeries } from '../store/run-series.ts';
import { DASHES } from '../theme.ts';
import { axisValues, type Axis } from './axis.ts';
import { shortName, type ChartSpec } from './charts.ts';
import { isSparse, minMax, nearest, type Line, type Value } from './downsample.ts';
import { MARGIN } from './scale.ts';
import { smooth } from './smoothing.ts';

export interface ChartSettings {
  axis: Axis;
  /** Weight of the moving average, 0 = off. */
  smoothing: number;
  logY: boolean;
  /** Visible part of x, shared by all charts; null = all. */
  range: [number, number] | null;
}

export interface Palette {
  series: readonly string[];
  text: string;
  grid: string;
  surface: string;
}

export interface ChartRun {
  series: RunSeries;
  /** Position in the selection: decides the colour, also when runs before it are hidden. */
  index: number;
}

/** A line of a chart: one metric of one run. */
export interface ChartLine {
  run: ChartRun;
  metric: string;
  label: string;
  colour: string;
  dash: string;
  x: number[];
  raw: Value[];
  shown: Value[];
}

export interface Trace {
  x: number[];
  y: Value[];
  mode: 'lines' | 'lines+markers';
  line: { color: string; width: number; dash: string; shape: 'linear' };
  opacity: number;
  name: string;
  connectgaps: boolean;
  fill?: 'toself';
  fillcolor?: string;
  marker?: { size: number };
  hoverinfo: 'skip';
  type: 'scatter';
}

/** One run: each metric has its hue. Several runs: each run keeps its hue in all charts, metrics differ by dash. */
export function linesOf(chart: ChartSpec, runs: readonly ChartRun[], settings: ChartSettings, palette: Palette): ChartLine[] {
  const many = runs.length > 1;
  return runs.flatMap((run) => {
    const x = axisValues(run.series, settings.axis);
    return chart.metrics.flatMap((metric, at) => {
      const raw = run.series.metrics.get(metric);
      if (!raw) return [];
      const hue = many || chart.metrics.length === 1 ? run.index : at;
      const name = chart.metrics.length > 1 ? shortName(chart, metric) : '';
      return {
        run,
        metric,
        label: many ? [run.series.name, name].filter(Boolean).join(' · ') : name || metric,
        colour: palette.series[hue % palette.series.length],
        dash: DASHES[(many && chart.metrics.length === 1 ? run.index : at) % DASHES.length],
        x,
        raw,
        shown: smooth(raw, isSparse(raw) ? 0 : settings.smoothing),
      };
    });
  });
}

/** Traces of about two points a pixel: the band, the raw lines faint, the smoothed ones on top. */
export function traces(chart: ChartSpec, lines: readonly ChartLine[], settings: ChartSettings, pixels: number): Trace[] {
  const [from, to] = settings.range ?? [-Infinity, Infinity];
  const thin = (x: number[], y: Value[]): Line => minMax(joined(x, y), Math.max(50, Math.ceil(pixels)), from, to);
  const bands = chart.band ? lines.flatMap((line) => band(line, chart.band!, settings, thin)) : [];
  const faint = settings.smoothing > 0 ? lines.filter((line) => !isSparse(line.raw)) : [];
  return [
    ...bands,
    ...faint.map((line) => trace(line, thin(line.x, line.raw), { opacity: 0.25, width: 1, dash: 'solid' })),
    ...lines.map((line) => trace(line, thin(line.x, line.shown), { opacity: 1, width: 1.75, dash: line.dash })),
  ];
}

/** A sparse metric joins its points; a dense one keeps its gaps. */
function joined(x: number[], y: Value[]): Line {
  if (!isSparse(y)) return { x, y };
  const there = y.map((value, index) => (value === null ? -1 : index)).filter((index) => index >= 0);
  return { x: there.map((index) => x[index]), y: there.map((index) => y[index]) };
}

function trace(line: ChartLine, { x, y }: Line, style: { opacity: number; width: number; dash: string }): Trace {
  const few = y.reduce<number>((count, value) => count + (value === null ? 0 : 1), 0) < 30;
  return {
    type: 'scatter',
    x,
    y,
    mode: few ? 'lines+markers' : 'lines', // a lone point between gaps draws no line
    marker: { size: 4 },
    line: { color: line.colour, width: style.width, dash: style.dash, shape: 'linear' },
    opacity: style.opacity,
    name: line.label,
    connectgaps: false,
    hoverinfo: 'skip',
  };
}

/** Mean plus and minus one standard deviation, smoothed alike, one closed outline. */
function band(line: ChartLine, metric: string, settings: ChartSettings, thin: (x: number[], y: Value[]) => Line): Trace[] {
  const spread = line.run.series.metrics.get(metric);
  if (!spread) return [];
  const width = smooth(spread, settings.smoothing);
  const edge = (sign: 1 | -1): Line => {
    const y = line.shown.map((mean, index) => {
      const std = width[index] ?? null;
      return mean === null || std === null ? null : mean + sign * std;
    });
    const { x, y: thinned } = thin(line.x, y);
    const there = x.map((_, index) => index).filter((index) => thinned[index] !== null);
    return { x: there.map((index) => x[index]), y: there.map((index) => thinned[index]) };
  };
  const upper = edge(1);
  const lower = edge(-1);
  const outline: Line = { x: [...upper.x, ...lower.x.reverse()], y: [...upper.y, ...lower.y.reverse()] };
  return [
    {
      ...trace(line, outline, { opacity: 0.14, width: 0, dash: 'solid' }),
      mode: 'lines',
      fill: 'toself',
      fillcolor: line.colour,
    },
  ];
}

export interface Reading {
  line: ChartLine;
  x: number;
  value: number | null;
  raw: number | null;
}

/** Value of each line at the point nearest to x, for the tooltip; newest values when x is null. */
export function readings(lines: readonly ChartLine[], x: number | null): Reading[] {
  return lines.map((line) => {
    const there = line.shown.findLastIndex((value) => value !== null);
    const at = x === null ? there : nearest(line.x, x);
    return { line, x: line.x[at] ?? NaN, value: line.shown[at] ?? null, raw: line.raw[at] ?? null };
  });
}

/** Axes and margins; `uirevision` keeps a zoom while data arrives. */
export function layout(settings: ChartSettings, palette: Palette, size: { width: number; height: number }, full: [number, number] | null) {
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
    xaxis: { ...axis, ...(range ? { range: [...range], autorange: false } : { autorange: true }) },
    yaxis: {
      ...axis,
      fixedrange: true,
      autorange: true,
      type: settings.logY ? ('log' as const) : ('linear' as const),
      nticks: Math.max(3, Math.floor(size.height / 36)),
      exponentformat: 'e' as const,
    },
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

/** The charts' numbers as CSV: run, step, x and one column per metric; missing stays empty. */
export function csv(runs: readonly ChartRun[], charts: readonly ChartSpec[]): string {
  const metrics = [...new Set(charts.flatMap((chart) => [...chart.metrics, ...(chart.band ? [chart.band] : [])]))];
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = ['run', 'step', 'time_ms', ...metrics].map(quote).join(',');
  const rows = runs.flatMap(({ series }) =>
    series.steps.map((step, index) =>
      [quote(series.id), step, series.times[index], ...metrics.map((name) => series.metrics.get(name)?.[index] ?? '')].join(','),
    ),
  );
  return `${[head, ...rows].join('\n')}\n`;
}
