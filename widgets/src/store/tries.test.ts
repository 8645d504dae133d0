import { describe, expect, it } from 'vitest';
import { Tries, type Try } from './tries.ts';

const tried = (id: number, text = 'A', change: Partial<Try> = {}): Try => ({
  id,
  settings: { num: 1, temperature: 0, max_new_tokens: 16, seed: null },
  edit: null,
  look: { blank: false, crop: null },
  running: false,
  answers: [
    {
      policy: { key: 'run:a', heading: 'a, newest policy' },
      variant: 'think',
      asked: { run: 'a', dataset: 'set', item: '1', variant: 'think' },
      answer: {
        status: 'ready',
        value: {
          run: 'a',
          step: 3,
          model: '/a',
          variant: 'think',
          prompt: { text: 'Where?', tokens: [{ id: 1, text: 'Where?' }], image: null },
          reading: 'exact',
          seconds: 1,
          completions: [{ text, token_ids: [1], tokens: [text], logprobs: [-0.5], finish_reason: 'stop', prediction: null, correct: null }],
        },
      },
    },
  ],
  ...change,
});

const reopened = (tries: Tries): Tries => {
  const next = new Tries();
  next.restore(JSON.parse(JSON.stringify(tries)));
  return next;
};

describe('tries', () => {
  it('come back on another page, the newest as far as there is room', () => {
    const tries = new Tries();
    tries.put('set', 'old', [tried(1, 'x'.repeat(60_000))]);
    tries.put('set', 'new', [tried(2, 'y'.repeat(60_000)), tried(1)]);
    const again = reopened(tries);
    expect(again.of('set', 'new').map(({ id }) => id)).toEqual([2, 1]);
    expect(again.of('set', 'old')).toEqual([]);
    expect(tries.of('set', 'old'), 'on this page they stay').toHaveLength(1);
  });

  it('that have no answer do not', () => {
    const failed = tried(1);
    failed.answers[0].answer = { status: 'error', error: { code: 'X', message: 'No.', remedy: '' } };
    const tries = new Tries();
    tries.put('set', '1', [tried(2, 'B', { running: true }), failed]);
    expect(reopened(tries).of('set', '1')).toMatchObject([{ id: 2, running: false }]);
  });

  it('that are not well formed are left out, and what was asked since stays', () => {
    const tries = new Tries();
    tries.put('set', '2', [tried(5)]);
    const bad = [null, 7, {}, { ...tried(1), answers: [] }, { ...tried(1), look: {} }, { ...tried(1), settings: { num: 'x' } }];
    const hollow = structuredClone(tried(2)) as unknown as { answers: { answer: { value: object } }[] };
    hollow.answers[0].answer.value = {};
    for (const json of [null, [], 'x', { k: 7 }]) tries.restore(json);
    tries.restore({ '["set","1"]': [...bad, hollow, tried(3)], '["set","2"]': [tried(1)] });
    expect([tries.of('set', '1'), tries.of('set', '2')]).toMatchObject([[{ id: 3 }], [{ id: 5 }]]);
  });
});
