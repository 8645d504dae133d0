// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import { samplerName } from '../store/rollouts/model.ts';
import './view.ts';
import type { InspectorPanel } from './view.ts';

const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;
const PARTS = ['image', 'question', 'answer', 'prediction', 'rewards', 'metadata', 'links'];

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function panel(options: FakeOptions = {}) {
  const connector = new FakeConnector({ runs: [{ id: 'a', name: 'Demo', steps: 120 }], ...options });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-inspector') as InspectorPanel, { workbench });
  document.body.append(element);
  const root = element.shadowRoot!;
  await settled();
  const get = (testid: string): HTMLElement | null => root.querySelector(`[data-testid=${testid}]`);
  const press = async (key: string): Promise<void> => {
    root.querySelector('.page')!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    await settled();
  };
  return {
    connector,
    element,
    root,
    get,
    press,
    parts: () => [...root.querySelectorAll('section')].map((one) => one.dataset.part),
  };
}

it('says what to click while nothing is selected', async () => {
  const { root } = await panel();
  expect(root.textContent).toContain('Nothing selected');
});

it('a rollout: its parts in the one order, the reward as the sum of its weighted parts', async () => {
  const { root, get, parts } = await panel();
  workbench.selection.move({ step: 100, group: 2, completion: 3 });
  await settled();
  expect(parts()).toEqual(PARTS);
  expect(get('gold')!.textContent).toBe('C) Mild tumor');
  const rows = [...get('rewards')!.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent!.trim()));
  expect(rows.map(([name, , weight]) => [name, weight])).toEqual([
    ['accuracy', '1.00'],
    ['format', '0.200'], // revision 2, in force since step 90
  ]);
  expect(root.querySelector('[data-part=metadata]')!.textContent).toMatch(/run\s*Demo\s*step\s*100\s*group\s*2\s*completion\s*4 of 8/);
});

it('a step that a fork began with is said to be sampled by its parent, under the variant of that one', async () => {
  const inherited = [{ run: 'p', name: 'Parent', variant: 'think' as const, to: 30 }];
  const { root, get } = await panel({ runs: [{ id: 'a', name: 'Fork', steps: 120, inherited }] });
  const metadata = () => root.querySelector('[data-part=metadata]')!.textContent;
  workbench.selection.move({ step: 30, group: 2, completion: 3 });
  await settled();
  expect(get('of')!.textContent).toBe('of Fork, sampled by Parent (think)');
  expect(metadata()).toMatch(/sampled by\s*Parent \(think\)/);
  workbench.selection.move({ step: 31 });
  await settled();
  expect(get('of')!.textContent).toBe('of Fork');
  expect(metadata()).not.toMatch(/sampled by/);
  expect(samplerName({ ...inherited[0], variant: null })).toBe('Parent'); // a fork of before variants were kept
});

it('left and right walk the completions, and a click on a chip chooses one', async () => {
  const { press, root } = await panel();
  workbench.selection.move({ step: 100, group: 2 });
  await settled();
  await press('ArrowRight');
  expect(workbench.selection.value.completion).toBe(1);
  await press('ArrowLeft');
  await press('ArrowLeft');
  expect(workbench.selection.value.completion).toBe(0);
  root.querySelectorAll<HTMLElement>('[data-testid=choose-completion]')[6].click();
  expect(workbench.selection.value).toMatchObject({ step: 100, group: 2, completion: 6 });
});

it('a token selected elsewhere is shown with its numbers', async () => {
  const { root } = await panel();
  workbench.selection.move({ step: 100, group: 2, completion: 1, token: 4 });
  await settled();
  const strip = root.querySelector('medr1-tokens')!.shadowRoot!;
  expect(strip.querySelector('[data-testid=token-reading]')!.textContent).toMatch(/token 5 of \d+.*log p −?\d/s);
});

