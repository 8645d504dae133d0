import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { completeConfig } from '../runs/config.ts';
import { runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { Jobs } from './jobs.ts';
import { Supervisor } from './supervisor.ts';

const ID = '20260101-000000-aaaa';

/** A run in a home, and a supervisor whose worker is this test. */
function supervised() {
  const home = mkdtempSync(join(tmpdir(), 'medr1-supervisor-'));
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  mkdirSync(runDirectory(home, ID), { recursive: true });
  const run = RunStore.create(runDirectory(home, ID), { id: ID, name: 'x', parent: null, config, root: '/data', data_hash: 'h' }, 1000);
  const child = new EventEmitter();
  const jobs = new Jobs({ fork: () => child as ChildProcess });
  const supervisor = new Supervisor({ home, jobs, changed: () => undefined });
  return {
    run,
    supervisor,
    says: (message: string) => child.emit('message', message),
    async ends(): Promise<void> {
      child.emit('exit', 0, null);
      await jobs.find('train', ID)?.ended;
    },
    [Symbol.dispose]() {
      run[Symbol.dispose]();
      rmSync(home, { recursive: true });
    },
  };
}

it('a run that another process queued before the end of its worker was heard is left to that process', async () => {
  using one = supervised();
  one.supervisor.startNow(ID);
  one.run.take();
  one.says('committed');
  one.run.setState('interrupted');
  one.run.enqueue();
  await one.ends();
  expect(one.run.row()).toMatchObject({ state: 'queued', error: null });
});

it('a run whose worker ended before it had opened it is broken off', async () => {
  using one = supervised();
  one.supervisor.startNow(ID);
  await one.ends();
  expect(one.run.row()).toMatchObject({ state: 'interrupted', error: { code: 'WORKER_DIED' } });
});
