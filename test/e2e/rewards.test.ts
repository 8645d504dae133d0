/** Reward functions of one's own, as a user has them: chosen for a new run, written in the Rewards view, tried, added, changed, removed. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Completion, Group, RewardRevision } from '../../kernel-bridge/src/protocol/run.ts';
import { axeFindsNothing } from './accessible.ts';
import { eventually, output, runCommand, setTheme } from './lab.ts';
import { errors, lab, page, summaryOf, visit } from './visit.ts';

const SHORT = `export const tests = [{ completion: 'ab', expected: -0.02 }];
export default (completions: string[]) => completions.map((text) => -text.length / 100);
`;
const ODD = `export default (completions: string[]) =>
  completions.map((text) => (text.length % 5 === 0 ? null : text.length % 2));
`;
const THIRD = ODD.replace('% 2', '% 3');
const odd = ({ text }: Completion): number | null => (text.length % 5 === 0 ? null : text.length % 2);
const third = ({ text }: Completion): number | null => (text.length % 5 === 0 ? null : text.length % 3);

let run: string;

/** Saves a file as the user does in JupyterLab. */
const save = (path: string, content: string): Promise<void> =>
  page.evaluate(
    async ([to, text]) => {
      interface Contents {
        save(path: string, model: object): Promise<unknown>;
      }
      const { jupyterapp } = globalThis as unknown as { jupyterapp: { serviceManager: { contents: Contents } } };
      await jupyterapp.serviceManager.contents.save(to, { type: 'file', format: 'text', content: text });
    },
    [path, content] as const,
  );

visit();
beforeAll(async () => {
  await runCommand(page, 'medr1:open-new-run');
  await save('short_text.ts', SHORT);
  await save('broken.ts', 'export const reward = () => [];\n');
});

const form = () => page.locator('medr1-new-run');
const rewards = () => page.locator('medr1-rewards');
const row = (of: ReturnType<typeof form>, name: string) => of.locator(`[data-testid=reward][data-reward=${name}]`);
const shot = (name: string) => page.screenshot({ path: join(output, `rewards-${name}.png`) });
/** In both themes, once JupyterLab has changed. */
async function shots(name: string): Promise<void> {
  await shot(`${name}-light`);
  await setTheme(page, 'JupyterLab Dark');
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached' });
  await shot(`${name}-dark`);
  await setTheme(page, 'JupyterLab Light');
}
const says = (read: () => Promise<string | null>, wanted: RegExp) =>
  eventually(read, (text) => wanted.test(text ?? ''), String(wanted), 120_000);

const revisions = async (): Promise<RewardRevision[]> => (await lab.api(`api/runs/${run}/rewards`)).json.revisions;
const summary = () => summaryOf(run);
const stored = async (from: number, to: number): Promise<Completion[]> =>
  (await lab.api(`api/runs/${run}/groups?from=${from}&to=${to}&limit=1024`)).json.groups.flatMap((group: Group) => group.completions);
const act = async (action: string, state: string): Promise<void> => {
  await lab.api(`api/runs/${run}/actions`, { action });
  await eventually(summary, (now) => now.state === state, `the run is ${state}`);
};
/** The step from which the newest revision counts, once it does. */
async function comesInForce(): Promise<number> {
  await act('resume', 'running');
  const all = await eventually(revisions, (list) => list.at(-1)!.step !== null, 'the revision counts');
  await act('pause', 'paused');
  return all.at(-1)!.step!;
}

/** Files picked in JupyterLab's own dialog. */
async function choose(...names: string[]): Promise<void> {
  await form().getByTestId('choose-rewards').click();
  const dialog = page.locator('.jp-Dialog');
  for (const name of names)
    await dialog
      .locator('.jp-DirListing-item')
      .filter({ hasText: name })
      .click({ modifiers: name === names[0] ? [] : ['Control'] });
  await dialog.locator('button.jp-mod-accept').click();
  await dialog.waitFor({ state: 'detached' });
}

/** Types a source in place of what the editor holds. */
async function write(source: string): Promise<void> {
  const field = rewards().locator('medr1-source-editor .cm-content');
  await field.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(source);
}

/** What a histogram says: its name, counts of columns by value, and notes. */
async function distribution(name: string): Promise<{ columns: string[]; notes: string }> {
  const figure = rewards()
    .getByTestId('histogram')
    .filter({ has: page.locator('figcaption', { hasText: new RegExp(`^${name}$`) }) });
  const columns = await figure.locator('.column').evaluateAll((all) => all.map((one) => (one as HTMLElement).title));
  return { columns, notes: (await figure.locator('.notes').textContent())!.replace(/\s+/g, ' ').trim() };
}