it('colours tokens as Rollouts does, and says why where it cannot', async () => {
  const { root, get } = await panel({ runs: [{ id: 'a', steps: 120, config: { beta: 0 } }] });
  workbench.rollouts.set({ colouring: 'entropy' });
  workbench.selection.move({ step: 100, group: 2, completion: 1 });
  await settled();
  const { completions } = (await workbench.connector.groups('a', { step: 100 })).groups[2];
  const strip = () => root.querySelector('medr1-tokens')!.shadowRoot!;
  const shares = [...strip().querySelectorAll<HTMLElement>('.token')].map((token) => Number(token.style.getPropertyValue('--share')));
  completions[1].entropy!.forEach((nats, token) => expect(shares[token]).toBeCloseTo(Math.min(1, nats! / 3), 2));
  expect(get('inspected')!.textContent).toMatch(/mean entropy\s+[\d.]+ nats/);
  expect(get('inspected')!.textContent).not.toContain('mean KL');

  workbench.rollouts.set({ colouring: 'kl' });
  await settled();
  expect(strip().querySelector('[data-testid=legend]')!.textContent).toContain('No KL here: no reference: beta is 0');
  const choose = get('colouring') as HTMLSelectElement;
  choose.value = 'off';
  choose.dispatchEvent(new Event('change'));
  await settled();
  expect(root.querySelector('medr1-tokens')).toBeNull();
  expect(workbench.rollouts.state.value.colouring).toBe('off');
});

it('a question: its parts in the same order, what runs answered, and its neighbours by keys', async () => {
  const { connector, get, parts, press } = await panel();
  const items = connector.data.all('omnimedvqa');
  workbench.selection.move({ dataset: 'omnimedvqa', item: items[0].id });
  await settled();
  expect(parts()).toEqual(PARTS);
  expect(get('question')!.textContent).toBe(items[0].question);
  await press('ArrowRight');
  expect(workbench.selection.value.item).toBe(items[1].id);
  expect(get('question')!.textContent).toBe(items[1].question);
});

it('a question of a data set whose images were not read has its image from the file', async () => {
  const { connector, root } = await panel({ data: { item: (item) => ({ ...item, sha256: null }) } });
  const { id, image } = connector.data.all('omnimedvqa').find(({ problem }) => problem === null)!;
  workbench.selection.move({ dataset: 'omnimedvqa', item: id });
  await settled();
  expect(root.querySelector('.picture img')!.getAttribute('src')).toBe(connector.data.imageUrl('omnimedvqa', image, { size: 384 }));
});

it('a step: its rewards and what happened at it', async () => {
  const { root, press, parts } = await panel();
  workbench.selection.move({ step: 90 });
  await settled();
  expect(parts()).toEqual(['rewards', 'metadata', 'links']);
  expect(root.querySelector('[data-part=rewards]')!.textContent).toMatch(/reward.*accuracy.*format/s);
  expect(root.querySelector('[data-part=metadata]')!.textContent).toMatch(/format 1 → 0\.2/);
  await press('ArrowLeft');
  expect(workbench.selection.value.step).toBe(89);
});

it('says what failed with its remedy, and tries again', async () => {
  const { connector, root, get } = await panel();
  const { groups } = connector;
  connector.groups = () => Promise.reject(Object.assign(new Error('No answer.'), { code: 'X', remedy: 'Restart it.' }));
  workbench.selection.move({ step: 100, group: 2 });
  await settled();
  expect(get('error')!.textContent).toMatch(/No answer\..*Restart it\./s);
  connector.groups = groups;
  get('retry')!.click();
  await settled();
  expect(root.querySelector('[data-part=rewards]')).not.toBeNull();
});

it('markup in what is inspected stays text', async () => {
  const { root } = await panel({ completionText: () => `<think>${HOSTILE}</think> ${HOSTILE} <answer>${HOSTILE}</answer>` });
  workbench.selection.move({ step: 3, group: 0, completion: 0 });
  await settled();
  expect(root.querySelectorAll('script')).toHaveLength(0);
  expect(root.querySelectorAll('img')).toHaveLength(1); // the question's own
  expect((globalThis as { broken?: boolean }).broken).toBeUndefined();
});

it('asks the host for a link and for views', async () => {
  const { element, get } = await panel();
  const asked: string[] = [];
  element.addEventListener('medr1-command', (event) => asked.push((event as CustomEvent<{ id: string }>).detail.id));
  workbench.selection.move({ step: 3, group: 0 });
  await settled();
  get('copy-link')!.click();
  get('inspector-open-rollouts')!.click();
  expect(asked).toEqual(['copy-link', 'open-rollouts']);
});

it('leaves the run alone when it is closed', async () => {
  const { connector, element } = await panel();
  expect(connector.followers('a')).toBe(1);
  element.remove();
  expect(connector.followers('a')).toBe(0);
});
