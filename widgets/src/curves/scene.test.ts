import { expect, it } from 'vitest';
import { pathRound } from 'd3-path';
import type { AreaTrace, LineTrace } from './figure.ts';
import { MARGIN } from './scale.ts';
import { sceneOf, type Figure, type Shape } from './scene.ts';

const PALETTE = { series: ['red'], text: 'black', grid: 'grey', surface: 'white' };
/** 100 pixels across and 100 down for the plot: a value is a pixel. */
const SIZE = { width: MARGIN.l + 100 + MARGIN.r, height: MARGIN.t + 100 + MARGIN.b };
const STEP = { axis: 'step', logY: false } as const;
const FIGURE: Figure = { traces: [], heat: null, cuts: [], settings: STEP, x: [0, 100], y: [0, 100] };

const line = (x: number[], y: (number | null)[], more: Partial<LineTrace> = {}): LineTrace => ({
  ...{ kind: 'line', colour: 'red', width: 2, dash: 'solid', opacity: 1, stepped: false, dots: false },
  x,
  y,
  ...more,
});
const area = (x: number[], low: (number | null)[], high: (number | null)[], more: Partial<AreaTrace> = {}): AreaTrace => ({
  ...{ kind: 'area', colour: 'red', width: 0, dash: 'solid', opacity: 1 },
  ...{ x, low, high },
  ...more,
});
const scene = (trace: LineTrace | AreaTrace, logY = false) =>
  sceneOf({ ...FIGURE, traces: [trace], settings: { ...STEP, logY }, y: logY ? [1, 100] : [0, 100] }, PALETTE, SIZE);

/** With the plot's lower left corner as 0, 0 and y upwards. */
function drawn({ draw }: Shape): string {
  const pen = pathRound(1);
  draw(pen);
  return pen
    .toString()
    .replace(
      /([\d.]+),([\d.]+)/g,
      (_, x: string, y: string) => `${Number(x) - MARGIN.l},${Math.round(10 * (MARGIN.t + 100 - Number(y))) / 10}`,
    );
}

it('a line goes from point to point and is lifted at a gap; a point alone between gaps is a dot', () => {
  const [shape, dot] = scene(line([0, 50, 60, 70, 100], [0, 50, null, 20, null])).shapes;
  expect(drawn(shape)).toBe('M0,0L50,50M70,20Z');
  expect([drawn(dot).match(/M/g)?.length, drawn(dot).slice(0, 6), dot.stroke]).toEqual([1, 'M72,20', null]);
  expect(shape.stroke).toEqual({ width: 2, dash: [] });
});

it('a value that holds until the next is drawn as a step', () =>
  expect(drawn(scene(line([0, 50, 100], [10, 90, 90], { stepped: true })).shapes[0])).toBe('M0,10L50,10L50,90L100,90L100,90'));

it('few points have a dot each', () =>
  expect(drawn(scene(line([0, 100], [10, 10], { dots: true })).shapes[1]).match(/M/g)).toHaveLength(2));

it('an area goes along its upper edge and back along its lower, a part for each stretch without a gap', () => {
  const [shape] = scene(area([0, 10, 20, 50, 60], [10, 20, null, 30, 30], [40, 50, null, 60, 70])).shapes;
  expect(drawn(shape)).toBe('M0,40L10,50L10,20L0,10ZM50,60L60,70L60,30L50,30Z');
  expect(shape.stroke).toBeNull();
});

it('a line of many points is as wide as its stroke, a single place a pixel wide, and dashes run along x', () => {
  expect(drawn(scene(area([0, 10], [50, 50], [50, 50], { width: 2 })).shapes[0])).toBe('M0,51L10,51L10,49L0,49Z');
  expect(drawn(scene(area([50], [20], [40])).shapes[0])).toBe('M49.5,40L50.5,40L50.5,20L49.5,20Z');
  const x = Array.from({ length: 40 }, (_, at) => at);
  const flat = x.map(() => 50);
  const dashed = drawn(scene(area(x, flat, flat, { width: 2, dash: 'dash' })).shapes[0]);
  expect(dashed.match(/M/g)!.length).toBeGreaterThan(2);
});

