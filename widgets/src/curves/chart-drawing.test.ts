import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import { fakeStatistics } from '../../testing/fake-statistics.ts';
import { FollowedRun } from '../store/followed-run.ts';
import { ChartDrawing, type Source } from './chart-drawing.ts';
import { chartsFor, type ChartSpec } from './charts.ts';
import { CURVES_DEFAULTS } from './model.ts';

const PALETTE = { series: ['red', 'blue'], text: 'black', grid: 'grey', surface: 'white' };
const SIZE = { width: 400, height: 190 };

beforeEach(() => vi.stubGlobal('devicePixelRatio', 2));
afterEach(() => vi.unstubAllGlobals());

/** Takes down what is called on its context; jsdom paints nothing. */
function canvas() {
  const calls: [string, ...unknown[]][] = [];
  const context = new Proxy({} as Record<string, unknown>, {
    get: (set, name: string) => (name in set ? set[name] : (...given: unknown[]) => void calls.push([name, ...given])),
  });
  const element = { width: 0, height: 0, getContext: () => context } as unknown as HTMLCanvasElement;
  return { element, calls, texts: () => calls.filter(([name]) => name === 'fillText').map(([, text]) => text) };
}

async function chart(run: FakeRun) {
  const series = new FollowedRun(new FakeConnector({ runs: [run] }), run.id);
  await series.load();
  const source = (more: Partial<Source['settings']> = {}): Source => ({
    ...{ spec: chartsFor(series.metrics.keys())[0], runs: [{ series, colour: 0 }], revision: series.changed.value, overlaid: false },
    settings: { ...CURVES_DEFAULTS, ...more },
  });
  const step = (at: number, reward: number) =>
    series.apply({ kind: 'step', seq: at, time: at * 900, step: at, metrics: { reward }, groups: 0 });
  return { drawing: new ChartDrawing(() => PALETTE), source, step };
}

it('paints as sharp as the screen is, with the numbers of both axes', async () => {
  const { drawing, source } = await chart({ id: 'a', steps: 100 });
  const { element, calls, texts } = canvas();
  drawing.make(source(), true);
  expect(drawing.paint(element, SIZE)).toBe(true);
  expect([element.width, element.height]).toEqual([800, 380]);
  expect(calls).toContainEqual(['setTransform', 2, 0, 0, 2, 0, 0]);
  expect(texts()).toEqual(expect.arrayContaining(['20', '100', '1.4']));
  expect(calls.filter(([name]) => name === 'clip')).toHaveLength(1);
});

it('rests where nothing can be seen: of a long run one more step moves nothing, a spike does', async () => {
  const { drawing, source, step } = await chart({ id: 'a', steps: 20_000 });
  const { element } = canvas();
  const settings = source().settings;
  const paint = (more: Partial<Source> = {}): boolean => {
    drawing.make({ ...source(), settings, ...more }, true);
    return drawing.paint(element, SIZE);
  };
  expect([paint(), paint()]).toEqual([true, false]);
  step(20_001, 1.7);
  expect(paint(), 'one step').toBe(false);
  step(20_002, 900);
  expect(paint(), 'a spike').toBe(true);
  expect(paint({ settings: { ...settings, logY: true } }), 'another axis').toBe(true);
  paint();
  expect(drawing.paint(element, { ...SIZE, width: 401 }), 'another size').toBe(true);
  drawing.forget();
  expect(drawing.paint(element, { ...SIZE, width: 401 }), 'what was forgotten').toBe(true);
});

it('points that come wait for their turn, all else is made at once', async () => {
  const { drawing, source, step } = await chart({ id: 'a', steps: 10 });
  const settings = source().settings;
  drawing.make({ ...source(), settings }, true);
  const { lines } = drawing;
  drawing.stale = false;
  step(11, 1);
  drawing.make({ ...source(), settings }, false);
  expect([drawing.lines === lines, drawing.stale]).toEqual([true, true]);
  drawing.make(source({ axis: 'time' }), false);
  expect(drawing.lines).not.toBe(lines);
});

it('a picture has the marks of its runs, and does not say where a checkpoint lies', async () => {
  const { drawing, source } = await chart({ id: 'a', steps: 100 });
  drawing.make(source(), true);
  const { elements } = drawing.picture(SIZE, 'plot');
  expect(elements).toMatch(/<title>Rewards, revision 2, step 90\n[^<]*format[^<]*<\/title>▼/);
  expect(elements).toMatch(/<title>Checkpoint[^<]*, step 60<\/title>◆/);
  expect(elements).not.toContain('checkpoints/step');
});

it('what is known of rollouts makes anew what draws it, and no other chart', async () => {
  const { drawing, source } = await chart({ id: 'a', steps: 10 });
  const { runs, spec, settings, ...rest } = source();
  const make = (of: ChartSpec, most: number) => {
    drawing.make(
      { ...rest, settings, spec: of, runs: runs.map((run) => ({ ...run, statistics: fakeStatistics({ id: 'a', steps: 10 }, most) })) },
      true,
    );
    return drawing.lines;
  };
  const kl: ChartSpec = { ...spec, id: 'kl', metrics: ['kl'] };
  expect(make(kl, 5)).toBe(make(kl, 10));
  const rewards: ChartSpec = { ...spec, id: 'rollouts/reward', metrics: ['median'], from: { kind: 'distribution', of: 'reward' } };
  expect([5, 10].map((most) => make(rewards, most)[0].x.length)).toEqual([5, 10]);
});
