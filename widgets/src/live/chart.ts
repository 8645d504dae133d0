/**
 * A chart of curves in a cell. It is drawn in SVG's own attributes: pages of notebooks may forbid style in markup, as VS Code's strict policy does.
 * The lines stand in a drawing that is stretched; marks, cursor and glyphs over it, placed in percent.
 */
import { css, html, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { pathOf, scalesOf, type LineMark, type Point } from '../charts/geometry.ts';
import { isSparse } from '../curves/downsample.ts';
import type { Value } from '../curves/growing.ts';
import { smoothed, type Smoothing } from '../curves/smoothing.ts';
import { integer, number } from '../format.ts';
import { nearest } from '../sorted.ts';
import type { Mark } from '../store/marks.ts';

export interface Curve {
  name: string;
  steps: readonly number[];
  values: readonly Value[];
  colour: string;
  /** SVG's stroke-dasharray; '' is a whole line. */
  dash: string;
}

export interface CurveChart {
  id: string;
  title: string;
  /** What it is and how it is computed, for hover. */
  says: string;
  curves: readonly Curve[];
}

const SIZE = { width: 600, height: 200 };
const BUCKETS = 300;
const GLYPHS: Record<Mark['kind'], string> = { rewards: '▼', checkpoint: '◆', alert: '⚠', pause: '‖', fork: '↳' };

interface Around {
  marks: readonly Mark[];
  smoothing: Smoothing;
  /** Step that the pointer is at, in any chart; null where it is at none. */
  at: number | null;
  move: (step: number | null) => void;
}

export function curveChart({ id, title, says, curves }: CurveChart, { marks, smoothing, at, move }: Around): TemplateResult {
  const lines = curves.flatMap((curve): LineMark[] => {
    const shown = smoothed(curve.values, smoothing);
    const smooth = lineOf(curve, shown);
    return shown === curve.values ? [smooth] : [{ ...lineOf(curve, curve.values), dash: FAINT }, smooth];
  });
  const points = lines.flatMap((line) => line.points.filter((point): point is Point => point !== null));
  if (points.length === 0)
    return html`<figure data-chart=${id}>
      <figcaption title=${says}>${title}</figcaption>
      <div class="plot none small secondary">No value yet.</div>
    </figure>`;
  const scales = scalesOf(lines, SIZE);
  const [first, last] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const [low, high] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  const across = (step: number): string => `${((100 * scales.x(step)) / SIZE.width).toFixed(2)}%`;
  const isIn = (step: number): boolean => step >= first && step <= last;
  const stepAt = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return Math.round(first + ((event.clientX - box.left) / (box.width || 1)) * (last - first));
  };
  return html`<figure data-chart=${id}>
    <figcaption title=${says}>${title}</figcaption>
    <div class="plot" @pointermove=${(event: PointerEvent) => move(stepAt(event))} @pointerleave=${() => move(null)}>
      <span class="high small secondary" aria-hidden="true">${number(high)}</span>
      <span class="low small secondary" aria-hidden="true">${low === high ? '' : number(low)}</span>
      <svg class="lines" viewBox=${`0 0 ${SIZE.width} ${SIZE.height}`} preserveAspectRatio="none" aria-hidden="true">
        ${lines.map(
          (line) =>
            svg`<path d=${pathOf(line.points, scales)} fill="none" stroke=${line.colour} stroke-width="1.5" stroke-linecap="round"
              stroke-opacity=${line.dash === FAINT ? '0.25' : '1'} stroke-dasharray=${line.dash === FAINT ? nothing : line.dash || nothing}
              vector-effect="non-scaling-stroke" />`,
        )}
      </svg>
      <svg class="over" aria-hidden="true">
        ${marks.filter(({ step }) => isIn(step)).map((mark) => markOf(mark, across(mark.step)))}
        ${at !== null && isIn(at) ? svg`<line class="cursor" x1=${across(at)} x2=${across(at)} y1="0" y2="100%" />` : nothing}
      </svg>
    </div>
    <div class="steps small secondary" aria-hidden="true"><span>${integer(first)}</span><span>step ${integer(last)}</span></div>
    <ul class="legend small">
      ${curves.map((curve) => legendOf(curve, at))}
    </ul>
  </figure>`;
}

