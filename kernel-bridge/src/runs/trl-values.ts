/**
 * Values as TRL 1.16 and YAML 1.1 take them, turned into those of the schema with the same meaning: `scale_rewards: false` is none, a single target
 * module may stand without brackets, numbers and booleans may be quoted (`yaml` reads 1e-6 as text too, for its numbers want a dot).
 */
import { TrainConfig } from '../protocol/config.ts';

interface Schema {
  type?: string;
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
}

const properties = TrainConfig.properties as unknown as Record<string, Schema>;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** As Hugging Face's argument parser reads them. */
const YES = ['true', 'yes', 'on', 't', 'y', '1'];
const NO = ['false', 'no', 'off', 'f', 'n', '0'];

/** Other names of a value, by key. */
const SAME: Record<string, ReadonlyMap<unknown, unknown>> = {
  scale_rewards: new Map<unknown, unknown>([
    [true, 'group'],
    [false, 'none'],
    ['true', 'group'],
    ['false', 'none'],
  ]),
  // The same arithmetic in one kernel: what transformers 5 takes when nothing is said.
  optim: new Map([['adamw_torch_fused', 'adamw_torch']]),
  // No evaluation.
  eval_steps: new Map([[null, 0]]),
};

/** The value of a key in the schema's own form; what cannot be read as such stays as it is, for the check to name. */
export function trlValue(key: string, value: unknown): unknown {
  const same = SAME[key]?.get(typeof value === 'string' ? value.toLowerCase() : value);
  return same ?? read(properties[key], value);
}

function read(schema: Schema, value: unknown): unknown {
  const branches = schema.anyOf ?? [schema];
  const takes = (...types: string[]): boolean =>
    branches.some((branch) => types.includes(branch.type ?? (branch.const === undefined ? '' : typeof branch.const)));
  const list = branches.find(({ type }) => type === 'array');
  if (list !== undefined && (Array.isArray(value) || typeof value === 'string'))
    return [value].flat().map((one) => read(list.items ?? {}, one));
  if (typeof value === 'number' && takes('string') && !takes('number', 'integer')) return String(value);
  if (typeof value !== 'string' || takes('string')) return value;
  const text = value.trim();
  if (takes('number', 'integer') && NUMBER.test(text)) return Number(text);
  if (takes('boolean') && YES.includes(text.toLowerCase())) return true;
  if (takes('boolean') && NO.includes(text.toLowerCase())) return false;
  if (takes('object') && text.startsWith('{')) return parsed(text);
  return value;
}

/** TRL takes dictionaries as JSON text too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
