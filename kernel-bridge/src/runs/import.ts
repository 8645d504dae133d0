/** A run that another trainer made, from the log that it left: finished, to be looked at, checked and compared as any other. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { Making } from '../log/making.ts';
import { Value } from 'typebox/value';
import { TrainConfig } from '../protocol/config.ts';
import { MAX_NAME } from '../protocol/rest.ts';
import type { Imported } from '../protocol/run.ts';
import { printable } from '../protocol/printable.ts';
import { runReading } from '../protocol/readings.ts';
import { newRunId, prepareHome, runDirectory, runsDirectory } from './home.ts';
import { carriedOut, keepRequest } from './requests.ts';
import { RunStore } from './store.ts';
import { readCompletions, type LoggedCompletions } from './trl-completions.ts';
import { readTrainerLog, type LoggedStep, type TrainerLog } from './trainer-log.ts';

export interface ImportOptions {
  name?: string;
  /** Completions of a question, where the log cannot tell. */
  num_generations?: number;
  /** What the run is found by when the request comes again. */
  request_id?: string;
}

/** Whether the request made this run. Throws REQUEST_ID_USED where its id came with something else. */
export const isImportBy = ({ db }: RunStore, request_id: string, path: string, { name, num_generations }: ImportOptions): boolean =>
  carriedOut(db, requestOf(request_id), { path, name, num_generations });

const requestOf = (request_id: string): string => `import ${request_id}`;

/** Made whole or not at all. Throws IMPORT_NOT_FOUND, IMPORT_UNREADABLE. */
export async function importRun(home: string, path: string, { name, num_generations, request_id }: ImportOptions = {}): Promise<RunStore> {
  const log = await readTrainerLog(path);
  const reading = runReading({ reward_funcs: [] });
  const completions = await readCompletions(log, { reading, num_generations });
  const known = knownOf(log, completions);
  const config = Value.Default(TrainConfig, { model_name_or_path: log.folder, dataset_name: 'not in the log', ...known }) as TrainConfig;
  const imported: Imported = {
    from: log.file,
    keys: Object.keys(known),
    stride: log.stride,
    weights: completions.isPlainSum ? Object.fromEntries(completions.functions.map((one) => [one, 1])) : {},
    lacks: lacksOf(log, completions),
  };
  const id = newRunId();
  using making = Making.in(runsDirectory(prepareHome(home)));
  const { directory } = making;
  const title = name ?? printable(basename(log.folder)).slice(0, MAX_NAME);
  using run = RunStore.create(directory, { id, name: title, parent: null, config, root: log.folder, data_hash: '', request_id, imported });
  if (request_id) keepRequest(run.db, requestOf(request_id), { path, name, num_generations });
  run.db.exec('PRAGMA synchronous = OFF'); // the whole is on the disk before it has its name
  await writeSteps(run, log, completions);
  run.imported({ total_steps: Math.max(log.total_steps, run.step) }, log.written_at);
  run.db.exec('PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)');
  writeFileSync(
    join(directory, 'config.yaml'),
    stringify(Object.fromEntries(imported.keys.map((key) => [key, config[key as keyof TrainConfig]]))),
  );
  making.become(runDirectory(home, id));
  return RunStore.open(runDirectory(home, id));
}

/** What the log tells under the names and in the form of a configuration. */
function knownOf(log: TrainerLog, { num_generations }: LoggedCompletions): Partial<TrainConfig> {
  const told: Partial<TrainConfig> = {
    trainer: samples(log) ? 'grpo' : 'sft',
    ...log.config,
    ...(num_generations > 0 && { num_generations }),
  };
  const fits = ([key, value]: [string, unknown]): boolean => Value.Check(TrainConfig.properties[key as keyof TrainConfig], value);
  return Object.fromEntries(Object.entries(told).filter(fits));
}

/** Whether completions were sampled and rewarded: other trainers log a loss alone. */
const samples = ({ steps }: TrainerLog): boolean => steps.some(({ metrics }) => 'reward' in metrics);

/** A row for each step from the first on, as the log of any run has it; of those that were not logged nothing is known. */
async function writeSteps(run: RunStore, log: TrainerLog, completions: LoggedCompletions): Promise<void> {
  const times = timesOf(log);
  for (const [at, { step, metrics, evaluated }] of log.steps.entries()) {
    const time = times[at];
    for (let between = run.step + 1; between < step; between++) run.commitStep({ step: between, metrics: {}, groups: [] }, [], time);
    const groups = completions.steps.has(step) ? await completions.groupsAt(step) : [];
    run.commitStep({ step, metrics, groups }, [], time);
    if (Object.keys(evaluated).length > 0) run.addEvaluation(evaluated, time);
  }
}

/** The log tells no times but how long a step took: they are counted back from when it was written. */
function timesOf({ steps, written_at }: TrainerLog): number[] {
  let time = written_at;
  const times = new Array<number>(steps.length);
  for (let at = steps.length - 1; at >= 0; at--) {
    times[at] = time;
    const took = steps[at].metrics.step_time ?? 0;
    if (Number.isFinite(took) && took > 0) time -= 1000 * took * (steps[at].step - (steps[at - 1]?.step ?? 0));
  }
  return times;
}

function lacksOf(log: TrainerLog, { steps, functions, isPlainSum, left_out }: LoggedCompletions): string[] {
  const last: LoggedStep = log.steps.at(-1)!;
  const sampled = samples(log);
  return [
    ...(log.total_steps > last.step ? [`The log ends at step ${last.step} of ${log.total_steps}.`] : []),
    ...(log.stride > 1 ? [`One step in ${log.stride} was logged; windows of alerts count those.`] : []),
    'The configuration, but for what keys names; the questions and the model.',
    ...(!sampled
      ? []
      : steps.size === 0
        ? ['Completions.']
        : [
            'Images, token ids and log-probabilities of completions, options and right answers of questions, and which completions were cut.',
          ]),
    ...(sampled && functions.length > 0 && !isPlainSum
      ? ['Weights of the reward functions: their sum is not the reward that was logged.']
      : []),
    'Source of the reward functions, checks of images and sampler, weights.',
    ...log.left_out,
    ...left_out,
  ];
}
