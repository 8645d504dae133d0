/**
 * Tables of completions that TRL writes with log_completions=True: completions/completions_00300.parquet holds the completions that were logged at step
 * 300, a row each, with prompt, completion, a column a reward function, columns of the functions' own (log_extra), and the advantage.
 *
 * The tables do not say which rows are a group, how rewards were weighted, or whether an evaluation at the same step wrote its own rows over those of
 * training, as TRL does. What can be told is told by holding the rows to the log: means of rewards, and advantages, whose sum over a group is 0.
 */
import { hash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { verdict } from '../answers/index.ts';
import { plainRows } from '../data/readers/parquet.ts';
import { printable } from '../protocol/printable.ts';
import type { ReadingName } from '../protocol/readings.ts';
import type { Group } from '../protocol/run.ts';
import type { LoggedMetrics, TrainerLog } from './trainer-log.ts';

/** More rows of one step are no table of a step. */
const MOST_ROWS = 50_000;
const MOST_BYTES = 256 << 20;
const MOST_CHARACTERS = 1 << 20;
/** Sums and means of what was written as float32. */
const TOLERANCE = 1e-3;

interface Row {
  prompt: string;
  /** Tells prompts apart; texts of two may be the same. */
  key: string;
  hasImage: boolean;
  text: string;
  rewards: Record<string, number | null>;
  advantage: number | null;
}

export interface LoggedCompletions {
  /** Steps whose completions are known. */
  steps: ReadonlySet<number>;
  /** Of a step, read anew. */
  groupsAt(step: number): Promise<Group[]>;
  /** Completions of a question; 0 where there are none. */
  num_generations: number;
  /** Names of the reward functions. */
  functions: string[];
  /** Whether each function counts as it is: then the reward of a completion is known. */
  isPlainSum: boolean;
  /** What was left out, in sentences. */
  left_out: string[];
}

interface Options {
  reading: ReadingName;
  /** As somebody who knows it says. */
  num_generations?: number;
}

/** What of a row tells groups apart. */
type Trait = Pick<Row, 'key' | 'advantage'>;

/** Looks through the tables once, and keeps no text. */
export async function readCompletions(log: TrainerLog, { reading, num_generations }: Options): Promise<LoggedCompletions> {
  const functions = functionsOf(log);
  const isPlainSum = sumsPlainly(log, functions);
  const tables = new Map<number, { file: string; rows: Trait[] }>();
  const left = new Map<string, number[]>();
  const leave = (step: number, why: string): void => void left.set(why, [...(left.get(why) ?? []), step]);
  const logged = new Map(log.steps.map((one) => [one.step, one]));
  for (const { step, file } of filesOf(join(log.folder, 'completions'))) {
    const of = logged.get(step);
    if (!of) {
      leave(step, 'the log does not reach them');
      continue;
    }
    try {
      const rows = await rowsOf(file, functions);
      const why = strangeness(rows, of.metrics, of.evaluated, functions, log.stride);
      if (why === null) tables.set(step, { file, rows: rows.map(({ key, advantage }) => ({ key, advantage })) });
      else leave(step, why);
    } catch (error) {
      leave(step, `the file cannot be read (${printable((error as Error).message).slice(0, 120)})`);
    }
  }
  const traits = [...tables.values()].map(({ rows }) => rows);
  const size = num_generations ?? groupSize(traits);
  const fits = size !== null && traits.every((rows) => rows.length % size === 0);
  const left_out = [...left].map(([why, steps]) => `Completions of ${stepsText(steps)} were left out: ${why}.`);
  if (tables.size > 0 && !fits)
    left_out.push(
      num_generations === undefined
        ? 'Completions were left out: which of them answer one question cannot be told from their prompts and advantages. Say how many do.'
        : `Completions were left out: a table's rows are no multiple of ${num_generations}.`,
    );
  return {
    steps: new Set(fits ? tables.keys() : []),
    groupsAt: async (step) => groupsOf(step, await rowsOf(tables.get(step)!.file, functions), size!, { reading, isPlainSum }),
    num_generations: fits && tables.size > 0 ? size : 0,
    ...{ functions, isPlainSum, left_out },
  };
}

function stepsText(steps: readonly number[]): string {
  if (steps.length === 1) return `step ${steps[0]}`;
  return `${steps.length} steps (${steps.slice(0, 4).join(', ')}${steps.length > 4 ? ', ...' : ''})`;
}

const filesOf = (folder: string): { step: number; file: string }[] =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(folder)
        .flatMap((name) => {
          const step = /^completions_(\d{1,9})\.parquet$/.exec(name)?.[1];
          return step === undefined ? [] : [{ step: Number(step), file: join(folder, name) }];
        })
        .sort((a, b) => a.step - b.step)
    : [];

const FUNCTION = /^rewards\/(.+)\/mean$/;

function functionsOf({ steps }: TrainerLog): string[] {
  const names = new Set<string>();
  for (const { metrics } of steps) for (const name of Object.keys(metrics)) if (FUNCTION.test(name)) names.add(FUNCTION.exec(name)![1]);
  return [...names];
}

/** Whether the logged reward was the sum of the functions' means wherever all of them were logged, as with weights of 1. */
function sumsPlainly({ steps }: TrainerLog, functions: readonly string[]): boolean {
  const whole = steps.flatMap(({ metrics }) => {
    const means = functions.map((name) => metrics[`rewards/${name}/mean`]);
    const { reward } = metrics;
    return reward == null || means.some((mean) => mean == null) ? [] : [{ reward, sum: (means as number[]).reduce((a, b) => a + b, 0) }];
  });
  return whole.length > 0 && whole.every(({ reward, sum }) => near(reward, sum));
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));

