/** The evaluations of a home: found again by what decides their answers, made whole or not at all, listed, moved to the trash. */
import { moveToTrash } from '../files/trash.ts';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { expandHome } from '../files/user-path.ts';
import type { CreateEval, EvalSettings, EvalSummary } from '../protocol/evals.ts';
import { modalityName, questionTypeName } from '../data/names.ts';
import type { Loaded } from '../data/load.ts';
import { hashItems } from '../data/splits/hash.ts';
import { problemText } from '../protocol/problems.ts';
import { requireOwn } from '../runs/imported.ts';
import { errors as runErrors } from '../runs/errors.ts';
import { isRunId, makeDirectory, newRunId } from '../runs/home.ts';
import { machineRefusal } from '../log/errors.ts';
import { isLocked, tryLock } from '../log/lock.ts';
import { Making } from '../log/making.ts';
import { checkModel, openRun } from '../runs/runs.ts';
import type { TrainConfig, Variant } from '../protocol/config.ts';
import { errors } from './errors.ts';
import { checkpointOf, imageMark, modelHash } from './identity.ts';
import type { Evaluated } from './matrix.ts';
import { chooseItems } from './draw.ts';
import { EvalStore, type EvaluationRow } from './store.ts';

/** The seam to src/data. */
export type LoadQuestions = (
  nameOrDir: string,
  options: { split: string | null; usable: true | 'records'; home: string },
) => Promise<Loaded>;

/** Usable questions of a split. A file or folder that is itself the split stands in both places. */
export const loadSplit = (
  loadItems: LoadQuestions,
  home: string,
  dataset: string,
  split: string,
  usable: true | 'records' = true,
): Promise<Loaded> => loadItems(dataset, { split: split === dataset ? null : split, usable, home });

/**
 * The questions of an evaluation, with those whose image cannot be read as it is: files come and go, and the questions stay the same. `hashes` are
 * those that the evaluation may have been stored under; earlier versions hashed what had a sound file alone.
 */
export async function loadAsked(
  loadItems: LoadQuestions,
  home: string,
  { dataset, split }: Pick<EvalSettings, 'dataset' | 'split'>,
): Promise<Loaded & { hashes: string[] }> {
  const data = await loadSplit(loadItems, home, dataset, split, 'records');
  const readable = data.items.filter(({ problem }) => problem === null);
  const hashes = readable.length === data.items.length ? [data.hash] : [data.hash, hashItems(readable)];
  return { ...data, hashes };
}

const evalsDirectory = (home: string): string => join(home, 'evals');
export const evalDirectory = (home: string, id: string): string => join(home, 'evals', id);
export const lockFile = (directory: string): string => join(directory, 'worker.lock');
export const logFile = (directory: string): string => join(directory, 'worker.log');

/** True while some process evaluates it, whoever started it. */
export const isEvaluating = (directory: string): boolean => isLocked(lockFile(directory));

/** Ids, newest first. */
export function listEvals(home: string): string[] {
  const names = existsSync(evalsDirectory(home)) ? readdirSync(evalsDirectory(home)) : [];
  return names.filter(isRunId).toSorted().toReversed();
}

/** Throws EVAL_UNKNOWN also for what is no id, so that no id reaches the file system unchecked. */
export function openEval(home: string, id: string): EvalStore {
  if (!isRunId(id) || !existsSync(evalDirectory(home, id))) throw errors.unknown(id);
  return EvalStore.open(evalDirectory(home, id));
}

/** As it is seen: one whose process died without a word is `interrupted`. */
export function summaryOf(store: EvalStore): EvalSummary {
  const summary = store.summary();
  return summary.state === 'running' && !isEvaluating(store.directory) ? { ...summary, state: 'interrupted' } : summary;
}

/** Ids of one second are in no order; the time is. */
export const newestFirst = (a: EvalSummary, b: EvalSummary): number => b.created_at - a.created_at || (a.id < b.id ? 1 : -1);

/** Newest first; one that cannot be read is left out. */
export function summaries(home: string): EvalSummary[] {
  const found = listEvals(home).flatMap((id) => {
    using store = openOrNull(home, id);
    return store ? [summaryOf(store)] : [];
  });
  return found.toSorted(newestFirst);
}

/** Tables of these evaluations, or of all finished ones of checkpoints, for the matrices. */
export function evaluatedCheckpoints(home: string, ids: readonly string[] | null): Evaluated[] {
  return (ids ?? listEvals(home)).flatMap((id) => {
    using store = ids ? openEval(home, id) : openOrNull(home, id);
    if (!store) return [];
    const { state, trained } = store.row();
    if (trained === null || (ids === null && state !== 'finished')) return [];
    const report = { by_modality: store.accuracyBy('modality'), by_question_type: store.accuracyBy('question_type') };
    return [{ summary: summaryOf(store), report }];
  });
}

