/** The table of runs, what is noted of them, commands of the chosen run, notifications, and a page that opens by a link. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { demoConfig } from '../../kernel-bridge/src/protocol/presets.ts';
import { axeFindsNothing } from './accessible.ts';
import { eventually, output, runCommand, openPage } from './lab.ts';
import { backend, browser, errors, lab, page, summaryOf, trained, visit } from './visit.ts';

let finished: string;
let waiting: string;
let demo: Record<string, unknown>;

visit({
  prepare: async () => {
    demo = { ...demoConfig(await backend()), max_steps: 2 };
    finished = await trained({ ...demo, run_name: 'trained' });
    waiting = (await lab.api('api/runs', { config: { ...demo, run_name: 'other', learning_rate: 3e-4 }, start: false })).json.id;
  },
});
beforeAll(() => runCommand(page, 'medr1:open-runs-table'));

const table = () => page.locator('medr1-runs-table');
const row = (id: string) => table().locator(`[data-run="${id}"]`);
const details = () => table().locator('medr1-run-details');
const told = async () => (await lab.api('api/view')).json.selection;

it('shows the runs, and of two chosen ones what differs between their configurations', async () => {
  await row(finished).click();
  await row(waiting).click({ modifiers: ['Control'] });
  const config = details().getByTestId('config');
  await config.getByText('learning_rate').waitFor();
  expect(await config.textContent()).toMatch(/3e-4/);
  expect(await config.textContent()).not.toMatch(/num_generations/);
  await table().getByTestId('search').fill('learning_rate<3e-4 last:reward>-100');
  await eventually(
    () => table().getByTestId('run-row').count(),
    (count) => count === 1,
    'the search leaves one',
  );
  await page.screenshot({ path: join(output, 'runs-table.png') });
  await table().getByTestId('search').fill('');
  await row(waiting).waitFor();
});

it('keeps what is noted: in the list, in the panel, after a reload', async () => {
  await row(waiting).click();
  await details().getByTestId('tab-notes').click();
  await details().getByTestId('run-tags').fill('seed 1, draft');
  await details().getByTestId('run-tags').press('Enter');
  await details().getByTestId('pin').click();
  await eventually(
    async () => (await summaryOf(waiting)).annotations,
    ({ tags, pinned }) => pinned && tags.join() === 'seed 1,draft',
    'the run has them',
  );
  await page.reload();
  await table().getByTestId('run-row').first().waitFor();
  expect(await table().getByTestId('run-row').first().getAttribute('data-run')).toBe(waiting);
  await runCommand(page, 'medr1:show-runs');
  await page.locator('medr1-runs').getByTestId('run-tag').first().waitFor();
  expect(await page.evaluate(() => document.activeElement!.closest('#medr1-runs') !== null), 'the panel has the keyboard').toBe(true);
});

it('the head of the Runs panel keeps its height whatever its figures are, so that no list moves under the pointer', async () => {
  const heights = await page.locator('medr1-runs').evaluate((panel) => {
    const header = panel.shadowRoot!.querySelector('header')!;
    const copy = header.cloneNode(true) as HTMLElement;
    header.after(copy);
    const figure = (title: string): HTMLElement => copy.querySelector(`[title^="${title}"]`)!;
    const widths = Array.from({ length: 30 }, (_, at) => 150 + 10 * at);
    const found = widths.map((width) => {
      copy.style.width = `${width}px`;
      const high = ['0 %', '9 %', '99 %', '100 %'].flatMap((share) =>
        ['998 MB', '1.02 GB', '23.4 GB'].map((used) => {
          figure('utilisation').textContent = share;
          figure('memory').textContent = `${used} / 25.1 GB`;
          return copy.offsetHeight;
        }),
      );
      return { width, high: [...new Set(high)] };
    });
    copy.remove();
    return found;
  });
  expect(heights.filter(({ high }) => high.length > 1)).toEqual([]);
});

it('a new run like this one has its settings in the form', async () => {
  await row(waiting).click();
  await details().getByTestId('run-like').click();
  const form = page.locator('medr1-new-run');
  await form.getByTestId('like').waitFor();
  expect(await form.locator('#field-learning_rate').inputValue()).toBe('0.0003');
  expect(await form.locator('#field-run_name').inputValue()).toBe('');
});

it('commands act on the chosen run, and say so when it ends while the reader looks elsewhere', async () => {
  await runCommand(page, 'medr1:select', { selection: { runs: [waiting] } });
  await runCommand(page, 'medr1:archive-run');
  await eventually(
    async () => (await summaryOf(waiting)).annotations.archived,
    (archived) => archived === true,
    'it is archived',
  );
  await runCommand(page, 'medr1:archive-run', { id: waiting });
  const toast = page.locator('.Toastify__toast').filter({ hasText: 'other: finished at step 2' });
  await Promise.all([toast.waitFor({ timeout: 180_000 }), runCommand(page, 'medr1:run-action', { action: 'start' })]);
  await toast.getByText('Show').click();
  await eventually(told, ({ runs }) => String(runs) === waiting, 'the run is shown');
});

it("imports a run of TRL by a path on the server's machine, for which its folders are offered", async () => {
  const out = mkdtempSync(join(tmpdir(), 'medr1-trl-'));
  const log_history = [1, 2, 3].map((step) => ({ step, reward: step / 4 }));
  mkdirSync(join(out, 'sft/checkpoint-3'), { recursive: true });
  writeFileSync(join(out, 'sft/checkpoint-3/trainer_state.json'), JSON.stringify({ max_steps: 3, log_history }));
  await runCommand(page, 'medr1:show-runs');
  await page.locator('medr1-runs').getByTestId('import-run').click();
  const path = page.getByTestId('import-path');
  await path.fill(`${out}/`);
  await page.locator(`datalist option[value="${join(out, 'sft')}"]`).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Choose …' }).click();
  await page.locator('.jp-Open-Dialog').waitFor();
  await page.getByRole('button', { name: 'Select', exact: true }).click(); // nothing is selected: the folder that is shown
  await eventually(
    () => path.inputValue(),
    (value) => value.endsWith('/notebooks/'),
    'the folder of the dialog is in the field',
  );
  await path.fill(join(out, 'sft'));
  await page.keyboard.press('Enter');
  const shown = await eventually(
    async () => (await summaryOf((await told()).runs[0])) as { name: string; state: string; step: number },
    ({ name }) => name === 'sft',
    'it is looked at',
  );
  expect(shown).toMatchObject({ state: 'finished', step: 3 });
  await page.locator('medr1-curves').waitFor();
  await runCommand(page, 'medr1:import-run', { path: join(out, 'none') });
  await page.locator('.Toastify__toast').filter({ hasText: 'is no trainer_state.json' }).waitFor();
  rmSync(out, { recursive: true });
});

it('the address with a link in it opens the same selection on another page, and is the plain address then', async () => {
  const { page: other, errors: others } = await openPage(browser, lab);
  const query = new URLSearchParams({ medr1: `runs=${finished}&step=2` });
  await other.goto(`${lab.url}&${query}`);
  await eventually(
    () => other.evaluate(() => location.href),
    (href) => /\/lab/.test(href) && !href.includes('medr1='),
    'the link is taken up',
    120_000,
  );
  await eventually(told, ({ runs, step }) => String(runs) === finished && step === 2, 'the page looks at it');
  await other.locator('medr1-rollouts').getByTestId('rollouts-step').waitFor();
  expect(others.filter((error) => !/404|favicon/.test(error))).toEqual([]);
  await other.close();
});

it('stands in the dark and in a narrow panel, without an error', async () => {
  await runCommand(page, 'medr1:open-new-run');
  await axeFindsNothing(page.locator('medr1-new-run'), 'Light', 'Dark');
  await runCommand(page, 'medr1:open-runs-table');
  await axeFindsNothing(table(), 'Light', 'Dark');
  await page.setViewportSize({ width: 720, height: 900 });
  await row(finished).click();
  await page.screenshot({ path: join(output, 'runs-table-dark.png') });
  expect(errors.filter((error) => !/404/.test(error))).toEqual([]);
});