async function rowsOf(file: string, functions: readonly string[]): Promise<Row[]> {
  if (statSync(file).size > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`);
  const rows: Row[] = [];
  for await (const row of plainRows(file)) {
    if (!('prompt' in row) || !('completion' in row)) throw new Error('it has no columns prompt and completion');
    if (rows.length >= MOST_ROWS) throw new Error(`it has more than ${MOST_ROWS} rows`);
    rows.push({
      prompt: textOf(row.prompt, 'user'),
      key: hash('sha256', JSON.stringify(row.prompt)),
      hasImage: JSON.stringify(row.prompt).includes('"type":"image"'),
      text: textOf(row.completion, 'assistant'),
      rewards: Object.fromEntries(functions.map((name) => [name, numberOf(row[name])])),
      advantage: numberOf(row.advantage),
    });
  }
  if (rows.length === 0) throw new Error('it holds no rows');
  return rows;
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** A text, or what messages of a role say: of a prompt the last one, of a completion all. */
function textOf(given: unknown, role: 'user' | 'assistant'): string {
  if (typeof given === 'string') return given.slice(0, MOST_CHARACTERS);
  const messages = Array.isArray(given) ? (given as unknown[]).flatMap((one) => (isMessage(one) && one.role === role ? [one] : [])) : [];
  const texts = messages.map(({ content }) => contentText(content));
  return (role === 'user' ? (texts.at(-1) ?? '') : texts.join('\n')).slice(0, MOST_CHARACTERS);
}

const isMessage = (value: unknown): value is { role: unknown; content: unknown } =>
  typeof value === 'object' && value !== null && 'role' in value && 'content' in value;

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as { text?: unknown }[]).map((part) => (typeof part?.text === 'string' ? part.text : '')).join('');
}

/** Why these rows are not those that training logged at this step; null where they are, as far as the log can tell. */
function strangeness(
  rows: readonly Row[],
  metrics: LoggedMetrics,
  evaluated: LoggedMetrics,
  functions: readonly string[],
  stride: number,
): string | null {
  const wasEvaluated = Object.keys(evaluated).some((name) => name.startsWith('eval_reward'));
  // the log of several steps is a mean over them, and the table holds the last one
  if (stride > 1) return wasEvaluated ? 'an evaluation at the same step may have written over them' : null;
  if (metrics.reward == null) return 'nothing was sampled at the step: they are of one before it';
  const meets = (logged: LoggedMetrics, prefix: string): boolean =>
    functions.every((name) => {
      const mean = logged[`${prefix}rewards/${name}/mean`];
      const values = rows.map(({ rewards }) => rewards[name]).filter((value) => value !== null);
      if (mean == null || !Number.isFinite(mean)) return values.length === 0;
      return values.length > 0 && near(mean, values.reduce((sum, value) => sum + value, 0) / values.length);
    });
  if (meets(metrics, '')) return null;
  if (wasEvaluated) return 'the evaluation at the same step wrote over them';
  return 'their rewards are not those that were logged';
}

/**
 * The completions of a question: as many rows as stand together with one prompt in every table, and whose advantages sum to 0. Two questions with the same
 * text (and other images) stand together as one, which their advantages tell; where all of these are 0, it is the most that the prompts allow.
 */
function groupSize(tables: readonly (readonly Trait[])[]): number | null {
  if (tables.length === 0) return null;
  const runs = tables.flatMap(runLengths);
  const most = runs.reduce(greatestDivisor);
  const sizes = Array.from({ length: most }, (_, i) => i + 1).filter((size) => size >= 2 && most % size === 0);
  if (tables.every((rows) => rows.every(({ advantage }) => advantage === 0))) return sizes.at(-1) ?? null;
  return sizes.find((size) => tables.every((rows) => chunks(rows, size).every(sumsToZero))) ?? null;
}

function runLengths(rows: readonly Trait[]): number[] {
  const lengths: number[] = [];
  rows.forEach(({ key }, at) => {
    if (at > 0 && rows[at - 1].key === key) lengths[lengths.length - 1]++;
    else lengths.push(1);
  });
  return lengths;
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

function sumsToZero(rows: readonly Trait[]): boolean {
  const advantages = rows.map(({ advantage }) => advantage ?? 0);
  const sum = advantages.reduce((total, value) => total + value, 0);
  return Math.abs(sum) <= TOLERANCE * Math.max(...advantages.map(Math.abs), 1e-6) * rows.length;
}

function groupsOf(step: number, rows: readonly Row[], size: number, how: { reading: ReadingName; isPlainSum: boolean }): Group[] {
  return chunks(rows, size).map((members, group) => {
    const totals = members.map(({ rewards }) => (how.isPlainSum ? sumOf(Object.values(rewards)) : null));
    const known = totals.filter((total) => total !== null);
    const { prompt, key, hasImage } = members[0];
    const question = { options: [], answer: null };
    return {
      step,
      group,
      // with another image the same text is another question
      item_id: hasImage ? `step ${step}, group ${group + 1}` : `prompt ${key.slice(0, 12)}`,
      dataset: '',
      image: null,
      question: prompt,
      ...question,
      modality: '',
      question_type: '',
      prompt,
      reading: how.reading,
      reward_mean: meanOf(known),
      reward_std: deviation(known),
      completions: members.map(({ text, rewards, advantage }, index) => ({
        ...{ index, text, token_ids: [], logprobs: [], entropy: null, kl: null, ratio: null, clipped: null },
        finish_reason: 'unknown',
        ...{ rewards, reward: totals[index], advantage },
        ...verdict(how.reading, text, question),
      })),
    };
  });
}

function sumOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** With n - 1, as torch.std and so TRL have it. */
function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values)!;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