/** Moves the evaluation to the trash and returns its place there. The caller makes sure that nobody works on it. */
export function trashEval(home: string, id: string, name = id): string {
  return moveToTrash(home, evalDirectory(home, id), { kind: 'evaluation', of: id, name });
}

export interface PreparedEvaluation {
  store: EvalStore;
  /** It was there before, with so many answers. */
  found: number | null;
}

/**
 * The evaluation that was asked for: the stored one with the same weights, questions and settings, its controls added to, or a new one.
 * Throws MODEL_MISSING, EVAL_SPLIT_CHANGED (the same request was stored on other questions), and what loading the data throws.
 */
export async function prepareEvaluation(
  home: string,
  request: CreateEval,
  { loadItems }: { loadItems: LoadQuestions },
): Promise<PreparedEvaluation> {
  const model = modelOf(home, request);
  checkModel(model.dir);
  const data = await loadAsked(loadItems, home, request);
  const { controls = [] } = request;
  const settings = settingsOf(request, model, data.root);
  if (controls.includes('option-prior')) settings.train_split ??= trainSplitOf(request.split);
  const identity = { model_hash: modelHash(model.dir), split_hash: data.hash };
  const key = evaluationKey(settings, identity);
  // one at a time, so that two who ask for the same find or make one
  makeDirectory(evalsDirectory(home));
  using lock = tryLock(join(evalsDirectory(home), 'lock'), 30_000);
  if (!lock) throw errors.making();
  if (!request.anew) {
    const stored = findStored(home, settings, identity.model_hash, data.hashes);
    if (stored) {
      if (request.samples) stored.wantSamples(request.samples, request.temperature ?? 1);
      if (controls.length > 0) stored.addControls(controls, settings.train_split);
      return { store: stored, found: stored.summary().done };
    }
  }
  const items = chooseItems(data.items, settings.limit, settings.seed);
  const unasked = items.flatMap(({ image, problem }, index) =>
    problem === null ? [] : [{ index, image, mark: imageMark(data.root, image), why: problemText(problem) }],
  );
  const made = { key, settings, controls: [...controls], ...identity, items, unasked, left_out: data.left_out };
  const store = create(home, { id: newRunId(), ...made, name: nameOf(settings, model), trained: model.trained, run_name: model.runName });
  if (request.samples) store.wantSamples(request.samples, request.temperature ?? 1);
  return { store, found: null };
}

/** Equal keys, equal answers: weights and the run they come from, questions, prompt and sampling. Not batch size and device, which decide speed. */
export function evaluationKey(settings: EvalSettings, { model_hash, split_hash }: { model_hash: string; split_hash: string }): string {
  const { run, step, root, variant, prompt_template, max_new_tokens, limit, seed, dtype, min_pixels, max_pixels } = settings;
  const decides = {
    model_hash,
    run,
    step,
    split_hash,
    root,
    variant,
    prompt_template,
    max_new_tokens,
    limit,
    seed,
    dtype,
    min_pixels,
    max_pixels,
  };
  return createHash('sha256').update(JSON.stringify(decides)).digest('hex');
}

/** The word "test" of a split's name; of a file of two halves its last one alone. */
const TEST = /(?<![a-z])test(?![a-z])/gi;

/**
 * The split to train on: "modality/test/CT" -> "modality/train/CT". A split that is a file gives the first file that exists when "train"
 * replaces the last "test" of its path, then the last two, and so on. Throws EVAL_TRAIN_SPLIT where no such split or file exists.
 */
export function trainSplitOf(split: string): string {
  if (split.endsWith('.json#test')) return split.replace(/test$/, 'train');
  const places = Array.from(split.matchAll(TEST), ({ index }) => index).toReversed();
  if (places.length === 0) throw errors.noTrainSplit(split);
  const names = places.map((_, last) => replaceAt(split, places.slice(0, last + 1)));
  const named = isAbsolute(split) ? names.find((name) => existsSync(name)) : names.at(-1);
  if (named === undefined) throw errors.noTrainSplit(split);
  return named;
}

const replaceAt = (split: string, places: readonly number[]): string =>
  split.replace(TEST, (word: string, at: number) => (places.includes(at) ? 'train' : word));

/** Questions that option-prior learns from: a split of the data set, or a file of its own. */
export function loadTrainSplit(loadItems: LoadQuestions, home: string, settings: EvalSettings): Promise<Loaded> {
  const split = settings.train_split ?? trainSplitOf(settings.split);
  return loadSplit(loadItems, home, isAbsolute(split) && existsSync(split) ? split : settings.dataset, split);
}

interface Model {
  dir: string;
  run: string | null;
  step: number | null;
  runName: string | null;
  trained: EvalSummary['trained'];
}

