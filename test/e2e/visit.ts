/**
 * What the tests of a file share: one JupyterLab and one page of it, opened before the first test and closed after the last. A file calls `visit` once,
 * then reads `lab` and `page` in its tests.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { eventually, openBrowser, openJupyterLab, openLab, openPage, plainStart, type Lab } from './lab.ts';

export let lab: Lab;
export let browser: Browser;
export let page: Page;
/** What the page logged or threw, and requests to the outside. */
export let errors: string[];

interface Visit {
  /** Done with the backend before a browser is there: data sets added, runs trained. */
  prepare?: () => Promise<void>;
  /** The page shows JupyterLab, without the layout of a first start; otherwise the first test opens it. */
  opened?: boolean;
}

export function visit({ prepare, opened = true }: Visit = {}): void {
  beforeAll(async () => {
    lab = await openLab();
    await prepare?.();
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser, lab));
    if (!opened) return;
    await plainStart(lab);
    await openJupyterLab(page, lab);
  });
  afterAll(async () => {
    await browser?.close();
    await lab?.[Symbol.asyncDispose]();
  });
}

/** What the backend says of itself, once it answers: the made sample, presets. */
export const backend = () =>
  eventually(
    async () => (await lab.api('api/server')).json,
    ({ sample }) => Boolean(sample),
    'the backend answers',
  );

export async function addDataset(dir: string, name: string): Promise<void> {
  expect((await lab.api('api/data', { dir, name })).status).toBe(202);
  await eventually(
    async () => (await lab.api(`api/data/${name}/job`)).json.state,
    (state) => state === 'done',
    `${name} is indexed`,
    120_000,
  );
}

export const summaryOf = async (run: string) => (await lab.api(`api/runs/${run}`)).json.summary;

/** Starts a run; resolves to its id once it has finished. */
export async function trained(config: Record<string, unknown>): Promise<string> {
  const { id } = (await lab.api('api/runs', { config })).json;
  await eventually(
    async () => (await summaryOf(id)).state as string,
    (state) => state === 'finished',
    'the run is finished',
    180_000,
  );
  return id;
}
