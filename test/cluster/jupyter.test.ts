/** `medr1 train --report` to a real JupyterLab: through its relay, with its token, under a prefix, and over a time in which it is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab } from '../../kernel-bridge/setup/jupyter.mjs';
import { listRuns, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { workbenchAt } from '../../kernel-bridge/src/server/reporter.ts';
import { reached, until } from '../server/harness.ts';
import { rowsOf } from '../server/whole-run.ts';
import { freePort } from './free-port.ts';

const root = resolve(import.meta.dirname, '../..');
const TOKEN = 'd'.repeat(48);
const PREFIX = '/user/x/';
const at = mkdtempSync(join(tmpdir(), 'medr1-lab-'));
const [labHome, jobHome, file] = ['lab', 'job', 'run.yaml'].map((name) => join(at, name));

let port: number;
let lab: ChildProcess;
async function start(): Promise<void> {
  const env = { MEDR1_HOME: labHome };
  const state = join(at, 'jupyter');
  ({ process: lab } = await startLab({
    port,
    token: TOKEN,
    baseUrl: PREFIX,
    dir: join(labHome, 'notebooks'),
    state,
    env,
    stdio: 'ignore',
  }));
}
async function end(signal: NodeJS.Signals): Promise<void> {
  if (lab.exitCode !== null || lab.signalCode !== null) return;
  lab.kill(signal);
  await once(lab, 'exit');
}
const address = (token: string): string => `http://127.0.0.1:${port}${PREFIX}lab?token=${token}`;

/** The command, at the machine that trains. */
function train(...words: string[]): { said: () => string; ended: Promise<number | null> } {
  const env = { ...process.env, MEDR1_HOME: jobHome, MEDR1_REPORT_TOKEN: '', OMP_NUM_THREADS: '1' };
  const child = spawn(join(root, 'node_modules/.bin/medr1'), ['train', file, ...words], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data));
  return { said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) };
}

beforeAll(async () => {
  mkdirSync(labHome);
  const settings = {
    num_generations: 4,
    per_device_train_batch_size: 8,
    max_completion_length: 8,
    max_steps: 100_000,
    save_steps: 100_000,
  };
  const sample = { model_name_or_path: join(root, 'examples/sample/model'), dataset_name: process.env.MEDR1_SAMPLE };
  writeFileSync(file, JSON.stringify({ ...sample, ...settings })); // JSON is YAML
  port = await freePort();
  await start();
});
afterAll(async () => {
  await end('SIGTERM');
  rmSync(at, { recursive: true, force: true, maxRetries: 10 }); // a process that ends may still write there
});

describe('a run that reports to JupyterLab', () => {
  it('is refused by name where the token is another, or the prefix, before anything is trained', async () => {
    for (const [to, message] of [
      [address('wrong'), 'JupyterLab does not take the token of --report (status 403)'],
      [address(TOKEN).replace('/user/x', ''), 'There is no workbench at the address of --report (status 404)'],
    ]) {
      const { said, ended } = train('--report', to);
      expect(await ended).toBe(1);
      expect(said()).toContain(message);
    }
    expect(existsSync(join(jobHome, 'runs')) ? listRuns(jobHome) : []).toEqual([]);
  });

  it('shows there, takes edits, and is whole there although JupyterLab was killed and started again', { timeout: 600_000 }, async () => {
    const { said, ended } = train('--report', address(TOKEN));
    const client = workbenchAt(address(TOKEN));
    const { id } = await until(async () => (await client.runs()).find(({ step }) => step > 1) ?? `no run: ${said()}`, 300_000);
    await client.editRewards(id, { base_revision: 1, weights: { accuracy: 0.5 } });
    await until(async () => ((await client.rewards(id)).at(-1)!.step ? true : 'the edit is not in force'));

    await end('SIGKILL');
    using there = openRun(jobHome, id);
    const before = there.step;
    await until(() => (there.step > before + 3 ? true : `step ${there.step} while JupyterLab is gone: ${said()}`), 300_000);
    await start();
    // while its backend starts it refuses
    const seen = async (): Promise<number> => (await client.run(id)).summary.step;
    await until(() => seen().then((step) => (step > before + 3 ? true : `it shows step ${step}: ${said()}`), String), 300_000);

    await client.action(id, 'stop');
    await reached(client, id, 'stopped');
    expect(await ended).toBe(1); // it did not finish: what stands behind && does not follow
    client.close();
    expect(rowsOf(labHome, id)).toEqual(rowsOf(jobHome, id));
  });
});
