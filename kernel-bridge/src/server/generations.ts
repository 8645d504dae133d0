/**
 * POST /generate: finds out who answers and what is asked. A policy in training answers itself between two steps; checkpoints and model
 * directories answer in a process of their own, one question at a time.
 */
import { randomInt } from 'node:crypto';
import { publishedReading } from '../answers/index.ts';
import { Dataset, noItem } from '../data/index/dataset.ts';
import { indexedName } from '../data/index/list.ts';
import { openPicture } from '../data/image/picture.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { VqaItem } from '../protocol/data.ts';
import { runReading } from '../protocol/readings.ts';
import type { Answer, Ask, Generation, GenerateRequest, ModelSource } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import { checkModel, type LoadItems } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import { GenerationWorker, type GenerationWorkerOptions } from './generation-worker.ts';
import type { Supervisor } from './supervisor.ts';

export interface GenerationsOptions extends GenerationWorkerOptions {
  loadItems: LoadItems;
  supervisor: Pick<Supervisor, 'ask'>;
  store: (run: string) => RunStore;
  timeout_ms?: number;
}

/** Questions that may be on their way at a time. */
const MOST = 8;
const TIMEOUT_MS = 10 * 60_000;

/** Who answers, when nobody trains it. */
interface Source extends ModelSource {
  step: number | null;
}

export class Generations {
  readonly worker: GenerationWorker;
  readonly #options: GenerationsOptions;
  #waiting = 0;
  /** Ends with the last question for the process of our own. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: GenerationsOptions) {
    this.#options = options;
    this.worker = new GenerationWorker(options);
  }

  /** Throws GENERATE_BUSY, GENERATE_TIMEOUT, GENERATE_STOPPED (by `signal`), GENERATE_WORKER_DIED, and what is wrong with the request. */
  async generate(request: GenerateRequest, signal: AbortSignal): Promise<Generation> {
    if (this.#waiting >= MOST) throw errors.generateBusy();
    this.#waiting++;
    const timeout_ms = this.#options.timeout_ms ?? TIMEOUT_MS;
    const timeout = AbortSignal.timeout(timeout_ms);
    try {
      return await this.#generate(request, AbortSignal.any([signal, timeout]));
    } catch (error) {
      if (signal.aborted) throw errors.generateStopped();
      throw timeout.aborted ? errors.generateSlow(timeout_ms / 1000) : error;
    } finally {
      this.#waiting--;
    }
  }

  async #generate(request: GenerateRequest, signal: AbortSignal): Promise<Generation> {
    checkTogether(request);
    const run = request.run === undefined ? null : this.#options.store(request.run).row();
    const ask = await this.#ask(request, run);
    const facts = { run: run?.id ?? null, variant: ask.variant, seed: ask.seed };
    // the prompt alone needs no policy, and so no wait for a step
    if (run && request.step === undefined && ask.num > 0) {
      const answered = await this.#askPolicy(run.id, ask, signal);
      if (answered) return { ...facts, step: answered.step, model: run.config.model_name_or_path, ...answered.answer };
    }
    const { step, ...source } = run ? this.#sourceOf(run.id, run.config, request.step) : modelSource(request.model!);
    return { ...facts, step, model: source.path, ...(await this.#inTurn(ask, source, signal)) };
  }

  /** Null when nobody trains the run, or when it took its last step before it got to the question: its last checkpoint is that policy. */
  async #askPolicy(run: string, ask: Ask, signal: AbortSignal): Promise<{ answer: Answer; step: number | null } | null> {
    try {
      return await this.#options.supervisor.ask(run, ask, signal);
    } catch (error) {
      const { state } = this.#options.store(run).row();
      if (signal.aborted || (state !== 'finished' && state !== 'stopped')) throw error;
      return null;
    }
  }

  /** The question, and the prompt it goes into (GenerateRequest says which). */
  async #ask(request: GenerateRequest, run: { root: string; config: TrainConfig } | null): Promise<Ask> {
    const config = run?.config ?? null;
    const { root, item } = await this.#question(request, run);
    if (item.image !== '') await openPicture(root, item.image); // refused here rather than after the wait for a step
    const variant = request.variant ?? config?.variant ?? 'think';
    return {
      item,
      root,
      variant,
      template: request.prompt_template ?? (config?.variant === variant ? config.prompt_template : null),
      evaluation: config === null,
      reading: config === null ? publishedReading(variant, request.prompt_template ?? null) : runReading(config),
      min_pixels: config?.min_pixels ?? null,
      max_pixels: config?.max_pixels ?? null,
      num: request.num ?? 1,
      temperature: request.temperature ?? 0,
      max_new_tokens: request.max_new_tokens ?? 256,
      seed: request.seed ?? randomInt(2 ** 32),
    };
  }

