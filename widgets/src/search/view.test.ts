// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import { FILTER_LABELS } from './hints.ts';
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
  const said = '<img src=x onerror=alert(1)> a round cyst \u202Eback \u001b[31m\n<style>*{display:none}</style>';
  const { root, search, hits } = await view({ completionText: () => said });
  await search('round');
  expect(hits()).toHaveLength(50);
  expect(hits()[0].querySelector('mark')!.textContent).toBe('round');
  expect(hits()[0].querySelector('.text')!.textContent!.trim()).toBe(
    said.replace('\u202E', '\\u202e').replace('\u001b', '\\u001b'), // what turns text round is an escape
  );
  expect(root.querySelector('img, .text style')).toBeNull();
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

it('a field that finds nothing is named with the filter that was meant, one click away', async () => {
  const { root, search, hits } = await view();
  await search('modality:CT');
  const labels = [...root.querySelectorAll('.filters label, .filters > div')].map((one) => one.textContent!.trim());
  for (const label of FILTER_LABELS)
    expect(
      labels.some((one) => one.startsWith(label)),
      label,
    ).toBe(true);
  const instead = root.querySelector<HTMLElement>('[data-testid=search-instead]')!;
  expect(instead.textContent).toBe('the filter Modality: CT');
  instead.click();
  await settled();
  expect(root.querySelector('[data-testid=search-hints]')).toBeNull();
  expect(hits().length).toBeGreaterThan(0);
  expect(root.querySelector('summary')!.textContent).toContain('1 set');
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

const toggled = async (root: ParentNode, testid: string): Promise<void> => {
  root.querySelector<HTMLElement>(`[data-testid=${testid}]`)!.click();
  await settled();
};

it('a question that is followed has its accuracy by step above its completions, oldest first', async () => {
  const { root, connector, search, hits } = await view();
  await search('');
  const follow = [...hits()[0].querySelectorAll('button')].find(({ textContent }) => textContent!.includes('Follow'))!;
  follow.click();
  await settled();
  const curve = root.querySelector('[data-testid=question-curve]')!;
  const rows = [...curve.querySelectorAll('tbody tr')].map((row) => Number(row.querySelector('th')!.textContent));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  expect(curve.textContent).toContain('right by the reading');
  const commands: string[] = [];
  document.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<{ id: string }>).detail.id), { once: true });
  curve.querySelector<HTMLElement>('.choosable')!.click();
  expect(commands).toEqual(['open-rollouts']);
  expect(workbench.selection.value.step).toBe(rows[0]);
  expect(connector.calls.some(([name]) => name === 'search.question')).toBe(true);
});

it('phrases that came and went are told with their test, as text, and a click searches one', async () => {
  const { root, connector } = await view();
  await toggled(root, 'tab-phrases');
  const part = root.querySelector('medr1-search-phrases')!.shadowRoot!;
  const [before, after] = ['before', 'after'].map((name) => part.querySelector<HTMLInputElement>(`[name=${name}]`)!);
  expect([before.value, after.value]).toEqual(['1-10', '11-20']);
  before.value = '9-3';
  part.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  expect(before.validationMessage).toContain('10-20');
  expect(connector.calls.some(([name]) => name === 'search.phrases')).toBe(false);
  before.value = '2';
  part.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  expect(connector.calls.findLast(([name]) => name === 'search.phrases')![1]).toEqual({
    ...{ run: 'r', before: { from: 2, to: 2 }, after: { from: 11, to: 20 }, fdr: 0.05 },
  });
  const rows = [...part.querySelectorAll('[data-testid=phrase]')].map((row) => row.textContent!.replace(/\s+/g, ' ').trim());
  expect(rows[0]).toBe('a round lesion 3.8 59.4 2.31 < 0.001');
  expect(rows[1]).toContain('<b>so it is</b>');
  expect(rows[2]).toContain('−2.31 0.031');
  expect(part.querySelector('[data-testid=phrases-told]')!.textContent).toContain('design effect');
  part.querySelector<HTMLElement>('[data-testid=phrase] button')!.click();
  await settled();
  expect(connector.calls.findLast(([name]) => name === 'search.find')![1]).toMatchObject({ text: '"a round lesion"' });
});

it('near-duplicates are gathered to families, and a family is listed', async () => {
  const { root, connector } = await view({ completionText: () => '<i>the same</i>' });
  await toggled(root, 'tab-families');
  const part = root.querySelector('medr1-search-families')!.shadowRoot!;
  part.querySelector<HTMLInputElement>('[name=steps]')!.value = '3-19';
  part.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  expect(connector.calls.findLast(([name]) => name === 'search.families')![1]).toEqual({ run: 'r', from: 3, to: 19, similarity: 0.7 });
  const row = part.querySelector('[data-testid=family]')!;
  expect(row.textContent!.replace(/\s+/g, ' ')).toMatch(/^ 48 <i>the same<\/i> .* 43 of 48 0.80 $/);
  row.querySelector('button')!.click();
  await settled();
  const asked = connector.calls.findLast(([name]) => name === 'search.find')![1];
  expect(asked).toMatchObject({ near: { run: 'r', step: 3, group: 0, index: 0 }, similarity: 0.7, ascending: true });
});

it('a search is saved, shown again by a link, renamed, changed and removed', async () => {
  const { root, connector, search } = await view();
  const named = async (text: string): Promise<void> => {
    const form = root.querySelector<HTMLFormElement>('.saved form')!;
    form.querySelector<HTMLInputElement>('[name=name]')!.value = text;
    form.dispatchEvent(new Event('submit', { cancelable: true }));
    await settled();
  };
  await search('round cyst');
  await toggled(root, 'save-search');
  await named('Cysts');
  const [saved] = connector.savedSearches;
  expect(saved).toMatchObject({ name: 'Cysts', query: { text: 'round cyst', mode: 'words', sort: 'step', ascending: false } });
  expect(workbench.selection.value.search).toBe(saved.id);
  await toggled(root, 'save-search');
  await named('Cysts');
  expect(root.querySelector('[data-testid=error]')!.textContent).toContain('called "Cysts" already');
  await toggled(root, 'rename-search');
  await named('Round cysts');
  expect(connector.savedSearches[0].name).toBe('Round cysts');
  workbench.selection.move({ search: null });
  await search('something else');
  workbench.selection.move({ search: saved.id }); // as a link does
  await settled();
  expect(root.querySelector<HTMLInputElement>('input[type=search]')!.value).toBe('round cyst');
  expect(connector.calls.findLast(([name]) => name === 'search.find')![1]).toMatchObject({ text: 'round cyst' });
  await search('square cyst');
  await toggled(root, 'save-over');
  expect(connector.savedSearches[0].query.text).toBe('square cyst');
  await toggled(root, 'forget-search');
  expect(connector.savedSearches).toEqual([]);
  expect(workbench.selection.value.search).toBeNull();
});
