/**
 * Trains the cases of cases.ts and writes their metrics to series/: what unit tests hold the rules to. A healthy thinking run takes half a minute
 * of one quiet core, a direct one twenty seconds, all of them a quarter of an hour:
 *
 *     node test/alerts/record.ts [name or beginning of a name ...]
 *
 * Values are rounded to five digits and times are left out, so that the files stay small.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Value } from 'typebox/value';
import { loadItems } from '../../kernel-bridge/src/data/load.ts';
import { TrainConfig } from '../../kernel-bridge/src/protocol/config.ts';
import { ALL, configOf, type Case } from './cases.ts';
import type { RecordedSeries } from './series.ts';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

async function record(one: Case): Promise<void> {
  const { createTrainer } = await import('../../kernel-bridge/src/rl/index.ts');
  const config = Value.Parse(TrainConfig, Value.Default(TrainConfig, structuredClone(configOf(one))));
  const [train, held] = await Promise.all(
    [config.dataset_train_split, config.dataset_test_split].map((split) => loadItems(config.dataset_name, { split, usable: true })),
  );
  const trainer = await createTrainer({ config, items: train.items, evalItems: held.items, root: train.root });
  const rows: RecordedSeries['rows'] = [];
  const short = (metrics: Record<string, number | null>): Record<string, number | null> =>
    Object.fromEntries(
      Object.entries(metrics)
        .filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))
        .map(([name, value]) => [name, value === null ? null : Number(value.toPrecision(5))]),
    );
  try {
    while (trainer.step < Math.min(trainer.totalSteps, one.until ?? Infinity)) {
      const { step, metrics } = await trainer.trainStep();
      rows.push({ step, metrics: short(metrics) });
      if (step % config.eval_steps === 0) rows.push({ step, metrics: short((await trainer.evaluate())!) });
    }
  } catch (error) {
    console.error(`${one.name} ended at step ${trainer.step}: ${(error as Error).message}`); // as a run does that diverges
  } finally {
    trainer.dispose();
  }
  mkdirSync('test/alerts/series', { recursive: true });
  const recorded: RecordedSeries = { name: one.name, config: configOf(one) as RecordedSeries['config'], steps: config.max_steps, rows };
  writeFileSync(`test/alerts/series/${one.name}.json.gz`, gzipSync(JSON.stringify(recorded), { level: 9 }));
}

const wanted = process.argv.slice(2);
const chosen = ALL.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.startsWith(word)));
if (process.env.MEDR1_RECORD_ONE) await record(ALL.find(({ name }) => name === process.env.MEDR1_RECORD_ONE)!);
else {
  for (const { name, images } of chosen) {
    console.log(name);
    const env = { ...process.env, MEDR1_RECORD_ONE: name, ...(images ? { MEDR1_TEST_BREAK: images } : {}) };
    const { status } = spawnSync(process.execPath, ['--import', './test/alerts/hooks.ts', 'test/alerts/record.ts'], {
      env,
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = 1;
  }
}
