/** Where the marks of a small chart stand: values to pixels. No DOM here. */

export type Point = readonly [x: number, y: number];
export type Domain = readonly [low: number, high: number];

export interface LineMark {
  kind: 'line';
  /** null lifts the pen: a gap is no line. */
  points: readonly (Point | null)[];
  colour: string;
  /** SVG's stroke-dasharray. */
  dash?: string;
  /** A dot at each point. */
  dots?: boolean;
}

/** A bar that stands on the lower end of y. */
export interface ColumnMark {
  kind: 'column';
  /** From where to where on x. */
  from: number;
  to: number;
  /** Its upper end on y. */
  value: number;
  colour: string;
  /** Outlined instead of filled. */
  hollow?: boolean;
}

/** A short text with its middle at a point. */
export interface LabelMark {
  kind: 'label';
  at: Point;
  text: string;
  colour: string;
}

export type Mark = LineMark | ColumnMark | LabelMark;

export interface Size {
  width: number;
  height: number;
}

export interface Scales {
  x(value: number): number;
  y(value: number): number;
}

/** Pixels that a stroke and a dot reach beyond their point. */
const REACH = { column: 0, line: 1, dots: 2, label: 7 };

const reachOf = (mark: Mark): number => (mark.kind === 'line' && mark.dots ? REACH.dots : REACH[mark.kind]);

const pointsOf = (mark: Mark): Point[] => {
  if (mark.kind === 'column')
    return [
      [mark.from, mark.value],
      [mark.to, mark.value],
    ];
  const points = mark.kind === 'label' ? [mark.at] : mark.points;
  return points.filter((point): point is Point => point !== null && point.every(Number.isFinite));
};

/** Whether there is anything to draw. */
export const isEmpty = (marks: readonly Mark[]): boolean => marks.every((mark) => pointsOf(mark).length === 0);

/**
 * The scales of a chart: `x` and `y` say what its edges stand for, by default the smallest and the largest value of its marks. Columns stand on
 * the lowest value there is, at most 0. Where all values are the same they are drawn in the middle.
 */
export function scalesOf(marks: readonly Mark[], { width, height }: Size, x?: Domain, y?: Domain): Scales {
  const points = marks.flatMap(pointsOf);
  const ground = marks.some(({ kind }) => kind === 'column') ? [0] : [];
  const reach = Math.max(0, ...marks.map(reachOf));
  const across = linear(
    x ??
      extent(
        points.map(([at]) => at),
        [],
      ),
    [reach, width - reach],
  );
  const up = linear(
    y ??
      extent(
        points.map(([, value]) => value),
        ground,
      ),
    [height - reach, reach],
  );
  return { x: across, y: up };
}

function extent(values: readonly number[], also: readonly number[]): Domain {
  const all = [...values, ...also];
  return [Math.min(...all), Math.max(...all)];
}

function linear([low, high]: Domain, [from, to]: Domain): (value: number) => number {
  return (value) => (high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from));
}

/** "M0.0,16.0L10.0,8.0M30.0,6.0h0" of a line: a point alone between gaps is a dot of the round pen. */
export function pathOf(points: readonly (Point | null)[], { x, y }: Scales): string {
  const there = (point: Point | null | undefined): point is Point => !!point && point.every(Number.isFinite);
  return points
    .map((point, at) => {
      if (!there(point)) return '';
      const place = `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`;
      if (there(points[at - 1])) return `L${place}`;
      return there(points[at + 1]) ? `M${place}` : `M${place}h0`;
    })
    .join('');
}

/** Left, top, width and height of a column: a pixel high at least, so that what is there is seen. */
export function boxOf({ from, to, value }: ColumnMark, { x, y }: Scales, { height }: Size): [number, number, number, number] {
  const top = Math.min(y(value), height - 1);
  return [x(from), top, x(to) - x(from), height - top];
}
