/** The runs of a home: made whole or not at all, listed, moved to the trash. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { moveToTrash } from '../files/trash.ts';
import { expandHome } from '../files/user-path.ts';
import type { VqaItem } from '../protocol/data.ts';
import type { TrainConfig, Variant } from '../protocol/config.ts';
import type { RewardFiles, RewardSet } from '../protocol/rewards.ts';
import { checkRewards, configuredRewards, contextOf, type AskKernel } from '../rewards/index.ts';
import { completeConfig } from './config.ts';
import { errors } from './errors.ts';
import { checkLoadable, weightsDirectory } from './model-files.ts';
import { isRunId, newRunId, runDirectory, runsDirectory } from './home.ts';
import { isLocked, lockHolder, tryLock, type Lock } from '../log/lock.ts';
import { becomeTogether, Making } from '../log/making.ts';
import { pairConfigs } from './pair-config.ts';
import { keepForLater } from './requests.ts';
import type { RunRow } from './row.ts';
import { RunStore, type NewRun } from './store.ts';

export interface DataFilter {
  split?: string | null;
  modality?: string[] | null;
  questionType?: string[] | null;
  home?: string;
}
/** The seam to src/data: items in data order, unusable ones among them with their `problem`. */
export type LoadItems = (
  nameOrDir: string,
  filter: DataFilter,
) => Promise<{ root: string; items: VqaItem[]; left_out: number; hash: string; images?: ReadonlyMap<string, string> }>;

export const lockFile = (directory: string): string => join(directory, 'worker.lock');
export const logFile = (directory: string): string => join(directory, 'worker.log');

/** True while some process trains the run, whoever started it. */
export const isTraining = (directory: string): boolean => isLocked(lockFile(directory));

/** The process that trains the run, where the system tells. */
export const trainedBy = (directory: string): number | null => lockHolder(lockFile(directory));

export const trainFilter = (config: TrainConfig, home: string): DataFilter => ({
  split: config.dataset_train_split,
  modality: config.modality,
  questionType: config.question_type,
  home,
});

/** Paths that a person typed with ~; names are left as they are. */
const atHome = (config: TrainConfig): TrainConfig => ({
  ...config,
  model_name_or_path: expandHome(config.model_name_or_path),
  dataset_name: expandHome(config.dataset_name),
  reward_funcs: config.reward_funcs.map(expandHome),
});

/** Checks configuration, rewards, model and data, then makes the run's directory whole: what is refused leaves nothing behind. */
export async function createRun(home: string, input: unknown, options: CreateOptions): Promise<RunStore> {
  const checked = await checkRun(home, atHome(completeConfig(input)), options);
  const id = newRunId();
  const { parent = null, request_id, start } = options;
  makeWhole(home, [{ ...checked, id, parent, request_id }], start);
  return RunStore.open(runDirectory(home, id));
}

/**
 * Two runs that differ in their prompt variant alone, so that both see the same questions in the same order and sample from the same seeds.
 * Made both or none.
 */
export async function createPair(
  home: string,
  input: unknown,
  variants: readonly Variant[],
  options: Omit<CreateOptions, 'parent'>,
): Promise<[RunStore, RunStore]> {
  const configs = pairConfigs(input, variants).map(atHome);
  const checked = await Promise.all(configs.map((config) => checkRun(home, config, options)));
  const pair = randomBytes(4).toString('hex');
  const ids = configs.map(() => newRunId());
  const { request_id, start } = options;
  makeWhole(
    home,
    checked.map((run, at) => {
      const other = { with: ids[1 - at], variant: configs[1 - at].variant };
      return { ...run, id: ids[at], parent: null, request_id, pair: { id: pair, ...other } };
    }),
    start,
  );
  const [first, second] = ids.map((id) => RunStore.open(runDirectory(home, id)));
  return [first, second];
}

