/** A chart in pixels: shapes and texts that a canvas (paint.ts) and an SVG (svg.ts) draw alike. No DOM here. */
import type { Path } from 'd3-path';
import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import type { Palette } from '../theme.ts';
import { AXIS } from './axis.ts';
import type { Edge } from './columns.ts';
import { spanOf, type AreaTrace, type Cut, type LineTrace, type Trace } from './figure.ts';
import type { HeatTrace } from './rollout-lines.ts';
import { MARGIN } from './scale.ts';
import type { ChartSettings } from './settings.ts';
import { linearTicks, logTicks, type Tick } from './ticks.ts';
import type { Value } from './growing.ts';

export interface Size {
  width: number;
  height: number;
}

/** What a shape is drawn with: a canvas, or a path that becomes the `d` of an SVG. */
export type Pen = Pick<Path, 'moveTo' | 'lineTo' | 'closePath' | 'rect' | 'arc' | 'bezierCurveTo'>;

/** From the upper left corner, in pixels. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export interface Shape {
  colour: string;
  opacity: number;
  /** Of a stroke, in pixels; null fills the shape. */
  stroke: { width: number; dash: readonly number[] } | null;
  draw(pen: Pen): void;
  /** Of an area: the edges of its parts, from left to right. */
  parts?: readonly (readonly Edge[])[];
  /** Of what is made of rectangles: all of them. */
  boxes?: readonly Box[];
}

export interface Scene extends Size {
  /** Ends of the axes, in values. */
  x: readonly [number, number];
  y: readonly [number, number];
  /** Where a value of y stands; NaN where the axis has no place for it. */
  toY(value: number): number;
  /** At pixels; `textAt` is the middle of the text, moved so that the edge does not cut it. */
  xTicks: (Tick & { textAt: number })[];
  yTicks: Tick[];
  /** Clipped to the plotting area. */
  shapes: Shape[];
  /** Texts in the plotting area, from their left end and the middle of their height. */
  notes: { x: number; y: number; text: string; colour: string }[];
  text: string;
  grid: string;
  surface: string;
}

/** Pixels for a mark of an axis. */
const PER_TICK = { x: 60, y: 36 };
/** Lengths of dashes and gaps. */
export const DASH_LENGTHS: Record<string, readonly number[]> = {
  solid: [],
  dash: [7, 4],
  dot: [2, 3],
  dashdot: [7, 3, 2, 3],
  longdash: [12, 4],
  longdashdot: [12, 3, 2, 3],
};
/** Radius of a point that has no line to be seen by. */
const DOT = 2;
/** Width of a digit of a mark, about. */
const LETTER = 5.7;
/** Pixels between a line and the text beside it, and of the height of a text. */
const BESIDE = 10;
const LINE_HEIGHT = 14;
/** Of a text on lines, in the colour of the surface. */
export const RIM = 3;
/** Strengths of a heat map that are told apart. */
const STRENGTHS = 20;

/** What is drawn of a chart, in its own values. */
export interface Figure {
  traces: readonly Trace[];
  heat: HeatTrace | null;
  cuts: readonly Cut[];
  settings: Pick<ChartSettings, 'axis' | 'logY'>;
  /** What the chart spans; null leaves y to what is drawn. */
  x: readonly [number, number];
  y: readonly [number, number] | null;
}

