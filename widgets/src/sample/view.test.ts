// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { GenerateRequest, DataItem } from '../connector.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { SampleView } from './view.ts';

const SET = 'omnimedvqa';
const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;
const RUNS = [{ id: 'r1', steps: 90 }, { id: 'r2' }, { id: 'r3' }, { id: 'r4' }];

let workbench: Workbench;
beforeEach(() => {
  Object.assign(URL, { createObjectURL: () => 'blob:picture', revokeObjectURL: () => {} });
});
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(options: FakeOptions = {}, choose: (item: DataItem) => boolean = () => true) {
  const connector = new FakeConnector({ runs: RUNS, data: { datasets: [{ name: SET, items: 300 }], ...options.data }, ...options });
  workbench = new Workbench(connector);
  await workbench.start();
  const item = connector.data.all(SET).find(choose)!;
  workbench.selection.move({ dataset: SET, item: item.id });
  const element = Object.assign(document.createElement('medr1-sample') as SampleView, { workbench });
  document.body.append(element);
  const root = element.shadowRoot!;
  await settled();
  const get = (testid: string): HTMLElement | null => root.querySelector(`[data-testid=${testid}]`);
  const inside = (tag: string, testid: string): HTMLElement | null =>
    root.querySelector(tag)!.shadowRoot!.querySelector(`[data-testid=${testid}]`);
  return { connector, element, root, item, get, inside };
}
const shown = (root: ShadowRoot): string => root.querySelector<HTMLElement>('[data-testid=sample]')!.dataset.item!;

it('shows the question, the right option by a glyph and words, and its place', async () => {
  const { item, get } = await view({}, ({ answer }) => answer === 'B');
  expect(get('question')!.querySelector('h2')!.textContent).toBe(item.question);
  expect(get('right-option')!.textContent).toMatch(new RegExp(`B\\s+${item.options[1]}\\s+✓ right`));
  expect(get('place')!.textContent).toMatch(/^\d+ of 300$/);
});

it('while a data set is indexed it says how far that is', async () => {
  const job = {
    name: 'lungs',
    dir: '/lungs',
    state: 'running',
    phase: 'images',
    done: 500,
    total: 3840,
    error: null,
    seconds_left: 40,
    started_at: 0,
  } as const;
  const { get } = await view({ data: { datasets: [{ name: SET, items: 300 }], jobs: [job] } });
  workbench.selection.move({ dataset: null, item: null });
  await workbench.data.datasets.load();
  await settled();
  expect(get('loading')!.textContent).toBe('Loading the data set lungs: images 500 of 3,840 · 40 s left …');
});

it('keys and buttons walk the filter, but not while something is typed', async () => {
  const { connector, element, root, inside } = await view();
  const ids = connector.data.all(SET).map(({ id }) => id);
  const press = async (key: string, from: Element = root.querySelector('.page')!): Promise<void> => {
    from.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true }));
    await settled();
  };
  await press('ArrowRight');
  await press('j');
  expect(shown(root)).toBe(ids[2]);
  await press('k');
  expect([shown(root), workbench.selection.value.item]).toEqual([ids[1], ids[1]]);
  await press('j', inside('medr1-try', 'try-seed')!);
  expect(shown(root)).toBe(ids[1]);
  element.focus();
  await settled();
  expect(root.activeElement).toBe(root.querySelector('.page'));
});

it('the filter of the Data view decides what is next', async () => {
  const { connector, root, get } = await view({}, ({ modality }) => modality === 'X-Ray');
  workbench.data.apply({ facets: { modality: ['X-Ray'] } }, SET);
  await settled();
  const xrays = connector.data.all(SET).filter(({ modality }) => modality === 'X-Ray');
  get('next')!.click();
  await settled();
  expect(shown(root)).toBe(xrays[1].id);
  expect(get('place')!.textContent).toBe(`2 of ${xrays.length}`);
});

it('a click on another question of the image, or on a near-duplicate, goes there', async () => {
  const { root, get } = await view({}, ({ id }) => id.endsWith('_00010'));
  const near = get('near')!;
  near.click();
  await settled();
  const first = shown(root);
  expect(first).not.toMatch(/_00010$/);
  const siblings = [...root.querySelectorAll<HTMLElement>('[data-testid=sibling]')];
  expect(siblings[0].getAttribute('aria-current')).toBe('true');
});