  async #question(request: GenerateRequest, run: { root: string; config: TrainConfig } | null): Promise<{ root: string; item: VqaItem }> {
    const { home, loadItems } = this.#options;
    const { dataset = run?.config.dataset_name, item, question, image = '' } = request;
    const indexed = dataset === undefined ? null : indexedName(dataset, home);
    if (indexed !== null) {
      const set = new Dataset(indexed, home);
      try {
        return { root: set.root, item: item === undefined ? inWords(question!, image) : set.item(item) };
      } finally {
        set.close();
      }
    }
    if (dataset === undefined) return { root: '', item: inWords(question!, image) };
    if (item === undefined && run && request.dataset === undefined) return { root: run.root, item: inWords(question!, image) };
    const { root, items } = await loadItems(dataset, { home });
    const found = item === undefined ? inWords(question!, image) : items.find(({ id }) => id === item);
    if (!found) throw noItem(dataset, item!);
    return { root, item: found };
  }

  /**
   * The checkpoint at `step`; without one the newest, and before there is any the model that the run starts from. Its hashes are not
   * checked, for that would read gigabytes at every question; what does not load is refused by name.
   */
  #sourceOf(run: string, config: TrainConfig, step: number | undefined): Source {
    const { dtype } = config;
    const device = config.device.split(':')[0]; // any of the kind will do for a question
    const checkpoints = this.#options.store(run).checkpoints();
    const checkpoint = step === undefined ? checkpoints.at(-1) : checkpoints.find((each) => each.step === step);
    if (checkpoint) return { path: checkpoint.path, step: checkpoint.step, dtype, device };
    const steps = checkpoints.map((each) => each.step);
    if (step !== undefined) throw errors.noCheckpoint(run, step, steps);
    checkModel(config.model_name_or_path);
    return { path: config.model_name_or_path, step: 0, dtype, device };
  }

  /** After the question before, however that ended. */
  #inTurn(ask: Ask, source: ModelSource, signal: AbortSignal): Promise<Answer> {
    const turn = this.#last.then(() => this.worker.ask(ask, source, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function modelSource(path: string): Source {
  checkModel(path);
  return { path, step: null, dtype: null, device: 'auto' };
}

function checkTogether({ run, step, model, dataset, item, image, question, num = 1 }: GenerateRequest): void {
  const wrong = [
    (run === undefined) === (model === undefined) && 'it names either a run or a model',
    step !== undefined && run === undefined && 'a step is one of a run',
    (item === undefined) === (question === undefined) && 'it names either an item or a question in words',
    item !== undefined && image !== undefined && "an item's image is its own",
    dataset === undefined && run === undefined && item !== undefined && 'it names no data set for the item',
    dataset === undefined && run === undefined && image !== undefined && 'it names no data set for the image',
    question?.trim() === '' && num > 0 && 'the question is empty',
  ].find((problem) => problem !== false);
  if (wrong !== undefined) throw errors.badRequest('POST /generate', wrong);
}

/** A question that stands in no data set: its options are in its words, its right answer is not known. */
function inWords(question: string, image: string): VqaItem {
  const unknown = { modality: 'unknown', question_type: 'unknown', problem: null };
  return { id: '', dataset: '', image, question, options: [], answer: null, ...unknown };
}
