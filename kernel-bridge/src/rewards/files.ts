/** Users' reward files: read, named, and put together with the built-in functions into what a configuration asks for. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { readPlainSync } from '../files/plain.ts';
import {
  isKernelReward,
  isRewardFile,
  rewardName,
  type KernelReward,
  type RewardFiles,
  type RewardSet,
  type RewardSource,
  type TrainConfig,
} from '../protocol/index.ts';
import { builtInNamed, REWARDS } from './built-in.ts';
import { errors } from './errors.ts';
import { configuredSchedules } from './parameters.ts';
import { LIMITS } from './sandbox/limits.ts';

/** Names are keys of metrics and of JSON objects, whose order digits would change, and in which every object has a `constructor`. */
const NAME = /^[A-Za-z_][\w-]{0,59}$/;

/** A source by its file name. Throws REWARD_NAME, REWARD_FILE. */
export function rewardSource(file: string, source: string): RewardSource {
  const name = rewardName(file);
  if (!isRewardFile(file)) throw errors.badName(file);
  return kept(name, file, source);
}

/** A Python function that a kernel serves. Throws REWARD_NAME, REWARD_FILE. */
export function kernelSource({ name, source, timeout_s, on_timeout, tests }: KernelReward): RewardSource {
  return { ...kept(name, `${name}.py`, source), runtime: 'kernel', timeout_s, on_timeout, ...(tests && { tests }) };
}

function kept(name: string, file: string, source: string): RewardSource {
  if (!NAME.test(name) || name in {}) throw errors.badName(file);
  if (REWARDS.has(name)) throw errors.nameTaken(file, name);
  const bytes = Buffer.byteLength(source);
  if (bytes > LIMITS.sourceBytes) throw errors.tooLong(file, bytes, LIMITS.sourceBytes);
  return { file: basename(file), source, sha256: createHash('sha256').update(source).digest('hex') };
}

export function readRewardFile(path: string): RewardSource {
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(readPlainSync(path, LIMITS.sourceBytes));
  } catch (cause) {
    throw errors.unreadable(path, cause);
  }
  return rewardSource(basename(path), source);
}

/**
 * The functions that `reward_funcs` names, with their weights. Files are taken from `given` by name, else read from disk; functions of kernels from
 * `served`. Throws REWARD_UNKNOWN, REWARD_FILE, REWARD_NAME, REWARD_WEIGHTS, REWARD_PARAMETER, REWARD_KERNEL_ABSENT.
 */
export function configuredRewards(
  config: Pick<TrainConfig, 'reward_funcs' | 'reward_weights'> &
    Partial<Pick<TrainConfig, 'reward_weight_schedules' | 'reward_parameters'>>,
  given: RewardFiles = {},
  served: RewardSet['sources'] = {},
): RewardSet {
  const { reward_funcs: entries, reward_weights } = config;
  const names = entries.map(rewardName);
  const twice = names.find((name, k) => names.indexOf(name) !== k);
  if (twice !== undefined) throw errors.twice(twice);
  if (reward_weights && reward_weights.length !== names.length) throw errors.weightCount(names, reward_weights.length);
  const sources: RewardSet['sources'] = {};
  entries.forEach((entry, k) => {
    if (isKernelReward(entry)) return void (sources[names[k]] = servedOf(names[k], served));
    if (!isRewardFile(entry)) return requireBuiltIn(entry);
    const sent = Object.entries(given).find(([file]) => rewardName(file) === names[k]);
    sources[names[k]] = sent ? rewardSource(...sent) : readRewardFile(entry);
  });
  const live = configuredSchedules(names, config);
  const weight = (name: string, k: number): number => live.weight_schedules[name]?.from ?? reward_weights?.[k] ?? 1;
  return { weights: Object.fromEntries(names.map((name, k) => [name, weight(name, k)])), sources, ...live };
}

function servedOf(name: string, served: RewardSet['sources']): RewardSource {
  if (!Object.hasOwn(served, name)) throw errors.notServed(name, Object.keys(served));
  return served[name];
}

function requireBuiltIn(name: string): void {
  if (!builtInNamed(name)) throw errors.unknown(name, [...REWARDS.keys()]);
}