describe('a new run', () => {
  it("takes functions from JupyterLab's file dialog, and says what is wrong with one before the start", async () => {
    await form().getByTestId('preset-demo').click();
    for (const [key, value] of [
      ['per_device_train_batch_size', '16'],
      ['num_generations', '4'],
      ['max_steps', '20000'], // more than the fastest machine takes
    ])
      await form().locator(`#field-${key}`).fill(value);
    await choose('short_text.ts', 'broken.ts');
    await says(() => row(form(), 'short_text').getByTestId('reward-state').textContent(), /✓ tests 1\/1/);
    await says(() => row(form(), 'broken').textContent(), /✗ cannot be used.*broken\.ts.*Write: export default/s);
    await says(() => form().getByTestId('estimate').textContent(), /1 to put right/);
    await shots('new-run');
    await form().getByTestId('start-run').click();
    await says(() => form().getByTestId('estimate').textContent(), /1 to put right/);
    expect((await lab.api('api/runs')).json.runs).toEqual([]);
  });

  it('looks at a file again when it is saved, weighs functions and leaves one out', async () => {
    await save('broken.ts', 'export default (all: string[]) => all.map(() => 0);\n');
    await says(() => row(form(), 'broken').getByTestId('reward-state').textContent(), /✓ no tests/);
    await row(form(), 'broken').getByTestId('remove-reward').click();
    await row(form(), 'short_text').getByTestId('reward-weight').fill('0.5');
    await row(form(), 'short_text').getByTestId('reward-weight').press('Tab');
    await form().getByTestId('start-run').click();
    const [made] = await eventually(
      async () => (await lab.api('api/runs')).json.runs,
      (list) => list.length > 0,
      'the run is made',
    );
    run = made.id;
    const [first] = await revisions();
    expect(first.weights).toEqual({ accuracy: 1, format: 1, short_text: 0.5 });
    expect(first.sources.short_text).toMatchObject({ file: 'short_text.ts', source: SHORT });
    await eventually(summary, ({ step }) => step >= 3, 'three steps', 180_000);
    for (const { rewards: values, text } of await stored(1, 1)) expect(values.short_text).toBe(-text.length / 100);
    await act('pause', 'paused');
  });
});

