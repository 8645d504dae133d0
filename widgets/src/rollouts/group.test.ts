// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import './group.ts';
import type { RolloutGroup } from './group.ts';

const HOSTILE = `<img src=x onerror="globalThis.broken = true"><script>globalThis.broken = true</script>`;

afterEach(() => document.body.replaceChildren());

async function draw(change: (group: RolloutGroup['group']) => void = () => {}): Promise<ShadowRoot> {
  const [group] = new FakeConnector({ completionText: () => `<think>${HOSTILE}</think> ${HOSTILE} <answer>${HOSTILE}</answer>` }).groupsOf(
    { id: 'a' },
    3,
    1,
  );
  change(group);
  const element = Object.assign(document.createElement('medr1-group') as RolloutGroup, { group, open: true });
  document.body.append(element);
  await element.updateComplete;
  return element.shadowRoot!;
}

it('markup in a completion, a question or an option stays text', async () => {
  const root = await draw((group) => Object.assign(group, { question: HOSTILE, options: [HOSTILE, 'b'], modality: HOSTILE }));
  expect(root.querySelectorAll('script, img')).toHaveLength(0);
  expect(root.querySelector('.question')!.textContent).toBe(HOSTILE);
  expect(root.querySelector('[data-part=think]')!.textContent).toContain(HOSTILE);
  expect(root.querySelector('[data-part=outside]')!.textContent).toContain(HOSTILE);
  expect((globalThis as { broken?: boolean }).broken).toBeUndefined();
});

it('what turns text round is an escape: it would show the verdict after it in another order', async () => {
  const root = await draw((group) => {
    group.question = 'Which?\r\n\u202dA';
    group.completions[0].text = '<think>\u202eno\u001b[31m</think> <answer> A </answer>';
  });
  expect(root.querySelector('[data-part=think]')!.textContent).toContain('\\u202eno\\u001b[31m');
  expect(root.querySelector('.question')!.textContent).toBe('Which?\n\\u202dA');
});

it('an answer says by glyph, not by colour alone, whether it is right', async () => {
  const root = await draw((group) =>
    group.completions.forEach((one, index) => Object.assign(one, { text: '<answer> C </answer>', correct: index === 0 })),
  );
  const answers = [...root.querySelectorAll('[data-part=answer]')].map((one) => one.textContent!.trim());
  expect(answers.slice(0, 2)).toEqual(['✓ C', '✗ C']);
});

it('a group without spread says that it teaches nothing', async () => {
  expect((await draw((group) => (group.reward_std = 0))).textContent).toContain('no spread');
});

it('says nothing of tokens that are not known, as of an imported run', async () => {
  const texts = ['one', 'two'];
  const untold = { token_ids: [], logprobs: [], entropy: null, kl: null };
  const root = await draw((group) => (group.completions = texts.map((text, index) => ({ ...group.completions[index], text, ...untold }))));
  expect(root.querySelector('[data-testid=parts-at]')).toBeNull();
  expect(root.textContent).not.toMatch(/0 tok/);
  for (const text of texts) expect(root.textContent).toContain(text);
});

it('says nothing of right and wrong where nobody can tell, as of an imported run', async () => {
  const untold = (group: RolloutGroup['group']): void => {
    Object.assign(group, { answer: null, options: [], modality: '' });
    for (const one of group.completions) Object.assign(one, { correct: null });
  };
  expect((await draw()).textContent).toMatch(/gold .*right/s);
  expect((await draw(untold)).textContent).not.toMatch(/gold|right/);
});
