import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { Group } from '../connector.ts';
import { pairedQuestions, PairModel, pairOf, pairsOf, passing } from './model.ts';

const connector = new FakeConnector({
  runs: [
    { id: 'direct', variant: 'no-think', steps: 30, seed: 2, pair: { id: 'p', with: 'think', variant: 'think' } },
    { id: 'think', variant: 'think', steps: 30, seed: 1, pair: { id: 'p', with: 'direct', variant: 'no-think' } },
    { id: 'left', steps: 3, pair: { id: 'q', with: 'gone', variant: 'no-think' } },
    { id: 'alone', steps: 3 },
  ],
});

/** A group of which `right` of four completions are right; null = nobody knows the right answer. */
function group(item_id: string, at: number, right: number | null, more: Partial<Group> = {}): Group {
  const completions = [0, 1, 2, 3].map((index) => ({ index, correct: right === null ? null : index < right }));
  return { group: at, item_id, modality: 'CT', question_type: 'Diagnosis', completions, ...more } as Group;
}

it('what thinks stands left, whichever is chosen', async () => {
  const runs = await connector.runs();
  for (const id of ['direct', 'think']) {
    const pair = pairOf(runs.find((run) => run.id === id), runs)!; // prettier-ignore
    expect([pair.left.id, pair.right.id]).toEqual(['think', 'direct']);
  }
  expect(pairOf(runs.find(({ id }) => id === 'alone'), runs)).toBeNull(); // prettier-ignore
  expect(pairOf(runs.find(({ id }) => id === 'left'), runs)).toBeNull(); // prettier-ignore
  expect(pairsOf(runs).map(({ left }) => left.id)).toEqual(['think']);
});

it('a question is right where more than half of its completions are', () => {
  const left = [3, 2, 4, 0, null].map((right, at) => group(`q${at}`, at, right));
  const right = [4, 3, 2, 1, 4].map((right, at) => group(`q${at}`, at, right));
  const questions = pairedQuestions(left, right);
  expect(questions.map(({ outcome }) => outcome)).toEqual(['both', 'right', 'left', 'none', null]);
});

it('only groups of the same question stand side by side', () => {
  const [first, second] = pairedQuestions([group('a', 0, 4), group('b', 1, 4)], [group('a', 0, 0), group('c', 1, 0)]);
  expect([first.outcome, first.right?.item_id]).toEqual(['left', 'a']);
  expect([second.outcome, second.right]).toEqual([null, null]);
});

it('filters by outcome, modality and type', () => {
  const sides = [group('a', 0, 4), group('b', 1, 0, { modality: 'MRI' }), group('c', 2, 4, { question_type: 'Anatomy' })];
  const all = pairedQuestions(sides, sides);
  const shown = (filter: object) => passing(all, { outcome: 'all', modality: null, type: null, ...filter }).map(({ left }) => left.item_id);
  expect(shown({})).toEqual(['a', 'b', 'c']);
  expect(shown({ outcome: 'both' })).toEqual(['a', 'c']);
  expect(shown({ outcome: 'none' })).toEqual(['b']);
  expect(shown({ modality: 'MRI' })).toEqual(['b']);
  expect(shown({ outcome: 'both', type: 'Anatomy' })).toEqual(['c']);
});

it('reads how both runs answered the questions of a step through training, once for a step', async () => {
  const model = new PairModel(connector);
  const pair = pairsOf(await connector.runs())[0];
  await Promise.all([model.readHistories(pair, 14), model.readHistories(pair, 14)]);
  const histories = model.histories.value;
  if (histories.status !== 'ready') throw new Error(histories.status);
  const item = connector.groupsOf(connector.options.runs![1], 14, 12)[0].item_id;
  const { left, right } = histories.value.get(item)!;
  expect(left!.asked.map(({ step }) => step)).toEqual([2, 14, 26]);
  expect(right!.asked).toHaveLength(3);
  expect(left!.asked).not.toEqual(right!.asked);
  expect(connector.calls.filter(([name]) => name === 'questionHistory')).toHaveLength(2);
});
