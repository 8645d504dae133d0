/**
 * The table of runs and the Runs panel with many runs, made up by the fake backend of the widgets' tests, in Chromium without a GPU: first paint, another order, a search, scrolling
 * from end to end, and a step of one run. Prints a line for each, CPU time of the page's main thread beside the clock, and one JSON document last. Relay and backend are not part of it:
 * bench/runs.ts measures those.
 *   node kernel-bridge/bench/runs-table.ts [--seconds N]   (N seconds of scrolling, default 4)
 */
import type { Page } from 'playwright-core';
import { readArguments } from './arguments.ts';
import { cpuUntil, LONG_MS, measureFrames, quantile, type Taken } from './page/frames.ts';
import { openGallery } from './page/gallery.ts';

/** The first ones fill the fake's answers and compile. */
const ROUNDS = 9;
const WARM = 3;
const GOALS: Record<string, number> = { cpu_ms: 200, task_cpu_max_ms: LONG_MS, frame_cpu_ms: 1000 / 60 };

const args = readArguments({ seconds: { type: 'string', default: '4' } });

await using gallery = await openGallery();
const result: Record<string, number> = {};
function tell(name: string, all: readonly Taken[]): void {
  const middle = (key: keyof Taken): number =>
    quantile(
      all.map((one) => one[key]),
      0.5,
    );
  for (const key of ['cpu_ms', 'task_cpu_max_ms', 'wall_ms'] as const) result[`${name}_${key}`] = middle(key);
  console.log(
    `${name.padEnd(14)} ${middle('cpu_ms').toFixed(1).padStart(7)} ms CPU (goal ${GOALS.cpu_ms}), longest task ${middle('task_cpu_max_ms').toFixed(1)} (goal ${LONG_MS}), ${middle('wall_ms').toFixed(0)} ms by the clock`,
  );
}

const open = (state: string): Promise<Page> => gallery.open(state, { width: 1500, height: 900 });

interface Row {
  id: string;
  values: Record<string, number | string>;
}
interface Query {
  q?: string;
  sort?: string;
  offset?: number;
  limit?: number;
  columns?: string[];
}
type RunTable = (query: Query) => Promise<{ rows: Row[]; total: number }>;

/** Rows made once, with the columns that the table asks for: the fake takes longer for an order or a search than all that the table does with it. */
const keepRows = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const { connector } = (globalThis as unknown as { medr1Gallery: { connector: { runTable: RunTable } } }).medr1Gallery;
    const made = connector.runTable.bind(connector);
    let whole: ReturnType<RunTable> | undefined;
    connector.runTable = async ({ q = '', sort = '', offset = 0, limit = 100, columns }) => {
      whole ??= made({ columns, limit: 100_000 });
      const all = await whole;
      const by = sort.replace('-', '') || 'created_at';
      const way = sort.startsWith('-') ? -1 : 1;
      const rows = all.rows
        .filter(({ values }) => String(values.name).includes(q))
        .toSorted((a, b) => (a.values[by] < b.values[by] ? -way : way));
      return { ...all, rows: rows.slice(offset, offset + limit), total: rows.length };
    };
  });

/** Takes the view off the page: to end a thousand rows is no part of drawing them. */
const takeAway = (page: Page, tag: string): Promise<void> =>
  page.evaluate((name) => {
    const view = document.querySelector(name) as (Element & { workbench: unknown }) | null;
    if (!view) return;
    Object.assign(globalThis, { workbench: view.workbench });
    view.replaceWith(document.createElement('main'));
  }, tag);

/** Puts a new view where one was taken away; over when it has `rows`. */
const openAnew = (page: Page, tag: string, rows: string): Promise<void> =>
  page.evaluate(
    async ([name, row]) => {
      const { workbench } = globalThis as unknown as { workbench: unknown };
      const view = Object.assign(document.createElement(name), { workbench });
      view.style.height = `${innerHeight}px`; // as a panel of JupyterLab: without one all rows would be in sight
      document.querySelector('main')!.replaceWith(view);
      while (!view.shadowRoot?.querySelector(row)) await new Promise(requestAnimationFrame);
    },
    [tag, rows],
  );

/** Does something to the table; over when its first row is another. */
const untilFirstRow = (page: Page, act: 'sort' | 'search', round: number): Promise<void> =>
  page.evaluate(
    async ([what, at]) => {
      const view = document.querySelector('medr1-runs-table')!.shadowRoot!;
      const first = (): string | null => view.querySelector('[data-place="0"]')?.getAttribute('data-run') ?? null;
      const before = first();
      if (what === 'sort') view.querySelector<HTMLElement>('[data-testid="sort-last:reward"]')!.click();
      else {
        const input = view.querySelector<HTMLInputElement>('[data-testid=search]')!;
        input.value = at % 2 === 0 ? 'Run 77' : '';
        input.dispatchEvent(new Event('input'));
      }
      while (first() === before) await new Promise(requestAnimationFrame);
    },
    [act, round] as const,
  );

async function rounds(name: string, page: Page, act: (round: number) => Promise<void>, before?: () => Promise<void>): Promise<void> {
  const all: Taken[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await before?.();
    all.push(await cpuUntil(page, () => act(round)));
    await page.waitForTimeout(200);
  }
  tell(name, all.slice(WARM));
}

async function scrolling(name: string, page: Page, at: string): Promise<void> {
  await page.locator(at).hover();
  let way = 1;
  const frames = await measureFrames(name, page, {
    seconds: Number(args.seconds),
    ours: 'http',
    act: async (_, until) => {
      for (let n = 1; Date.now() < until; n++) {
        if (n % 60 === 0) way = -way;
        await page.mouse.wheel(0, 400 * way);
        await page.waitForTimeout(16);
      }
    },
  });
  Object.assign(result, frames);
  const cpu = frames[`${name}_frame_cpu_ms`];
  console.log(
    `${name.padEnd(14)} ${cpu.toFixed(1).padStart(7)} ms CPU a frame (goal ${GOALS.frame_cpu_ms.toFixed(1)}), longest task ${frames[`${name}_task_cpu_max_ms`].toFixed(1)} (goal ${LONG_MS})`,
  );
}

const opening = (name: string, page: Page, tag: string, rows: string): Promise<void> =>
  rounds(
    name,
    page,
    () => openAnew(page, tag, rows),
    () => takeAway(page, tag),
  );

const table = await open('table: 1,000 runs');
await table.locator('[data-testid=run-row][data-run]').first().waitFor();
await keepRows(table);
await opening('table_open', table, 'medr1-runs-table', '[data-run]');
await rounds('table_sort', table, (round) => untilFirstRow(table, 'sort', round));
await rounds('table_search', table, (round) => untilFirstRow(table, 'search', round));
await takeAway(table, 'medr1-runs-table');
await openAnew(table, 'medr1-runs-table', '[data-run]');
await scrolling('table_scroll', table, 'medr1-runs-table [data-testid=scroller]');
const panel = await open('runs: 1,000');
const LAST_RUN = 'li:nth-of-type(1000)';
await panel.locator(LAST_RUN).waitFor({ state: 'attached' });
await opening('panel_open', panel, 'medr1-runs', '[data-run]');
await opening('panel_whole', panel, 'medr1-runs', LAST_RUN);
await scrolling('panel_scroll', panel, 'medr1-runs');
console.log(JSON.stringify(result));
