/** The main job as a user does it: open JupyterLab, start the demo run, watch its curve, come back after a reload, lose the backend. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { axeFindsNothing, axeFindsNothingNow } from './accessible.ts';
import { eventually, looksAtHome, openJupyterLab, output, runCommand, setTheme } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

visit({ opened: false });

const panel = () => page.locator('medr1-runs');
const run = () => panel().getByTestId('run').first();
const rewardChart = () => page.locator('medr1-chart').filter({ has: page.locator('[data-chart=reward]') });
/** Pixels of a canvas that are neither text nor grid, which are grey. */
const coloured = (element: Element): number => {
  const canvas = element as HTMLCanvasElement;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = data.subarray(at, at + 4);
    if (alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count++;
  }
  return count;
};
const points = async () => Number(await rewardChart().getAttribute('data-points'));
const steps = async () => (await lab.api('api/runs')).json.runs[0].step as number;

describe('the demo run in JupyterLab, with token and XSRF check, under /user/alice/', () => {
  it('starts from the empty Runs panel at the click of its button', async () => {
    await openJupyterLab(page, lab);
    await runCommand(page, 'medr1:show-runs');
    await panel().getByTestId('start-demo').click();
    await eventually(
      () => run().getAttribute('data-state'),
      (state) => state === 'running',
      'the run is running',
    );
  });

  it('draws a reward curve that grows while it trains', async () => {
    await runCommand(page, 'medr1:open-curves');
    await rewardChart().waitFor({ timeout: 120_000 });
    const first = await eventually(points, (count) => count >= 2, 'two points are drawn', 120_000);
    await eventually(points, (count) => count > first, 'a further point is drawn');
    expect(await rewardChart().locator('canvas').evaluate(coloured)).toBeGreaterThan(20);
  });

  it('shows the questions and completions of a step with their rewards', async () => {
    await runCommand(page, 'medr1:open-rollouts');
    const rollouts = page.locator('medr1-rollouts');
    await rollouts.getByTestId('group').first().click({ delay: 1500 }); // pressed while a newer step comes
    await rollouts.getByTestId('completion').first().waitFor();
    expect(await rollouts.getByTestId('group').count()).toBeGreaterThan(1);
    await page.screenshot({ path: join(output, 'rollouts-light.png') });
  });

  it('changes a reward weight between two steps, with a mark on the curve', async () => {
    const { id } = (await lab.api('api/runs')).json.runs[0];
    await runCommand(page, 'medr1:open-rewards');
    const format = page.locator('medr1-rewards').getByTestId('reward').filter({ hasText: 'format' });
    await format.getByTestId('reward-weight').fill('0.5');
    await format.getByTestId('reward-weight').press('Tab');
    await page.locator('medr1-rewards').getByTestId('reward-apply').click();
    const applied = await eventually(
      async () => (await lab.api(`api/runs/${id}/rewards`)).json.revisions,
      (revisions) => revisions.length === 2 && revisions.at(-1).step !== null,
      'the edit is in force',
    );
    expect(applied.at(-1).weights).toEqual({ accuracy: 1, format: 0.5 });
    await runCommand(page, 'medr1:open-curves');
    await rewardChart().getByTestId('mark-rewards').first().waitFor();
  });

  it('has a menu with what can be done in its state, which saves a checkpoint and the metrics', async () => {
    await run().locator('.pick').click({ button: 'right' });
    const menu = page.locator('.lm-Menu');
    await menu.waitFor();
    const labels = await menu.locator('.lm-Menu-item:not(.lm-mod-hidden) .lm-Menu-itemLabel').allTextContents();
    expect(labels.filter(Boolean)).toEqual([
      'Pause',
      'Stop',
      'Save a checkpoint now',
      'Rename …',
      'Pin',
      'Archive',
      'Overlay on the curves',
      'Compare with others',
      'Fork from a checkpoint …',
      'Lineage',
      'Export metrics (CSV)',
      'Export rollouts (JSON lines)',
      'Move the run to the trash …',
    ]);
    await page.screenshot({ path: join(output, 'run-menu-light.png') });
    await menu.getByText('Save a checkpoint now').click();
    const { id } = (await lab.api('api/runs')).json.runs[0];
    await eventually(
      async () => (await lab.api(`api/runs/${id}`)).json.checkpoints.length as number,
      (count) => count > 0,
      'the checkpoint is saved',
    );
    await run().getByTestId('run-menu').click();
    const [download] = await Promise.all([page.waitForEvent('download'), menu.getByText('Export metrics').click()]);
    expect(download.suggestedFilename()).toBe(`${id}.csv`);
  });

  it('is still there after a reload, and its curve goes on', async () => {
    const before = await steps();
    await page.reload();
    await panel().waitFor();
    expect(await run().getAttribute('data-state')).toBe('running');
    const drawn = await eventually(points, (count) => count >= before, 'every step so far is drawn');
    await eventually(points, (count) => count > drawn, 'a further point is drawn');
  });

  it.each(['Light', 'Dark'] as const)('looks at home in the %s theme', async (theme) => {
    await setTheme(page, `JupyterLab ${theme}`);
    await rewardChart().waitFor();
    await page.screenshot({ path: join(output, `training-${theme.toLowerCase()}.png`) });
    await looksAtHome(page.locator('medr1-curves'), theme);
    await axeFindsNothingNow(panel());
    for (const view of ['rollouts', 'search', 'trash', 'curves']) {
      await runCommand(page, `medr1:open-${view}`);
      await axeFindsNothingNow(page.locator(`medr1-${view}`));
    }
  });

  it("by keyboard: a threshold and a rule of one's own are seen, a remedy opens as a draft, an alert is snoozed", async () => {
    await runCommand(page, 'medr1:open-alerts');
    const alerts = page.locator('medr1-alerts');
    const seen = (rule: string, list = 'Seen now') => alerts.locator(`ul[aria-label="${list}"] [data-rule="${rule}"]`);
    const enter = async (on: ReturnType<typeof alerts.locator>): Promise<void> => {
      await on.focus();
      await page.keyboard.press('Enter');
    };
    await enter(alerts.getByTestId('rules').locator('> summary'));
    await alerts.locator('[data-rule=truncated] [data-threshold=share]').focus();
    await page.keyboard.type('0'); // any share counts, none too
    await page.keyboard.press('Tab');
    await seen('truncated').waitFor();
    await enter(seen('truncated').locator('[data-kind=settings]').first());
    const drafted = page.locator('medr1-rewards').locator('[data-setting=max_completion_length] input');
    await eventually(
      () => drafted.inputValue(),
      (value) => Number(value) > 48,
      'the remedy stands in the form of settings',
    );
    await axeFindsNothing(page.locator('medr1-rewards'), 'Light', 'Dark'); // forms of rewards and live settings

    await runCommand(page, 'medr1:open-alerts');
    await enter(alerts.getByTestId('new-rule').locator('summary'));
    await page.keyboard.press('Tab');
    await page.keyboard.type('Has begun');
    await page.keyboard.press('Tab');
    await page.keyboard.insertText("(m) => m.now('entropee') > 1 &&");
    await alerts.getByTestId('new-rule').locator('.cm-lint-marker-error').waitFor();
    await page.keyboard.press('Control+A');
    await page.keyboard.type("(m) => m.step > 1 && m.now('entro");
    await alerts.locator('.cm-tooltip-autocomplete').getByText('entropy', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('(m) => m.step > 1 && `seen at step ${m.step}`');
    await alerts.locator('.cm-lint-marker-error').waitFor({ state: 'detached' });
    await axeFindsNothing(alerts, 'Light', 'Dark'); // rules, the form of one's own, the webhook
    await alerts.getByTestId('new-rule').locator('.cm-content').focus();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab'); // leaves the editor
    await page.keyboard.press('Enter');
    await seen('Has begun').getByText('seen at step 2').waitFor();
    await page.screenshot({ path: join(output, 'alerts-dark.png') });
    await enter(seen('Has begun').getByTestId('snooze'));
    await seen('Has begun', 'Snoozed').waitFor();
  });

  it('logged no error in the browser and asked nothing of the outside', () => {
    expect(errors).toEqual([]);
  });

  it('says so when the backend is down, and comes back with the run resumable', async () => {
    const { pid } = (await lab.api('status')).json;
    renameSync(lab.command, `${lab.command}.away`);
    process.kill(pid, 'SIGKILL');
    await panel().getByTestId('connection').and(page.locator(':not([data-state=open])')).waitFor();
    await eventually(
      async () => (await lab.api('status')).json,
      ({ state }) => state !== 'running',
      'the status says that it is down',
    );
    expect((await lab.api('api/server')).status).toBe(503);
    await page.reload();
    await panel().getByTestId('error').waitFor();
    expect(await panel().getByTestId('error').textContent()).toContain('The backend');
    await panel().getByTestId('retry').waitFor();
    await page.screenshot({ path: join(output, 'backend-down-dark.png') });

    renameSync(`${lab.command}.away`, lab.command);
    await lab.api('restart', {});
    await eventually(
      async () => (await lab.api('status')).json.state,
      (state) => state === 'running',
      'the backend is back',
    );
    await eventually(
      () => run().getAttribute('data-state'),
      (state) => state === 'interrupted',
      'the panel comes back by itself, the run interrupted',
    );
    await run().locator('.pick').click();
    await panel().getByTestId('run-resume').click();
    await eventually(
      () => run().getAttribute('data-state'),
      (state) => state === 'running',
      'the run goes on',
    );
    await panel().getByTestId('run-stop').click();
    await eventually(
      () => run().getAttribute('data-state'),
      (state) => state === 'stopped',
      'the run stops',
    );
  });

  it('is forked from its checkpoint with a key changed, and the fork trains under its parent', async () => {
    await run().locator('.pick').click({ button: 'right' });
    await page.locator('.lm-Menu').getByText('Fork from a checkpoint').click();
    const form = page.locator('medr1-new-run');
    await form.getByTestId('fork').waitFor(); // the New run form, as the parent has it
    await form.locator('#field-beta').fill('0');
    await form.locator('[data-change=beta]').waitFor();
    await page.screenshot({ path: join(output, 'fork-dark.png') });
    await form.getByTestId('start-run').click();
    const fork = await eventually(
      async () => (await lab.api('api/runs')).json.runs[0],
      ({ parent, state }) => parent !== null && state === 'running',
      'the fork trains',
    );
    expect((await lab.api(`api/runs/${fork.id}`)).json.config.beta).toBe(0);
    await runCommand(page, 'medr1:lineage-run', { id: fork.id });
    const lineage = page.locator('medr1-lineage');
    await lineage.locator('[data-testid=configuration]').getByText('beta').waitFor(); // what differs from its parent
    expect(await lineage.getByRole('treeitem').count()).toBe(2);
    await axeFindsNothing(lineage, 'Light', 'Dark');
    await page.screenshot({ path: join(output, 'lineage-dark.png') });
    await lineage.getByRole('treeitem', { selected: true }).focus();
    await page.keyboard.press('ArrowLeft'); // to the parent, and choose it
    await page.keyboard.press('Enter');
    await lineage
      .getByRole('treeitem', { selected: true })
      .and(page.locator(`[data-run="${fork.parent}"]`))
      .waitFor();
    await panel().locator(`[data-run="${fork.id}"]`).getByTestId('run-stop').click();
  });
});
