/**
 * How smoothly the data browser scrolls: 88,996 made questions on 600 images in the real JupyterLab, relay and backend, in Chromium without a GPU.
 * Scrolls by wheel, by pages and by the scroll bar, and reads every task of the page's main thread from a trace. A task's own CPU time is
 * told beside its wall time: on a busy machine a task that waits for a core looks long. Prints a line for each goal and one JSON document last.
 *   node kernel-bridge/bench/scroll.ts [--seconds N]   (N seconds of each kind of scrolling, default 8)
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { eventually, openBrowser, openJupyterLab, openLab, openPage, plainStart, runCommand } from '../../test/e2e/lab.ts';
import { readArguments } from './arguments.ts';

const IMAGES = 600;
const ASPECTS = [1, 1.33, 0.8, 1.6, 2.5];
/** A task of more CPU time than this in our code is a fault. */
const LONG_MS = 50;
const GOALS = { our_long_tasks: 0, our_task_cpu_max_ms: LONG_MS, wheel_frame_cpu_ms: 1000 / 60 };

const args = readArguments({ seconds: { type: 'string', default: '8' } });
const dir = mkdtempSync(join(tmpdir(), 'medr1-scroll-'));
/** The records of bench/data.ts, their questions spread over a few hundred real images of several aspects. */
async function makeData(data: string): Promise<void> {
  execFileSync(process.execPath, [join(import.meta.dirname, 'data.ts'), '--write-records', data]);
  mkdirSync(join(data, 'Images'));
  for (let n = 0; n < IMAGES; n++) {
    const [width, height] = [Math.round(256 * ASPECTS[n % ASPECTS.length]), 256];
    const pixels = Buffer.alloc(width * height * 3);
    for (let at = 0; at < pixels.length; at++) pixels[at] = (at * (n + 3)) >>> 7;
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toFile(join(data, 'Images', `${n}.jpg`));
  }
  const folder = join(data, 'QA_information/Open-access');
  let count = 0;
  for (const name of readdirSync(folder)) {
    const records = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { image_path: string }[];
    for (const record of records) record.image_path = `Images/${(count++ * 7) % IMAGES}.jpg`;
    writeFileSync(join(folder, name), JSON.stringify(records));
  }
}

type Scroll = (page: Page, until: number) => Promise<void>;

/** Ways of scrolling, each until a time. */
const WAYS: Record<string, Scroll> = {
  wheel: async (page, until) => {
    await page.locator('medr1-data').getByTestId('data-grid').hover();
    while (Date.now() < until) {
      await page.mouse.wheel(0, 120);
      await page.waitForTimeout(16);
    }
  },
  pages: async (page, until) => {
    await page.locator('medr1-data').getByTestId('data-grid').focus();
    while (Date.now() < until) {
      await page.keyboard.press('PageDown');
      await page.waitForTimeout(100);
    }
  },
  // The thumb of the scroll bar dragged up and down through all 88,996.
  bar: (page, until) =>
    page.evaluate(
      (end) =>
        new Promise<void>((resolve) => {
          const scroller = document
            .querySelector('medr1-data')!
            .shadowRoot!.querySelector('medr1-data-grid')!
            .shadowRoot!.querySelector('.scroller')!;
          const move = (now: number): void => {
            scroller.scrollTop = ((1 + Math.sin(now / 2500)) / 2) * scroller.scrollHeight;
            if (Date.now() < end) requestAnimationFrame(move);
            else resolve();
          };
          requestAnimationFrame(move);
        }),
      until,
    ),
};

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  /** Microseconds: wall, and of the thread's CPU. */
  dur?: number;
  tdur?: number;
  args: { name?: string; data?: { url?: string } };
}

