/** The same run by one process and by two: rollouts and figures must agree. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StepResult } from '../src/protocol/step.ts';
import type { RankTask } from '../src/rl/testing/rank-member.ts';
import { makeTiny } from '../src/rl/testing/tiny.ts';

const member = fileURLToPath(new URL('../src/rl/testing/rank-member.ts', import.meta.url));

interface Trained {
  seconds: number;
  results: StepResult[];
  unlinked: string | null;
}

/** Both processes on this device or, where it has no number, each on one of its own. `unlinked`: why tensors went through the host, or null. */
export async function oneAgainstTwo(device: string, directory: string) {
  await using tiny = await makeTiny({ items: 8 });
  const train = async (size: number): Promise<Trained> => {
    const file = join(directory, `${device.replace(':', '-')}-ranks-${size}.json`);
    const config = tiny.config({ per_device_train_batch_size: 4, gradient_accumulation_steps: 4, dp_shards: 2 });
    const task: RankTask = { config, items: tiny.items, root: tiny.directory, steps: 3, save: `${file}-checkpoint`, device };
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
    const out = JSON.parse(readFileSync(`${file}.out`, 'utf8')) as Omit<Trained, 'seconds'>;
    return { ...out, seconds: (performance.now() - start) / 1000 };
  };
  const figures = ({ metrics }: StepResult) => ['loss', 'grad_norm', 'reward', 'kl'].map((name) => metrics[name] ?? null);
  const [alone, together] = [await train(1), await train(2)];
  const texts = (results: StepResult[]) => JSON.stringify(results.map(({ groups }) => groups));
  const same_rollouts = texts(alone.results) === texts(together.results);
  const apart = Math.max(
    ...alone.results.flatMap((result, i) =>
      figures(result).map((value, k) => Math.abs((value ?? 0) - (figures(together.results[i])[k] ?? 0))),
    ),
  );
  const { unlinked } = together;
  return { ok: same_rollouts && apart < 1e-3, same_rollouts, apart, unlinked, seconds: [alone.seconds, together.seconds] };
}
