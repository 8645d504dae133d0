import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EvalQueue } from './eval-queue.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'medr1-eval-queue-'))));
afterEach(() => rmSync(home, { recursive: true }));

const waiting = ['c', 'a', 'b'].map((id) => ({ id, created_at: id.charCodeAt(0) }));
const order = (queue: EvalQueue, of = waiting) =>
  queue
    .ordered(of)
    .map(({ id }) => id)
    .join('');

it('is in the order in which they were made, until one is moved', () => {
  const queue = new EvalQueue(home);
  expect(order(queue)).toBe('abc');
  queue.move('c', 'a', waiting);
  expect(order(queue)).toBe('cab');
  queue.move('c', 'b', waiting);
  expect(order(queue)).toBe('acb');
  queue.move('a', null, waiting);
  expect(order(queue)).toBe('cba');
  queue.move('b', 'b', waiting);
  expect(order(queue)).toBe('cba');
});

it('outlives the server, and forgets those that no longer wait', () => {
  const queue = new EvalQueue(home);
  queue.move('c', 'a', waiting);
  queue.hold('b', true, waiting);
  const again = new EvalQueue(home);
  expect([order(again), again.isHeld('b'), again.isHeld('c')]).toEqual(['cab', true, false]);
  again.hold('b', false, waiting.slice(1));
  expect([order(new EvalQueue(home)), new EvalQueue(home).isHeld('b')]).toEqual(['abc', false]);
});

it.each(['', '{"a":', 'null', '[1]', '{"a":null}', '{"a":{"since":"x"}}'])('a file that holds %j counts as none', (text) => {
  writeFileSync(join(home, 'eval-queue.json'), text);
  const queue = new EvalQueue(home);
  expect(order(queue)).toBe('abc');
  expect(queue.isHeld('a')).toBe(false);
});
