/** JupyterLab as a user meets it: token and XSRF check on, under a base URL, in Debian's Chromium. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { freePort, startLab } from '../../kernel-bridge/setup/jupyter.mjs';

export const root = resolve(import.meta.dirname, '../..');
export const output = join(root, 'test/output');
const MEDR1 = join(root, 'kernel-bridge/bin/medr1.mjs');

export interface Lab extends AsyncDisposable {
  url: string;
  base: string;
  /** A REST call as the page makes it, through Jupyter. */
  api(path: string, body?: unknown, method?: 'GET' | 'POST' | 'PATCH'): Promise<{ status: number; json: any }>; // eslint-disable-line @typescript-eslint/no-explicit-any
  /** The file that the backend is started from: gone, the backend cannot come back. */
  command: string;
  /** Of Jupyter's process. */
  pid: number;
}

/** JupyterLab on a home of its own with the made sample in it. */
export async function openLab(baseUrl = '/user/alice/'): Promise<Lab> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-e2e-'));
  const command = join(home, 'medr1.mjs');
  symlinkSync(process.env.MEDR1_SAMPLE ?? join(root, '.medr1/sample'), join(home, 'sample'));
  symlinkSync(MEDR1, command);
  cpSync(join(root, 'examples/first-run.ipynb'), join(home, 'notebooks/first-run.ipynb'));
  mkdirSync(output, { recursive: true });
  const log = openSync(join(output, `jupyterlab-${basename(expect.getState().testPath!, '.test.ts')}.log`), 'w');
  const lab = await startLab({
    port: await freePort(18000 + (process.pid % 1000) * 10), // apart from a suite that starts at the same moment
    dir: join(home, 'notebooks'),
    state: join(home, 'jupyter'),
    baseUrl,
    env: { MEDR1_HOME: home, MEDR1_COMMAND: command },
    // So that a test can give commands and see a kernel's state, in JupyterLab and in Notebook 7.
    args: ['--LabApp.expose_app_in_browser=True', '--JupyterNotebookApp.expose_app_in_browser=True'],
    stdio: ['ignore', log, log],
  });
  const server: ChildProcess = lab.process;
  return {
    url: lab.url,
    base: lab.base,
    command,
    pid: lab.process.pid!,
    async api(path, body, method = body === undefined ? 'GET' : 'POST') {
      const answer = await fetch(`${lab.base}medr1/${path}`, {
        method,
        headers: { Authorization: `token ${lab.token}`, 'Content-Type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: answer.status, json: await answer.json() };
    },
    async [Symbol.asyncDispose]() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGTERM');
        await once(server, 'exit');
      }
      rmSync(home, { recursive: true, force: true, maxRetries: 10 }); // a process that ends may still write there
    },
  };
}

/** Without the layout that a first start opens: a view that is opened has the main area for itself. */
export async function plainStart({ base, url }: Lab): Promise<void> {
  const answer = await fetch(`${base}lab/api/settings/@medr1/workbench:layouts`, {
    method: 'PUT',
    headers: { Authorization: `token ${new URL(url).searchParams.get('token')}` },
    body: JSON.stringify({ raw: '{"openOnFirstStart": false}' }),
  });
  if (!answer.ok) throw new Error(`the setting was refused: ${answer.status} ${await answer.text()}`);
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.MEDR1_CHROMIUM || '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Nothing outside the machine is reached, whatever a page asks for.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  });
}

/**
 * A page, every error that it logged or threw, and every request that it made of another server. They are watched, not routed through this process: a
 * browser whose requests are routed has no cache and loads all of JupyterLab at each reload.
 */
export async function openPage(browser: Browser, lab: Lab): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // machines are shared: slow is not wrong; what never comes is waited for once (in-order.ts)
  const errors: string[] = [];
  const { origin } = new URL(lab.base);
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== 'data:' && url.protocol !== 'blob:') errors.push(`request to the outside: ${url}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
  return { page, errors };
}

/** The page shows JupyterLab, its splash gone. */
export async function openJupyterLab(page: Page, { url }: Lab): Promise<void> {
  await page.goto(url);
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached' });
}

/**
 * Once the splash of the change is gone: it lies over pictures for 200 ms, and JupyterLab throws where another change begins and ends in that time.
 */
export async function setTheme(page: Page, theme: 'JupyterLab Light' | 'JupyterLab Dark'): Promise<void> {
  await runCommand(page, 'apputils:change-theme', { theme });
  await page.waitForFunction((dark) => (document.body.dataset.jpThemeLight === 'false') === dark, theme === 'JupyterLab Dark');
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached' });
}

interface App {
  restored: Promise<void>;
  commands: { hasCommand(id: string): boolean; execute(id: string, args: object): Promise<unknown> };
}

/** As soon as there is the command, its layout restored or not: what an impatient user or another extension does. */
export async function commandAtOnce(page: Page, id: string): Promise<void> {
  await page.waitForFunction((command) => {
    const { jupyterapp } = globalThis as unknown as { jupyterapp?: App };
    return jupyterapp?.commands.hasCommand(command) && (void jupyterapp.commands.execute(command, {}), true);
  }, id);
}

/** Once JupyterLab has restored its layout. */
export async function runCommand(page: Page, id: string, args: Record<string, unknown> = {}): Promise<void> {
  await page.waitForFunction(() => 'jupyterapp' in globalThis);
  await page.evaluate(
    async ([command, options]) => {
      const { jupyterapp } = globalThis as unknown as { jupyterapp: App };
      await jupyterapp.restored;
      await jupyterapp.commands.execute(command, options);
    },
    [id, args] as const,
  );
}

/** Polls until `read` gives something that `wanted` accepts, and returns it. */
export async function eventually<T>(read: () => Promise<T>, wanted: (value: T) => boolean, what: string, timeout_ms = 180_000): Promise<T> {
  let last: T | undefined;
  for (const end = Date.now() + timeout_ms; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200))) {
    last = await read();
    if (wanted(last)) return last;
  }
  throw new Error(`${what}: not within ${timeout_ms / 1000} s; last seen: ${JSON.stringify(last)}`);
}

/**
 * What a theme asks of a view: a surface as light or dark as JupyterLab's, text that can be read on it (contrast 4.5, WCAG AA), and nothing
 * that runs over its edge.
 */
export async function looksAtHome(view: Locator, theme: 'Light' | 'Dark'): Promise<void> {
  const seen = await view.evaluate((element) => {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const luminance = (color: string): number => {
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((byte) =>
        byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const around = (one: Element): Element | null =>
      one.parentElement ?? ((one.getRootNode() as ShadowRoot).host as Element | undefined) ?? null;
    let behind: Element | null = element;
    while (behind && /^(transparent|rgba\(.*, 0\))$/.test(getComputedStyle(behind).backgroundColor)) behind = around(behind);
    const surface = luminance(behind ? getComputedStyle(behind).backgroundColor : 'white');
    const text = luminance(getComputedStyle(element).color);
    return {
      surface,
      contrast: (Math.max(surface, text) + 0.05) / (Math.min(surface, text) + 0.05),
      over: element.scrollWidth - element.clientWidth,
      characters: (element.shadowRoot ?? element).textContent!.trim().length,
    };
  });
  expect(seen.surface, JSON.stringify(seen)).toSatisfy((value: number) => (theme === 'Dark' ? value < 0.1 : value > 0.7));
  expect(seen.contrast).toBeGreaterThan(4.5);
  expect(seen.over).toBeLessThanOrEqual(1);
  expect(seen.characters).toBeGreaterThan(20);
}
