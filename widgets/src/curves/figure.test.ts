import { expect, it } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import { RunSeries } from '../store/run-series.ts';
import { chartsFor } from './charts.ts';
import { csv, extent, layout, linesOf, readings, traces, type ChartSettings } from './figure.ts';

const PALETTE = { series: ['red', 'blue', 'green'], text: 'black', grid: 'grey', surface: 'white' };
const SETTINGS: ChartSettings = { axis: 'step', smoothing: 0.6, logY: false, range: null };
const [reward, byFunction] = chartsFor(['reward', 'reward_std', 'rewards/accuracy/mean', 'rewards/format/mean']);

async function runOf(run: FakeRun, index = 0) {
  const series = new RunSeries(new FakeConnector({ runs: [run] }), run.id);
  await series.load();
  return { series, index };
}

it('one run: each metric has its colour; several runs: each run keeps its colour and metrics differ by dash', async () => {
  const a = await runOf({ id: 'a', steps: 5 }, 0);
  const b = await runOf({ id: 'b', steps: 5 }, 1);
  const style = (lines: ReturnType<typeof linesOf>) => lines.map(({ colour, dash }) => `${colour} ${dash}`);
  expect(style(linesOf(byFunction, [a], SETTINGS, PALETTE))).toEqual(['red solid', 'blue dash']);
  expect(style(linesOf(byFunction, [a, b], SETTINGS, PALETTE))).toEqual(['red solid', 'red dash', 'blue solid', 'blue dash']);
});

it('a run keeps its colour when the one before it is hidden', async () => {
  const b = await runOf({ id: 'b', steps: 5 }, 1);
  expect(linesOf(reward, [b], SETTINGS, PALETTE)[0].colour).toBe('blue');
});

it('draws the band, the raw line faint and the smoothed line; without smoothing no faint line', async () => {
  const a = await runOf({ id: 'a', steps: 50 });
  const draw = (settings: ChartSettings) =>
    traces(reward, linesOf(reward, [a], settings, PALETTE), settings, 300).map(({ opacity, fill }) => [opacity, fill]);
  expect(draw(SETTINGS)).toEqual([
    [0.14, 'toself'],
    [0.25, undefined],
    [1, undefined],
  ]);
  expect(draw({ ...SETTINGS, smoothing: 0 })).toEqual([
    [0.14, 'toself'],
    [1, undefined],
  ]);
});

it('missing steps are a gap in the line, never zero', async () => {
  const a = await runOf({ id: 'a', steps: 40, gap: [10, 12] });
  const line = traces(reward, linesOf(reward, [a], SETTINGS, PALETTE), SETTINGS, 300).at(-1)!;
  expect(line.connectgaps).toBe(false);
  expect([line.y[8], line.y[9], line.y[11], line.y[12]]).toEqual([expect.any(Number), null, null, expect.any(Number)]);
});

it('a metric logged now and then is drawn joined and unsmoothed', async () => {
  const a = await runOf({ id: 'a', steps: 120 });
  const [chart] = chartsFor(['eval_accuracy']);
  const line = traces(chart, linesOf(chart, [a], SETTINGS, PALETTE), SETTINGS, 300).at(-1)!;
  expect(line.x).toEqual([40, 80, 120]);
  expect(line.y).toEqual(a.series.metrics.get('eval_accuracy')!.filter((value) => value !== null));
});

it('20,000 steps become about two points a pixel', async () => {
  const a = await runOf({ id: 'a', steps: 20_000 });
  for (const trace of traces(reward, linesOf(reward, [a], SETTINGS, PALETTE), SETTINGS, 300)) expect(trace.x.length).toBeLessThan(1300);
});

it('reads each line at the step nearest to the cursor, and at its newest value without one', async () => {
  const a = await runOf({ id: 'a', steps: 20 });
  const lines = linesOf(reward, [a], { ...SETTINGS, smoothing: 0 }, PALETTE);
  const column = a.series.metrics.get('reward')!;
  expect(readings(lines, 7.2)[0]).toMatchObject({ x: 7, value: column[6] });
  expect(readings(lines, null)[0]).toMatchObject({ x: 20, value: column[19] });
});

it('all charts span all steps of all runs', async () => {
  const runs = [await runOf({ id: 'a', steps: 10 }), await runOf({ id: 'b', steps: 30 }, 1)];
  expect(extent(runs, 'step')).toEqual([1, 30]);
  expect(extent([], 'step')).toBeNull();
});

it('a zoom holds the x range, and y stays automatic', () => {
  const made = layout({ ...SETTINGS, range: [3, 9], logY: true }, PALETTE, { width: 300, height: 190 }, [1, 30]);
  expect(made.xaxis).toMatchObject({ range: [3, 9], autorange: false });
  expect(made.yaxis).toMatchObject({ type: 'log', autorange: true });
});

it('CSV holds every metric of every run, missing values empty', async () => {
  const a = await runOf({ id: 'a', steps: 3, gap: [2, 2] });
  const rows = csv([a], [reward]).trimEnd().split('\n');
  expect(rows[0]).toBe('run,step,time_ms,reward,reward_std');
  expect(rows).toHaveLength(4);
  expect(rows[2]).toMatch(/^a,2,\d+,,$/);
});
