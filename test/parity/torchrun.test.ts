/** `torchrun --no-python medr1 train`: PyTorch's own launcher starts the processes of a run, and its agent holds the store. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const home = mkdtempSync(join(tmpdir(), 'medr1-torchrun-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const SETTINGS = {
  model_name_or_path: join(root, 'examples/sample/model'),
  dataset_name: process.env.MEDR1_SAMPLE!,
  num_generations: 4,
  per_device_train_batch_size: 8,
  max_completion_length: 16,
  max_steps: 2,
  dp_shards: 2,
};

it('trains the run of one process, to the bit', async () => {
  const file = join(home, 'run.yaml'); // JSON is YAML
  writeFileSync(file, JSON.stringify(SETTINGS));
  const train = async (launcher: string[], name: string) => {
    const command = [...launcher, join(root, 'node_modules/.bin/medr1'), 'train', file, '--set', `run_name=${name}`, '--json'];
    const env = { ...process.env, MEDR1_HOME: home, OMP_NUM_THREADS: '1' };
    const { stdout } = await promisify(execFile)(command[0], command.slice(1), { cwd: root, env, maxBuffer: 1 << 26 });
    return JSON.parse(stdout) as { state: string; device: string; reward: number; directory: string };
  };
  const one = await train([], 'one');
  const two = await train([join(root, '.venv/bin/torchrun'), '--no-python', '--nproc-per-node', '2'], 'two');
  expect([one.state, two.state, two.device]).toEqual(['finished', 'finished', '2 x cpu']);
  const weights = ({ directory }: { directory: string }) =>
    readFileSync(join(directory, 'checkpoints', readdirSync(join(directory, 'checkpoints')).sort().at(-1)!, 'model.safetensors'));
  expect(weights(two).equals(weights(one))).toBe(true);
});
