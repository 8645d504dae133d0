// @vitest-environment jsdom
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import { RolloutGroup } from './group.ts';
import './view.ts';
import type { RolloutsView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(options: FakeOptions) {
  const connector = new FakeConnector(options);
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-rollouts') as RolloutsView, { workbench });
  document.body.append(element);
  await settled();
  return {
    connector,
    element,
    step: () => element.shadowRoot!.querySelector<HTMLInputElement>('[data-testid=rollouts-step]')!.value,
  };
}

it('follows the newest step until a step is chosen', async () => {
  const { connector, element, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const groups = () => [...element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')];
  const before = groups();
  expect(step()).toBe('7');
  connector.step('a');
  await until(() => expect(step()).toBe('8')); // at reading pace
  expect(groups().map(({ group }) => group.step)).toEqual(before.map(() => 8));
  expect(groups().every((group, at) => group === before[at])).toBe(true); // the same elements: none is replaced under the pointer
  workbench.selection.move({ step: 3 });
  connector.step('a');
  await settled();
  expect(step()).toBe('3');
});

it.each(['pointerdown', 'focusin'])('%s on a group holds the step that is on screen', async (type) => {
  const { connector, element, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const group = element.shadowRoot!.querySelector('medr1-group')!;
  group.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  connector.step('a');
  await vi.advanceTimersByTimeAsync(5000); // longer than the pace of following
  expect([step(), workbench.selection.value.step]).toEqual(['7', 7]);
  expect(group.isConnected).toBe(true);
});

it('never shows the groups of the run before as those of the run that is chosen now', async () => {
  const { connector, element } = await view({
    runs: [
      { id: 'a', steps: 7 },
      { id: 'b', steps: 9 },
    ],
  });
  const asked: [string, string | null][] = [];
  const imageUrl = connector.imageUrl;
  connector.imageUrl = (id, path, size) => {
    asked.push([id, workbench.rollouts.state.value.run]);
    return imageUrl(id, path, size);
  };
  const ids = async (run: string): Promise<string[]> => {
    asked.length = 0;
    workbench.selection.move({ runs: [run] });
    await until(() => expect(asked.some(([id]) => id === run)).toBe(true));
    await until(() => expect(element.shadowRoot!.querySelector('medr1-group')).not.toBeNull());
    return [...new Set(asked.filter(([id]) => id === run).map(([, of]) => String(of)))];
  };
  const first = workbench.rollouts.state.value.run === 'a' ? 'b' : 'a';
  expect(await ids(first)).toEqual([first]);
});

it('keys: left and right walk the steps', async () => {
  const { element, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const press = (key: string) =>
    element.shadowRoot!.querySelector('.list')!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  press('ArrowLeft');
  await settled();
  expect([step(), workbench.selection.value.step]).toEqual(['6', 6]);
  press('ArrowRight');
  press('ArrowRight');
  await settled();
  expect(step()).toBe('7');
});

it.each([
  ['ArrowDown', 'ArrowUp'],
  ['j', 'k'],
])('%s and %s walk the groups as soon as the view has the keyboard', async (down, up) => {
  const { element, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  element.focus();
  await settled();
  const page = element.shadowRoot!.querySelector('.page');
  expect(element.shadowRoot!.activeElement).toBe(page);
  expect(workbench.selection.value.step).toBeNull(); // having the keyboard is not reading: the newest step is followed on
  const [first, second] = element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group');
  const focused = () => element.shadowRoot!.activeElement!;
  const press = (key: string, init: KeyboardEventInit = {}) => {
    const inner = focused().shadowRoot?.activeElement ?? focused();
    const event = new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...init });
    inner.dispatchEvent(event);
    return event.defaultPrevented; // otherwise the page scrolls
  };
  expect(press(down)).toBe(true);
  expect([focused(), step()]).toEqual([first, '7']);
  press(down);
  expect(focused()).toBe(second);
  press(up);
  expect(focused()).toBe(first);
  expect(press(down, { ctrlKey: true })).toBe(false);
  expect(focused()).toBe(first);
  const search = element.shadowRoot!.querySelector<HTMLInputElement>('[data-testid=rollouts-search]')!;
  search.focus();
  expect(press(down)).toBe(false);
  expect(focused()).toBe(search);
  element.shadowRoot!.querySelector<HTMLElement>('[aria-label="Previous step"]')!.focus();
  press(down);
  expect(focused()).toBe(first);
});

it('the walk begins at the chosen group', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.selection.move({ step: 5, group: 1 });
  await settled();
  element.focus();
  await settled();
  element.shadowRoot!.querySelector('.page')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
  expect(element.shadowRoot!.activeElement).toBe(element.shadowRoot!.querySelectorAll('medr1-group')[1]);
});

it('whoever walks the steps from a completion stays at its group, whose next question is folded', async () => {
  const { element, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const group = () => element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')[1];
  group().shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settled();
  const row = group().shadowRoot!.querySelector<HTMLElement>('[data-testid=completion]')!;
  row.focus();
  row.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true, composed: true }));
  await settled();
  expect(step()).toBe('6');
  expect(element.shadowRoot!.activeElement).toBe(group());
  expect(group().shadowRoot!.activeElement!.className).toContain('title');
});

it('what is shown stays in view though groups on the way push it on', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const group = element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')[1];
  let [top, pushes] = [900, 0];
  group.getBoundingClientRect = () => ({ top }) as DOMRect;
  group.scrollIntoView = () => void (top = 300);
  const push = (): void => {
    top += 160; // two frames after the scroll, twice
    if (++pushes < 2) requestAnimationFrame(() => requestAnimationFrame(push));
  };
  requestAnimationFrame(() => requestAnimationFrame(push));
  await group.show(null);
  expect([pushes, top]).toEqual([2, 300]);
});

