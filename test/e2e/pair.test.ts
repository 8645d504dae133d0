/** The demo as `npm start -- --demo` starts it: two runs that take turns, and the page that shows them side by side. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { axeFindsNothingNow } from './accessible.ts';
import { eventually, looksAtHome, output, root, setTheme } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

visit({ opened: false });

const pair = () => page.locator('medr1-pair');
const runs = async () => (await lab.api('api/runs')).json.runs as { id: string; variant: string; state: string; step: number }[];

it('starts both variants of the demo and opens on them', async () => {
  const token = new URL(lab.url).searchParams.get('token')!;
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'kernel-bridge/setup/demo.ts'), lab.base], {
    env: { ...process.env, JUPYTER_TOKEN: token },
  });
  expect((await runs()).map(({ variant }) => variant).toSorted()).toEqual(['no-think', 'think']);
  await page.goto(`${lab.url}&${stdout.trim()}`);
  await pair().locator('medr1-pair-question').first().waitFor();
  await page.locator('medr1-runs').getByTestId('run-stop').first().waitFor(); // beside it, where runs are stopped
});

it('shows a question with the answers of both, and both curves', async () => {
  for (const chart of ['reward', 'accuracy']) await pair().locator(`[data-chart="${chart}"]`).first().waitFor();
  const question = pair().locator('medr1-pair-question').first();
  await eventually(
    () => question.getByTestId('completion').count(),
    (count) => count >= 16,
    'eight completions of each',
  );
  await eventually(
    async () => (await runs()).map(({ step }) => step),
    (steps) => Math.min(...steps) >= 2 && Math.abs(steps[0] - steps[1]) <= 1,
    'they take turns',
  );
});

it.each(['Light', 'Dark'] as const)('looks at home in the %s theme, and in a narrow panel', async (theme) => {
  await setTheme(page, `JupyterLab ${theme}`);
  await page.screenshot({ path: join(output, `pair-${theme.toLowerCase()}.png`) });
  await looksAtHome(pair(), theme);
  await axeFindsNothingNow(pair());
  await page.setViewportSize({ width: 760, height: 900 });
  await page.screenshot({ path: join(output, `pair-narrow-${theme.toLowerCase()}.png`) });
  await looksAtHome(pair(), theme);
  await page.setViewportSize({ width: 1400, height: 900 });
});

it('stopping one stops both, and no error was logged', async () => {
  const [{ id }] = await runs();
  await lab.api(`api/runs/${id}/actions`, { action: 'stop' });
  await eventually(
    async () => (await runs()).map(({ state }) => state),
    (states) => states.every((state) => state === 'stopped'),
    'both are stopped',
  );
  expect(errors).toEqual([]);
});