describe('the Rewards view of the run', () => {
  it("writes a function in JupyterLab's editor, and shows its values on stored rollouts beside those in force", async () => {
    await runCommand(page, 'medr1:open-rewards');
    await rewards().getByTestId('add-typescript').click();
    const file = rewards().getByTestId('reward-file');
    await file.fill('odd.ts');
    await file.press('Enter');
    await write(ODD);
    await eventually(
      () => rewards().locator('medr1-source-editor .cm-line').count(),
      (count) => count === ODD.split('\n').length,
      'the editor has its lines',
    );
    const focused = rewards().locator('medr1-source-editor .cm-focused');
    await focused.waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    await eventually(
      () => focused.count(),
      (count) => count === 0,
      'Escape, then Tab, leaves the editor',
    );
    await rewards().getByTestId('reward-preview').click();
    await rewards().getByTestId('preview-result').waitFor();
    expect(await rewards().getByTestId('reward-report').textContent()).toMatch(/odd\s+no tests/);

    const { step } = await summary();
    const completions = await stored(Math.max(1, step - 19), step);
    const values = completions.map(odd);
    const count = (value: number | null) => values.filter((one) => one === value).length;
    expect(count(null)).toBeGreaterThan(0);
    const { columns, notes } = await distribution('odd');
    expect(columns).toEqual([0, 1].filter((value) => count(value) > 0).map((value) => `${value}.00: ${count(value)}`));
    expect(notes).toMatch(new RegExp(`not applicable ${count(null)} \\(\\d+ %\\) errors 0 read$`));
    const right = completions.filter((one) => one.rewards.accuracy === 1).length;
    expect((await distribution('accuracy')).columns).toContain(`1.00: ${right.toLocaleString('en-US')}`);
    await shots('preview');
  });

  it('adds it to the run', async () => {
    await rewards().getByTestId('reward-apply').click();
    await says(() => rewards().getByTestId('revision').textContent(), /revision 2\s+◔ from the next step/);
    const step = await comesInForce();
    await says(() => rewards().getByTestId('revision').textContent(), new RegExp(`revision 2\\s+\\(since step ${step}\\)`));
    const [, second] = await revisions();
    expect(second.weights).toEqual({ accuracy: 1, format: 1, short_text: 0.5, odd: 1 });
    expect(second.sources.odd).toMatchObject({ file: 'odd.ts', source: ODD });
    expect((await stored(step - 1, step - 1)).every((one) => !('odd' in one.rewards))).toBe(true);
    for (const one of await stored(step, step)) expect(one.rewards.odd).toBe(odd(one));
  });

  it('shows a change of its source as a diff, and makes it', async () => {
    // the editor is still open
    await write(THIRD);
    const changes = rewards().getByTestId('source-changes');
    await says(() => changes.locator('summary').textContent(), /\+1 −1/);
    expect(await changes.locator('.removed code').textContent()).toContain('text.length % 2');
    expect(await changes.locator('.added code').textContent()).toContain('text.length % 3');
    await shot('diff-light');
    await rewards().getByLabel('Reason').fill('thirds');
    await rewards().getByTestId('reward-apply').click();
    await says(() => rewards().getByTestId('revision').textContent(), /revision 3/);
    await changes.waitFor({ state: 'detached' });
    const step = await comesInForce();
    expect((await revisions())[2]).toMatchObject({ reason: 'thirds', step, sources: { odd: { source: THIRD } } });
    for (const one of await stored(step, step)) expect(one.rewards.odd).toBe(third(one));
  });

  it('says where a function fails, on how many completions, and changes nothing', async () => {
    await write("export default (all: string[]) => {\n  throw new Error('no value');\n};\n");
    await rewards().getByTestId('reward-preview').click();
    await says(() => rewards().getByTestId('outcome').textContent(), /odd \(odd\.ts:2\) threw Error: no value/);
    expect(Number(/errors ([\d,]+)/.exec((await distribution('odd')).notes)![1].replace(',', ''))).toBeGreaterThan(0);
    expect(await rewards().getByTestId('preview-result').count()).toBe(0);
    await rewards().getByTestId('reward-revert').click();
    await says(() => rewards().locator('medr1-source-editor .cm-content').textContent(), /text\.length % 3/);
    expect(await revisions()).toHaveLength(3);
  });

  it('marks the line of an error while it is written, and completes what a function is given', async () => {
    const editor = rewards().locator('medr1-source-editor');
    await write('export default (all: string[]) => {\n  return all.map(text => );\n};\n');
    await editor.locator('.cm-lint-marker-error').waitFor();
    await write('export default (all: string[], { ');
    await page.keyboard.type('fini');
    await editor.locator('.cm-tooltip-autocomplete').getByText('finish_reason', { exact: true }).waitFor();
    await shot('completion-light');
    await page.keyboard.press('Escape');
    await axeFindsNothing(rewards(), 'Dark', 'Light'); // with a source open, its diff and what a preview found
    await rewards().getByTestId('reward-revert').click();
    await says(() => editor.locator('.cm-content').textContent(), /text\.length % 3/);
  });

  it('removes it, and tells the steps of each revision with what changed', async () => {
    await row(rewards(), 'odd').getByTestId('remove-reward').click();
    await rewards().getByTestId('reward-apply').click();
    await says(() => rewards().getByTestId('revision').textContent(), /revision 4/);
    const step = await comesInForce();
    expect(Object.keys((await revisions())[3].sources)).toEqual(['short_text']);
    for (const one of await stored(step, step)) expect(Object.keys(one.rewards)).toEqual(['accuracy', 'format', 'short_text']);
    const [, second, third] = (await revisions()).map((one) => one.step!);
    const range = (from: number, to: number) => (from === to ? `step ${from}` : `steps ${from} to ${to}`);
    await eventually(
      async () => (await rewards().getByTestId('revision-steps').allTextContents()).map((text) => text.replaceAll(',', '')),
      (told) =>
        JSON.stringify(told) ===
        JSON.stringify([`since step ${step}`, range(third, step - 1), range(second, third - 1), range(1, second - 1)]),
      'the history tells the steps',
    );
    const changed = rewards().getByTestId('revision-entry').nth(1).getByTestId('revision-source');
    await changed.locator('summary').click();
    expect(await changed.locator('.added code').textContent()).toContain('text.length % 3');
    await shot('history-light');
  });

  it('logged no error in the browser and asked nothing of the outside', () => {
    expect(errors).toEqual([]);
  });
});