it('answers stand by run with think and answer set apart, the newest open', async () => {
  const { root } = await view();
  const asked = [...root.querySelectorAll<HTMLDetailsElement>('[data-testid=asked]')];
  expect(asked.length).toBeGreaterThan(1);
  expect(asked[0].open).toBe(true);
  expect(asked[1].open).toBe(false);
  expect(asked[0].querySelector('[data-part=think]')).not.toBeNull();
  expect(asked[0].querySelector('[data-part=answer]')!.textContent!.trim()).toMatch(/^[✓✗] [A-F]$/);
});

it('the rollouts of an answer open where they were sampled', async () => {
  const { element, root } = await view();
  const opened = vi.fn();
  element.addEventListener('medr1-command', (event) => opened((event as CustomEvent<{ id: string }>).detail.id));
  [...root.querySelectorAll('button')].find((button) => button.textContent!.includes('rollouts'))!.click();
  expect(opened).toHaveBeenCalledWith('open-rollouts');
  expect(workbench.selection.value).toMatchObject({ step: 60, group: 3, runs: [expect.stringMatching(/^r\d$/)] });
});

it('asks for the prompt only once it is opened, and shows a run of image tokens as one with its number', async () => {
  const { connector, get, root } = await view();
  const asked = () => connector.calls.filter(([name]) => name === 'generate').length;
  expect(asked()).toBe(0);
  (get('prompt') as HTMLDetailsElement).open = true;
  get('prompt')!.dispatchEvent(new Event('toggle'));
  await settled();
  expect(asked()).toBe(1);
  const prompt = root.querySelector('medr1-prompt')!.shadowRoot!;
  expect(prompt.querySelectorAll('[data-testid=image-tokens]')).toHaveLength(1);
  expect(prompt.querySelector('[data-testid=image-tokens]')!.textContent).toContain('196 image tokens');
  expect(prompt.querySelector('[data-testid=seen-size]')!.textContent).toBe('392 × 392 px');
});

it('try it: both variants side by side, judged, with tokens and their probabilities', async () => {
  const { root, inside } = await view();
  inside('medr1-try', 'try-run')!.click();
  await settled();
  const area = root.querySelector('medr1-try')!.shadowRoot!;
  expect([...area.querySelectorAll<HTMLElement>('[data-testid=try-answer]')].map(({ dataset }) => dataset.variant)).toEqual([
    'think',
    'no-think',
  ]);
  expect(area.querySelector('[data-testid=try-completion] .chip')!.textContent!.trim()).toMatch(/^[✓✗] [A-F]$/);
  inside('medr1-try', 'as-tokens')!.click();
  await settled();
  const strip = area.querySelector('medr1-tokens')!.shadowRoot!;
  const tokens = [...strip.querySelectorAll('[data-testid=token]')];
  expect(tokens.map(({ textContent }) => textContent).join('')).toMatch(/^<think>.*<\/answer>$/);
  tokens[1].dispatchEvent(new MouseEvent('mouseenter'));
  await settled();
  expect(strip.querySelector('[data-testid=token-reading]')!.textContent).toMatch(/token 2 of \d+\s+\S.*log p −?\d.*p \d+ %/s);
});

it('try it: several models answer beside each other, in other words too, and what was tried before is a line', async () => {
  const { root, inside } = await view();
  const area = root.querySelector('medr1-try')!.shadowRoot!;
  const all = (testid: string) => [...area.querySelectorAll<HTMLElement>(`[data-testid=${testid}]`)];
  inside('medr1-try', 'try-run')!.click();
  await settled();
  expect(all('asked-of')).toHaveLength(0); // one model stands above its answers
  inside('medr1-try', 'edit-question')!.click();
  await settled();
  const words = inside('medr1-try', 'question-words') as HTMLTextAreaElement;
  expect(words.value).toMatch(/ A\)/);
  words.value = 'What is shown?';
  words.dispatchEvent(new Event('input'));
  await settled();
  inside('medr1-try', 'no-image')!.click();
  area.querySelector<HTMLInputElement>('[data-policy]')!.click();
  await settled();
  inside('medr1-try', 'try-run')!.click();
  await settled();
  expect(all('try').map((one) => (one as HTMLDetailsElement).open)).toEqual([true, false]);
  expect(new Set(all('asked-of').map(({ textContent }) => textContent)).size).toBe(2);
  expect(all('asked-words')[0].textContent).toMatch(/What is shown\?\s+no image/);
  expect(area.querySelectorAll('summary button')).toHaveLength(0); // a control in another is none for a screen reader
  all('forget-try')[0].click();
  await settled();
  expect(all('try')).toHaveLength(1);
});

