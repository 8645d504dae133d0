import { describe, expect, it } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import { FollowedRun } from '../store/followed-run.ts';
import { chartsFor } from './charts.ts';
import { csv } from './csv.ts';
import { cutsOf, extent, leftOut, spanOf, traces, yRange, type AreaTrace, type ChartSettings, type LineTrace } from './figure.ts';
import { linesOf } from './lines.ts';
import { CURVES_DEFAULTS } from './model.ts';
import { readings, stepAt } from './readings.ts';
import { unseen } from './unseen.ts';

const PALETTE = { series: ['red', 'blue', 'green'], text: 'black', grid: 'grey', surface: 'white' };
const SETTINGS: ChartSettings = CURVES_DEFAULTS;
const [reward, byFunction] = chartsFor(['reward', 'reward_std', 'rewards/accuracy/mean', 'rewards/format/mean']);

const lineOf = (trace: unknown): LineTrace => trace as LineTrace;

async function runOf(run: FakeRun, colour = 0) {
  const series = new FollowedRun(new FakeConnector({ runs: [run] }), run.id);
  await series.load();
  return { series, colour };
}

it('one run: each metric has its colour; several runs: each run keeps its colour and metrics differ by dash', async () => {
  const a = await runOf({ id: 'a', steps: 5 }, 0);
  const b = await runOf({ id: 'b', steps: 5 }, 1);
  const style = (lines: ReturnType<typeof linesOf>) => lines.map(({ colour, dash }) => `${colour} ${dash}`);
  expect(style(linesOf(byFunction, [a], SETTINGS, PALETTE))).toEqual(['red solid', 'blue dash']);
  expect(style(linesOf(byFunction, [a, b], SETTINGS, PALETTE))).toEqual(['red solid', 'red dash', 'blue solid', 'blue dash']);
});

it('hiding all runs but one changes neither its colour nor what colour means', async () => {
  const b = await runOf({ id: 'b', steps: 5 }, 1);
  expect(linesOf(reward, [b], SETTINGS, PALETTE)[0].colour).toBe('blue');
  const left = linesOf(byFunction, [b], SETTINGS, PALETTE, true);
  expect(left.map(({ colour, label }) => [colour, label])).toEqual([
    ['blue', 'b · accuracy'],
    ['blue', 'b · format'],
  ]);
});

it('a setting is drawn as steps and never smoothed, a count is drawn as it is', async () => {
  const a = await runOf({ id: 'a', steps: 120 });
  a.series.metrics.set(
    'reward_weights/format',
    a.series.steps.map((step) => (step < 60 ? 1 : 0.3)),
  );
  a.series.metrics.set(
    'num_tokens',
    a.series.steps.map((step) => step * 100),
  );
  for (const metric of ['reward_weights/format', 'num_tokens']) {
    const [line] = linesOf(chartsFor([metric])[0], [a], { ...SETTINGS, smoothing: 0.9 }, PALETTE);
    expect(line.shown).toEqual(line.raw);
    expect(line.shape).toBe(metric === 'num_tokens' ? 'linear' : 'hv');
  }
});

it('a line whose corners are closer than two pixels is drawn as what it covers, a stepped one as steps', async () => {
  const a = await runOf({ id: 'a', steps: 200 });
  a.series.metrics.set(
    'reward_weights/format',
    a.series.steps.map(() => 1),
  );
  const kinds = (metric: string, pixels: number) =>
    traces(linesOf(chartsFor([metric])[0], [a], SETTINGS, PALETTE), SETTINGS, pixels).map(({ kind }) => kind);
  expect([kinds('kl', 300).at(-1), kinds('kl', 500).at(-1)]).toEqual(['area', 'line']);
  expect(kinds('reward_weights/format', 300)).toEqual(['line']);
});

it('draws the band, the raw line faint and the smoothed line; without smoothing no faint line', async () => {
  const a = await runOf({ id: 'a', steps: 50 });
  const draw = (settings: ChartSettings) =>
    traces(linesOf(reward, [a], settings, PALETTE), settings, 300).map(({ opacity, kind }) => [opacity, kind]);
  expect(draw(SETTINGS)).toEqual([
    [0.14, 'area'],
    [0.25, 'line'],
    [1, 'line'],
  ]);
  expect(draw({ ...SETTINGS, smoothing: 0 })).toEqual([
    [0.14, 'area'],
    [1, 'line'],
  ]);
});

