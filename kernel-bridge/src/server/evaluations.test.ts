import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { evalDirectory } from '../evals/evals.ts';
import { DevicePool } from './device-pool.ts';
import { Evaluations } from './evaluations.ts';
import { Jobs } from './jobs.ts';

const home = mkdtempSync(join(tmpdir(), 'medr1-evaluations-'));
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(home, { recursive: true, force: true });
});

it('one that is damaged is named in the log once, however often it is looked at', () => {
  const directory = evalDirectory(home, '20260101-000000-aaaa');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'eval.db'), 'no database '.repeat(1000));
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => (said.push(String(line)), true));
  const jobs = new Jobs({});
  const evaluations = new Evaluations({ home, jobs, pool: new DevicePool(jobs, undefined), publish: () => {} });
  for (let look = 0; look < 3; look++) expect(evaluations.list()).toEqual([]);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('20260101-000000-aaaa');
});