async function measure(name: string, page: Page, scroll: Scroll): Promise<Record<string, number>> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, {
    categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'],
  });
  const frames = page.evaluate(
    (ms) =>
      new Promise<number[]>((resolve) => {
        const times: number[] = [];
        const tick = (now: number): void => {
          times.push(now);
          if (now - times[0] < ms) requestAnimationFrame(tick);
          else resolve(times);
        };
        requestAnimationFrame(tick);
      }),
    Number(args.seconds) * 1000,
  );
  await scroll(page, Date.now() + Number(args.seconds) * 1000);
  const times = await frames;
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const gaps = times.slice(1).map((time, at) => time - times[at]);
  const { tasks, ours } = tasksOf(traceEvents);
  const cpu = ours.map(({ tdur }) => tdur! / 1000);
  return {
    [`${name}_frames_per_s`]: gaps.length / ((times.at(-1)! - times[0]) / 1000),
    [`${name}_frame_p50_ms`]: quantile(gaps, 0.5),
    [`${name}_frame_p95_ms`]: quantile(gaps, 0.95),
    /** CPU time of the main thread for a frame, everything in it. */
    [`${name}_frame_cpu_ms`]: tasks.reduce((sum, { tdur }) => sum + (tdur ?? 0), 0) / 1000 / gaps.length,
    [`${name}_long_tasks_wall`]: tasks.filter(({ dur }) => dur! > 1000 * LONG_MS).length,
    [`${name}_our_long_tasks`]: cpu.filter((ms) => ms > LONG_MS).length,
    [`${name}_our_task_cpu_max_ms`]: Math.max(0, ...cpu),
  };
}

/** Tasks of the page's main thread, and those of them in which a function of ours was called. */
function tasksOf(events: TraceEvent[]): { tasks: TraceEvent[]; ours: TraceEvent[] } {
  const calls = events.filter(({ name, args }) => name === 'FunctionCall' && args.data?.url?.includes('/@medr1/'));
  const thread = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const main = new Set(calls.map(thread));
  const tasks = events.filter((event) => /RunTask$/.test(event.name) && event.ph === 'X' && main.has(thread(event)));
  const starts = calls.map(({ ts }) => ts).sort((a, b) => a - b);
  const ours = tasks.filter((task) => {
    const next = starts[firstNotBefore(starts, task.ts)];
    return next !== undefined && next < task.ts + task.dur!;
  });
  return { tasks, ours };
}

function firstNotBefore(sorted: number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

try {
  await makeData(join(dir, 'omni'));
  await using lab = await openLab();
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, lab);
    const add = () => lab.api('api/data', { dir: join(dir, 'omni'), name: 'omni' });
    await eventually(add, ({ status }) => status === 202, 'indexing starts'); // the backend may still be starting
    const done = async () => (await lab.api('api/data/omni/job')).json.state as string;
    await eventually(done, (state) => state !== 'running', 'the index is made', 600_000);
    await plainStart(lab);
    await openJupyterLab(page, lab);
    await runCommand(page, 'medr1:open-data');
    await page.locator('medr1-data').getByTestId('data-item').first().waitFor({ timeout: 60_000 });
    const result: Record<string, number> = {};
    for (const [name, scroll] of Object.entries(WAYS)) Object.assign(result, await measure(name, page, scroll));
    const most = (key: string): number => Math.max(...Object.keys(WAYS).map((way) => result[`${way}_${key}`]));
    const summary = {
      our_long_tasks: 0,
      our_task_cpu_max_ms: most('our_task_cpu_max_ms'),
      wheel_frame_cpu_ms: result.wheel_frame_cpu_ms,
    };
    for (const way of Object.keys(WAYS)) summary.our_long_tasks += result[`${way}_our_long_tasks`];
    for (const [key, goal] of Object.entries(GOALS)) {
      const value = summary[key as keyof typeof GOALS];
      console.log(`${value <= goal ? 'ok  ' : 'MISS'} ${key.padEnd(20)} ${value.toFixed(1).padStart(8)}   goal ${goal.toFixed(1)}`);
    }
    console.log(JSON.stringify({ ...summary, ...result }));
  } finally {
    await browser.close();
  }
} finally {
  rmSync(dir, { recursive: true });
}