export function sceneOf({ traces, heat, cuts, settings, x, y }: Figure, palette: Palette, { width, height }: Size): Scene {
  const [right, bottom] = [Math.max(MARGIN.l + 1, width - MARGIN.r), Math.max(MARGIN.t + 1, height - MARGIN.b)];
  const yEnds = y ?? spanOf(traces, heat, settings.logY);
  const toX = between(x, [MARGIN.l, right]);
  const toY = settings.logY
    ? ofLogarithm(between([Math.log(yEnds[0]), Math.log(yEnds[1])], [bottom, MARGIN.t]))
    : between(yEnds, [bottom, MARGIN.t]);
  const room = (pixels: number, each: number): number => Math.max(2, Math.floor(pixels / each));
  const { whole, unit } = AXIS[settings.axis];
  const cutsAt = cuts.filter(({ x: at }) => at >= x[0] && at <= x[1]).map(({ x: at, ...cut }) => ({ ...cut, at: toX(at) }));
  const yTicks = (settings.logY ? logTicks : linearTicks)(yEnds, room(bottom - MARGIN.t, PER_TICK.y));
  return {
    width,
    height,
    x,
    y: yEnds,
    toY,
    xTicks: linearTicks(x, room(right - MARGIN.l, PER_TICK.x), { whole, unit }).map(({ at, text }) => {
      const pixel = toX(at);
      return { at: pixel, text, textAt: Math.min(pixel, width - (LETTER * text.length) / 2 - 1) };
    }),
    yTicks: yTicks.map(({ at, text }) => ({ at: toY(at), text })),
    shapes: [
      ...(heat ? cells(heat, toX, toY) : []),
      ...cutsAt.map(({ at, colour }) => cutShape(at, colour, bottom)),
      ...traces.flatMap((trace) => (trace.kind === 'line' ? lineShapes(trace, toX, toY) : [areaShape(trace, toX, toY, bottom)])),
    ],
    notes: notesOf(cutsAt, right, bottom),
    text: palette.text,
    grid: palette.grid,
    surface: palette.surface,
  };
}

interface CutAt {
  at: number;
  text: string;
  colour: string;
}

const cutShape = (at: number, colour: string, bottom: number): Shape => ({
  ...{ colour, opacity: 0.6, stroke: { width: 1, dash: [1, 3] } },
  draw(pen) {
    pen.moveTo(at, MARGIN.t);
    pen.lineTo(at, bottom);
  },
});

/** Beside its line each, right of a sign that stands on it; one that has no room is left out. */
function notesOf(cuts: readonly CutAt[], right: number, bottom: number): Scene['notes'] {
  let end = -Infinity;
  return cuts
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ at, text, colour }) => {
      const wide = LETTER * text.length;
      const x = at + BESIDE + wide > right ? at - BESIDE - wide : at + BESIDE;
      if (x < end + BESIDE || x < MARGIN.l) return [];
      end = x + wide;
      return [{ x, y: bottom - LINE_HEIGHT / 2, text, colour }];
    });
}

type ToPixel = (value: number) => number;

/** From values to pixels in proportion. A board asks for some hundred thousand of these at a time, which d3's scales take five times as long for. */
function between([low, high]: readonly [number, number], [from, to]: readonly [number, number]): ToPixel {
  if (low === high) return () => (from + to) / 2;
  const each = (to - from) / (high - low);
  return (value) => from + each * (value - low);
}

/** Zero and less have no place. */
const ofLogarithm =
  (toPixel: ToPixel): ToPixel =>
  (value) =>
    value > 0 ? toPixel(Math.log(value)) : NaN;

/** The line, and the points that have a dot: all where they are few, else those alone between gaps. */
function lineShapes({ x, y, colour, opacity, width, dash, stepped, dots }: LineTrace, toX: ToPixel, toY: ToPixel): Shape[] {
  const there = (value: Value): value is number => value !== null && Number.isFinite(toY(value));
  const curve = line<Value>(
    (_, i) => toX(x[i]),
    (value) => toY(value!),
  )
    .defined(there)
    .curve(stepped ? curveStepAfter : curveLinear);
  const points = y.flatMap((value, i): [number, number][] => {
    if (!there(value)) return [];
    const alone = !there(y[i - 1] ?? null) && !there(y[i + 1] ?? null);
    return dots || alone ? [[toX(x[i]), toY(value)]] : [];
  });
  const shape: Shape = {
    ...{ colour, opacity, stroke: { width, dash: DASH_LENGTHS[dash] } },
    draw: (pen) => void curve.context(pen as CanvasRenderingContext2D)(y),
  };
  return points.length === 0 ? [shape] : [shape, dotShape(points, colour, opacity)];
}

const dotShape = (points: readonly [number, number][], colour: string, opacity: number): Shape => ({
  ...{ colour, opacity, stroke: null },
  draw(pen) {
    for (const [x, y] of points) {
      pen.moveTo(x + DOT, y);
      pen.arc(x, y, DOT, 0, 2 * Math.PI);
    }
  },
});

