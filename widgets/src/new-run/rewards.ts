/** Reward functions in the New run form: what `reward_funcs` and `reward_weights` hold as typed, a row for each function. No DOM. */
import { rewardName } from '@medr1/kernel-bridge/protocol/reward-names';
import type { Typed } from '../form/fields.ts';

export interface RewardRow {
  /** As in reward_funcs: a name, a path on the server's machine, or the name of a file that was chosen. */
  entry: string;
  name: string;
  /** NaN where it is not known: what is typed has another number of weights. */
  weight: number;
}

type RewardKeys = Record<'reward_funcs' | 'reward_weights', string>;

const listed = (typed: Typed | undefined): string[] =>
  String(typed ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);

export function rewardRows(typed: Readonly<Record<string, Typed>>): RewardRow[] {
  const weights = listed(typed.reward_weights).map(Number);
  return listed(typed.reward_funcs).map((entry, k) => ({
    entry,
    name: rewardName(entry),
    weight: weights.length === 0 ? 1 : (weights[k] ?? NaN),
  }));
}

/** Weights are left empty where all are 1, as they are by default. */
export function typedRewards(rows: readonly RewardRow[]): RewardKeys {
  const plain = rows.every(({ weight }) => weight === 1);
  return {
    reward_funcs: rows.map(({ entry }) => entry).join(', '),
    reward_weights: plain ? '' : rows.map(({ weight }) => (Number.isNaN(weight) ? 1 : weight)).join(', '),
  };
}

/** With a function more, weight 1; one of that entry is there once. */
export const withReward = (rows: readonly RewardRow[], entry: string): RewardRow[] =>
  rows.some((row) => row.entry === entry) ? [...rows] : [...rows, { entry, name: rewardName(entry), weight: 1 }];

/** What `reward_parameters`, or the schedules, hold as typed; nothing where that is no JSON. */
export function byFunction<T>(typed: Typed | undefined): Record<string, T> {
  try {
    return (JSON.parse(String(typed || '{}')) ?? {}) as Record<string, T>;
  } catch {
    return {};
  }
}

/** The same with other values for one function; without any the function is left out, and with none left the field is empty. */
export function withValues(typed: Typed | undefined, name: string, values: object | null): string {
  const { [name]: _, ...others } = byFunction<object>(typed);
  const all = values && Object.keys(values).length > 0 ? { ...others, [name]: values } : others;
  return Object.keys(all).length > 0 ? JSON.stringify(all) : '';
}