it('unfolding a group selects it, and a click on a completion selects that', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const group = element.shadowRoot!.querySelector('medr1-group')!;
  group.shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settled();
  group.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=completion]')[2].click();
  expect(workbench.selection.value).toMatchObject({ step: 7, group: 0, completion: 2, item: 'item-7-0' });
});

it('tokens are coloured by what is stored, walked by keys, and the one chosen is in the selection', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.selection.move({ step: 7, group: 1 });
  const choose = element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=colouring]')!;
  const offered = () => [...choose.options].filter(({ disabled }) => !disabled).map(({ value }) => value);
  expect(offered()).toEqual(['off', 'logprob', 'entropy', 'kl', 'advantage']);
  expect(choose.textContent).toContain('always 1: num_iterations is 1');
  choose.value = 'logprob';
  choose.dispatchEvent(new Event('change'));
  await settled();
  const group = element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')[1].shadowRoot!;
  const [, , third] = group.querySelectorAll('medr1-tokens');
  const strip = third.shadowRoot!;
  const { completions } = (await workbench.connector.groups('a', { step: 7 })).groups[1];
  const tokens = [...strip.querySelectorAll<HTMLElement>('[data-testid=token]')];
  expect(tokens.map((token) => token.textContent).join('')).toBe(`${completions[2].text}<|im_end|>`);
  const shades = tokens.map((token) => Number(token.style.getPropertyValue('--share')));
  const least = completions[2].logprobs.indexOf(Math.min(...completions[2].logprobs));
  expect(shades[least]).toBe(Math.max(...shades));
  for (let at = 0; at < 3; at++)
    strip.querySelector('.strip')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  await settled();
  expect(workbench.selection.value).toMatchObject({ step: 7, group: 1, completion: 2, token: 2 });
  expect(strip.querySelector('[data-testid=token-reading]')!.textContent).toMatch(/token 3 of \d+.*log p −?\d.*A [+−]?\d/s);
});