it('a dash begins and ends where its pattern says, also between two places, and goes with the slope there', () => {
  const start = MARGIN.l % 11; // of the pattern of 7 and 4
  const [dash, next] = scene(area([0, 40], [0, 40], [0, 40], { dash: 'dash' })).shapes[0].parts!;
  expect(dash.map(([x]) => x - MARGIN.l)).toEqual([0, 7 - start]);
  expect(next.map(([x]) => x - MARGIN.l)).toEqual([11 - start, 18 - start]);
  expect(next.map(([, , y]) => Math.round(MARGIN.t + 100 - y))).toEqual([11 - start, 18 - start]);
});

it('a logarithmic axis has no place for zero and below: no line, and a band goes down to the edge', () => {
  expect(drawn(scene(line([0, 50, 100], [10, 0, 10]), true).shapes[0])).not.toMatch(/NaN|Infinity/);
  expect(drawn(scene(area([0, 100], [-1, 0], [10, 10]), true).shapes[0])).toBe('M0,50L100,50L100,0L0,0Z');
});

it('cells of a heat map stand between their edges, stronger the more they hold; what is empty is not drawn', () => {
  const heat = {
    x: [0, 50, 100],
    y: [0, 50, 100],
    z: [
      [1, null],
      [0.25, 1],
    ],
    colour: 'red',
  };
  const { shapes } = sceneOf({ ...FIGURE, heat }, PALETTE, SIZE);
  expect(shapes.map(({ opacity }) => opacity)).toEqual([1, 0.25]);
  expect(drawn(shapes[1])).toBe('M0,100h50v50h-50Z');
  expect(shapes[1].boxes).toEqual([[MARGIN.l, MARGIN.t, 50, 50]]);
});

it('what y spans is told: all that is drawn and a little more, or the ends that somebody typed', () => {
  const of = (values: number[], y: [number, number] | null, logY = false) =>
    sceneOf({ ...FIGURE, traces: [line(values, values)], settings: { ...STEP, logY }, y }, PALETTE, SIZE).y;
  expect(of([0, 100], null)).toEqual([0, 105]);
  expect(of([-100, 100], null)).toEqual([-110, 110]);
  expect(of([0, 100], [20, 30])).toEqual([20, 30]);
  expect(of([0, 0], null)).toEqual([0, 1]);
  expect(of([1, 100], null, true)).toEqual([expect.closeTo(10 ** -0.1), expect.closeTo(10 ** 2.1)]);
});

it('marks of the axes stand at their pixels', () => {
  const { xTicks, yTicks } = scene(line([0, 100], [0, 100]));
  expect(xTicks.at(-1)).toMatchObject({ at: MARGIN.l + 100, text: '100' });
  expect(xTicks.at(-1)!.textAt, 'moved inside').toBeLessThan(SIZE.width - 8);
  expect(xTicks[0].textAt).toBe(xTicks[0].at);
  expect(yTicks[0]).toEqual({ at: MARGIN.t + 100, text: '0' });
});

it('where a pause was cut out stands how long it was, beside its line; what has no room is left out', () => {
  const cut = (x: number, text: string) => ({ x, text, colour: 'blue' });
  const { notes, shapes } = sceneOf(
    { ...FIGURE, cuts: [cut(20, '6 min'), cut(25, '2 min'), cut(95, '1 h 05 min'), cut(300, 'far')] },
    PALETTE,
    SIZE,
  );
  expect(shapes.map(drawn)).toEqual(['M20,100L20,0', 'M25,100L25,0', 'M95,100L95,0']);
  expect(notes.map(({ text }) => text)).toEqual(['6 min']);
  const wide = sceneOf({ ...FIGURE, cuts: [cut(95, '6 min')] }, PALETTE, SIZE);
  expect(wide.notes[0].x, 'left of the line at the right edge').toBeLessThan(MARGIN.l + 95 - 20);
});
