/** What the form of a fork stands on: the parent as it was at a checkpoint. No DOM. */
import { configAt, REWARD_KEYS, sourcesAt } from '@medr1/kernel-bridge/protocol/fork';
import type { RunDetail, TrainConfig } from '../connector.ts';
import { fromTyped, toTyped, type Field, type Typed } from '../form/fields.ts';

export interface Fork {
  parent: RunDetail;
  /** Of the checkpoint. */
  step: number;
}

export interface Change {
  field: Field;
  before: unknown;
  after: unknown;
}

/** What the fork goes on with where nothing is changed. Its name is left open: the server names it after its parent and step. */
export function baseOf({ parent, step }: Fork): Omit<TrainConfig, 'run_name'> {
  const { run_name: _, ...base } = configAt(parent.config, parent.rewards, step);
  return base;
}

/** Sources of the parent's own functions by file name. */
export const filesOf = ({ parent, step }: Fork): Record<string, string> =>
  Object.fromEntries(Object.values(sourcesAt(parent.rewards, step)).map(({ file, source }) => [file, source]));

/** What is typed and differs from what the parent had; what cannot be read is no change yet. */
export function changesOf(fork: Fork, fields: readonly Field[], typed: Readonly<Record<string, Typed>>): Change[] {
  const base: Readonly<Record<string, unknown>> = { ...baseOf(fork) };
  return fields.flatMap((field) => {
    const had = field.key in base ? base[field.key] : field.default; // a run of an earlier version lacks newer keys
    const before = fromTyped(field, toTyped(field, had));
    const after = fromTyped(field, typed[field.key] ?? toTyped(field, field.default));
    if ('problem' in after || ('value' in before && JSON.stringify(before.value) === JSON.stringify(after.value))) return [];
    return [{ field, before: had, after: after.value }];
  });
}

/** The changes as the server takes them: what is rewarded is told whole or not at all. */
export function changedConfig(fork: Fork, changes: readonly Change[]): Record<string, unknown> {
  const changed = Object.fromEntries(changes.map(({ field, after }) => [field.key, after]));
  if (!REWARD_KEYS.some((key) => key in changed)) return changed;
  const base = baseOf(fork);
  return { ...Object.fromEntries(REWARD_KEYS.map((key) => [key, base[key] ?? null])), ...changed };
}
