// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { Workbench } from '../workbench.ts';
import './view.ts';
import type { RewardsView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(state: 'running' | 'finished' = 'running') {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 40, state }] });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-rewards') as RewardsView, { workbench });
  document.body.append(element);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve));
    await element.updateComplete;
  };
  await settle();
  const find = <T extends HTMLElement>(selector: string): T => element.shadowRoot!.querySelector<T>(selector)!;
  const type = async (name: string, weight: string): Promise<void> => {
    const input = find<HTMLInputElement>(`[data-reward=${name}] [data-testid=reward-weight]`);
    input.value = weight;
    input.dispatchEvent(new Event('change'));
    await settle();
  };
  return { connector, element, find, settle, type };
}
const APPLY = '[data-testid=reward-apply]';

it('an edit is sent on the revision it was made on, and waits for the next step', async () => {
  const { connector, find, settle, type } = await view();
  await type('format', '0.5');
  find(APPLY).click();
  await settle();
  expect(connector.calls.find(([name]) => name === 'editRewards')).toEqual([
    'editRewards',
    'a',
    { weights: { accuracy: 1, format: 0.5 }, base_revision: 1 },
  ]);
  expect(find('[data-testid=revision]').textContent).toMatch(/revision 2\s+⧗ from the next step/);
});

it('nothing can be applied before something was changed, nor with every reward off', async () => {
  const { find, type } = await view();
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
  await type('format', '0.5');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(false);
  await type('format', '0');
  await type('accuracy', '0');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
});

it('an edit that another one overtook is refused, said, and kept to be sent again', async () => {
  const { connector, element, find, settle, type } = await view();
  connector.editRewards = () =>
    Promise.reject({ code: 'CONFLICT', message: 'Revision 2 came first.', remedy: 'Look at it and apply again.' });
  await type('format', '0.5');
  find(APPLY).click();
  await settle();
  expect(element.shadowRoot!.textContent).toMatch(/Revision 2 came first\..*Look at it/s);
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0.5');
});

it('a reward switched off and on again has its weight back', async () => {
  const { find, settle, type } = await view();
  await type('format', '0.7');
  const tick = find<HTMLInputElement>('[data-reward=format] input[type=checkbox]');
  tick.click();
  await settle();
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0');
  tick.click();
  await settle();
  expect(find<HTMLInputElement>('[data-reward=format] [data-testid=reward-weight]').value).toBe('0.7');
});

it('the preview tells what the new weights would do to stored rollouts', async () => {
  const { find, settle, type } = await view();
  await type('format', '0');
  find('[data-testid=reward-preview]').click();
  await settle();
  expect(find('[data-testid=preview-result]').textContent).toMatch(/groups that teach/);
});

it('a function written here is tried on stored rollouts with its tests, and sent with its source', async () => {
  const { connector, element, find, settle } = await view();
  find('[data-testid=add-typescript]').click();
  await settle();
  const editor = find('medr1-reward-editor');
  const field = editor.shadowRoot!.querySelector('textarea')!;
  expect(field.value).toContain('export default function reward');
  field.value = 'export default (all) => all.map(() => 1);';
  field.dispatchEvent(new Event('input'));
  const file = find<HTMLInputElement>('[data-testid=reward-file]');
  file.value = 'always.ts';
  file.dispatchEvent(new Event('change'));
  await settle();
  find('[data-testid=reward-preview]').click();
  await settle();
  const files = { 'always.ts': 'export default (all) => all.map(() => 1);' };
  expect(connector.calls.find(([name]) => name === 'tryRewards')).toEqual(['tryRewards', 'a', { files, built_in: [], steps: 20 }]);
  expect(find('[data-testid=reward-report]').textContent).toMatch(/always\s+✓ tests 3\/3/);
  expect(find('[data-testid=preview-result]').textContent).toMatch(/groups that teach/);
  find(APPLY).click();
  await settle();
  expect(connector.calls.find(([name]) => name === 'editRewards')).toEqual([
    'editRewards',
    'a',
    { weights: { accuracy: 1, format: 1, always: 1 }, files, base_revision: 1 },
  ]);
  expect(element.draft).toBeNull();
});

it('a function that fails on stored rollouts says so, and shows no preview', async () => {
  const { element, find, settle } = await view();
  find('[data-testid=add-typescript]').click();
  await settle();
  const field = find('medr1-reward-editor').shadowRoot!.querySelector('textarea')!;
  field.value = 'export default () => { throw 1; };';
  field.dispatchEvent(new Event('input'));
  await settle();
  find('[data-testid=reward-preview]').click();
  await settle();
  expect(find('[data-testid=reward-report]').textContent).toMatch(/my_reward\.ts:4.*Mend the function/s);
  expect(element.shadowRoot!.querySelector('[data-testid=preview-result]')).toBeNull();
});

it('a function can be left out, and a built-in one added', async () => {
  const { connector, find, settle } = await view();
  find('[data-reward=format] [data-testid=remove-reward]').click();
  await settle();
  const add = find<HTMLSelectElement>('[data-testid=add-built-in]');
  add.value = 'accuracy_tolerant';
  add.dispatchEvent(new Event('change'));
  await settle();
  find(APPLY).click();
  await settle();
  expect(connector.calls.find(([name]) => name === 'editRewards')?.[2]).toEqual({
    weights: { accuracy: 1, accuracy_tolerant: 1 },
    remove: ['format'],
    base_revision: 1,
  });
});

it('Tab indents, and leaves the field after Escape', async () => {
  const { find, settle } = await view();
  find('[data-testid=add-typescript]').click();
  await settle();
  const field = find('medr1-reward-editor').shadowRoot!.querySelector('textarea')!;
  field.setSelectionRange(0, 0);
  const press = (key: string): boolean => field.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
  expect(press('Tab')).toBe(false);
  expect(field.value.startsWith('  interface')).toBe(true);
  press('Escape');
  expect(press('Tab')).toBe(true);
});

it('weights of a run that ended cannot be applied', async () => {
  const { find, type } = await view('finished');
  await type('format', '0.5');
  expect(find<HTMLButtonElement>(APPLY).disabled).toBe(true);
});