it('every number that is stored of a token is shown for it, clipped ones by more than colour', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7, config: { num_iterations: 2 } }] });
  workbench.selection.move({ step: 5, group: 0 });
  workbench.rollouts.set({ colouring: 'ratio' });
  await settled();
  const strip = element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector('medr1-tokens')!.shadowRoot!;
  const { completions } = (await workbench.connector.groups('a', { step: 5 })).groups[0];
  const { ratio, clipped } = completions[0];
  const tokens = [...strip.querySelectorAll<HTMLElement>('.token')];
  expect(tokens.map((token) => token.classList.contains('clipped'))).toEqual(clipped);
  tokens.forEach((token, at) => expect(token.style.getPropertyValue('--colour')).toBe(`var(--medr1-${ratio![at]! < 1 ? 'less' : 'more'})`));
  tokens[clipped!.indexOf(true)].dispatchEvent(new MouseEvent('mouseenter'));
  await settled();
  expect(strip.querySelector('[data-testid=token-reading]')!.textContent!.replace(/\s+/g, ' ')).toMatch(
    /token \d+ of \d+ .* log p −?[\d.e−]+ p \d+ % H [\d.e−]+ KL [\d.e−]+ ratio [\d.]+ clipped A [+−]?[\d.]+/,
  );
});

it('a colouring that a step has no numbers for stays chosen, uncoloured, with the reason', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7, old: true }] });
  workbench.rollouts.set({ colouring: 'entropy' });
  workbench.selection.move({ step: 5, group: 0 });
  await settled();
  expect(element.shadowRoot!.querySelector('[data-testid=legend]')!.textContent).toContain('not stored by the version that made this step');
  const strip = element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector('medr1-tokens')!.shadowRoot!;
  for (const token of strip.querySelectorAll<HTMLElement>('.token')) expect(token.style.getPropertyValue('--share')).toBe('0.000');
});

it('a step that used earlier rollouts again shows those, and a click selects them where they are stored', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 8, config: { num_iterations: 3 } }] });
  const said = () => element.shadowRoot!.querySelector('[data-testid=used-again]')?.textContent!.replace(/\s+/g, ' ').trim();
  expect(said()).toBe('Step 8 learnt from the rollouts of step 7 again: these.'); // the newest, followed
  workbench.selection.move({ step: 6 });
  await settled();
  expect(said()).toBe('Step 6 learnt from the rollouts of step 4 again: these.');
  element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settled();
  expect(workbench.selection.value).toMatchObject({ step: 4, group: 0, item: 'item-4-0' });
  expect(said()).toBeUndefined();
});

it('ratios are read when the update that gives them was made', async () => {
  const run = { id: 'a', steps: 7, config: { num_iterations: 2 } };
  const { connector, element } = await view({ runs: [run] });
  workbench.rollouts.set({ colouring: 'ratio' });
  workbench.selection.move({ step: 7, group: 0 });
  await settled();
  const said = () => element.shadowRoot!.querySelector('[data-testid=legend]')!.textContent;
  expect(said()).toContain('comes with the next update');
  connector.step('a');
  await settled();
  await settled();
  expect(said()).toContain('× 1.5');
});

it('filters that hide everything are cleared by one button, the question type too', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.rollouts.set({ type: 'Anatomy', modality: 'X-Ray', shown: 'cut', search: 'zebra' });
  await settled();
  [...element.shadowRoot!.querySelectorAll('button')].find((button) => button.textContent!.includes('Clear filters'))!.click();
  await settled();
  expect(element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group').length).toBeGreaterThan(0);
});

it('tokens that cannot be read are said to be so, and the text stays', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  connector.tokenTexts = () =>
    Promise.reject(Object.assign(new Error('There is no tokenizer.json.'), { code: 'X', remedy: 'Put it back.' }));
  workbench.selection.move({ step: 7, group: 0 });
  const choose = element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=colouring]')!;
  choose.value = 'advantage';
  choose.dispatchEvent(new Event('change'));
  await settled();
  const group = element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!;
  expect(group.querySelector('[data-testid=tokens-error]')!.textContent).toContain('Put it back.');
  expect(group.querySelectorAll('.text')).toHaveLength(8);
});

it('a click selects the question in the data set that the run trains on, where that is indexed', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }], data: { datasets: [{ name: 'omnimedvqa', items: 30 }] } });
  element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settled();
  expect(workbench.selection.value).toMatchObject({ dataset: 'omnimedvqa', item: 'item-7-0', group: 0 });
});

it('a supervised run says that it has no rollouts', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7, trainer: 'sft' }] });
  expect(element.shadowRoot!.textContent).toContain('samples no completions');
});

