/**
 * How smoothly a board of curves goes on: 20 charts and more on screen, six runs of 20,000 steps each, made up by the fake backend of the widgets' tests, in
 * Chromium without a GPU. Steps come to all six runs twice a second; then the pointer runs along a chart while they come; then the board is
 * scrolled. Reads every task of the page's main thread from a trace, and times by the clock: from the view's start to its charts, from a step's event to its
 * point on screen, from a click on a run's chip to the charts without it. Relay and backend are not part of it. Prints a line for each goal and one JSON document last.
 *   node kernel-bridge/bench/board.ts [--seconds N]   (N seconds of each, default 8)
 */
import type { Page } from 'playwright-core';
import { readArguments } from './arguments.ts';
import { cpuUntil, LONG_MS, measureFrames, quantile } from './page/frames.ts';
import { openGallery } from './page/gallery.ts';

const STATE = 'curves: six runs of 20,000 steps';
const CHARTS = 20;
const STEP_EVERY_MS = 500;
const GOALS = { frame_cpu_ms: 1000 / 60, our_task_cpu_max_ms: LONG_MS, step_to_point_p95_ms: 500, click_to_charts_p95_ms: 500 };

const args = readArguments({ seconds: { type: 'string', default: '8' } });

/** What the gallery gives a benchmark (widgets/gallery/gallery.ts). */
interface Gallery {
  connector: { tell(run: string, event: object): void };
}
type Chart = Element & { dataset: DOMStringMap };

/** A step of each run, told to the page as the backend's events are. */
const tellSteps = (page: Page, step: number): Promise<void> =>
  page.evaluate((at) => {
    const { connector } = (globalThis as unknown as { medr1Gallery: Gallery }).medr1Gallery;
    for (let run = 1; run <= 6; run++) {
      const metrics = { reward: 1 + Math.sin(at), kl: 0.1, entropy: 0.5, loss: 0, grad_norm: 0.4, learning_rate: 1e-4 };
      connector.tell(`l${run}`, { kind: 'step', seq: at, time: Date.now(), step: at, metrics, groups: 0 });
    }
  }, step);

let step = 20_000;
async function live(page: Page, until: number, meanwhile: () => Promise<unknown> = () => page.waitForTimeout(50)): Promise<void> {
  let next = Date.now();
  while (Date.now() < until) {
    if (Date.now() >= next) {
      await tellSteps(page, ++step);
      next += STEP_EVERY_MS;
    }
    await meanwhile();
  }
}

const WAYS: Record<string, (page: Page, until: number) => Promise<void>> = {
  live: (page, until) => live(page, until),
  hover: async (page, until) => {
    const box = (await page.locator('medr1-curves').locator('medr1-chart').first().boundingBox())!;
    let at = 0;
    await live(page, until, async () => {
      at = (at + 3) % (box.width - 60);
      await page.mouse.move(box.x + 50 + at, box.y + box.height - 60);
      await page.waitForTimeout(16);
    });
  },
  scroll: async (page, until) => {
    await page.locator('medr1-curves').hover();
    let way = 1;
    await live(page, until, async () => {
      way = Math.random() < 0.02 ? -way : way;
      await page.mouse.wheel(0, 60 * way);
      await page.waitForTimeout(16);
    });
  },
};

/** Milliseconds until all charts on screen are drawn by a view that is opened anew; the runs come from memory. */
const startToCharts = (page: Page, charts: number): Promise<number> =>
  page.evaluate(async (count) => {
    const old = document.querySelector('medr1-curves')!;
    const { workbench } = old as Element & { workbench: unknown };
    const start = performance.now();
    const view = Object.assign(document.createElement('medr1-curves'), { workbench });
    old.replaceWith(view);
    const drawn = (): number => view.shadowRoot?.querySelectorAll('medr1-chart[data-points]').length ?? 0;
    while (drawn() < count) await new Promise(requestAnimationFrame);
    return performance.now() - start;
  }, charts);

