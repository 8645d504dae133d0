import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { RunStore } from '../runs/store.ts';
import { ALWAYS } from './turn.ts';
import { runWorker } from './worker.ts';

let tiny: Tiny;
beforeAll(async () => void (tiny = await makeTiny()));
afterAll(() => tiny[Symbol.asyncDispose]());

it('waits five minutes for a database that another program holds, others ten seconds', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'medr1-worker-'));
  const config = tiny.config({ max_steps: 1 });
  using control = RunStore.create(directory, { id: 'r', name: 'r', parent: null, config, root: tiny.directory, data_hash: 'tiny' });
  const open = vi.spyOn(RunStore, 'open');
  const patience = ({ db }: RunStore): unknown => db.prepare('PRAGMA busy_timeout').get();
  const seen: unknown[] = [];
  const state = await runWorker({
    directory,
    home: directory,
    createTrainer: async () => {
      seen.push(patience(open.mock.results[0].value as RunStore), patience(control));
      throw new Error('this test needs no trainer');
    },
    loadItems: async () => ({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'tiny' }),
    committed: () => {},
    log: () => {},
    signal: new AbortController().signal,
    nudge: async () => {},
    turn: ALWAYS,
    answerAsked: async () => {},
  });
  expect([state, ...seen]).toEqual(['failed', { timeout: 300_000 }, { timeout: 10_000 }]);
  open.mockRestore();
  rmSync(directory, { recursive: true });
});
