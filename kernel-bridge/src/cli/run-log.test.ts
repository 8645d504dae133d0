import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import type { RunSummary } from '../protocol/run.ts';
import { completeConfig } from '../runs/config.ts';
import { RunStore } from '../runs/store.ts';
import { Follower } from './run-log.ts';
import { waitsFor } from './train.ts';

let directory: string;
let store: RunStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-log-'));
  const config = completeConfig({ model_name_or_path: '/m', dataset_name: 'd', num_generations: 2, per_device_train_batch_size: 4 });
  store = RunStore.create(directory, { id: '20260101-000000-aaaa', name: 'n', parent: null, config, root: '/', data_hash: 'h' });
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const steps = (count: number): void => {
  for (let i = 0; i < count; i++) store.commitStep(fakeStep(store.step + 1, undefined, 2, 1));
};

describe("a run's log as a terminal follows it", () => {
  it('goes on over steps that are dropped, to the end that comes after a shorter log', () => {
    steps(9);
    const follower = new Follower(store);
    expect(follower.next()).toEqual([]);
    store.setState('starting');
    store.dropAfter(2, { revisions: 'repeat' });
    store.setState('failed', { code: 'X', message: 'm', remedy: 'r' });
    expect(follower.next().map(({ kind, step }) => [kind, step])).toEqual([
      ['alert', 2],
      ['state', 2],
    ]);
    steps(1);
    expect(follower.next().map(({ kind, step }) => [kind, step])).toEqual([['step', 3]]);
  });
});

describe('a run that is queued', () => {
  it.each(['starting', 'running', 'paused', 'finished'] as const)('is not one that is %s', (state) => {
    store.setState(state);
    const before = store.seq;
    expect(() => store.enqueue()).toThrow(state);
    expect([store.row().state, store.seq]).toEqual([state, before]);
  });

  it('waits behind those that train, which are named', () => {
    const runs = [
      ['a', 'queued'],
      ['b', 'running'],
      ['c', 'paused'],
      ['d', 'finished'],
    ].map(([id, state]) => ({ id, state }) as RunSummary);
    expect(waitsFor(runs, 'a')).toBe('waits behind run b, which trains');
    expect(waitsFor(runs, 'b')).toBeNull();
    expect(waitsFor(runs.slice(0, 1), 'a')).toBeNull();
  });
});