it('leaves the run alone when it is closed', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  expect(connector.followers('a')).toBe(1);
  element.remove();
  expect(connector.followers('a')).toBe(0);
});

it('says whose rollouts these are, and changes the run where several are chosen', async () => {
  const { element } = await view({
    runs: [
      { id: 'a', name: 'Demo, think', steps: 7 },
      { id: 'b', name: 'no-think A', steps: 9 },
    ],
  });
  const whose = () => element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=rollouts-run]')!;
  workbench.selection.move({ runs: ['a'] });
  await settled();
  expect(whose().textContent).toBe('Demo, think');
  workbench.selection.move({ runs: ['a', 'b'] });
  await settled();
  expect([...whose().options].map(({ text, selected }) => [text, selected])).toEqual([
    ['Demo, think', true],
    ['no-think A', false],
  ]);
  whose().value = 'b';
  whose().dispatchEvent(new Event('change'));
  expect(workbench.selection.value.runs).toEqual(['b', 'a']);
});

it('counts the groups that pass the filters', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.rollouts.set({ search: 'no such word anywhere' });
  await settled();
  expect(element.shadowRoot!.querySelector('[data-testid=rollouts-count]')!.textContent).toBe('0 of 12 groups');
});

it('what is chosen elsewhere comes into view, and the keyboard goes to the title of a group', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const shown = vi.fn();
  const groups = [...element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')];
  groups[9].show = shown;
  workbench.selection.move({ step: 7, group: 9, completion: 2 });
  await settled();
  expect(shown).toHaveBeenCalledExactlyOnceWith(2);
  groups[1].focus();
  expect(groups[1].shadowRoot!.activeElement!.classList).toContain('title');
});

it('a step, group or completion that a link names and that is not there is told', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const missing = () => element.shadowRoot!.querySelector('[data-testid=chosen-missing]')?.textContent ?? null;
  workbench.selection.move({ step: 7, group: 3, completion: 1 });
  await settled();
  expect(missing()).toBeNull();
  workbench.selection.move({ completion: 99 });
  await settled();
  expect(missing()).toBe('Group 3 of step 7 has no completion 99. Choose one of these.');
  workbench.selection.move({ group: 77, completion: 1 });
  await settled();
  expect(missing()).toBe('Step 7 has no group 77. Choose one of these.');
  connector.groups = async () => ({ groups: [], steps: [1, 7] });
  workbench.selection.move({ step: 900, group: null, completion: null });
  await settled();
  await until(() =>
    expect(element.shadowRoot!.querySelector('.message')!.textContent).toMatch(/No step 900 yet\s+The newest step of this run is 7\./),
  );
});

it('a search typed in the menu of a narrow view is the same as in the toolbar', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const [wide, narrow] = ['rollouts-search', 'rollouts-search-narrow'].map((id) =>
    element.shadowRoot!.querySelector<HTMLInputElement>(`[data-testid=${id}]`)!,
  );
  expect(narrow.closest('medr1-menu')).not.toBeNull();
  narrow.value = 'no such word anywhere';
  narrow.dispatchEvent(new Event('input'));
  await settled();
  expect([wide.value, element.shadowRoot!.querySelector('[data-testid=rollouts-count]')!.textContent]).toEqual([
    'no such word anywhere',
    '0 of 12 groups',
  ]);
});

it('groups unfolded by hand do not stay open over the questions of another step', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  element.open = new Set([2]);
  await settled();
  workbench.selection.move({ step: 3 });
  await settled();
  expect([...element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group')].some(({ open }) => open)).toBe(false);
});

const deep = (root: ParentNode, selector: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(selector)];
const completionsOf = (group: Element): HTMLElement[] => deep(group.shadowRoot!, '[data-testid=completion]');
const press = (at: HTMLElement, key: string): void =>
  void at.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }));

