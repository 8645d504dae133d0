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
import { LONG_MS, measureFrames } from './page/frames.ts';

const IMAGES = 600;
const ASPECTS = [1, 1.33, 0.8, 1.6, 2.5];
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
    for (const [name, scroll] of Object.entries(WAYS)) {
      Object.assign(result, await measureFrames(name, page, { seconds: Number(args.seconds), ours: '/@medr1/', act: scroll }));
    }
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
