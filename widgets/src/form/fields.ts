/** A form out of a JSON Schema (of a run's configuration, of an evaluation): fields in groups, what was typed into values, values into a configuration. No DOM. */

import type { Doubtful } from '@medr1/kernel-bridge/protocol/doubtful';

export type FieldKind = 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'texts' | 'ticks' | 'numbers' | 'object';
/** What a control holds: text as typed or chosen, or a tick. */
export type Typed = string | boolean;

export interface Field {
  key: string;
  title: string;
  description: string;
  group: string;
  unit: string;
  advanced: boolean;
  kind: FieldKind;
  /** Of a choice, or of ticks, of which any number may be chosen. */
  choices: string[];
  /** What a choice means, where it is told. */
  meanings: Readonly<Record<string, string>>;
  /** What an empty field means. */
  empty: string;
  /** May be left empty, which means null. */
  nullable: boolean;
  /** Must be given: there is no default. */
  required: boolean;
  default: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  /** From where on a number is most often a slip of the pen. */
  doubtful?: Doubtful;
}

interface Schema {
  type?: string;
  anyOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  items?: Schema;
  /** Ours: what the values of `enum` mean. */
  meanings?: Record<string, string>;
  empty?: string;
  title?: string;
  description?: string;
  default?: unknown;
  group?: string;
  unit?: string;
  advanced?: boolean;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  doubtful?: Doubtful;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** How the schema marks keys that TRL lacks; in the form it would be noise. */
const OURS = /^Workbench\. /;

/** One field a key, in the schema's order. A key of a kind that has no control is edited as text and checked by the server. */
export function fieldsOf(schema: unknown): Field[] {
  const { properties = {}, required = [] } = schema as Schema;
  return Object.entries(properties).map(([key, outer]) => {
    const branches = outer.anyOf ?? [];
    // what may be left out and has no default is left out where the field is empty
    const optional = !required.includes(key) && outer.default === undefined;
    const nullable = optional || branches.some((branch) => branch.type === 'null');
    const real = branches.filter((branch) => branch.type !== 'null');
    const constants = real.filter((branch) => branch.const !== undefined).map((branch) => String(branch.const));
    const inner = real.length === 1 ? { ...real[0] } : outer;
    const ticks = inner.items?.enum;
    const choices = constants.length > 0 ? constants : (ticks ?? inner.enum ?? []).map(String);
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = inner;
    return {
      key,
      title: outer.title ?? key,
      description: (outer.description ?? '').replace(OURS, ''),
      group: outer.group ?? 'Other',
      unit: outer.unit ?? '',
      advanced: outer.advanced === true,
      kind: ticks ? 'ticks' : choices.length > 0 ? 'choice' : kindOf(inner),
      choices,
      meanings: (ticks ? inner.items : inner)?.meanings ?? {},
      empty: outer.empty ?? 'none',
      nullable,
      required: !nullable && outer.default === undefined,
      default: outer.default,
      ...(outer.doubtful ? { doubtful: outer.doubtful } : {}),
      ...(minimum === undefined ? {} : { minimum }),
      ...(maximum === undefined ? {} : { maximum }),
      ...(exclusiveMinimum === undefined ? {} : { exclusiveMinimum }),
      ...(exclusiveMaximum === undefined ? {} : { exclusiveMaximum }),
    };
  });
}

function kindOf(schema: Schema): FieldKind {
  switch (schema.type) {
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type;
    case 'array':
      return schema.items?.type === 'number' ? 'numbers' : 'texts';
    case 'object':
      return 'object';
    default:
      return 'text';
  }
}

/** A value as its control shows it. */
export function toTyped(field: Field, value: unknown): Typed {
  if (field.kind === 'boolean' && !field.nullable) return value === true;
  if (value === null || value === undefined) return '';
  if (field.kind === 'object') return JSON.stringify(value);
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** What was typed as a value, or why it is none. */
export function fromTyped(field: Field, typed: Typed): { value: unknown } | { problem: string } {
  if (typeof typed === 'boolean') return { value: typed };
  const text = typed.trim();
  if (text === '') {
    if (field.nullable) return { value: null };
    if (field.required) return { problem: 'Needed.' };
    return { value: field.default };
  }
  if (field.kind === 'boolean') return { value: text === 'true' };
  if (field.kind === 'texts' || field.kind === 'ticks') return { value: words(text) };
  if (field.kind === 'numbers') {
    const values = words(text).map(Number);
    return values.some(Number.isNaN) ? { problem: 'Numbers, separated by commas.' } : { value: values };
  }
  if (field.kind === 'object') return fromJson(text);
  if (field.kind !== 'number' && field.kind !== 'integer') return { value: text };
  const value = Number(text);
  const problem = Number.isNaN(value) ? 'Not a number.' : rangeProblem(field, value);
  return problem ? { problem } : { value };
}

function fromJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'Keys and values in braces: {"num_cycles": 2}.' };
  }
}

