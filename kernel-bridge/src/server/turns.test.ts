import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

function pair() {
  const steps: Record<string, number> = { a: 0, b: 0 };
  const away = new Set<string>();
  const given: string[] = [];
  const turns = new Turns({
    rival: (id) => ['a', 'b'].find((other) => other !== id && !away.has(other)) ?? null,
    step: (id) => steps[id],
    grant: (id) => given.push(id),
  });
  const done = (id: string, other: string): void => {
    steps[id]++;
    turns.done(id);
    turns.look(other);
  };
  return { turns, steps, away, given, done };
}

it('gives one run a turn at a time, and then the other', () => {
  const { turns, given, done } = pair();
  turns.ask('a');
  turns.ask('b');
  expect(given).toEqual(['a']);
  done('a', 'b');
  turns.ask('a');
  expect(given).toEqual(['a', 'b']);
  done('b', 'a');
  expect(given).toEqual(['a', 'b', 'a']);
});

it('lets the one that is behind catch up, also while it has not asked yet', () => {
  const { turns, steps, given, done } = pair();
  steps.a = 2;
  turns.ask('a');
  expect(given).toEqual([]);
  for (const _ of [1, 2]) {
    turns.ask('b');
    done('b', 'a');
  }
  expect(given).toEqual(['b', 'b', 'a']);
});

it('waits for no run that is paused or gone', () => {
  const { turns, steps, away, given } = pair();
  steps.a = 5;
  turns.ask('a');
  expect(given).toEqual([]);
  away.add('b');
  turns.look('a');
  expect(given).toEqual(['a']);
});

it('takes a question back', () => {
  const { turns, given, done } = pair();
  turns.ask('a');
  turns.ask('b');
  turns.done('b');
  done('a', 'b');
  expect(given).toEqual(['a']);
});
