/**
 * How long JupyterLab takes from the page's address to its restored layout: without the workbench's extension, with it, and with it while the backend is
 * down and cannot come back. One JupyterLab each, an empty workspace, a page load of each in turn, so that all meet the same neighbours.
 *   node kernel-bridge/bench/lab-start.ts [--loads N]   (N page loads of each, default 5, after one that is not counted)
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { eventually, openBrowser, openLab, plainStart, type Lab } from '../../test/e2e/lab.ts';
import { readArguments } from './arguments.ts';

const args = readArguments({ loads: { type: 'string', default: '5' } });

/** The extension stays on disk and out of the page. */
function disable(lab: Lab): void {
  const folder = join(dirname(lab.command), 'jupyter/config/labconfig');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'page_config.json'), JSON.stringify({ disabledExtensions: { '@medr1/workbench': true } }));
}

async function takeDown(lab: Lab): Promise<void> {
  const { pid } = await eventually(
    async () => (await lab.api('status')).json,
    ({ state }) => state === 'running',
    'the backend runs',
  );
  renameSync(lab.command, `${lab.command}.away`);
  process.kill(pid, 'SIGKILL');
  await eventually(
    async () => (await lab.api('status')).json.state,
    (state) => state !== 'running',
    'the backend is down',
  );
}

/** Milliseconds from the start of the navigation to `app.restored`, told by the page itself, and CPU time of its main thread by then. */
async function load(context: BrowserContext, lab: Lab): Promise<{ ms: number; cpu_ms: number; extension: boolean }> {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.addInitScript(() => {
    let app: { restored: Promise<void> };
    Object.defineProperty(globalThis, 'jupyterapp', {
      configurable: true,
      get: () => app,
      set: (value) => {
        app = value;
        void app.restored.then(() => Object.assign(globalThis, { restoredAt: performance.now() }));
      },
    });
  });
  await page.goto(lab.url);
  await page.waitForFunction(() => 'restoredAt' in globalThis, undefined, { timeout: 120_000 });
  const { metrics } = await devtools.send('Performance.getMetrics');
  const cpu_ms = 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
  const seen = await page.evaluate(() => {
    const { restoredAt, jupyterapp } = globalThis as unknown as {
      restoredAt: number;
      jupyterapp: { commands: { hasCommand(id: string): boolean } };
    };
    return { ms: restoredAt, extension: jupyterapp.commands.hasCommand('medr1:show-runs') };
  });
  await page.close();
  return { ...seen, cpu_ms };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(browser: Browser, labs: Record<string, Lab>): Promise<void> {
  const contexts = new Map<string, BrowserContext>();
  for (const name of Object.keys(labs)) contexts.set(name, await browser.newContext({ viewport: { width: 1400, height: 900 } }));
  const times: Record<string, { ms: number; cpu_ms: number }[]> = Object.fromEntries(Object.keys(labs).map((name) => [name, []]));
  for (let round = 0; round <= Number(args.loads); round++) {
    for (const [name, lab] of Object.entries(labs)) {
      const { ms, cpu_ms, extension } = await load(contexts.get(name)!, lab);
      if (extension !== (name !== 'without')) throw new Error(`${name}: the extension is ${extension ? 'there' : 'not there'}`);
      if (round > 0) times[name].push({ ms: Math.round(ms), cpu_ms: Math.round(cpu_ms) }); // the first fills the browser's cache
    }
  }
  const line = (all: number[]): string => `median ${median(all)} ms of ${all.join(', ')}`;
  for (const [name, all] of Object.entries(times))
    console.log(
      `${name.padEnd(8)} wall ${line(all.map(({ ms }) => ms))}; CPU time of the main thread ${line(all.map(({ cpu_ms }) => cpu_ms))}`,
    );
  console.log(`load ${loadavg()[0].toFixed(1)}`);
}

{
  await using without = await openLab();
  await using up = await openLab();
  await using down = await openLab();
  disable(without);
  await plainStart(up);
  await plainStart(down);
  await takeDown(down);
  const browser = await openBrowser();
  try {
    await measure(browser, { without, up, down });
  } finally {
    await browser.close();
  }
}
