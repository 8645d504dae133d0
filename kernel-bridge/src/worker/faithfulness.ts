/** Tests how far the answers of a stored evaluation follow from their reasoning, a question a transaction: one that is ended goes on where it was. */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { choicesOf, publishedReading, reasoningOf } from '../answers/index.ts';
import { errors } from '../evals/errors.ts';
import { lockFile } from '../evals/evals.ts';
import { keep, lookedAt, testOrder, type Intervened } from '../evals/faithfulness.ts';
import { modelHash } from '../evals/identity.ts';
import type { EvalStore } from '../evals/store.ts';
import { tryLock } from '../log/lock.ts';
import { loadModel, loadProcessor, type ModelDtype } from '../models/index.ts';
import type { VqaItem } from '../protocol/data.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { encodePut } from '../rl/answer.ts';
import { disposePrompt } from '../rl/ask.ts';
import { interventions } from '../rl/explain/interventions.ts';
import { resolveDevice } from '../rl/training.ts';
import { checkModel } from '../runs/runs.ts';

export interface FaithfulnessOptions {
  store: EvalStore;
  /** Questions that are tested at most. */
  limit: number;
  /** Whether mistakes are put in too: the model has to write on after each. */
  mistakes: boolean;
  /** Ends it after the question at hand. */
  signal: AbortSignal;
  committed: (done: number, total: number) => void;
}

/** False when it was told to end before all was tested. Throws EVAL_CONFLICT, EVAL_BUSY, EVAL_MODEL_CHANGED. */
export async function testFaithfulness({ store, limit, mistakes, signal, committed }: FaithfulnessOptions): Promise<boolean> {
  const { id, state, settings, model_hash } = store.row();
  if (state !== 'finished') throw errors.unfinished(id, state);
  using lock = tryLock(lockFile(store.directory), 2000);
  if (!lock) throw errors.locked(id);
  const items = store.items();
  const texts = store.texts('image');
  const places = testOrder([...texts.keys()], settings.seed).slice(0, limit);
  const done = lookedAt(store);
  const open = places.filter((ix) => !done.has(ix));
  committed(places.length - open.length, places.length);
  if (open.length === 0) return true;
  checkModel(settings.model);
  if (modelHash(settings.model) !== model_hash) throw errors.modelChanged(settings.model, id);

  const processor = await loadProcessor(settings.model);
  using model = await loadModel(settings.model, { device: resolveDevice(settings.device), dtype: settings.dtype as ModelDtype });
  const said = places.map((ix) => thinking(texts.get(ix)!));
  for (const [at, ix] of open.entries()) {
    await yieldToEvents();
    if (signal.aborted) return false;
    const item = items[ix];
    const text = texts.get(ix)!;
    const own = places.indexOf(ix);
    const ids = processor.encode(text);
    const pieces = tokenTexts(processor, ids);
    const reasoning = reasoningOf(pieces);
    const letter = reasoning.token === null ? null : pieces[reasoning.token].trim();
    if (letter === null || reasoning.sentences.length === 0) {
      keep(store, ix, letter, letter === null ? 'no-letter' : 'no-reasoning');
    } else {
      const found = await tested(item, ids, pieces, other(said, own));
      keep(store, ix, letter, found);
    }
    committed(places.length - open.length + at + 1, places.length);
  }
  return true;

  async function tested(item: VqaItem, ids: number[], pieces: string[], foreign: string): Promise<Intervened[]> {
    const { variant, prompt_template: template, min_pixels, max_pixels, root } = settings;
    const put = { item, root, variant, template, evaluation: true, min_pixels: min_pixels ?? null, max_pixels: max_pixels ?? null };
    const { prompt, view } = await encodePut(processor, put);
    try {
      const asked = { options: choicesOf(item.options), other: foreign, reading: publishedReading(variant, template), mistakes };
      const completion = { model, processor, prompt, view, ids, texts: pieces };
      return (await interventions(completion, { ...asked, maxNewTokens: settings.max_new_tokens }))!;
    } finally {
      disposePrompt(prompt);
    }
  }
}

/** What an answer thinks, '' where it does not. */
function thinking(text: string): string {
  const { from, to } = reasoningOf([...text]);
  return text.slice(from, to);
}

/** Of the next answer that thinks something else. */
function other(all: readonly string[], own: number): string {
  const next = [...all.slice(own + 1), ...all.slice(0, own)];
  return next.find((one) => one !== '' && one !== all[own]) ?? '';
}
