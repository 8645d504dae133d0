/** POST /generate: finds out what is asked and whom (asking.ts has it answered). */
import { randomInt } from 'node:crypto';
import { publishedReading } from '../answers/index.ts';
import { openPicture } from '../data/image/picture.ts';
import { runReading } from '../protocol/readings.ts';
import type { Ask, Generation, GenerateRequest } from '../protocol/generate.ts';
import type { AskKernel } from '../rewards/index.ts';
import { errors } from '../runs/errors.ts';
import { requireOwn } from '../runs/imported.ts';
import type { RunRow } from '../runs/row.ts';
import type { LoadItems } from '../runs/runs.ts';
import { scoreGeneration } from '../runs/score-generation.ts';
import type { RunStore } from '../runs/store.ts';
import type { Asking } from './asking.ts';
import { checkCrop, questionAsked, wronglyNamed } from './question.ts';

export interface QuestionSources {
  home: string;
  loadItems: LoadItems;
  asking: Asking;
  store: (run: string) => RunStore;
}

interface GenerationSources extends QuestionSources {
  /** To the kernels that serve reward functions. */
  askKernel?: AskKernel;
}

export class Generations {
  readonly #sources: GenerationSources;

  constructor(sources: GenerationSources) {
    this.#sources = sources;
  }

  /** Throws what `Asking` throws, and what is wrong with the request. */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<Generation> {
    return this.#sources.asking.inTime(signal, (inTime) => this.#generate(request, inTime));
  }

  async #generate(request: GenerateRequest, signal: AbortSignal): Promise<Generation> {
    const { asking, store, askKernel } = this.#sources;
    checkTogether(request);
    if (request.run !== undefined) requireOwn(store(request.run), 'be asked');
    const run = request.run === undefined ? null : store(request.run).row();
    const ask = await this.#ask(request, run);
    const scorer = request.rewards === undefined ? null : store(request.rewards); // refused before the wait for a step
    const { answer, step, model } = !run
      ? await asking.model(request.model!, ask, signal)
      : request.step !== undefined
        ? await asking.checkpoint(run.id, request.step, ask, signal)
        : // the prompt alone needs no policy, and so no wait for a step
          await asking.newest(run.id, ask, signal, { live: ask.num > 0 });
    const generation = { run: run?.id ?? null, variant: ask.variant, seed: ask.seed, step, model, ...answer };
    return scorer ? scoreGeneration(scorer, ask, generation, askKernel) : generation;
  }

  /** The question, and the prompt it goes into (GenerateRequest says which). */
  async #ask(request: GenerateRequest, run: RunRow | null): Promise<Ask> {
    const config = run?.config ?? null;
    const { root, item } = await questionAsked(request, run, this.#sources);
    if (item.image !== '') checkCrop(request.crop, await openPicture(root, item.image)); // refused here rather than after the wait for a step
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
      crop: request.crop ?? null,
      blank: request.blank ?? false,
      num: request.num ?? 1,
      temperature: request.temperature ?? 0,
      max_new_tokens: request.max_new_tokens ?? 256,
      seed: request.seed ?? randomInt(2 ** 32),
    };
  }
}

function checkTogether(request: GenerateRequest): void {
  const { item, image, num = 1 } = request;
  const wrong =
    wronglyNamed(request, { isAsked: num > 0 }) ?? (item !== undefined && image !== undefined ? "an item's image is its own" : undefined);
  if (wrong !== undefined) throw errors.badRequest('POST /generate', wrong);
}
