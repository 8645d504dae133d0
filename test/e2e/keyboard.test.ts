/** From nothing to a question that a model answered without a pointer: the palette leads to the views, and each view gives the keyboard to what it is about. */
import { expect, it } from 'vitest';
import { eventually, openJupyterLab, plainStart } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

visit({ prepare: () => plainStart(lab), opened: false });

const LONGEST_WALK = 60;

/** What has the keyboard, by its test id; by its class where it has none. */
const holder = () =>
  page.evaluate(() => {
    let at = document.activeElement as HTMLElement | null;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement as HTMLElement;
    return at?.dataset.testid ?? at?.className ?? '';
  });

const holds = (wanted: string, timeout_ms?: number) =>
  eventually(holder, (name) => name === wanted, `${wanted} has the keyboard`, timeout_ms);

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Whether it was done before it was given up. */
const inTime = (act: (timeout: number) => Promise<unknown>): Promise<boolean> =>
  act(2_000).then(
    () => true,
    () => false,
  );

/** By the command palette. JupyterLab closes it when a view that it restores takes the keyboard: whoever sees that opens it again. */
async function showRuns(): Promise<void> {
  const palette = page.locator('#modal-command-palette');
  const item = palette.locator('.lm-CommandPalette-item.lm-mod-active', { hasText: 'Show the Runs panel' });
  await eventually(
    async () => {
      await press('Control+Shift+KeyC');
      return inTime(async (timeout) => {
        await palette.locator('input.lm-CommandPalette-input').fill('runs', { timeout });
        await item.waitFor({ timeout });
      });
    },
    Boolean,
    'the palette has the command Runs',
  );
  await press('Enter');
  await palette.waitFor({ state: 'hidden' });
}

/** The launcher of a fresh page may take the keyboard after the panel has it: whoever sees that shows the panel again. */
const showRunsAtFirst = (wanted: string) =>
  eventually(
    async () => {
      await showRuns();
      return inTime(() => holds(wanted, 5_000));
    },
    Boolean,
    `Runs is shown and ${wanted} has the keyboard`,
  );

async function tabTo(wanted: string): Promise<void> {
  for (let pressed = 0; pressed < LONGEST_WALK && (await holder()) !== wanted; pressed++) await press('Tab');
  expect(await holder()).toBe(wanted);
}

it('the tour is taken by keyboard alone', async () => {
  await openJupyterLab(page, lab);
  const tour = page.locator('medr1-runs').getByTestId('tour');
  const at = (step: string) => tour.and(page.locator(`[data-step=${step}]`)).waitFor();
  await showRunsAtFirst('start-demo');
  await tabTo('take-tour');
  await press('Enter');
  await holds('start-demo'); // what the tour speaks of first
  await press('Enter');
  await at('curve');
  const goOn = async (): Promise<void> => {
    await showRuns();
    await holds('tour-show');
    await press('Enter');
  };
  await goOn();
  await at('rollout');
  await goOn();
  await holds('page');
  await press('j');
  await holds('question-title');
  await press('Enter');
  await page.locator('medr1-rollouts').getByTestId('completion').first().waitFor();
  await press('ArrowDown');
  await holds('completion');
  await press('Enter');
  await at('reward');
  await goOn();
  await page.locator('medr1-rewards').getByTestId('reward-weight').first().waitFor();
  await tabTo('reward-weight');
  await press('ArrowUp');
  await at('question');
  await goOn();
  await holds('page');
  await tabTo('try-run');
  await press('Enter');
  await tour.getByText('That was the tour').waitFor();
});

it('logged no error in the browser and asked nothing of the outside', () => {
  expect(errors).toEqual([]);
});