function modelOf(home: string, { model, run, step }: CreateEval): Model {
  if ((model === undefined) === (run === undefined)) throw errors.whichModel();
  if (model !== undefined) {
    const dir = resolve(expandHome(model));
    const at = checkpointOf(dir);
    const known = at.run !== null && existsSync(join(home, 'runs', at.run)) ? describeRun(home, at.run) : { runName: null, trained: null };
    return { dir, ...at, ...known };
  }
  using store = openRun(home, run!);
  requireOwn(store, 'be evaluated');
  const checkpoints = store.checkpoints();
  const chosen = step === undefined ? checkpoints.at(-1) : checkpoints.find((checkpoint) => checkpoint.step === step);
  if (!chosen) {
    const steps = checkpoints.map((checkpoint) => checkpoint.step);
    throw runErrors.noCheckpoint(run!, step ?? store.step, steps);
  }
  return { dir: chosen.path, run: run!, step: chosen.step, ...describeRun(home, run!) };
}

function describeRun(home: string, run: string): Pick<Model, 'runName' | 'trained'> {
  using store = openRun(home, run);
  const { name, config } = store.row();
  return { runName: name, trained: trainedOn(config) };
}

/** What a configuration trains on, where that is one modality or one question type. */
export function trainedOn(config: TrainConfig): NonNullable<EvalSummary['trained']> {
  const split = /^(?:Splits\/)?(modality|question_type)\/train\/(.+)$/.exec(config.dataset_train_split ?? '');
  const one = (values: string[] | null): string | null => (values?.length === 1 ? values[0] : null);
  const modality = one(config.modality) ?? (split?.[1] === 'modality' ? split[2] : null);
  const type = one(config.question_type) ?? (split?.[1] === 'question_type' ? split[2] : null);
  return {
    trainer: config.trainer,
    variant: config.variant,
    modality: modality && modalityName(modality),
    question_type: type && questionTypeName(type),
  };
}

/** GRPO answers after at most so many tokens in Med-R1's evaluation scripts; so do ours. */
const MAX_NEW_TOKENS = 256;

function settingsOf(request: CreateEval, model: Model, root: string): EvalSettings {
  const { device = 'cpu' } = request;
  return {
    model: model.dir,
    run: model.run,
    step: model.step,
    dataset: request.dataset,
    split: request.split,
    root,
    train_split: request.train_split ?? null,
    variant: request.variant ?? (model.trained?.variant as Variant | undefined) ?? 'think',
    prompt_template: request.prompt_template ?? null,
    max_new_tokens: request.max_new_tokens ?? MAX_NEW_TOKENS,
    limit: request.limit ?? null,
    seed: request.seed ?? 42,
    dtype: request.dtype ?? (device === 'cpu' ? 'float32' : 'bfloat16'),
    device,
    batch_size: request.batch_size ?? 16,
    min_pixels: 3136,
    max_pixels: 401408,
  };
}

function nameOf({ split }: EvalSettings, { dir, runName, step }: Model): string {
  return runName === null ? `${basename(dir)} on ${split}` : `${runName}, step ${step}, on ${split}`;
}

/** The stored evaluation of this key, newest first. One of the same request on other questions is refused: mixing two splits under one name misleads. */
function findStored(
  home: string,
  settings: EvalSettings,
  model_hash: string,
  /** The first is the split's as it is now. */
  hashes: readonly string[],
): EvalStore | null {
  const keys = hashes.map((split_hash) => evaluationKey(settings, { model_hash, split_hash }));
  let changed: EvaluationRow | null = null;
  for (const id of listEvals(home)) {
    const store = openOrNull(home, id);
    if (!store) continue;
    const row = store.row();
    if (keys.includes(row.key)) return store;
    const otherwiseEqual = evaluationKey(row.settings, { model_hash, split_hash: hashes[0] }) === keys[0] && row.model_hash === model_hash;
    if (otherwiseEqual && row.settings.split === settings.split && !hashes.includes(row.split_hash)) changed ??= row;
    store[Symbol.dispose]();
  }
  if (changed) throw errors.splitChanged(settings.split, changed.id, changed.split_hash, hashes[0]);
  return null;
}

function openOrNull(home: string, id: string): EvalStore | null {
  try {
    return openEval(home, id);
  } catch {
    return null; // a damaged one is shown by the list, and does not stand in the way of others
  }
}

function create(home: string, made: Parameters<typeof EvalStore.create>[1]): EvalStore {
  try {
    using making = Making.in(evalsDirectory(home));
    using _ = EvalStore.create(making.directory, made);
    making.become(evalDirectory(home, made.id));
  } catch (error) {
    throw machineRefusal(evalsDirectory(home), error) ?? error;
  }
  return EvalStore.open(evalDirectory(home, made.id));
}
