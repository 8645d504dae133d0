/**
 * Works off one stored evaluation: takes its lock, makes sure that model and questions are still the ones it began with, and asks what has
 * no answer yet, a batch a transaction. Batches begin at the first open question, so that a resumed one forms the batches that an
 * uninterrupted one would have formed.
 */
import { existsSync } from 'node:fs';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { dataGone } from '../data/image/open.ts';
import { OptionPrior } from '../data/prior.ts';
import { errors } from '../evals/errors.ts';
import { loadAsked, loadTrainSplit, lockFile, type LoadQuestions } from '../evals/evals.ts';
import { imageMark, modelHash } from '../evals/identity.ts';
import { otherImages, permuted } from '../evals/draw.ts';
import { EvalStore } from '../evals/store.ts';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import type { EvalState, Sight } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import { machineRefusal } from '../log/errors.ts';
import { tryLock } from '../log/lock.ts';
import { checkModel } from '../runs/runs.ts';
import type { Answerer, Asked, OpenAnswerer } from './answerer.ts';

export interface EvaluationOptions {
  directory: string;
  home: string;
  loadItems: LoadQuestions;
  openAnswerer: OpenAnswerer;
  /** Called after every commit; whoever listens reads the store. */
  committed: () => void;
  log: (line: string) => void;
  /** Aborted when it is to end after the batch at hand; reason `stop` (asked for) or `orphan` (the supervisor is gone). */
  signal: AbortSignal;
}

/** Returns the state in which it ended; a failure is stored, and what was answered stays. */
export async function runEvaluation(options: EvaluationOptions): Promise<EvalState> {
  using lock = tryLock(lockFile(options.directory), 2000);
  using store = EvalStore.open(options.directory, { check: true });
  if (!lock) throw errors.locked(store.row().id);
  const end = (state: EvalState, error: unknown = null): EvalState => {
    store.setState(state, error === null ? null : errorBody(error));
    options.committed();
    return state;
  };
  const fail = (error: unknown): EvalState => {
    try {
      return end('failed', error);
    } catch {
      throw error; // that cannot be written either
    }
  };
  try {
    store.setState('running');
    options.committed();
    const images = await checkQuestions(store, options);
    const { signal } = options;
    do {
      if (store.row().controls.includes('option-prior')) await applyPrior(store, options);
      if (!(await answerAll(store, options, images))) return end(signal.reason === 'orphan' ? 'interrupted' : 'stopped');
    } while (!store.finish());
    const { items } = store.summary();
    if (items === 0) return end('failed', errors.noAnswer(store.row().id, store.unasked().at(-1)?.why ?? ''));
    options.committed();
    return 'finished';
  } catch (error) {
    options.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return fail(machineRefusal(options.directory, error) ?? error);
  }
}

/** What is known of image files: those that are no longer what answers are about, and the sha256 that the index has. */
interface Images {
  changed: ReadonlySet<string>;
  sha256: ReadonlyMap<string, string>;
}

async function checkQuestions(store: EvalStore, { loadItems, home }: EvaluationOptions): Promise<Images> {
  const { id, settings, split_hash, model_hash } = store.row();
  const { hash, hashes, images: sha256 = new Map<string, string>() } = await loadAsked(loadItems, home, settings);
  if (!hashes.includes(split_hash)) throw errors.splitChanged(settings.split, id, split_hash, hash);
  checkModel(settings.model);
  if (modelHash(settings.model) !== model_hash) throw errors.modelChanged(settings.model, id);
  return { changed: checkImages(store), sha256 };
}

/**
 * Images that answers are about and that are no longer as they were: nothing more is asked about them. Others are taken as they are. What could not be
 * shown is asked again where the file is another by now.
 */
function checkImages(store: EvalStore): Set<string> {
  const { settings } = store.row();
  const marks = new Map<string, string>();
  const markOf = (image: string): string => {
    const mark = marks.get(image) ?? imageMark(settings.root, image);
    marks.set(image, mark);
    return mark;
  };
  const changed = store.images().filter(({ image, mark }) => markOf(image) !== mark);
  const answered = (one: { mark: string | null; seen: boolean }): boolean => one.seen && one.mark !== null;
  store.askAgain((image, mark) => markOf(image) !== mark);
  store.setMarks(changed.flatMap((one) => (answered(one) ? [] : [{ index: one.index, mark: markOf(one.image) }])));
  return new Set(changed.filter(answered).map(({ image }) => image));
}

/** Cheap, so it is done anew each time: the training split may have changed. */
async function applyPrior(store: EvalStore, { loadItems, home, committed }: EvaluationOptions): Promise<void> {
  const train = await loadTrainSplit(loadItems, home, store.row().settings);
  const prior = new OptionPrior(train.items);
  store.setPrior(
    store.items().map((item) => prior.answer(item)),
    train.hash,
  );
  committed();
}