it('missing steps are a gap in the line, never zero', async () => {
  const a = await runOf({ id: 'a', steps: 40, gap: [10, 12] });
  const line = lineOf(traces(linesOf(reward, [a], SETTINGS, PALETTE), SETTINGS, 300).at(-1));
  expect([line.y[8], line.y[9], line.y[11], line.y[12]]).toEqual([expect.any(Number), null, null, expect.any(Number)]);
});

it('a metric logged now and then is drawn joined and unsmoothed', async () => {
  const a = await runOf({ id: 'a', steps: 120 });
  const [chart] = chartsFor(['eval_accuracy']);
  const line = lineOf(traces(linesOf(chart, [a], SETTINGS, PALETTE), SETTINGS, 300).at(-1));
  expect(line.x).toEqual([40, 80, 120]);
  expect(line.y).toEqual(a.series.metrics.get('eval_accuracy')!.filter((value) => value !== null));
});

it('20,000 steps become about one place a pixel, from the lowest to the highest value there', async () => {
  const a = await runOf({ id: 'a', steps: 20_000 });
  const lines = linesOf(reward, [a], SETTINGS, PALETTE);
  for (const trace of traces(lines, SETTINGS, 300)) {
    expect([trace.kind, trace.x.length <= 302]).toEqual(['area', true]);
    expect([trace.x[0], trace.x.at(-1)]).toEqual([1, 20_000]);
  }
  const line = traces(lines, SETTINGS, 300).at(-1) as AreaTrace;
  expect([Math.min(...line.low.map(Number)), Math.max(...line.high.map(Number))]).toEqual([
    Math.min(...lines[0].shown.map(Number)),
    Math.max(...lines[0].shown.map(Number)),
  ]);
});

it('reads each line at the step nearest to the cursor, and at its newest value without one', async () => {
  const a = await runOf({ id: 'a', steps: 20 });
  const lines = linesOf(reward, [a], { ...SETTINGS, smoothing: 0 }, PALETTE);
  const column = a.series.metrics.get('reward')!;
  expect(readings(lines, 7.2)[0]).toMatchObject({ x: 7, value: column[6] });
  expect(readings(lines, null)[0]).toMatchObject({ x: 20, value: column[19] });
});

describe('runs of unequal length', () => {
  const raw: ChartSettings = { ...SETTINGS, smoothing: 0 };
  const both = async () => [await runOf({ id: 'short', steps: 35 }, 0), await runOf({ id: 'long', steps: 240, seed: 7 }, 1)];

  it('a run has no value where it has no step, and the others have theirs', async () => {
    const runs = await both();
    const lines = linesOf(reward, runs, raw, PALETTE);
    const [short, long] = readings(lines, 140);
    expect(short).toMatchObject({ x: 140, value: null, raw: null });
    expect(long).toMatchObject({ x: 140, value: runs[1].series.metrics.get('reward')![139] });
    expect(readings(lines, 252).map(({ value }) => value)).toEqual([null, null]);
    expect(readings(lines, 20).every(({ value, x }) => value !== null && x === 20)).toBe(true);
  });

  it('a pointer between two pixels still reads the step beside it', async () => {
    const lines = linesOf(reward, await both(), raw, PALETTE);
    expect(readings(lines, 36.5, 2)[0].x).toBe(35);
    expect(readings(lines, 36.5)[0].value).toBeNull();
  });

  it('in wall time too', async () => {
    const runs = await both();
    const lines = linesOf(reward, runs, { ...raw, axis: 'time' }, PALETTE);
    const end = lines[0].x.at(-1)!;
    const [short, long] = readings(lines, 2 * end);
    expect(short.value).toBeNull();
    expect(long.value).not.toBeNull();
    expect(Math.abs(long.x - 2 * end)).toBeLessThan(lines[1].x[1] - lines[1].x[0]);
  });

  it('a click means the step of the run that has one there', async () => {
    const lines = linesOf(reward, await both(), raw, PALETTE);
    expect(stepAt(lines, 'step', 139.8, 1, () => null)).toEqual({ run: 'long', step: 140 });
    expect(stepAt(lines, 'step', 300, 1, () => null)).toBeNull();
  });

  it('of two runs with that step a click means the one whose line is nearer', async () => {
    const lines = linesOf(reward, await both(), raw, PALETTE);
    const at = (which: number) => (value: number) => Math.abs(value - lines[which].shown[19]!);
    expect(stepAt(lines, 'step', 20, 1, at(0))).toEqual({ run: 'short', step: 20 });
    expect(stepAt(lines, 'step', 20, 1, at(1))).toEqual({ run: 'long', step: 20 });
  });
});