it('a search marks its hits, shows the completions that hold it alone, and says how many do not', async () => {
  const { element } = await view({
    runs: [{ id: 'a', steps: 2 }],
    completionText: (_step, _group, index) => (index === 1 ? 'a Tumor (grade 2)' : 'nothing to see'),
  });
  workbench.selection.move({ step: 2, group: 0 });
  await settled();
  const [group] = deep(element.shadowRoot!, 'medr1-group');
  const all = completionsOf(group).length;
  workbench.rollouts.set({ search: 'tumor (grade' });
  await settled();
  const marks = () => deep(group.shadowRoot!, 'li mark').map(({ textContent }) => textContent);
  expect(completionsOf(group).map(({ dataset }) => dataset.index)).toEqual(['1']);
  expect(marks()).toEqual(['Tumor', '(grade']);
  expect(group.shadowRoot!.querySelector('[data-testid=group-found]')!.textContent!.replace(/\s+/g, ' ')).toBe(`found in 1 of ${all}`);
  const without = group.shadowRoot!.querySelector('[data-testid=without]')!;
  expect(without.textContent).toContain(`${all - 1} completion`);
  without.querySelector('button')!.click();
  await settled();
  expect(completionsOf(group)).toHaveLength(all);
  workbench.rollouts.set({ search: 'nowhere' });
  await settled();
  expect(element.shadowRoot!.querySelector('[data-testid=rollouts-count]')!.textContent).toMatch(/^0 of \d+ groups/);
});

it('says of steps from before a fork whose rollouts they are, and under which variant', async () => {
  const inherited = [{ run: 'p', name: 'Parent', variant: 'think' as const, to: 3 }];
  const { element } = await view({ runs: [{ id: 'a', steps: 5, inherited }] });
  const said = () => element.shadowRoot!.querySelector('[data-testid=inherited]')?.textContent?.replace(/\s+/g, ' ').trim();
  workbench.selection.move({ step: 3 });
  await settled();
  expect(said()).toBe('These are rollouts of Parent (think), whose steps up to 3 this run began with.');
  workbench.selection.move({ step: 4 });
  await settled();
  expect(said()).toBeUndefined();
});

it('brings a chosen completion into view again once its tokens are there', async () => {
  await view({ runs: [{ id: 'a', steps: 2 }] });
  const shown: unknown[] = [];
  const spy = vi.spyOn(RolloutGroup.prototype, 'show').mockImplementation(function (this: RolloutGroup) {
    shown.push(this.texts?.status);
    return Promise.resolve();
  });
  onTestFinished(() => spy.mockRestore());
  workbench.rollouts.set({ colouring: 'logprob' });
  workbench.selection.move({ step: 2, group: 0, completion: 3 });
  await until(() => expect(shown.at(-1)).toBe('ready'));
  expect(shown[0]).toBe('loading');
});

it('says where filters hide the group that was chosen, and shows it once they are cleared', async () => {
  const { element } = await view({
    runs: [{ id: 'a', steps: 2 }],
    completionText: (_step, group) => (group === 1 ? 'a zebra' : 'nothing to see'),
  });
  const shown: unknown[] = [];
  const spy = vi.spyOn(RolloutGroup.prototype, 'show').mockImplementation(function (this: RolloutGroup, completion) {
    shown.push([this.group.group, completion]);
    return Promise.resolve();
  });
  onTestFinished(() => spy.mockRestore());
  workbench.rollouts.set({ search: 'zebra' });
  workbench.selection.move({ step: 2, group: 0, completion: 3 });
  await until(() => expect(element.shadowRoot!.querySelector('[data-testid=chosen-hidden]')).not.toBeNull());
  expect(shown).toEqual([]);
  element.shadowRoot!.querySelector<HTMLElement>('[data-testid=chosen-hidden] button')!.click();
  await until(() => expect(shown).toEqual([[0, 3]]));
  expect(element.shadowRoot!.querySelector('[data-testid=chosen-hidden]')).toBeNull();
});

