// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { FollowedRun } from '../store/followed-run.ts';
import './chart.ts';
import type { CurveChart } from './chart.ts';
import { chartsFor } from './charts.ts';
import { CurvesModel } from './model.ts';

/** Of each chart on the page: jsdom lays nothing out. */
let width = 300;
let resized: (() => void)[] = [];
let frames: (() => void)[] = [];
/** A call for each chart that is painted. */
const painted = vi.fn();

beforeEach(() => {
  width = 300;
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(tell: () => void) {
        resized.push(tell);
      }
      observe(): void {}
      disconnect(): void {}
    },
  );
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  vi.spyOn(HTMLCanvasElement.prototype, 'clientWidth', 'get').mockImplementation(() => width);
  const context = new Proxy({}, { get: (_, name) => (name === 'clearRect' ? painted : () => {}), set: () => true });
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockImplementation(() => context as never);
});
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  painted.mockReset();
  resized = [];
  frames = [];
});

async function frame(): Promise<void> {
  frames.splice(0).forEach((run) => run());
  await settled();
}

/** Charts of one run, painted. */
async function charts(count: number, steps = 40) {
  const series = new FollowedRun(new FakeConnector({ runs: [{ id: 'a', steps }] }), 'a');
  await series.load();
  const model = new CurvesModel();
  const all = chartsFor(series.metrics.keys())
    .slice(0, count)
    .map((spec) => Object.assign(document.createElement('medr1-chart') as CurveChart, { model, spec, runs: [{ series, colour: 0 }] }));
  document.body.append(...all);
  await settled();
  resized.forEach((tell) => tell());
  while (frames.length > 0 || painted.mock.calls.length === 0) await (frames.length > 0 ? frame() : settled());
  painted.mockClear();
  const step = async (at: number, metrics: Record<string, number>) => {
    series.apply({ kind: 'step', seq: at, time: at * 900, step: at, metrics, groups: 0 });
    for (const chart of all) chart.revision++;
    await settled();
  };
  return { all, series, model, step };
}

/** How often an element writes its page from now on. */
const written = (chart: CurveChart) => vi.spyOn(chart as unknown as { render(): unknown }, 'render');

it('a point that comes is painted first, and then what stands beside it is written once', async () => {
  const { all, step } = await charts(1);
  const writes = written(all[0]);
  await step(41, { reward: 3 });
  expect([painted.mock.calls.length, writes.mock.calls.length]).toEqual([0, 0]);
  await frame();
  expect([painted.mock.calls.length, writes.mock.calls.length]).toEqual([1, 1]);
  expect(all[0].shadowRoot!.querySelector('.legend')!.textContent).toMatch(/2\.\d|1\.\d/);
});

it('a board that draws again with the same runs leaves its charts alone', async () => {
  const { all, series } = await charts(1);
  const writes = written(all[0]);
  Object.assign(all[0], { runs: [{ series, colour: 0 }], spec: { ...all[0].spec }, selected: null });
  await settled();
  expect([writes.mock.calls.length, frames.length]).toEqual([0, 0]);
  all[0].runs = [{ series, colour: 1 }];
  await settled();
  await frame();
  expect(painted).toHaveBeenCalledTimes(1);
});

it('a chart that grew in height, as its legend does, is not painted again; one that grew in width is', async () => {
  const { all } = await charts(1);
  const writes = written(all[0]);
  resized[0]();
  await settled();
  expect([writes.mock.calls.length, frames.length]).toEqual([0, 0]);
  width = 400;
  resized[0]();
  await settled();
  await frame();
  expect(painted).toHaveBeenCalledTimes(1);
});

it('what nobody could see is painted after a while, one chart a frame', async () => {
  const { step } = await charts(4, 20_000);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const before = { reward: 1.7, kl: 0.09, 'rewards/accuracy/mean': 0.8, 'rewards/format/mean': 1 };
  await step(20_001, before);
  await frame();
  expect(painted).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  const counts: number[] = [];
  while (frames.length > 0) {
    painted.mockClear();
    await frame();
    counts.push(painted.mock.calls.length);
  }
  expect(counts.filter(Boolean)).toEqual([1, 1, 1, 1]);
});
