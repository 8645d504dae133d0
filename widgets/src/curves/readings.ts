/** What lies under a cursor: values of lines at x, and the step that a click there means. No DOM here. */
import { lowerBound, nearest } from '../sorted.ts';
import { axisValues, type Axis } from './axis.ts';
import { presence } from './downsample.ts';
import { latestFor } from './growing.ts';
import type { ChartLine, ChartRun } from './line.ts';

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

const lastPoint = ({ sparse, shown }: ChartLine): number => (sparse ? presence(shown).last : shown.length - 1);

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
const spacing = (x: readonly number[]): number => latestFor([x], 'spacing', () => middleGap(x));

function middleGap(x: readonly number[]): number {
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
