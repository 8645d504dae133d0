/** `medr1 replay`: one GRPO update on given completions and rewards, nothing saved. Under other settings too: what if? */
import type { Command } from 'commander';
import { rewardName, WorkbenchError, type TrainConfig } from '../protocol/index.ts';
import { loadModel, loadProcessor, type ModelDtype } from '../models/index.ts';
import { disposePrompt } from '../rl/ask.ts';
import { chooseTrainable } from '../rl/policy.ts';
import { replay, type Replay, type ReplayGroup } from '../rl/replay.ts';
import { completeConfig, parseSettings, readConfigFile } from '../runs/config.ts';
import { changedSchedules, weightsAt } from '../rewards/index.ts';
import { dtypeOption, usage } from './arguments.ts';
import { encodeRow, readBatch, type BatchRow } from './batch.ts';
import { printJson, table, tell } from './output.ts';
import { traced, traceOption } from './trace.ts';

interface Options {
  model: string;
  batch: string;
  ref?: string;
  config?: string;
  set: string[];
  dtype?: ModelDtype;
  device: string;
  step: string;
  trace?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('replay')
    .description('one GRPO update on given completions and rewards, nothing saved: loss, gradient norm, every metric')
    .requiredOption('--model <dir>', 'Hugging Face directory of the policy')
    .requiredOption('--batch <file>', 'JSON lines: {"image", "prompt", "completions", "rewards": {name: [...]}}, one group a line')
    .option('--ref <dir>', 'reference model of the KL term (default: the policy itself)')
    .option('--config <file>', 'settings of the update, as for medr1 train')
    .option('--set <key=value>', 'one setting, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--step <n>', 'step whose weights count, where reward_weight_schedules lets them follow it', '1')
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .addOption(traceOption('the update'))
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const rows = readBatch(options.batch);
  const given = configOf(options, rows);
  const names = given.reward_funcs.map(rewardName);
  const config = { ...given, reward_weights: weightsOf(given, names, options.step) };
  const processor = await loadProcessor(options.model);
  const load = { dtype: options.dtype ?? config.dtype, device: options.device };
  using policy = await loadModel(options.model, load);
  chooseTrainable(policy, options.model, config);
  using other = config.beta !== 0 && options.ref !== undefined ? await loadModel(options.ref, load) : null;

  const encoded = await Promise.all(rows.map((row) => encodeRow(processor, row)));
  const groups = encoded.map(({ prompt, completions, rewards }): ReplayGroup => ({
    prompt,
    completions,
    rewards: completions.map((_, g) => names.map((name) => rewards[name][g])),
  }));
  const reference = config.beta === 0 ? null : (other ?? policy);
  const models = { policy, reference, eosTokenIds: processor.eosTokenIds };
  const result = await traced(options.trace, () => replay(models, groups, names, config));
  for (const { prompt } of encoded) disposePrompt(prompt);
  print(result, options.json ?? false);
}

/** Weights as they count for a step. */
function weightsOf({ reward_weights, reward_weight_schedules }: TrainConfig, names: readonly string[], step: string): number[] {
  if (!/^[1-9]\d*$/.test(step)) throw usage(`--step: ${JSON.stringify(step)} is no step`, 'Steps are whole numbers from 1.');
  const weights = Object.fromEntries(names.map((name, k) => [name, reward_weights?.[k] ?? 1]));
  const weight_schedules = changedSchedules({}, reward_weight_schedules ?? {}, names, 1);
  return Object.values(weightsAt({ weights, weight_schedules }, Number(step)));
}

/** The settings given, on top of what the batch itself says: reward functions, G, and one micro-batch for all completions. */
function configOf(options: Options, rows: BatchRow[]): TrainConfig {
  const given = { ...(options.config === undefined ? {} : readConfigFile(options.config)), ...parseSettings(options.set) };
  const G = rows[0].completions.length;
  rows.forEach((row, i) => {
    if (row.completions.length !== G) throw uneven(options.batch, i, row.completions.length, G);
  });
  if (G < 2) throw uneven(options.batch, 0, G, 2);
  if (given.num_generations !== undefined && given.num_generations !== G) throw groupSize(options.batch, given.num_generations, G);
  const names = (given.reward_funcs as string[] | undefined)?.map(rewardName) ?? Object.keys(rows[0].rewards ?? {});
  rows.forEach((row, i) => {
    const missing = names.find((name) => row.rewards?.[name] === undefined);
    if (missing !== undefined || names.length === 0) throw noReward(options.batch, i, missing ?? 'any function');
  });
  const N = rows.length * G;
  const accumulation = Number(given.gradient_accumulation_steps ?? 1);
  const micro = Number(given.per_device_train_batch_size ?? N / accumulation);
  return completeConfig({
    dataset_name: options.batch,
    ...given,
    model_name_or_path: options.model,
    reward_funcs: names,
    num_generations: G,
    per_device_train_batch_size: micro,
    gradient_accumulation_steps: N / micro,
  });
}

const uneven = (file: string, row: number, seen: number, G: number): WorkbenchError =>
  new WorkbenchError({
    code: 'REPLAY_GROUPS',
    message: `${file}: row ${row + 1} has ${seen} completions, the group size is ${G}`,
    remedy: 'Give every row the same number of completions, at least 2: advantages are taken within groups of one size.',
  });

const groupSize = (file: string, given: unknown, G: number): WorkbenchError =>
  new WorkbenchError({
    code: 'REPLAY_GROUPS',
    exit: 2,
    message: `num_generations is ${JSON.stringify(given)}, but every row of ${file} has ${G} completions`,
    remedy: 'Leave num_generations out: it follows from the batch.',
  });

const noReward = (file: string, row: number, name: string): WorkbenchError =>
  new WorkbenchError({
    code: 'REPLAY_REWARDS',
    message: `${file}: row ${row + 1} has no rewards of ${name}`,
    remedy: 'Give "rewards": {name: [one number or null per completion]} for the same functions in every row.',
  });

function print({ loss, grad_norm, advantages, metrics }: Replay, json: boolean): void {
  if (json) printJson({ loss, grad_norm, kl: metrics.kl ?? null, advantages, ...metrics });
  else
    tell(
      ...table(Object.entries({ loss, grad_norm, ...metrics }).map(([name, value]) => [name, value === null ? '-' : value.toPrecision(6)])),
    );
}