it('without a cursor a metric that ended before its run has no value, and one logged now and then its newest', async () => {
  const a = await runOf({ id: 'a', steps: 120 });
  a.series.metrics.set(
    'rewards/mine/mean',
    a.series.steps.map((step) => (step <= 100 ? 0.4 : null)),
  );
  const newest = (metric: string) => readings(linesOf(chartsFor([metric])[0], [a], SETTINGS, PALETTE), null)[0].value;
  expect(newest('rewards/mine/mean')).toBeNull();
  expect(newest('eval_accuracy')).toBe(a.series.metrics.get('eval_accuracy')![119]);
});

it('what is logged now and then holds until it is logged again, and says from where', async () => {
  const a = await runOf({ id: 'a', steps: 120 });
  const lines = linesOf(chartsFor(['eval_accuracy'])[0], [a], SETTINGS, PALETTE);
  expect(readings(lines, 57)[0]).toMatchObject({ x: 40, value: a.series.metrics.get('eval_accuracy')![39] });
  expect(readings(lines, 12)[0].value).toBeNull();
  expect(readings(lines, 130)[0].value).toBeNull();
});

it('in wall time the line and its band break where the run stood still', async () => {
  const a = await runOf({ id: 'a', steps: 30 });
  a.series.standstills = [10];
  const settings: ChartSettings = { ...SETTINGS, axis: 'time' };
  const lines = linesOf(reward, [a], settings, PALETTE);
  expect(lines[0].breaks).toEqual([10]);
  const [band, , line] = traces(lines, settings, 300);
  expect(lineOf(line).y.filter((value) => value === null)).toHaveLength(1);
  expect((band as AreaTrace).low.filter((value) => value === null)).toHaveLength(1);
  expect(lineOf(traces(linesOf(reward, [a], SETTINGS, PALETTE), SETTINGS, 300)[2]).y).not.toContain(null);
});

it('a logarithmic axis draws no value of 0, nor the sinking mean of zeros', async () => {
  const a = await runOf({ id: 'a', steps: 40 });
  a.series.metrics.set(
    'completions/clipped_ratio',
    a.series.steps.map((step) => (step <= 5 ? 0.2 : 0)),
  );
  const settings: ChartSettings = { ...SETTINGS, logY: true };
  const lines = linesOf(chartsFor(['completions/clipped_ratio'])[0], [a], settings, PALETTE);
  expect(leftOut(lines)).toBe(35);
  for (const trace of traces(lines, settings, 300))
    for (const value of lineOf(trace).y) expect(value ?? 1, 'far below what was measured').toBeGreaterThan(0.1);
});

it('an axis of values that are never negative starts at 0 or above', async () => {
  const a = await runOf({ id: 'a', steps: 5 });
  const axis = (values: number[]) => {
    a.series.metrics.set('kl', values);
    const drawn = traces(linesOf(chartsFor(['kl'])[0], [a], SETTINGS, PALETTE), SETTINGS, 300);
    return spanOf(drawn, null, false);
  };
  expect(axis([0, 0, 0, 0, 0])).toEqual([0, 1]);
  expect(axis([0, 0.01, 0, 0, 0])[0]).toBe(0);
  expect(axis([1, -1, 0, 0, 0])[0]).toBeLessThan(-0.3);
});

it('all charts span all steps of all runs', async () => {
  const runs = [await runOf({ id: 'a', steps: 10 }), await runOf({ id: 'b', steps: 30 }, 1)];
  expect(extent(runs, 'step')).toEqual([1, 30]);
  expect(extent([], 'step')).toBeNull();
});

it('a zoom draws its part of x and the points beside it, and y spans these', async () => {
  const a = await runOf({ id: 'a', steps: 30 });
  a.series.metrics.set('kl', a.series.steps);
  const settings: ChartSettings = { ...SETTINGS, smoother: 'none', range: [3.5, 8.5] };
  const drawn = traces(linesOf(chartsFor(['kl'])[0], [a], settings, PALETTE), settings, 300);
  expect(lineOf(drawn[0]).x).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  expect(spanOf(drawn, null, false)).toEqual([expect.closeTo(2.65), expect.closeTo(10.35)]);
});

