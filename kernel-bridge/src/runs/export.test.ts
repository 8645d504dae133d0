import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { completeConfig } from './config.ts';
import { exportRun } from './export.ts';
import { RunStore } from './store.ts';

let directory: string;
let store: RunStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-export-'));
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  store = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  for (const step of [1, 2]) store.commitStep(fakeStep(step));
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

it.each(['csv', 'dir'] as const)('%s: what a killed export left does not stop the next one', async (format) => {
  const out = join(directory, 'out');
  writeFileSync(`${out}.partial`, 'left');
  await exportRun(store, out, format);
  expect(readFileSync(format === 'dir' ? join(out, 'metrics.csv') : out, 'utf8').split('\n')).toHaveLength(4);
});

it('csv: NaN and infinities are told from a metric that was not logged', async () => {
  const odd = { reward: NaN, kl: Infinity, entropy: -Infinity, mine: null };
  store.commitStep({ ...fakeStep(3), metrics: odd });
  const out = join(directory, 'out');
  await exportRun(store, out, 'csv');
  const [head, , , last] = readFileSync(out, 'utf8').split('\n');
  const names = head.split(',').map((name) => name.replaceAll('"', ''));
  const cells = last.split(',');
  expect(Object.keys(odd).map((name) => cells[names.indexOf(name)])).toEqual(['NaN', 'Infinity', '-Infinity', '']);
});

it('two at once to one place: the one that is done first stays whole', async () => {
  const out = join(directory, 'out');
  const done = await Promise.allSettled([exportRun(store, out, 'dir'), exportRun(store, out, 'dir')]);
  expect(done.some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(readFileSync(join(out, 'rollouts.jsonl'), 'utf8').split('\n')).toHaveLength(5);
});

it('a failure leaves nothing', async () => {
  store.db.exec('DROP TABLE completion');
  const out = join(directory, 'out');
  await expect(exportRun(store, out, 'dir')).rejects.toThrow(/no such table/);
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([]);
});