export interface CreateOptions {
  loadItems: LoadItems;
  reward_files?: RewardFiles;
  /** Functions of kernels by name, and the way to them. */
  served?: RewardSet['sources'];
  askKernel?: AskKernel;
  request_id?: string;
  /** False where the request that makes the run leaves it to a later one to start it. */
  start?: boolean;
  parent?: string | null;
}

type Checked = Pick<NewRun, 'config' | 'root' | 'data_hash' | 'rewards'>;

/** Configuration, rewards, model and data. */
async function checkRun(
  home: string,
  config: TrainConfig,
  { loadItems, reward_files, served, askKernel }: CreateOptions,
): Promise<Checked> {
  const rewards = configuredRewards(config, reward_files, served);
  checkModel(config.model_name_or_path);
  checkLoadable(config.model_name_or_path);
  const { items, root, hash } = await loadItems(config.dataset_name, trainFilter(config, home));
  if (!items.some(({ problem }) => problem === null)) throw errors.noItems(config.dataset_name);
  await checkRewards(rewards, contextOf(config), items, askKernel);
  return { config, rewards, root, data_hash: hash };
}

/** The directories of new runs, under their names only once all of them are whole. */
function makeWhole(home: string, runs: readonly Omit<NewRun, 'name'>[], start = true): void {
  using stack = new DisposableStack();
  const parts = runs.map((run) => {
    const making = stack.use(Making.in(runsDirectory(home)));
    const { directory } = making;
    using made = RunStore.create(directory, { ...run, name: run.config.run_name ?? defaultName(run.config) });
    if (run.request_id && !start) keepForLater(made.db, run.request_id);
    writeFileSync(join(directory, 'config.yaml'), stringify(run.config));
    return { making, target: runDirectory(home, run.id) };
  });
  becomeTogether(parts);
}

/** The other run of a pair, while it is in this home; null for a run without one. */
export function partnerOf(home: string, { pair }: Pick<RunRow, 'pair'>): string | null {
  return pair !== null && isRunId(pair.with) && existsSync(runDirectory(home, pair.with)) ? pair.with : null;
}

/** Ids, newest first. */
export function listRuns(home: string): string[] {
  const names = existsSync(runsDirectory(home)) ? readdirSync(runsDirectory(home)) : [];
  return names.filter(isRunId).sort().reverse();
}

/** Throws RUN_UNKNOWN also for what is no run id, so that no id reaches the file system unchecked. */
export function openRun(home: string, id: string): RunStore {
  if (!isRunId(id) || !existsSync(runDirectory(home, id))) throw errors.runUnknown(id);
  return RunStore.open(runDirectory(home, id));
}

/** The run's lock, or null while another holds it. Throws RUN_UNKNOWN where the run has just been removed. */
export function lockRun(directory: string): Lock | null {
  try {
    return tryLock(lockFile(directory));
  } catch (error) {
    throw existsSync(directory) ? error : errors.runUnknown(basename(directory));
  }
}

/** Moves the run to the trash and returns its place there. The caller makes sure that no worker holds it. */
export function trashRun(home: string, id: string, name = id): string {
  return moveToTrash(home, runDirectory(home, id), { kind: 'run', of: id, name });
}

/** Refuses what is no model directory by the names of its files: weights and configuration, of an adapter also those of its base. */
export function checkModel(path: string): void {
  const dir = weightsDirectory(path);
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw errors.modelMissing(dir, 'does not exist');
  if (!existsSync(join(dir, 'config.json'))) throw errors.modelMissing(dir, 'has no config.json');
  if (!readdirSync(dir).some((name) => name.endsWith('.safetensors'))) throw errors.modelMissing(dir, 'has no weights (*.safetensors)');
  const adapter = resolve(path);
  if (adapter !== dir && !existsSync(join(adapter, 'adapter_model.safetensors')))
    throw errors.modelMissing(adapter, 'has adapter_config.json but no adapter_model.safetensors, which PEFT writes unless told not to');
}

const defaultName = (config: TrainConfig): string =>
  [basename(resolve(config.model_name_or_path)), basename(config.dataset_name), config.variant].join(' · ');
