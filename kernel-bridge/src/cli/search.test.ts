/** `medr1 search`, as users call it. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { completeConfig } from '../runs/config.ts';
import { runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { group } from '../runs/testing/made-runs.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const ID = '20260101-000000-aaaa';
const OTHER = '20260101-000000-bbbb';
let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-search-'));
  for (const id of [ID, OTHER]) {
    mkdirSync(runDirectory(home, id), { recursive: true });
    const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
    using run = RunStore.create(runDirectory(home, id), { id, name: 'x', parent: null, config, root: '/data', data_hash: 'h' });
    const said = ['\u001b[31mit may be a cyst', 'it may be a cyst', 'so it is a round lesion', 'so it is a round lesion'];
    for (const step of [1, 2, 3, 4])
      run.commitStep({
        step,
        metrics: {},
        groups: [0, 1, 2, 3].map((at) => group(step, at, { completions: Array.from({ length: 4 }, () => said[step - 1]) })),
      });
    run.db.exec('DELETE FROM search_step WHERE step > 2'); // as a run of before, whose index is made when it is searched
  }
});
afterAll(() => rmSync(home, { recursive: true }));

const search = (...args: string[]): Promise<{ code: number; out: string; error: string }> =>
  new Promise((done) => {
    execFile(process.execPath, [main, 'search', ...args], { env: { ...process.env, MEDR1_HOME: home } }, (failed, out, error) =>
      done({ code: failed ? Number(failed.code) : 0, out, error }),
    );
  });

it('finds completions, also of steps that were not indexed, and follows a question', async () => {
  const { out } = await search('text', ID, '"round lesion"', '--json', '--limit', '3');
  expect(JSON.parse(out)).toMatchObject({ hits: { length: 3 }, runs: [{ steps: 4, indexed: 4 }] });
  const told = await search('text', ID, 'cyst', '--steps', '1', '--item', 'q2');
  expect(told.out).toContain('step 1, group 2, 0: A, right (exact), question q2');
  const question = await search('question', ID, 'q1');
  expect(question.out.trim().split('\n')).toHaveLength(8);
  expect(question.out).toContain('4/4');
  expect(await search('question', ID, 'q9')).toMatchObject({ code: 1, error: expect.stringContaining('never asked question "q9"') });
});

it('stops an expression that would never come back from a text, and says so', async () => {
  const { code, error } = await search('text', ID, '^(.|.|.)*z$', '--regexp');
  expect(error).toContain('was stopped after 3 s on one text');
  expect(code).toBe(1);
});

it('looks through several runs', async () => {
  const { out } = await search('text', `${ID},${OTHER}`, 'cyst', '--limit', '100');
  for (const id of [ID, OTHER]) expect(out).toContain(`run ${id}, step 1, group 2, 0: A, right (exact), question q2`);
  expect(out).toContain('64 found');
});

it('tells phrases that came and went, and families', async () => {
  const { out } = await search('phrases', ID, '--before', '1-2', '--after', '3-4');
  expect(out).toMatch(/GREW[^]*is a round lesion +0\.0 % +100\.0 %[^]*VANISHED[^]*may be a cyst +100\.0 % +0\.0 %/);
  const families = await search('families', ID, '--json');
  expect(JSON.parse(families.out).families.map(({ completions, from, to }: Record<string, number>) => [completions, from, to])).toEqual([
    [32, 3, 4],
    [16, 1, 1],
    [16, 2, 2],
  ]);
});

it.each([
  [['phrases', ID, '--before', '9-3', '--after', '4'], 'Give steps as 10-20'],
  [['phrases', ID, '--before', '1', '--after', '4', '--fdr', '7'], '--fdr is a rate'],
  [['families', ID, '--similarity', '0.1'], '--similarity is a share'],
  [['text', ID, '(', '--regexp'], 'no regular expression'],
])('%j is wrong usage', async (args, message) => {
  const { code, error } = await search(...args);
  expect(error).toContain(message);
  expect(code).toBe(2);
});
