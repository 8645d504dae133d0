// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { SearchView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(options: FakeOptions = {}) {
  const connector = new FakeConnector({ runs: [{ id: 'r', steps: 20 }], ...options });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-search') as SearchView, { workbench });
  document.body.append(element);
  await settled();
  const root = element.shadowRoot!;
  const search = async (text: string): Promise<void> => {
    const box = root.querySelector<HTMLInputElement>('input[type=search]')!;
    box.value = text;
    box.dispatchEvent(new Event('input'));
    root.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
    await settled();
  };
  return { connector, root, search, hits: () => [...root.querySelectorAll<HTMLElement>('[data-testid=hit]')] };
}

it('shows what was found with its marks, as text, and opens it in Rollouts', async () => {
  const said = '<img src=x onerror=alert(1)> a round cyst \u202Eback';
  const { root, search, hits } = await view({ completionText: () => said });
  await search('round');
  expect(hits()).toHaveLength(50);
  expect(hits()[0].querySelector('mark')!.textContent).toBe('round');
  expect(hits()[0].querySelector('.text')!.textContent!.trim()).toBe(said);
  expect(root.querySelector('img')).toBeNull();
  const commands: string[] = [];
  document.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<{ id: string }>).detail.id), { once: true });
  hits()[0].querySelector<HTMLElement>('[data-testid=open]')!.click();
  expect(commands).toEqual(['open-rollouts']);
  expect(workbench.selection.value).toMatchObject({ runs: ['r'], step: 20, group: 0, completion: 0 });
});

it('goes on where the page ended', async () => {
  const { root, search, hits } = await view();
  await search('');
  root.querySelector<HTMLElement>('[data-testid=more]')!.click();
  await settled();
  expect(hits()).toHaveLength(100);
});

it('an error says what is wrong, and what is not indexed yet is said', async () => {
  const { root, search } = await view({ runs: [{ id: 'r', name: 'Old', steps: 21, old: true }] });
  await search('');
  expect(root.querySelector('[data-testid=told]')!.textContent).toContain('Old: 7 of 21 steps are indexed so far');
  const mode = root.querySelector<HTMLSelectElement>('select[aria-label=As]')!;
  mode.value = 'regexp';
  mode.dispatchEvent(new Event('change'));
  await search('(');
  expect(root.querySelector('[data-testid=error]')!.textContent).toContain('is no regular expression');
});

it('follows a question through training, oldest first', async () => {
  const { connector, search, hits } = await view();
  await search('');
  hits()[0].querySelector<HTMLElement>('.actions button')!.click();
  await settled();
  const asked = connector.calls.findLast(([name]) => name === 'search.find')![1];
  expect(asked).toEqual({ runs: ['r'], mode: 'words', items: ['item-20-0'], sort: 'step', ascending: true });
});

it('keeps a note with its tags', async () => {
  const { connector, search, hits } = await view();
  await search('');
  hits()[2].querySelectorAll<HTMLElement>('.actions button')[2].click();
  await settled();
  const form = hits()[2].querySelector('form')!;
  form.querySelector<HTMLInputElement>('[name=tags]')!.value = 'odd';
  form.dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  // The page tells its selection in its own time, before or after.
  expect(connector.calls).toContainEqual(['search.note', 'r', { step: 20, group: 0, index: 2, tags: ['odd'], note: '' }]);
  expect(hits()[2].querySelector('.chip.small:last-child')!.textContent).toBe('odd');
});
