/** `medr1 train --pair` as users call it, without a server. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunSummary } from '../protocol/run.ts';
import { writeRunFile, writeSplit } from '../rl/testing/tiny-split.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
let tiny: Tiny;
let config: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  tiny = await makeTiny();
  env = { ...process.env, MEDR1_HOME: join(tiny.directory, 'home') };
  await writeSplit(tiny);
  config = await writeRunFile(tiny, { prompt_template: null, max_steps: 100_000 });
});
afterAll(() => tiny[Symbol.asyncDispose]());

/** Interrupts the command once both runs have made steps, as Ctrl-C does; resolves with its document. */
function interrupted(...args: string[]): Promise<{ code: number | null; runs: RunSummary[] }> {
  const child = spawn(process.execPath, [main, 'train', ...args], { env });
  return new Promise((resolve, reject) => {
    const stepped = new Set<string>();
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said += data;
      for (const [, variant] of said.matchAll(/^(think|no-think) {2}\[.*step \d+/gm)) stepped.add(variant);
      if (stepped.size === 2) child.kill('SIGINT');
    });
    child.on('close', async (code) => {
      const { stdout } = await promisify(execFile)(process.execPath, [main, 'runs', 'list', '--json'], { env });
      const { runs } = JSON.parse(stdout) as { runs: RunSummary[] };
      if (stepped.size === 2) resolve({ code, runs });
      else reject(new Error(said));
    });
  });
}

it('trains both by turns; Ctrl-C stops both, and a resume of one goes on with both', async () => {
  const first = await interrupted(config, '--pair', 'think,no-think');
  expect(first.code).toBe(1);
  expect(first.runs.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
  expect(first.runs.map(({ variant }) => variant).sort()).toEqual(['no-think', 'think']);
  const second = await interrupted('--resume', first.runs[1].id);
  expect(second.runs.map(({ id }) => id)).toEqual(first.runs.map(({ id }) => id));
  for (const [i, { state, step }] of second.runs.entries()) {
    expect(state).toBe('stopped');
    expect(step).toBeGreaterThan(first.runs[i].step);
  }
});

it.each([
  [['--pair', 'think'], 'must name two different variants'],
  [['--pair', 'think,thinking'], 'must name two different variants'],
  [['--pair', 'think,no-think', '--trace', 'trace.json'], 'trace_steps'],
  [['--pair', 'think,no-think', '--set', 'dynamic_sampling=1'], 'dynamic_sampling'],
])('refuses %j', async (args, says) => {
  const failed = await promisify(execFile)(process.execPath, [main, 'train', config, ...args], { env }).catch((error) => error);
  expect(failed.code).toBeGreaterThan(0);
  expect(String(failed.stderr)).toContain(says);
});
