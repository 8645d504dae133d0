/** Scripts of `medr1 launch`; test/cluster starts them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { quoted } from './launch-scripts.ts';
import { medr1 } from './program.ts';

const at = mkdtempSync(join(tmpdir(), "medr1 launch's-"));
const file = join(at, 'run.yaml');
beforeAll(() => writeFileSync(file, JSON.stringify({ model_name_or_path: '/m', dataset_name: '/d', per_device_train_batch_size: 64 }))); // JSON is YAML
afterAll(() => rmSync(at, { recursive: true, force: true }));

async function launched(...args: string[]): Promise<{ code: number; err: string; text: (ending: string) => string }> {
  const [out, err] = [vi.spyOn(process.stdout, 'write').mockReturnValue(true), vi.spyOn(process.stderr, 'write').mockReturnValue(true)];
  try {
    const code = await medr1(['launch', args[0], file, '--write', '--json', ...args.slice(1)]);
    return { code, err: err.mock.calls.join(''), text: (ending) => readFileSync(join(at, `run.${ending}`), 'utf8') };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

it('asks Slurm for a task a GPU on each node, and shares the step among all of them', async () => {
  const { code, text } = await launched('slurm', '--nodes', '2', '--gpus', '4', '--cpus', '8', '--sbatch=--partition=gpu');
  expect(code).toBe(0);
  const lines = text('slurm.sh').split('\n');
  for (const line of ['--nodes=2', '--ntasks-per-node=4', '--gpus-per-node=4', '--cpus-per-task=8', '--partition=gpu'])
    expect(lines).toContain(`#SBATCH ${line}`);
  expect(lines.find((line) => line.startsWith('exec srun'))).toContain(`${quoted(file)} --set dp_shards=8`);
  expect(statSync(join(at, 'run.slurm.sh')).mode & 0o111).toBe(0o111);
});

it.each(['slurm', 'torchrun', 'ray'])('writes no token into what %s starts', async (launcher) => {
  const address = 'http://lab.example:8888/lab?token=a-secret';
  const { code, text } = await launched(launcher, '--nodes', '2', '--gpus', '1', '--head', 'n1', '--report', address);
  expect(code).toBe(0);
  const all = text(launcher === 'ray' ? 'ray.py' : `${launcher}.sh`);
  expect(all).toContain('http://lab.example:8888/lab');
  expect(all).not.toContain('a-secret');
});

it('writes scripts that a shell takes, whatever the paths are called', async () => {
  for (const launcher of ['slurm', 'torchrun', 'ray']) {
    expect((await launched(launcher, '--gpus', '2')).code).toBe(0);
    execFileSync('bash', ['-n', join(at, `run.${launcher}.sh`)]);
  }
  expect(execFileSync('bash', ['-c', `printf %s ${quoted(file)}`], { encoding: 'utf8' })).toBe(file);
});

it.each([
  [['--nodes', '3', '--gpus', '1'], 'power of two'],
  [['--nodes', '4', '--gpus', '1', '--set', 'dp_shards=2'], 'dp_shards 2'],
  [
    ['--nodes', '4', '--gpus', '1', '--set', 'per_device_train_batch_size=16'],
    '--nodes 4 and --gpus 1: 4 processes cannot share the 2 questions of a step',
  ], // not after hours in a queue
  [['--nodes', '8', '--processes', '2'], 'Start 8 processes at most, or give a step more questions'],
  [['--set', 'processes=3'], 'processes is 3'],
  [['--head', 'a b'], '--head'],
  [['--sbatch=partition=gpu'], '--sbatch'],
  [['--set', 'no_such_key=1'], 'no_such_key'],
])('refuses %j with 2', async (args, named) => {
  const { code, err } = await launched('torchrun', ...args);
  expect(code).toBe(2);
  expect(err).toContain(named);
});