it('try it: a part of the image, drawn on it or typed, or grey in its place, and the rewards of the answers', async () => {
  const { connector, root, inside } = await view({}, ({ sha256 }) => sha256 !== null);
  const asked = () => connector.calls.filter(([name]) => name === 'generate').map(([, request]) => request as GenerateRequest);
  inside('medr1-image', 'crop')!.click(); // all that is in view
  await settled();
  expect(inside('medr1-image', 'crop')!.getAttribute('aria-pressed')).toBe('true');
  const stage = inside('medr1-image', 'image-stage')!;
  stage.dispatchEvent(new MouseEvent('pointerdown', { button: 0, clientX: 0, clientY: 0, bubbles: true }));
  stage.dispatchEvent(new MouseEvent('pointermove', { clientX: 0.5, clientY: 0.5, bubbles: true }));
  stage.dispatchEvent(new MouseEvent('pointerup', { bubbles: true }));
  await settled();
  const width = inside('medr1-try', 'crop-width') as HTMLInputElement;
  expect(Number(width.value)).toBeGreaterThan(0);
  width.value = '0';
  width.dispatchEvent(new Event('change'));
  expect(Number(width.value)).toBeGreaterThan(0); // none is no part
  width.value = '17';
  width.dispatchEvent(new Event('change'));
  inside('medr1-try', 'try-blank')!.click();
  await settled();
  inside('medr1-try', 'try-run')!.click();
  await settled();
  expect(asked().at(-1)).toMatchObject({ blank: true, crop: { width: 17 }, rewards: workbench.selection.run });
  const area = root.querySelector('medr1-try')!.shadowRoot!;
  expect(area.querySelector('[data-testid=try-reward]')!.textContent).toMatch(/reward\s+[12]\.00/);
  expect(area.querySelector('[data-testid=try] summary')!.textContent).toMatch(
    /grey in place of the image, image at \d+, \d+: 17 × \d+ px/,
  );
  inside('medr1-try', 'try-whole')!.click();
  await settled();
  expect(inside('medr1-image', 'crop-mark')).toBeNull();
});

it('a question is tagged and noted; what is written goes when another question is shown', async () => {
  const { connector, item, root, get } = await view();
  get('note-question')!.click();
  await settled();
  const form = get('note-form') as HTMLFormElement;
  form.querySelector('input')!.value = 'hard, glare';
  form.querySelector('textarea')!.value = HOSTILE;
  form.requestSubmit();
  await settled();
  expect(connector.calls.find(([name]) => name === 'data.note')).toEqual([
    'data.note',
    SET,
    { query: { ids: [item.id] }, tags: ['hard', 'glare'], note: HOSTILE },
  ]);
  expect([...root.querySelectorAll('[data-testid=question-tag]')].map((one) => one.textContent)).toEqual(['hard', 'glare']);
  expect(get('question-note')!.textContent).toBe(HOSTILE);
  get('note-question')!.click();
  await settled();
  root.querySelector('.page')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true, composed: true }));
  await settled();
  expect(get('note-form')).toBeNull();
  expect(get('question-tag')).toBeNull();
});

it('a refusal is shown with its remedy; a number out of bounds cannot be asked with', async () => {
  const { connector, root, inside } = await view();
  connector.generate = () =>
    Promise.reject(Object.assign(new Error('Eight wait.'), { code: 'GENERATE_BUSY', remedy: 'Ask again in a moment.' }));
  inside('medr1-try', 'try-run')!.click();
  await settled();
  expect(root.querySelector('medr1-try')!.shadowRoot!.querySelector('[data-testid=error]')!.textContent).toContain(
    'Ask again in a moment.',
  );
  const field = inside('medr1-try', 'try-temperature') as HTMLInputElement;
  field.value = 'hot';
  field.dispatchEvent(new Event('input'));
  await settled();
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect((inside('medr1-try', 'try-run') as HTMLButtonElement).disabled).toBe(true);
});

it('an image of more than eight bits has a window; others do not', async () => {
  const ct = await view({}, ({ modality, sha256 }) => modality.startsWith('CT') && sha256 !== null);
  expect((ct.inside('medr1-image', 'window') as HTMLInputElement).value).toBe('400');
  ct.element.remove();
  const xray = await view({}, ({ modality, sha256 }) => modality === 'X-Ray' && sha256 !== null);
  expect(xray.inside('medr1-image', 'windowing')).toBeNull();
});

it('zooms by keys, and shows all again', async () => {
  const { inside } = await view({}, ({ sha256 }) => sha256 !== null);
  const press = async (key: string): Promise<string> => {
    inside('medr1-image', 'image-stage')!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true }));
    await settled();
    return inside('medr1-image', 'zoom')!.textContent!;
  };
  const before = await press('0');
  expect(await press('1')).toBe('100 %');
  expect(await press('+')).toBe('125 %');
  expect(await press('0')).toBe(before);
});

