/** A run of a night or more, at the speed of rows that no model had to make. MEDR1_NIGHT=20000 does so many steps. */
import { rmSync } from 'node:fs';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { fault, holds, WHOLE } from './fault.ts';
import { Sound, Writer } from './trained.ts';

const SHORT = 1200;
const STEPS = Number(process.env.MEDR1_NIGHT ?? (WHOLE ? 200_000 : SHORT));
/** Of the pages that SQLite keeps, and of a heap that is not collected yet; half a kilobyte a step is more than this in 200,000. */
const SLACK_BYTES = 48 << 20;

interface Sample {
  step: number;
  rss: number;
  descriptors: number;
  disk: number;
}

/** Trains so many steps in a process that says after each fortieth of them what it takes. */
async function night(steps: number, env: Record<string, string> = {}): Promise<Sample[]> {
  const sound = await Sound.waiting({ max_steps: steps, save_steps: steps / 20, save_total_limit: 2, num_generations: 2 });
  const directory = runDirectory(sound.home, sound.id);
  try {
    const writer = await Writer.start([sound.home, sound.id], { ...env, FAULT_SAMPLE: String(steps / 40) });
    const { code, errors } = await writer.ended();
    holds(code === 0, `it did not finish: ${errors}`);
    using store = openRun(sound.home, sound.id);
    holds(store.step === steps, `the run has ${store.step} steps`);
    return writer.samples.map(([step, rss, descriptors, disk]) => ({ step, rss, descriptors, disk }));
  } finally {
    sound.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
}

const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;

/** What an hour of steps costs may not depend on how many came before. */
function levelled(samples: Sample[]): string {
  const [second, , last] = [1, 2, 3].map((quarter) => samples.slice(10 * quarter - 1, 10 * quarter + 9));
  const growth = mean(last.map(({ rss }) => rss)) - mean(second.map(({ rss }) => rss));
  holds(growth < SLACK_BYTES, `memory grew by ${(growth / 1e6).toFixed(1)} MB from the second quarter to the last`);
  const descriptors = [second, last].map((part) => Math.max(...part.map((one) => one.descriptors)));
  // A sample may meet files that are open for a moment; a leak of one in eight steps is far more than these.
  holds(descriptors[1] <= descriptors[0] + 4, `descriptors grew from ${descriptors.join(' to ')}`);
  const perStep = [second, last].map((part) => (part.at(-1)!.disk - part[0].disk) / (part.at(-1)!.step - part[0].step));
  // A quarter of the short night is some 200 pages, and what a sample meets of them differs by an eighth either way. Fewer bytes a step are no harm.
  holds(
    perStep[1] < perStep[0] * (STEPS > SHORT ? 1.05 : 1.5),
    `the database grew by ${perStep.map(Math.round).join(', then ')} bytes a step`,
  );
  const perThousand = (growth / (mean(last.map(({ step }) => step)) - mean(second.map(({ step }) => step)))) * 1000;
  return `${STEPS} steps: memory ${(perThousand / 1024).toFixed(1)} KiB per 1,000 steps, ${descriptors[1]} descriptors, ${Math.round(perStep[1])} bytes of database a step`;
}

fault('L1', {
  lacks: process.platform === 'linux' ? null : 'a process is looked at by /proc, which is of Linux',
  attempt: async () => levelled(await night(STEPS)),
  control: async () => levelled(await night(SHORT, { FAULT_LEAK: '1' })),
});
