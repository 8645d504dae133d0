/** A run in notebooks with a real kernel: live in JupyterLab and in Notebook 7, a reward of the kernel that bends the curve, and what is left without a kernel. */
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, looksAtHome, openBrowser, openLab, openPage, output, plainStart, setTheme, type Lab } from './lab.ts';
import { cellAt, cellIsDone, openNotebook, outputsOf, restartKernel, runCell, save, shutDownKernels, writeNotebook } from './notebook.ts';

const CELLS = [
  `import medr1_workbench as wb
c = wb.connect()
small = dict(max_steps=100_000, per_device_train_batch_size=16, num_generations=4)
run = next(iter(c.runs()), None) or c.train(c.demo(**small), run_name="Live <b>one</b>")`,
  'run',
  `import threading
entered, go_on = threading.Event(), threading.Event()
go_on.set()

@run.reward(weight=5.0, timeout=600)
def always(completions, **_):
    entered.set()
    go_on.wait()
    return [1.0] * len(completions)`,
  `entered.clear()
go_on.clear()
entered.wait()`,
];

let lab: Lab;
let browser: Browser;
let page: Page;
let errors: string[];

beforeAll(async () => {
  lab = await openLab();
  await plainStart(lab);
  await writeNotebook(lab, 'live.ipynb', CELLS);
  browser = await openBrowser();
  ({ page, errors } = await openPage(browser, lab));
  await openNotebook(page, lab, 'live.ipynb');
});

afterAll(async () => {
  await browser?.close();
  await lab?.[Symbol.asyncDispose]();
});

/** The live view in the output of the second cell; each module that a page loads has an element of its own. */
const live = (of = page): Locator => cellAt(of, 1).locator('[data-lm-suppress-shortcuts="true"]');
const step = async (of = page): Promise<number> => Number((await live(of).getByTestId('step').textContent())!.replaceAll(',', ''));
const moves = async (of = page): Promise<number> => {
  const before = await step(of);
  return eventually(
    () => step(of),
    (now) => now > before,
    'steps come',
    300_000,
  );
};
const state = (text: string): Promise<string | null> =>
  eventually(
    () => live().getByTestId('state').textContent(),
    (shown) => shown!.includes(text),
    `it is ${text}`,
    300_000,
  );
const run = async (): Promise<{ summary: { step: number }; rewards: { revision: number; step: number | null }[] }> => {
  const [{ id }] = (await lab.api('api/runs')).json.runs as [{ id: string }];
  return (await lab.api(`api/runs/${id}`)).json as never;
};

it('a run as the last expression of a cell is live, with its rollouts', async () => {
  await runCell(page, 0);
  await runCell(page, 1);
  await live().getByTestId('run').waitFor();
  expect(await live().locator('.run .name').textContent()).toBe('Live <b>one</b>');
  await moves();
  await live().getByTestId('completion').first().waitFor();
  await live().locator('img.thumb').first().waitFor();
});

it('pauses and resumes it', async () => {
  await live().getByTestId('live-pause').click();
  await state('paused');
  await live().getByTestId('live-resume').click();
  await state('running');
});

it('a reward that a cell decorates has its mark, and the curve bends', async () => {
  await runCell(page, 2);
  await cellIsDone(page, 2);
  const chart = live().locator('[data-chart="reward"]');
  await chart.locator('.mark.rewards').waitFor();
  const rise = async (): Promise<number> => Number(await chart.locator('.legend .number').textContent());
  await eventually(rise, (value) => value > 3, 'the reward rises by what the function gives', 300_000);
  expect(await live().getByLabel('Weight of always as a number').inputValue()).toBe('5');
});

it.each(['Light', 'Dark'] as const)('looks at home in the %s theme', async (theme) => {
  await setTheme(page, `JupyterLab ${theme}`);
  await live().scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(output, `live-lab-${theme.toLowerCase()}.png`) });
  await looksAtHome(live(), theme);
});

it('Notebook 7 shows it live too, without running the cell again', async () => {
  await save(page);
  const other = await openPage(browser, lab);
  await openNotebook(other.page, lab, 'live.ipynb', 'notebooks');
  await live(other.page).getByTestId('run').waitFor();
  await moves(other.page);
  await other.page.screenshot({ path: join(output, 'live-notebook-7.png') });
  await other.page.context().close();
});

it('a kernel that is restarted in the middle of a step: the cells again, and the run goes on', async () => {
  await runCell(page, 3);
  await cellIsDone(page, 3);
  const before = await run();
  await restartKernel(page);
  for (const at of [0, 1, 2]) await runCell(page, at);
  await cellIsDone(page, 2);
  const after = await eventually(run, ({ summary }) => summary.step > before.summary.step + 1, 'it goes on', 300_000);
  expect(after.rewards).toEqual(before.rewards);
  await moves();
});

it('opened without the kernel, the notebook shows the picture of how things stood', async () => {
  await live().getByTestId('live-stop').click();
  await state('stopped');
  await eventually(
    async () => (await save(page), await outputsOf(lab, 'live.ipynb')),
    (outputs) => outputs.some((data) => String(data['text/plain']).includes(': stopped, step')),
    'the picture in the file is the last',
  );
  expect(errors).toEqual([]);
  await page.context().close();
  await shutDownKernels(lab);
  ({ page, errors } = await openPage(browser, lab));
  await openNotebook(page, lab, 'live.ipynb');
  const still = cellAt(page, 1).locator('.jp-medr1-LiveOutput > img');
  await still.waitFor();
  expect(await cellAt(page, 1).locator('.jp-medr1-LiveOutput > pre').textContent()).toContain(': stopped, step');
  expect(await live().count()).toBe(0);
  expect(await cellAt(page, 1).getByText('model not found').isVisible()).toBe(false);
  await page.screenshot({ path: join(output, 'live-without-kernel.png') });
});
