// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { Group } from '../connector.ts';
import { dataUrl, escaped, imagesOf, pageOf } from './page.ts';

const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>'"&`;
const PNG = 'data:image/png;base64,AAEC';

const groups = (change: Partial<Group> = {}): Group[] =>
  new FakeConnector({}).groupsOf({ id: 'a' }, 3, 2).map((group) => ({ ...group, ...change }));
const read = (text: string): Document => new DOMParser().parseFromString(text, 'text/html');

afterEach(() => vi.unstubAllGlobals());

it('holds every question with its options, image, completions and rewards', () => {
  const [first, second] = groups();
  const page = read(pageOf({ run: 'Demo', step: 3, groups: [first, second], images: new Map([[first.image!, PNG]]) }));
  expect(page.title).toBe('Demo, step 3');
  const [one, two] = page.querySelectorAll('main article');
  expect(one.querySelector('h2')!.textContent).toBe(first.question);
  expect(one.querySelector('u')!.textContent).toContain(`${first.answer})`);
  expect(one.querySelector('img')!.getAttribute('src')).toBe(PNG);
  expect(two.querySelector('.none')!.textContent).toBe('image missing');
  expect(one.querySelectorAll('li')).toHaveLength(first.completions.length);
  expect(one.querySelector('li')!.textContent).toContain('accuracy');
});

it('is one file: nothing is loaded and nothing runs, whatever was written', () => {
  const hostile = groups({
    question: HOSTILE,
    options: [HOSTILE, 'b'],
    answer: 'A',
    modality: HOSTILE,
    question_type: HOSTILE,
    item_id: HOSTILE,
  });
  for (const group of hostile)
    for (const one of group.completions)
      Object.assign(one, {
        text: `<think>${HOSTILE}</think>${HOSTILE}<answer>${HOSTILE}</answer>`,
        prediction: HOSTILE,
        rewards: { [HOSTILE]: 1 },
      });
  const text = pageOf({ run: HOSTILE, step: 3, groups: hostile, images: new Map() });
  const page = read(text);
  expect(page.querySelectorAll('script, img, link, iframe, object, [onerror], [src], [href]')).toHaveLength(0);
  expect(page.querySelector('meta[http-equiv]')!.getAttribute('content')).toContain("default-src 'none'");
  expect(page.querySelector('h2')!.textContent).toBe(HOSTILE);
  expect(page.querySelector('.text')!.textContent).toContain(HOSTILE);
});

it.each([
  ['so it is</think><answer>C</answer>', '', '⚠ no opening tag so it is</think>'],
  ['so it is</think><answer>C</answer>', '<think>', '<think>so it is</think>'],
  ['<think>so it is', '', '<think>so it is ⚠ unclosed'],
])('%j after a prompt that ends in %j shows no tag that nobody wrote', (text, end, think) => {
  const [group] = groups({ prompt: `Question ${end}` });
  group.completions = [{ ...group.completions[0], text }];
  const page = read(pageOf({ run: 'Demo', step: 3, groups: [group], images: new Map() }));
  expect(page.querySelector('.think')!.textContent).toBe(think);
});

it('shows what turns text round as an escape', () => expect(escaped('\u202eno')).toBe('\\u202eno'));
it('escapes what HTML reads', () => expect(escaped(`<a b="c" d='e'>&`)).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;'));

describe('images', () => {
  const answers = (type: string, ok = true) =>
    vi.stubGlobal(
      'fetch',
      vi.fn(() => Promise.resolve(new Response(new Uint8Array([0, 1, 2]), { status: ok ? 200 : 404, headers: { 'content-type': type } }))),
    );

  it('are read once each, and stand in the page as they are', async () => {
    answers('image/png');
    const images = await imagesOf([...groups(), ...groups()], (path) => `/image/${path}`);
    expect(new Set(images.values())).toEqual(new Set([PNG]));
    expect(fetch).toHaveBeenCalledTimes(images.size);
  });

  it.each([
    ['image/png', false],
    ['text/html', true],
    ['image/svg+xml', true],
  ])('%s, found: %s, is left out', async (type, ok) => {
    answers(type, ok);
    expect(await dataUrl('/image')).toBeNull();
  });

  it('that cannot be reached are left out', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new Error('down')));
    expect(await dataUrl('/image')).toBeNull();
  });
});