/** Marks a raw line behind its smoothed one. */
const FAINT = 'faint';

function lineOf({ steps, colour, dash }: Curve, values: readonly Value[]): LineMark {
  const points = thinned(steps, values);
  return { kind: 'line', points: isSparse(values) ? points.filter((point) => point !== null) : points, colour, dash };
}

/** Of every few neighbours the lowest and the highest, in their order, where there are more than can be seen. */
function thinned(steps: readonly number[], values: readonly Value[]): (Point | null)[] {
  const point = (at: number): Point | null => (values[at] === null ? null : [steps[at], values[at]]);
  const size = Math.ceil(values.length / BUCKETS);
  if (size <= 2) return values.map((_, at) => point(at));
  return Array.from({ length: Math.ceil(values.length / size) }, (_, bucket) => {
    const places = Array.from({ length: Math.min(size, values.length - bucket * size) }, (_, at) => bucket * size + at);
    const there = places.filter((at) => values[at] !== null).sort((a, b) => values[a]! - values[b]!);
    return there.length === 0 ? [null] : [...new Set([there[0], there.at(-1)!])].sort((a, b) => a - b).map(point);
  }).flat();
}

function markOf({ kind, title, detail }: Mark, x: string): SVGTemplateResult {
  return svg`<g class=${`mark ${kind}`}>
    <title>${[title, detail].filter(Boolean).join('. ')}</title>
    <line x1=${x} x2=${x} y1="12" y2="100%" />
    <text x=${x} y="10" text-anchor="middle">${GLYPHS[kind]}</text>
  </g>`;
}

function legendOf({ name, steps, values, colour, dash }: Curve, at: number | null): TemplateResult {
  const place = at === null ? values.findLastIndex((value) => value !== null) : nearest(steps as number[], at);
  return html`<li>
    <svg width="16" height="8" aria-hidden="true">
      <path d="M0 4h16" stroke=${colour} stroke-width="2" stroke-dasharray=${dash || nothing} />
    </svg>
    <span class="name">${name}</span>
    <span class="number" title=${place < 0 ? nothing : `step ${integer(steps[place])}`}>${number(place < 0 ? null : values[place])}</span>
  </li>`;
}

export const chartStyles = css`
  figure {
    --gutter: 52px;
    margin: 0;
    min-width: 0;
  }
  figcaption {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-weight: 600;
  }
  .plot {
    position: relative;
    height: 110px;
    margin-left: var(--gutter);
    border-bottom: 1px solid var(--medr1-text-2);
    border-left: 1px solid var(--medr1-text-2);
  }
  .plot.none {
    display: grid;
    place-items: center;
  }
  .plot svg {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    overflow: visible;
  }
  .high,
  .low {
    position: absolute;
    right: 100%;
    padding-right: 4px;
    line-height: 1.2;
    white-space: nowrap;
    pointer-events: none;
  }
  .high {
    top: 0;
  }
  .low {
    bottom: 1px;
  }
  .mark line {
    stroke: var(--medr1-text-2);
    stroke-dasharray: 2 2;
    opacity: 0.6;
  }
  .mark text {
    fill: var(--medr1-text-2);
    font-size: 10px;
    cursor: help;
  }
  .mark.alert text {
    fill: var(--medr1-warn-text);
  }
  .cursor {
    stroke: var(--medr1-text);
    opacity: 0.5;
  }
  .steps {
    display: flex;
    justify-content: space-between;
    margin-left: var(--gutter);
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .legend li {
    display: flex;
    gap: 4px;
    align-items: center;
    min-width: 0;
  }
  .legend .name {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .legend .number {
    min-width: 5ch;
  }
`;
