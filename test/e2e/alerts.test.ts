/** A run that goes wrong, as its user meets it: the alert, where rollouts show it, and its remedy up to the step that it mends. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  eventually,
  looksAtHome,
  openBrowser,
  openJupyterLab,
  openLab,
  openPage,
  output,
  plainStart,
  runCommand,
  setTheme,
  type Lab,
} from './lab.ts';

let lab: Lab;
let browser: Browser;
let page: Page;
let errors: string[];
let run: string;

beforeAll(async () => {
  lab = await openLab();
  await plainStart(lab);
  browser = await openBrowser();
  ({ page, errors } = await openPage(browser, lab));
  await openJupyterLab(page, lab);
  const { json: server } = await lab.api('api/server');
  const config = {
    ...server.presets['demo-think'],
    ...{
      run_name: 'Too short',
      max_completion_length: 8,
      num_generations: 4,
      per_device_train_batch_size: 8,
      max_steps: 20_000,
      eval_steps: 0,
    },
  };
  const { json: made } = await lab.api('api/runs', { config });
  run = made.id;
});
afterAll(async () => {
  await browser?.close();
  await lab?.[Symbol.asyncDispose]();
});

const summary = async () => (await lab.api(`api/runs/${run}`)).json.summary;
const view = () => page.locator('medr1-alerts');
const alert = (rule: string) => view().locator(`[data-testid=alert][data-rule=${rule}]`);

it('is told in the status bar, in a notification and on the curves', async () => {
  await eventually(summary, ({ alert }) => alert !== null, 'an alert', 240_000);
  await page.locator('[data-testid=medr1-status]', { hasText: '⚠' }).waitFor();
  await page.locator('.Toastify__toast', { hasText: 'Completions are cut off' }).first().waitFor();
  await page.locator('[data-testid=medr1-status]').click();
  await alert('truncated').waitFor();
  expect(await alert('truncated').textContent()).toMatch(/% of the completions were cut at the longest length of 8 tokens/);
});

it('looks at home in both themes and at 400 pixels, and is walked through by keyboard', async () => {
  for (const theme of ['Light', 'Dark'] as const) {
    await setTheme(page, `JupyterLab ${theme}`);
    await looksAtHome(view(), theme);
    await page.screenshot({ path: join(output, `alerts-${theme.toLowerCase()}.png`) });
  }
  await setTheme(page, 'JupyterLab Light');
  await alert('truncated').getByTestId('evidence').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.getAttribute('data-testid'))).toBe('remedy');
});

it('its evidence is one click away in Rollouts, the cut-off ones alone', async () => {
  await alert('truncated').getByTestId('evidence').click();
  const rollouts = page.locator('medr1-rollouts');
  await rollouts.locator('text=cut off').first().waitFor();
  await runCommand(page, 'medr1:open-alerts');
});

it('its remedy opens as an edit that counts once it is applied', async () => {
  await alert('truncated').locator('[data-kind=settings]').click();
  const field = page.locator('medr1-rewards [data-testid=setting][data-setting=max_completion_length]');
  await field.locator('text=was 8').waitFor();
  expect(await field.locator('input').inputValue()).toBe('16');
  const before = (await lab.api(`api/runs/${run}/rewards`)).json.revisions.length;
  await page.locator('medr1-rewards').getByTestId('settings-apply').click();
  const { json } = await eventually(
    () => lab.api(`api/runs/${run}/rewards`),
    ({ json: { revisions } }) => revisions.length > before && revisions.at(-1).step !== null,
    'the edit counts',
    120_000,
  );
  expect(json.revisions.at(-1).settings.max_completion_length).toBe(16);
  expect(errors).toEqual([]);
});