/** From the upper to the lower edge, as wide as the stroke of a line beyond both; its dashes run along x. */
function areaShape({ x, low, high, colour, opacity, width, dash }: AreaTrace, toX: ToPixel, toY: ToPixel, bottom: number): Shape {
  const parts = stretches(x, low, high).flatMap(([start, end]) => {
    const part: Edge[] = [];
    for (let at = start; at < end; at++) {
      const lowest = toY(low[at]!);
      part.push([toX(x[at]), (Number.isFinite(lowest) ? lowest : bottom) + width / 2, toY(high[at]!) - width / 2]);
    }
    return dashes(part, DASH_LENGTHS[dash]);
  });
  const outline = area<Edge>(
    ([at]) => at,
    ([, lower]) => lower,
    ([, , upper]) => upper,
  );
  return {
    ...{ colour, opacity, stroke: null, parts },
    draw(pen) {
      for (const part of parts) outline.context(pen as CanvasRenderingContext2D)(part.length === 1 ? widened(part[0]) : part);
    },
  };
}

/** Where both edges are there: [first, end) of each stretch. */
function stretches(x: readonly number[], low: readonly Value[], high: readonly Value[]): [number, number][] {
  const out: [number, number][] = [];
  let start = -1;
  for (let at = 0; at <= x.length; at++) {
    const there = at < x.length && low[at] !== null && high[at] !== null;
    if (there && start < 0) start = at;
    if (there || start < 0) continue;
    out.push([start, at]);
    start = -1;
  }
  return out;
}

/** A part that is one place wide is a pixel wide. */
const widened = ([x, lower, upper]: Edge): Edge[] => [
  [x - 0.5, lower, upper],
  [x + 0.5, lower, upper],
];

/** The pieces of a part that the dashes cover: a pattern begins anew at every multiple of its length, so that dashes stand still while a line grows. */
function dashes(part: Edge[], lengths: readonly number[]): Edge[][] {
  const period = lengths.reduce((sum, length) => sum + length, 0);
  if (period === 0 || part.length === 0) return [part];
  const out: Edge[][] = [];
  let next = 0; // of `part`
  for (let start = period * Math.floor(part[0][0] / period), place = 0; next < part.length; place = (place + 1) % lengths.length) {
    const end = start + lengths[place];
    const piece: Edge[] = start > part[0][0] ? [edgeAt(start, part[next - 1], part[next])] : [];
    while (next < part.length && part[next][0] < end) piece.push(part[next++]);
    if (next > 0 && next < part.length) piece.push(edgeAt(end, part[next - 1], part[next]));
    if (place % 2 === 0 && piece.length > 0) out.push(piece);
    start = end;
  }
  return out;
}

/** The edge at x, on the way from one place to the next. */
function edgeAt(x: number, from: Edge, to: Edge): Edge {
  const share = (x - from[0]) / (to[0] - from[0]);
  return [x, from[1] + share * (to[1] - from[1]), from[2] + share * (to[2] - from[2])];
}

/** The cells of a heat map, those of one strength as one shape. */
function cells({ x, y, z, colour }: HeatTrace, toX: ToPixel, toY: ToPixel): Shape[] {
  const [lefts, tops] = [x.map(toX), y.map(toY)];
  const byStrength = new Map<number, Box[]>();
  z.forEach((row, bin) =>
    row.forEach((strength, column) => {
      if (strength === null) return;
      const level = Math.ceil(strength * STRENGTHS);
      const boxes = byStrength.get(level) ?? [];
      if (boxes.length === 0) byStrength.set(level, boxes);
      const [left, top] = [lefts[column], tops[bin + 1]];
      boxes.push([left, top, lefts[column + 1] - left, tops[bin] - top]);
    }),
  );
  return [...byStrength].map(([level, boxes]) => ({
    ...{ colour, opacity: level / STRENGTHS, stroke: null, boxes },
    draw: (pen) => boxes.forEach((box) => pen.rect(...box)),
  }));
}