/** Milliseconds from a click on the chip of a run until each chart on screen is drawn without it, or with it again. */
const clickToCharts = (page: Page, run: number): Promise<number[]> =>
  page.evaluate(async (at) => {
    const root = document.querySelector('medr1-curves')!.shadowRoot!;
    const charts = ([...root.querySelectorAll('medr1-chart')] as Chart[]).filter((chart) => {
      const { top, bottom } = chart.getBoundingClientRect();
      return bottom > 0 && top < innerHeight && chart.dataset.points !== undefined;
    });
    const before = charts.map((chart) => chart.dataset.points);
    const start = performance.now();
    root.querySelectorAll<HTMLElement>('[data-testid=curves-run]')[at].click();
    const times: number[] = [];
    while (charts.some((_, k) => times[k] === undefined) && performance.now() - start < 10_000) {
      await new Promise(requestAnimationFrame);
      charts.forEach((chart, k) => {
        if (times[k] === undefined && chart.dataset.points !== before[k]) times[k] = performance.now() - start;
      });
    }
    return charts.map((_, k) => times[k] ?? 10_000);
  }, run);

/** Milliseconds from a step's event until each chart on screen shows it: in its legend, and drawn where it moves anything by half a pixel. */
const stepToPoint = (page: Page, at: number): Promise<number[]> =>
  page.evaluate(async (newStep) => {
    const { connector } = (globalThis as unknown as { medr1Gallery: Gallery }).medr1Gallery;
    const charts = [...document.querySelector('medr1-curves')!.shadowRoot!.querySelectorAll('medr1-chart')] as Chart[];
    const seen = charts.filter((chart) => {
      const { top, bottom } = chart.getBoundingClientRect();
      return bottom > 0 && top < innerHeight && Number(chart.dataset.points) > 20_000; // of metrics, not of rollouts
    });
    const before = seen.map((chart) => chart.dataset.told);
    const start = performance.now();
    connector.tell('l1', { kind: 'step', seq: newStep, time: Date.now(), step: newStep, metrics: { reward: 1 }, groups: 0 });
    const times: number[] = [];
    return new Promise<number[]>((resolve) => {
      const look = (): void => {
        seen.forEach((chart, k) => {
          if (times[k] === undefined && chart.dataset.told !== before[k]) times[k] = performance.now() - start;
        });
        if (seen.every((_, k) => times[k] !== undefined) || performance.now() - start > 10_000)
          resolve(seen.map((_, k) => times[k] ?? 10_000));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  }, at);

await using gallery = await openGallery();
const page = await gallery.open(STATE, { width: 1900, height: 1700 });
const drawn = page.locator('medr1-curves').locator('medr1-chart[data-points]');
await drawn.nth(CHARTS - 1).waitFor({ state: 'attached' });
const result: Record<string, number> = { charts_drawn: await drawn.count() };
for (const [name, act] of Object.entries(WAYS))
  Object.assign(result, await measureFrames(name, page, { seconds: Number(args.seconds), ours: '/src/', act }));
await page.evaluate(() => document.querySelector('medr1-curves')!.scrollTo(0, 0));
await page.waitForTimeout(1000);
const times: number[] = [];
for (let n = 0; n < 10; n++) {
  times.push(...(await stepToPoint(page, ++step)));
  await page.waitForTimeout(300);
}
const clicks: number[] = [];
for (let n = 0; n < 12; n++) {
  clicks.push(...(await clickToCharts(page, n >> 1))); // away and back
  await page.waitForTimeout(300);
}
const taken = [];
for (let n = 0; n < 8; n++) taken.push(await cpuUntil(page, async () => void (await clickToCharts(page, n >> 1)))); // the trace slows the clock
const starts: number[] = [];
for (let n = 0; n < 3; n++) starts.push(await startToCharts(page, CHARTS));
const most = (key: string): number => Math.max(...Object.keys(WAYS).map((way) => result[`${way}_${key}`]));
const summary = {
  frame_cpu_ms: most('frame_cpu_ms'),
  our_task_cpu_max_ms: most('our_task_cpu_max_ms'),
  step_to_point_p95_ms: quantile(times, 0.95),
  click_to_charts_p95_ms: quantile(clicks, 0.95),
};
for (const [key, goal] of Object.entries(GOALS)) {
  const value = summary[key as keyof typeof GOALS];
  console.log(`${value <= goal ? 'ok  ' : 'MISS'} ${key.padEnd(22)} ${value.toFixed(1).padStart(8)}   goal ${goal.toFixed(1)}`);
}
console.log(
  JSON.stringify({
    ...summary,
    click_cpu_ms: quantile(
      taken.map(({ cpu_ms }) => cpu_ms),
      0.5,
    ),
    click_task_cpu_max_ms: quantile(
      taken.map(({ task_cpu_max_ms }) => task_cpu_max_ms),
      0.5,
    ),
    step_to_point_p50_ms: quantile(times, 0.5),
    start_to_charts_ms: quantile(starts, 0.5),
    ...result,
  }),
);