function rangeProblem(field: Field, value: number): string | null {
  if (field.kind === 'integer' && !Number.isInteger(value)) return 'A whole number.';
  if (field.minimum !== undefined && value < field.minimum) return `At least ${field.minimum}.`;
  if (field.maximum !== undefined && value > field.maximum) return `At most ${field.maximum}.`;
  if (field.exclusiveMinimum !== undefined && value <= field.exclusiveMinimum) return `Greater than ${field.exclusiveMinimum}.`;
  if (field.exclusiveMaximum !== undefined && value >= field.exclusiveMaximum) return `Less than ${field.exclusiveMaximum}.`;
  return null;
}

/** The configuration typed in: only what differs from the defaults, and the problems by key. */
export function configOf(
  fields: readonly Field[],
  typed: Readonly<Record<string, Typed>>,
): { config: Record<string, unknown>; problems: Record<string, string> } {
  const config: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const field of fields) {
    const read = fromTyped(field, typed[field.key] ?? toTyped(field, field.default));
    if ('problem' in read) problems[field.key] = read.problem;
    else if (field.required || JSON.stringify(read.value) !== JSON.stringify(field.default ?? null)) config[field.key] = read.value;
  }
  return { config, problems };
}

/** The form as it stands for a configuration: its keys over the defaults. */
export const typedOf = (fields: readonly Field[], config: Readonly<Record<string, unknown>> = {}): Record<string, Typed> =>
  Object.fromEntries(fields.map((field) => [field.key, toTyped(field, field.key in config ? config[field.key] : field.default)]));

/**
 * The key that a server's message is about: the message names it, or quotes what was typed there, as of a folder that does not exist. Of several the
 * longest: `epsilon_high` is not `epsilon`, and a folder /runs/beta is not about `beta`.
 */
export function keyIn(message: string, fields: readonly Field[], typed: Readonly<Record<string, Typed>> = {}): string | null {
  const written = fields.filter(({ kind, choices }) => kind === 'text' && choices.length === 0);
  const words = [
    ...fields.map(({ key }) => ({ key, word: key })),
    ...written.map(({ key }) => ({ key, word: String(typed[key] ?? '').trim() })),
  ];
  const found = words.filter(({ word }) => stands(word, message));
  return found.sort((a, b) => b.word.length - a.word.length)[0]?.key ?? null;
}

/** Whether it stands in the message as a word of its own. */
function stands(word: string, message: string): boolean {
  const isBare = (beside: string | undefined): boolean => beside === undefined || !/\w/.test(beside);
  for (let at = message.indexOf(word); word !== '' && at >= 0; at = message.indexOf(word, at + 1))
    if (isBare(message[at - 1]) && isBare(message[at + word.length])) return true;
  return false;
}

export const groupsOfFields = (fields: readonly Field[]): string[] => [...new Set(fields.map(({ group }) => group))];

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