it('what is the same but for rounding is one value: the mean of a constant', async () => {
  const a = await runOf({ id: 'a', steps: 30 });
  a.series.metrics.set(
    'kl',
    a.series.steps.map(() => 0.1),
  );
  const lines = linesOf(chartsFor(['kl'])[0], [a], SETTINGS, PALETTE);
  expect(new Set(lines[0].shown).size).toBeGreaterThan(1);
  expect(spanOf(traces(lines, SETTINGS, 300), null, false)).toEqual([expect.closeTo(0.09), expect.closeTo(0.11)]);
});

it('CSV holds every metric of every run, missing values empty', async () => {
  const a = await runOf({ id: 'a', steps: 3, gap: [2, 2] });
  const rows = csv([a], [reward]).trimEnd().split('\n');
  expect(rows[0]).toBe('run,name,step,time_ms,reward,reward_std');
  expect(rows).toHaveLength(4);
  expect(rows[2]).toMatch(/^a,a,2,\d+,,$/);
});

it("ends of y that are typed hold, one that is left out is the values'; nonsense is left to the library", async () => {
  const a = await runOf({ id: 'a', steps: 30 });
  a.series.metrics.set('kl', [...Array.from({ length: 29 }, (_, i) => 1 + i / 29), 500]);
  const raw: ChartSettings = { ...SETTINGS, smoother: 'none' };
  const lines = linesOf(chartsFor(['kl'])[0], [a], raw, PALETTE);
  expect(yRange(lines, raw)).toBeNull();
  expect(yRange(lines, raw, [0, null])).toEqual([0, 500]);
  expect(yRange(lines, { ...raw, ignoreOutliers: true })![1]).toBeLessThan(3);
  expect(yRange(lines, { ...raw, ignoreOutliers: true }, [0, null])![1]).toBeLessThan(3);
  expect([yRange(lines, raw, [9, 3]), yRange(lines, { ...raw, logY: true }, [0, 3])]).toEqual([null, null]);
  expect(unseen(lines, false, null, [9, 3]).text).toBe('y cannot go from 9.00 to 3.00: all values shown');
  expect(unseen(lines, true, null, [0, 3]).text).toBe('a logarithmic axis cannot begin at 0.00: all values shown');
  expect([yRange(lines, raw, [600, null]), unseen(lines, false, null, [600, null]).text]).toEqual([
    null,
    'no value above 600: all values shown',
  ]);
  expect(unseen(lines, false, [0, 500], [0, 500]).text).toBe('');
});

it('time without pauses breaks its lines where the run stood still, as wall time does', async () => {
  const a = await runOf({ id: 'a', steps: 5 });
  a.series.standstills = [3];
  const of = (axis: ChartSettings['axis']) => linesOf(reward, [a], { ...SETTINGS, axis }, PALETTE)[0].breaks;
  expect([of('training'), of('time'), of('step')]).toEqual([[3], [3], []]);
});

it('where pauses were cut out of x stands how long they were, in the colour of their run', async () => {
  const runs = [await runOf({ id: 'a', steps: 20, pauses: [[5, 6]] }), await runOf({ id: 'b', steps: 20, pauses: [[10, 90]] }, 1)];
  const cuts = cutsOf(runs, { axis: 'training' }, PALETTE);
  expect(cuts.map(({ text, colour }) => [text, colour])).toEqual([
    ['6 min', 'red'],
    ['1 h 30 min', 'blue'],
  ]);
  expect(cuts[0].x).toBeCloseTo((4.5 * 900) / 60_000);
  expect(cutsOf(runs.slice(0, 1), { axis: 'training' }, PALETTE)[0].colour).toBe('black');
  expect(cutsOf(runs, { axis: 'time' }, PALETTE)).toEqual([]);
});

it('a run that never logged what runs along x has no line', async () => {
  const runs = [await runOf({ id: 'a', steps: 5 }), await runOf({ id: 'b', steps: 5 }, 1)];
  runs[0].series.metrics.delete('num_questions');
  expect(linesOf(reward, runs, { ...SETTINGS, axis: 'questions' }, PALETTE).map(({ run }) => run.series.id)).toEqual(['b']);
});
