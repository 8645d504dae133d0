/**
 * The log that Hugging Face's Trainer, and so TRL's trainers, leave on the disk: `trainer_state.json`, which each checkpoint holds. Its `log_history` is a
 * list of what was logged; names of an evaluation's metrics begin with eval_.
 *
 *     output/checkpoint-300/trainer_state.json      the newest checkpoint tells of all steps before it
 *     output/trainer_state.json                     written by trainer.save_state()
 *     output/completions/completions_00300.parquet  with log_completions=True (trl-completions.ts)
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseJson } from '../data/readers/json.ts';
import { readText } from '../files/plain.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { printable } from '../protocol/printable.ts';
import { errors } from './errors.ts';

const STATE_FILE = 'trainer_state.json';
const MOST_BYTES = 256 << 20;
/** A run has a row for each step, also where nothing was logged. */
const MOST_STEPS = 1_000_000;
const MOST_NAMES = 5000;
const LONGEST_NAME = 200;

export type LoggedMetrics = Record<string, number | null>;

export interface LoggedStep {
  /** From 1. */
  step: number;
  metrics: LoggedMetrics;
  /** What an evaluation after it logged. */
  evaluated: LoggedMetrics;
}

export interface TrainerLog {
  /** The file that was read. */
  file: string;
  /** Of the training: it holds the checkpoints and what was written beside them. */
  folder: string;
  /** When the file was written, in milliseconds since 1970. */
  written_at: number;
  /** In ascending order; steps at which nothing was logged are left out. */
  steps: LoggedStep[];
  /** Steps from one that was logged to the next. */
  stride: number;
  /** Steps that the training was to make; 0 where the log does not say. */
  total_steps: number;
  /** What the log says of the configuration. */
  config: Partial<TrainConfig>;
  /** What was left out, in sentences. */
  left_out: string[];
}

/** The newest log in a folder, or the file itself. Throws IMPORT_NOT_FOUND and IMPORT_UNREADABLE. */
export async function readTrainerLog(path: string): Promise<TrainerLog> {
  const given = resolve(path);
  const skipped: string[] = [];
  for (const file of candidates(given)) {
    try {
      const log = await readState(file);
      return { ...log, left_out: [...skipped, ...log.left_out] };
    } catch (error) {
      if (file === given) throw errors.importUnreadable(file, said(error));
      skipped.push(`${file} cannot be read: ${said(error)}.`);
    }
  }
  throw skipped.length > 0 ? errors.importUnreadable(given, skipped.join(' ')) : errors.importNotFound(given);
}

const said = (error: unknown): string => printable((error as Error).message).slice(0, 300);

/** Where a log may be, the newest first. */
function candidates(path: string): string[] {
  if (!existsSync(path)) throw errors.importNotFound(path);
  if (!statSync(path).isDirectory()) return [path];
  const own = join(path, STATE_FILE);
  const checkpoints = readdirSync(path)
    .flatMap((name) => {
      const step = /^checkpoint-(\d{1,9})$/.exec(name)?.[1];
      const file = join(path, name, STATE_FILE);
      return step !== undefined && existsSync(file) ? [{ step: Number(step), file }] : [];
    })
    .sort((a, b) => b.step - a.step)
    .map(({ file }) => file);
  if (!existsSync(own)) return checkpoints;
  // a training that was begun anew in its folder has checkpoints that are newer than the state of the one before
  const isLast = checkpoints.length === 0 || statSync(own).mtimeMs >= statSync(checkpoints[0]).mtimeMs;
  return isLast ? [own, ...checkpoints] : [...checkpoints, own];
}

async function readState(file: string): Promise<TrainerLog> {
  const state = parseJson(await readText(file, MOST_BYTES), (word) => JSON.stringify(word));
  if (!isObject(state)) throw new Error('it is no JSON object');
  if (!Array.isArray(state.log_history)) throw new Error('it has no list log_history');
  const history = new History();
  for (const row of state.log_history as unknown[]) history.add(row);
  const steps = history.steps();
  if (steps.length === 0) throw new Error('its log_history holds no step');
  const folder = dirname(file);
  return {
    file,
    folder: /^checkpoint-\d+$/.test(basename(folder)) ? dirname(folder) : folder,
    written_at: statSync(file).mtimeMs,
    steps,
    stride: strideOf(steps),
    total_steps: wholeNumber(state.max_steps) ?? 0,
    config: configOf(state),
    left_out: history.leftOut(),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST_STEPS ? value : undefined;

/** Keys that a state has under the names of a configuration. */
function configOf({ max_steps, num_train_epochs, eval_steps, save_steps }: Record<string, unknown>): Partial<TrainConfig> {
  const given = {
    max_steps: wholeNumber(max_steps),
    num_train_epochs: typeof num_train_epochs === 'number' && num_train_epochs > 0 ? num_train_epochs : undefined,
    eval_steps: wholeNumber(eval_steps),
    save_steps: wholeNumber(save_steps),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The middle one of the distances, so that a summary at the end or a gap changes nothing. */
function strideOf(steps: readonly LoggedStep[]): number {
  const trained = steps.filter(({ metrics }) => Object.keys(metrics).length > 0).map(({ step }) => step);
  const gaps = trained.slice(1).map((step, at) => step - trained[at]);
  return gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 1;
}

const NUMBERS: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

/** Rows of a log by step. Rows of one step are put together; a later value counts. */
class History {
  readonly #steps = new Map<number, { metrics: Map<string, number | null>; evaluated: Map<string, number | null> }>();
  readonly #names = new Set<string>();
  readonly #strange = new Set<string>();
  #rows = 0;
  #early = 0;
  #values = 0;

  add(row: unknown): void {
    const step = isObject(row) ? row.step : undefined;
    if (!isObject(row) || !Number.isInteger(step) || (step as number) < 0 || (step as number) > MOST_STEPS) {
      this.#rows++;
      return;
    }
    if (step === 0) {
      this.#early++;
      return;
    }
    let held = this.#steps.get(step as number);
    if (!held) this.#steps.set(step as number, (held = { metrics: new Map(), evaluated: new Map() }));
    for (const [name, value] of Object.entries(row)) {
      if (name === 'step') continue;
      const number = typeof value === 'string' && Object.hasOwn(NUMBERS, value) ? NUMBERS[value] : value;
      if ((number !== null && typeof number !== 'number') || !this.#takes(name)) {
        this.#values++;
        this.#strange.add(name);
      } else (name.startsWith('eval_') ? held.evaluated : held.metrics).set(name, number);
    }
  }

  #takes(name: string): boolean {
    if (this.#names.has(name)) return true;
    const fits = name !== '' && name !== '__proto__' && name.length <= LONGEST_NAME && printable(name) === name;
    if (!fits || this.#names.size >= MOST_NAMES) return false;
    this.#names.add(name);
    return true;
  }

  steps(): LoggedStep[] {
    return [...this.#steps]
      .sort(([a], [b]) => a - b)
      .map(([step, { metrics, evaluated }]) => ({
        step,
        metrics: Object.fromEntries(metrics),
        evaluated: Object.fromEntries(evaluated),
      }));
  }

  leftOut(): string[] {
    const names = [...this.#strange].slice(0, 5).map((name) => printable(name).slice(0, 60));
    return [
      ...(this.#rows > 0 ? [`${this.#rows} rows of the log have no step from 1 to ${MOST_STEPS}.`] : []),
      ...(this.#early > 0 ? ['An evaluation before the first step has no place on the curves.'] : []),
      ...(this.#values > 0 ? [`${this.#values} values are no numbers, or their names cannot be kept: ${names.join(', ')}.`] : []),
    ];
  }
}
