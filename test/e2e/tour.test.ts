/** The first start without a demo, as somebody new: the tour leads from nothing to a question that a model answered. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually, openJupyterLab, output, runCommand } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

visit({ opened: false });

it('goes from nothing to a first curve, a rollout, a reward and a question, at the pace of what is done', async () => {
  const panel = page.locator('medr1-runs');
  const tour = panel.getByTestId('tour');
  const at = (step: string) => tour.and(page.locator(`[data-step=${step}]`)).waitFor();
  await openJupyterLab(page, lab);
  await runCommand(page, 'medr1:show-runs');
  await panel.getByTestId('take-tour').click();
  await at('run');
  await page.screenshot({ path: join(output, 'tour-start-light.png') });
  await panel.getByTestId('start-demo').click();
  await at('curve');
  await tour.getByTestId('tour-show').click();
  await at('rollout'); // its first step is done
  await tour.getByTestId('tour-show').click();
  const rollouts = page.locator('medr1-rollouts');
  await rollouts.getByTestId('group').first().click();
  await rollouts.getByTestId('completion').first().click();
  await at('reward');
  await tour.getByTestId('tour-show').click();
  const weight = page.locator('medr1-rewards').getByTestId('reward-weight').first();
  await weight.fill('0.5');
  await weight.press('Tab');
  await at('question');
  await tour.getByTestId('tour-show').click();
  const question = page.locator('medr1-sample');
  await question.getByTestId('try-run').click(); // the data set of the run was indexed by itself
  await tour.getByText('That was the tour').waitFor();
  expect(await question.getByTestId('try-completion').count()).toBeGreaterThan(0);
  await question.getByTestId('try-reward').first().waitFor();
  await page.screenshot({ path: join(output, 'tour-end-light.png') });
  await tour.getByTestId('tour-end').click();
  await eventually(
    () => tour.count(),
    (count) => count === 0,
    'the tour is over',
  );
});

it('logged no error in the browser and asked nothing of the outside', () => {
  expect(errors).toEqual([]);
});