it('a search marks its hits in coloured tokens and in the tree too', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 2 }], completionText: () => 'a Tumor (grade 2)' });
  workbench.rollouts.set({ colouring: 'advantage', search: 'umor (gra' });
  workbench.selection.move({ step: 2, group: 0 });
  const group = await until(() => {
    const [first] = deep(element.shadowRoot!, 'medr1-group');
    expect(first.shadowRoot!.querySelector('medr1-tokens')).not.toBeNull();
    return first.shadowRoot!;
  });
  const strip = () => group.querySelector('medr1-tokens')!.shadowRoot!.querySelector('.strip')!;
  const found = (root: ParentNode) => [...root.querySelectorAll('mark')].map(({ textContent }) => textContent).join('');
  await until(() => expect(found(strip())).toBe('umor(gra'));
  expect(strip().className).toBe('strip'); // nothing of how numbers of a completion look
  workbench.rollouts.set({ colouring: 'off', layout: 'tree' });
  await until(() => expect(found(group.querySelector('[data-testid=tree]')!)).toBe('umor(gra'));
});

it('down and up walk the title, each completion, and go on to the next group; Enter chooses', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 2 }] });
  workbench.selection.move({ step: 2, group: 0 });
  await settled();
  const groups = deep(element.shadowRoot!, 'medr1-group');
  const focused = (): Element | null => {
    let at: Element | null = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  };
  const rows = completionsOf(groups[0]);
  groups[0].focus();
  for (const row of rows) {
    press(focused() as HTMLElement, 'ArrowDown');
    expect(focused()).toBe(row);
  }
  press(rows[1], 'Enter');
  expect(workbench.selection.value.completion).toBe(1);
  rows.at(-1)!.focus();
  press(focused() as HTMLElement, 'ArrowDown');
  expect(focused()).toBe(groups[1].shadowRoot!.querySelector('.title'));
  press(focused() as HTMLElement, 'ArrowUp');
  expect(focused()).toBe(rows.at(-1));
  workbench.rollouts.set({ colouring: 'logprob' });
  await settled();
  rows[0].querySelector<HTMLElement>('medr1-tokens')!.focus();
  press(focused() as HTMLElement, 'ArrowDown');
  expect((focused()!.getRootNode() as ShadowRoot).host).toBe(rows[1].querySelector('medr1-tokens'));
});

it('thinking and answer stay apart while tokens are coloured', async () => {
  const { element } = await view({
    runs: [{ id: 'a', steps: 2 }],
    completionText: () => '<think>so it is</think> <answer> A </answer>',
  });
  workbench.selection.move({ step: 2, group: 0 });
  workbench.rollouts.set({ colouring: 'logprob' });
  await settled();
  const strip = deep(element.shadowRoot!, 'medr1-group')[0].shadowRoot!.querySelector('medr1-tokens')!.shadowRoot!;
  const parts = deep(strip, '[data-part]').map((part) => [part.dataset.part, deep(part, '.token').length > 0]);
  expect(parts).toEqual([
    ['think', true],
    ['answer', true],
  ]);
  expect(strip.querySelector('[data-part=answer]')!.classList.contains('chip')).toBe(true);
});

it('a popover holds how they are read, says how much differs from the start, and puts that back', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 2 }] });
  workbench.rollouts.set({ sort: 'low', colouring: 'kl', search: 'word' });
  await settled();
  const menu = element.shadowRoot!.querySelector<HTMLElement & { label: string }>('[data-testid=rollouts-view]')!;
  expect(menu.label).toBe('View (2)');
  [...menu.querySelectorAll('button')].at(-1)!.click();
  await settled();
  expect(workbench.rollouts.toJSON()).toMatchObject({ sort: 'order', colouring: 'off', search: 'word' });
  expect(menu.label).toBe('View');
});

it('saves what is on screen, or the chosen group, as a page', async () => {
  const saved: Blob[] = [];
  Object.assign(URL, { createObjectURL: (blob: Blob) => `blob:${saved.push(blob)}`, revokeObjectURL: () => {} });
  vi.stubGlobal('fetch', () => Promise.reject(new Error('no image here')));
  onTestFinished(() => void vi.unstubAllGlobals());
  const { element } = await view({ runs: [{ id: 'a', name: 'Demo', steps: 2 }] });
  const press = async (): Promise<Document> => {
    const before = saved.length;
    element.shadowRoot!.querySelector<HTMLElement>('[data-testid=export-page]')!.click();
    await until(() => expect(saved).toHaveLength(before + 1));
    await settled();
    return new DOMParser().parseFromString(await saved.at(-1)!.text(), 'text/html');
  };
  const shown = element.shadowRoot!.querySelectorAll<RolloutGroup>('medr1-group').length;
  expect((await press()).querySelectorAll('article')).toHaveLength(shown);
  workbench.selection.move({ step: 2, group: 1 });
  await settled();
  const page = await press();
  expect([page.title, page.querySelectorAll('article').length]).toEqual(['Demo, step 2', 1]);
});

