/** Whether points that came since a chart was drawn can be seen at all: of 20,000 steps on 300 pixels one more moves nothing. No DOM here. */
import type { ChartLine } from './line.ts';
import { MARGIN } from './scale.ts';

/** Less than this of a pixel nobody sees. */
const SEEN = 0.5;

/** A drawing: what x and y spanned, and how many points each line had. */
export interface Drawn {
  x: readonly [number, number];
  y: readonly [number, number];
  counts: readonly number[];
  /** x of each line's last point. */
  ends: readonly number[];
}

export const drawnNow = (lines: readonly ChartLine[], x: readonly [number, number], y: readonly [number, number]): Drawn => ({
  x: [...x],
  y: [...y],
  counts: lines.map((line) => line.x.length),
  ends: lines.map((line) => line.x.at(-1) ?? NaN),
});

/**
 * False where all that came lies within half a pixel of what is drawn, at values that the drawing spans. `x`: what it would span now; `width`: of
 * the chart in pixels.
 */
export function isSeen(drawn: Drawn, lines: readonly ChartLine[], x: readonly [number, number], width: number): boolean {
  if (lines.length !== drawn.counts.length) return true;
  const pixel = (drawn.x[1] - drawn.x[0]) / Math.max(1, width - MARGIN.l - MARGIN.r);
  const far = (a: number, b: number): boolean => !(Math.abs(a - b) < SEEN * pixel);
  if (far(x[0], drawn.x[0]) || far(x[1], drawn.x[1])) return true;
  const [low, high] = drawn.y;
  return lines.some((line, k) => {
    if (line.x.length < drawn.counts[k] || far(line.x.at(-1) ?? NaN, drawn.ends[k])) return true;
    return [line.raw, line.shown].some((values) =>
      values.slice(drawn.counts[k]).some((value) => value !== null && (value < low || value > high)),
    );
  });
}