it('a question that cannot be used says why, and its image too', async () => {
  const { get, root } = await view({}, ({ problem }) => problem === 'image-missing');
  expect(get('problem')!.textContent).toContain('The image file does not exist.');
  expect(root.querySelector('medr1-image')!.shadowRoot!.querySelector('[data-testid=error]')).not.toBeNull();
});

it('what turns text round in a question or an option is an escape', async () => {
  const turned = '\u202eyes';
  const { root, get } = await view({
    data: { datasets: [{ name: SET, items: 30 }], item: (item) => ({ ...item, question: turned, options: [turned, turned] }) },
  });
  expect(get('question')!.querySelector('h2')!.textContent).toBe('\\u202eyes');
  const options = [...root.querySelectorAll('.options > li')].map((one) => one.textContent);
  expect(options).toEqual(Array(2).fill(expect.stringContaining('\\u202eyes')));
});

it('markup in a question, an option, a split, a record or an answer stays text', async () => {
  const { connector, root, get } = await view({
    data: {
      datasets: [{ name: SET, items: 30 }],
      item: (item) => ({
        ...item,
        question: HOSTILE,
        options: [HOSTILE, 'b'],
        modality: HOSTILE,
        splits: [HOSTILE],
        image: `${HOSTILE}/${item.image}`,
      }),
    },
  });
  const { generate } = connector;
  connector.generate = async (request) => {
    const made = await generate(request);
    const completions = made.completions.map((one) => ({ ...one, text: `<think>${HOSTILE}</think>${HOSTILE}`, prediction: HOSTILE }));
    return { ...made, completions, prompt: { ...made.prompt, tokens: [{ id: 1, text: HOSTILE }] } };
  };
  root.querySelector('medr1-try')!.shadowRoot!.querySelector<HTMLElement>('[data-testid=try-run]')!.click();
  (get('prompt') as HTMLDetailsElement).open = true;
  get('prompt')!.dispatchEvent(new Event('toggle'));
  await settled();
  for (const tree of [root, ...[...root.querySelectorAll('medr1-try, medr1-prompt, medr1-image')].map((one) => one.shadowRoot!)]) {
    expect(tree.querySelectorAll('script, img[onerror]')).toHaveLength(0);
    if (tree.host.localName !== 'medr1-image') expect(tree.textContent).toContain(HOSTILE);
  }
  expect((globalThis as { broken?: boolean }).broken).toBeUndefined();
});

it('says what to do when no question is chosen, and what is wrong when it cannot be read', async () => {
  const { element, root } = await view();
  workbench.selection.move({ item: null });
  await settled();
  expect(root.querySelector('[data-testid=empty]')!.textContent).toContain('Open Data');
  workbench.selection.move({ item: 'nobody' });
  await settled();
  expect(root.querySelector('[data-testid=error]')!.textContent).toContain('There is no question nobody.');
  element.remove();
});

it('an answer of try it can be asked about: its own tokens, the policy that gave it, and what else could have been said', async () => {
  const { connector, root, item, inside } = await view();
  inside('medr1-try', 'try-run')!.click();
  await settled();
  inside('medr1-try', 'as-tokens')!.click();
  await settled();
  const area = root.querySelector('medr1-try')!.shadowRoot!;
  const [first] = area.querySelectorAll('medr1-tokens');
  first.shadowRoot!.querySelector('.strip')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  await settled();
  const asked = (name: string) => connector.calls.filter(([call]) => call === `explain.${name}`).map(([, target]) => target);
  const said = { run: workbench.selection.run, dataset: SET, item: item.id, variant: 'think', token_ids: expect.any(Array), step: 120 };
  expect(asked('alternatives')).toEqual([said]);
  expect(first.shadowRoot!.querySelectorAll('[data-testid=alternatives] li')).toHaveLength(5);
  area.querySelector<HTMLDetailsElement>('[data-testid=try-about]')!.open = true;
  const panel = area.querySelector('medr1-explain')!.shadowRoot!;
  panel.querySelector<HTMLElement>('[data-testid=map-ask]')!.click();
  await settled();
  const ask = { ...said, method: 'integrated', token: 0 };
  expect(asked('attribution')).toEqual([{ ...ask, orders: 0 }, ask]); // the map, then its check
  expect(panel.querySelector('[data-testid=map-verdict]')).not.toBeNull();
});