it('completions that say the same stand once where that is chosen, and the selected one is always there', async () => {
  const { element } = await view({
    runs: [{ id: 'a', steps: 2 }],
    completionText: (_step, _group, index) => `<think>so</think> <answer> ${index % 2 === 0 ? 'A' : 'C'} </answer>`,
  });
  workbench.selection.move({ step: 2, group: 0, completion: 4 });
  await settled();
  const group = element.shadowRoot!.querySelector('medr1-group')!;
  expect(completionsOf(group)).toHaveLength(8);
  expect(group.shadowRoot!.querySelector('[data-testid=parts-at]')!.textContent).toMatch(/part at token \d+/);
  element.shadowRoot!.querySelector<HTMLElement>('[data-testid=fold]')!.click();
  await settled();
  expect(completionsOf(group).map((row) => row.dataset.index)).toEqual(['4', '1']);
  expect(deep(group.shadowRoot!, '[data-testid=folded]').map((one) => one.textContent!.trim())).toEqual(['4 say this', '4 say this']);
  expect(workbench.rollouts.toJSON().fold).toBe(true);
});

it('a chosen token shows what else could have been said, and which policy says so; a screen reader reads the text as text', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 45 }] });
  workbench.rollouts.set({ colouring: 'logprob' });
  workbench.selection.move({ step: 41, group: 0, completion: 0 });
  const strip = () => element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector('medr1-tokens')!;
  await until(() => expect(strip()).not.toBeNull());
  await settled();
  const within = (selector: string) => strip().shadowRoot!.querySelector(selector);
  expect(within('[data-testid=heard]')!.textContent).toBe(workbench.rollouts.state.value.groups[0].completions[0].text);
  expect(within('.strip > [aria-hidden=true]')!.querySelectorAll('.token').length).toBeGreaterThan(3);
  expect(within('[data-testid=alternatives]')).toBeNull();
  within('.strip')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  await until(() => expect(within('[data-testid=alternatives]')).not.toBeNull());
  expect(connector.calls.filter(([name]) => name === 'explain.alternatives')).toEqual([
    ['explain.alternatives', { run: 'a', rollout: { step: 41, group: 0, completion: 0 } }],
  ]);
  expect(within('[data-testid=alternatives]')!.querySelectorAll('li')).toHaveLength(5);
  expect(within('[data-testid=alternatives]')!.textContent!.replace(/\s+/g, ' ')).toContain('checkpoint of step 40');
});

it('completions stand against the chosen one, or as a tree of what they have in common, where a click chooses one', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.selection.move({ step: 3, group: 0, completion: 1 });
  await settled();
  const group = () => element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!;
  workbench.rollouts.set({ layout: 'differences' });
  await settled();
  const { completions } = workbench.rollouts.state.value.groups[0];
  const shown = [...group().querySelectorAll<HTMLElement>('[data-testid=differences]')];
  expect(shown).toHaveLength(completions.length - 1);
  const joined = (of: HTMLElement, left: string): string =>
    [...of.children].filter(({ localName }) => localName !== left).map(({ textContent }) => textContent).join(''); // prettier-ignore
  expect(joined(shown[0], 'del')).toBe(completions[0].text);
  expect(joined(shown[0], 'ins')).toBe(completions[1].text);
  workbench.rollouts.set({ layout: 'tree' });
  await until(() => expect(group().querySelector('[data-testid=tree]')).not.toBeNull());
  const ends = [...group().querySelectorAll<HTMLElement>('[data-testid=tree-end]')];
  expect(ends).toHaveLength(completions.length);
  ends.find((one) => one.textContent!.trim().startsWith('4'))!.click();
  expect(workbench.selection.value.completion).toBe(3);
});