/** False when it was told to end before all was answered. */
async function answerAll(store: EvalStore, options: EvaluationOptions, images: Images): Promise<boolean> {
  const { settings } = store.row();
  const sights = store.pending();
  if (sights.length === 0 && store.missingSamples().length === 0) return true;
  using answerer = await options.openAnswerer(settings);
  const items = store.items();
  for (const sight of sights) {
    const ask = asker(items, sight, settings.seed);
    const missing = store.missing(sight);
    for (let start = 0; start < missing.length; start += settings.batch_size) {
      await yieldToEvents();
      if (options.signal.aborted) return false;
      await answerBatch(store, answerer, sight, missing.slice(start, start + settings.batch_size), ask, images);
      options.committed();
    }
  }
  return await drawAll(store, answerer, options, images, items); // the model is there until the last sample
}

/** Samples of every question that lacks some, after all greedy answers. False when it was told to end before. */
async function drawAll(
  store: EvalStore,
  answerer: Answerer,
  options: EvaluationOptions,
  images: Images,
  items: readonly VqaItem[],
): Promise<boolean> {
  const { settings, samples: wanted, temperature } = store.row();
  for (;;) {
    const missing = store.missingSamples();
    if (missing.length === 0) return true;
    await yieldToEvents();
    if (options.signal.aborted) return false;
    // questions of a batch have as many samples as each other, and together ask for about as many answers as a greedy batch
    const [{ have }] = missing;
    const n = wanted - have;
    const most = Math.max(1, Math.floor(settings.batch_size / n));
    const batch = missing.filter((one) => one.have === have).slice(0, most);
    const shown = batch.filter(({ index }) => !images.changed.has(items[index].image));
    const questions = shown.map(({ index }) => {
      const item = items[index];
      return { item, image: item.image, sha256: images.sha256.get(item.image) };
    });
    const seed = seedOf(settings.seed, batch[0].index, have);
    const drawn = questions.length === 0 ? [] : await answerer.draw(questions, { n, temperature: temperature!, seed });
    const unasked = batch.flatMap(({ index }) => {
      const { image } = items[index];
      const at = shown.findIndex((one) => one.index === index);
      const answers = drawn[at];
      if (at >= 0 && !(answers instanceof WorkbenchError)) return [];
      const why = at < 0 ? `${image} is no longer the image that was answered about` : (answers as WorkbenchError).message;
      return [{ index, image, mark: imageMark(settings.root, image), why }];
    });
    if (unasked.length > 0 && !existsSync(settings.root)) throw dataGone(settings.root);
    store.addSamples(
      drawn.flatMap((answers, at) => (answers instanceof WorkbenchError ? [] : [{ index: shown[at].index, from: have, answers }])),
      unasked,
    );
    options.committed();
  }
}

/** Another number for each batch of samples: it follows from the first question's place and how many samples it has. */
const seedOf = (seed: number, index: number, have: number): number =>
  (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b) ^ (have << 20)) >>> 0;

async function answerBatch(
  store: EvalStore,
  answerer: Answerer,
  sight: Sight,
  places: readonly number[],
  ask: (index: number) => Asked,
  images: Images,
): Promise<void> {
  const questions = places.map((index) => ({ index, ...ask(index) }));
  const shown = questions.filter(({ image }) => image === null || !images.changed.has(image));
  const answers = await answerer.answer(
    shown.map(({ item, image }) => ({ item, image, sha256: image === null ? undefined : images.sha256.get(image) })),
    sight,
  );
  const { root } = store.row().settings;
  const unasked = [
    ...questions.flatMap((one) =>
      shown.includes(one) ? [] : [{ ...one, why: `${one.image} is no longer the image that was answered about` }],
    ),
    ...shown.flatMap((one, i) => {
      const answer = answers[i];
      return answer instanceof WorkbenchError ? [{ ...one, why: answer.message }] : [];
    }),
  ].map(({ index, image, why }) => ({ index, image: image ?? '', mark: image === null ? '' : imageMark(root, image), why }));
  // a folder that went in the midst of a batch says nothing of its questions
  if (unasked.length > 0 && !existsSync(root)) throw dataGone(root);
  const given = shown.flatMap(({ index, item }, i) => {
    const answer = answers[i];
    return answer instanceof WorkbenchError ? [] : [{ index, ...answer, ...(sight === 'options-permuted' && { shown: item }) }];
  });
  store.addAnswers(sight, given, unasked);
}

/** The question at a place as the model sees it under a sight. */
function asker(items: readonly VqaItem[], sight: Sight, seed: number): (index: number) => Asked {
  const other = sight === 'shuffled-image' ? otherImages(items, seed) : [];
  return (index) => {
    const item = items[index];
    if (sight === 'text-only') return { item, image: null };
    if (sight === 'shuffled-image') return { item, image: items[other[index]].image };
    if (sight === 'options-permuted') return { item: permuted(item, index, seed), image: item.image };
    return { item, image: item.image };
  };
}
