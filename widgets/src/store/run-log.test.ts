import { expect, it } from 'vitest';
import type { RunEvent } from '../connector.ts';
import { readRunLog } from './run-log.ts';

const event = (seq: number, message = ''): RunEvent => ({ seq, time: 0, step: 0, kind: 'alert', code: 'X', message, remedy: '' });
const { signal } = new AbortController();

/** A backend that gives two events a page; `rewritten` after its first. */
const backend = (logs: RunEvent[][]) => ({
  asked: [] as number[],
  async events(_id: string, { since = 0 }: { since?: number }) {
    const log = logs[Math.min(this.asked.push(since) - 1, logs.length - 1)];
    const rest = log.filter(({ seq }) => seq > since);
    return { epoch: String(logs.indexOf(log)), events: rest.slice(0, 2), more: rest.length > 2 };
  },
});

it('a log that comes in pages is read to its end', async () => {
  const all = [1, 2, 3, 4, 5].map((seq) => event(seq));
  const from = backend([all]);
  expect(await readRunLog(from as never, 'a', ['alert'], signal)).toEqual(all);
  expect(from.asked).toEqual([0, 2, 4]);
});

it('a log that is rewritten between two pages is read anew', async () => {
  const anew = [1, 2, 3].map((seq) => event(seq, 'new'));
  expect(await readRunLog(backend([[1, 2, 3].map((seq) => event(seq)), anew]) as never, 'a', ['alert'], signal)).toEqual(anew);
});
