// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { Workbench } from '../workbench.ts';
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
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve));
    await element.updateComplete;
  };
  await settle();
  return {
    connector,
    element,
    settle,
    step: () => element.shadowRoot!.querySelector<HTMLInputElement>('[data-testid=rollouts-step]')!.value,
  };
}

it('follows the newest step until a step is chosen', async () => {
  const { connector, settle, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  expect(step()).toBe('7');
  connector.step('a');
  await vi.waitFor(() => expect(step()).toBe('8'), 5000); // at reading pace
  workbench.selection.move({ step: 3 });
  connector.step('a');
  await settle();
  expect(step()).toBe('3');
});

it('keys: left and right walk the steps', async () => {
  const { element, settle, step } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const press = (key: string) =>
    element.shadowRoot!.querySelector('.list')!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  press('ArrowLeft');
  await settle();
  expect([step(), workbench.selection.value.step]).toEqual(['6', 6]);
  press('ArrowRight');
  press('ArrowRight');
  await settle();
  expect(step()).toBe('7');
});

it('unfolding a group selects it, and a click on a completion selects that', async () => {
  const { element, settle } = await view({ runs: [{ id: 'a', steps: 7 }] });
  const group = element.shadowRoot!.querySelector('medr1-group')!;
  group.shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settle();
  group.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=completion]')[2].click();
  expect(workbench.selection.value).toMatchObject({ step: 7, group: 0, completion: 2, item: 'item-7-0' });
});

it('tokens are coloured by what is stored, walked by keys, and the one chosen is in the selection', async () => {
  const { element, settle } = await view({ runs: [{ id: 'a', steps: 7 }] });
  workbench.selection.move({ step: 7, group: 1 });
  const choose = element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=colouring]')!;
  expect([...choose.options].map(({ value }) => value)).toEqual(['off', 'logprob', 'advantage']);
  choose.value = 'logprob';
  choose.dispatchEvent(new Event('change'));
  await settle();
  const group = element.shadowRoot!.querySelectorAll('medr1-group')[1].shadowRoot!;
  const [, , third] = group.querySelectorAll('medr1-tokens');
  const strip = third.shadowRoot!;
  const { completions } = (await workbench.connector.groups('a', { step: 7 }))[1];
  const tokens = [...strip.querySelectorAll<HTMLElement>('[data-testid=token]')];
  expect(tokens.map((token) => token.textContent).join('')).toBe(`${completions[2].text}<|im_end|>`);
  const shades = tokens.map((token) => Number(token.style.getPropertyValue('--share')));
  const least = completions[2].logprobs.indexOf(Math.min(...completions[2].logprobs));
  expect(shades[least]).toBe(Math.max(...shades));
  for (let at = 0; at < 3; at++)
    strip.querySelector('.strip')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  await settle();
  expect(workbench.selection.value).toMatchObject({ step: 7, group: 1, completion: 2, token: 2 });
  expect(strip.querySelector('[data-testid=token-reading]')!.textContent).toMatch(/token 3 of \d+.*log p −?\d.*A [+−]?\d/s);
});

it('tokens that cannot be read are said to be so, and the text stays', async () => {
  const { connector, element, settle } = await view({ runs: [{ id: 'a', steps: 7 }] });
  connector.tokenTexts = () =>
    Promise.reject(Object.assign(new Error('There is no tokenizer.json.'), { code: 'X', remedy: 'Put it back.' }));
  workbench.selection.move({ step: 7, group: 0 });
  const choose = element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=colouring]')!;
  choose.value = 'advantage';
  choose.dispatchEvent(new Event('change'));
  await settle();
  const group = element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!;
  expect(group.querySelector('[data-testid=tokens-error]')!.textContent).toContain('Put it back.');
  expect(group.querySelectorAll('.text')).toHaveLength(8);
});

it('a click selects the question in the data set that the run trains on, where that is indexed', async () => {
  const { element, settle } = await view({ runs: [{ id: 'a', steps: 7 }], data: { datasets: [{ name: 'omnimedvqa', items: 30 }] } });
  element.shadowRoot!.querySelector('medr1-group')!.shadowRoot!.querySelector<HTMLElement>('.title')!.click();
  await settle();
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
