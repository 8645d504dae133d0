/** The same run by one process and by two that share the device, over Gloo: rollouts and figures must agree. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StepResult } from '../src/protocol/step.ts';
import type { RankTask } from '../src/rl/testing/rank-member.ts';
import { makeTiny } from '../src/rl/testing/tiny.ts';
import { answer, settingOf } from './part.ts';

const { device: asked, directory, rehearse } = await settingOf(process.argv[2]);
/** Gloo takes tensors of CUDA and of the CPU alone. */
const device = rehearse ? 'cpu' : asked;
const member = fileURLToPath(new URL('../src/rl/testing/rank-member.ts', import.meta.url));
await using tiny = await makeTiny({ items: 8 });

async function train(size: number): Promise<{ seconds: number; results: StepResult[] }> {
  const file = join(directory, `ranks-${size}.json`);
  const config = { ...tiny.config({ per_device_train_batch_size: 4, gradient_accumulation_steps: 4, dp_shards: 2 }), device };
  const task: RankTask = { config, items: tiny.items, root: tiny.directory, steps: 3, save: `${file}-checkpoint` };
  writeFileSync(file, JSON.stringify(task));
  const start = performance.now();
  const rank = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [member, file, String(number), String(size), `${file}-store`], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`rank ${number} of ${size} ended with ${code}`))));
    });
  await Promise.all(Array.from({ length: size }, (_, number) => rank(number)));
  const { results } = JSON.parse(readFileSync(`${file}.out`, 'utf8')) as { results: StepResult[] };
  return { seconds: (performance.now() - start) / 1000, results };
}

const figures = ({ metrics }: StepResult) => ['loss', 'grad_norm', 'reward', 'kl'].map((name) => metrics[name] ?? null);
const [alone, together] = [await train(1), await train(2)];
const texts = (results: StepResult[]) => JSON.stringify(results.map(({ groups }) => groups));
const same_rollouts = texts(alone.results) === texts(together.results);
const apart = Math.max(
  ...alone.results.flatMap((result, i) =>
    figures(result).map((value, k) => Math.abs((value ?? 0) - (figures(together.results[i])[k] ?? 0))),
  ),
);
answer({ ok: same_rollouts && apart < 1e-3, same_rollouts, apart, seconds: [alone.seconds, together.seconds] });
