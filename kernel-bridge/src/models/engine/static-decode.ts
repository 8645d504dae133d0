/**
 * Decoding with static shapes: what decode-state.ts does, so that a step can be recorded as a CUDA graph and replayed by one call. Places in
 * the cache, positions, lengths, random numbers and drawn tokens are tensors that a step reads and writes where they stand. Each row has a
 * copy of its prompt's keys, so that attention is one kernel. Without a GPU the same steps run one operator after another, which the tests
 * hold to decode-state.ts; what a GPU adds is not tried yet (docs/guides/servers.md).
 */
import {
  CudaGraph,
  disposeAll,
  graphPool,
  keep,
  keepAll,
  noGrad,
  scope,
  span,
  tensor,
  torch,
  type GraphPool,
  type Tensor,
} from '../../torch/index.ts';
import { PROMPT_STEP } from './budgets.ts';
import { readDrawn, seenTokens, type DecodeOptions, type Decoding } from './decode-state.ts';
import { logitsOf } from './decoder.ts';
import { gatherRows } from './layers.ts';
import type { Adapter, Model } from '../model.ts';
import { layOut } from './prefix.ts';
import type { EncodedPrompt } from '../prompt.ts';
import { makeSampler, suppression, type Sampler, type Suppression } from './sampling.ts';
import { StaticCache, type CacheSize } from './static-cache.ts';
import { draw, prefill, step } from './static-step.ts';

export interface StaticOptions extends DecodeOptions {
  /** Draws between two readings: random numbers for so many are made at a time. */
  syncSteps: number;
}

const PLAN = 'static-decode';

export class StaticDecode implements Decoding {
  private readonly model: Model;
  private readonly plan: Plan;
  private readonly choice: Choice;
  private readonly options: StaticOptions;
  private readonly newTokens: number;
  private rows: number; // that count
  private readonly rowsAtStart: number;
  private origins: Tensor | null = null; // which of the rows at the start are left, [rows] int64; null = all
  private width: number; // rows that a step computes: few numbers of them, for each is a graph of its own; the last are not read
  private drawn = 0;
  private read_ = 0;
  private numbers = 0; // draws that there are random numbers for

  /** Encodes the images, prefills the prompts, each of which gets n rows, and draws their first tokens. */
  constructor(model: Model, prompts: EncodedPrompt[], n: number, newTokens: number, options: StaticOptions) {
    this.model = model;
    this.options = options;
    this.newTokens = newTokens;
    this.rows = this.rowsAtStart = prompts.length * n;
    const longest = Math.max(...prompts.map(({ inputIds }) => inputIds.length));
    const seen = (options.repetitionPenalty ?? 1) !== 1;
    const places = Math.ceil(longest / PROMPT_STEP) * PROMPT_STEP + newTokens;
    this.plan = planFor(model, { rows: this.rows, places, newTokens, seen });
    this.width = Math.min(widthFor(this.rows), this.plan.cache.size.rows);
    this.plan.busy = true;
    try {
      this.choice = this.plan.choice(options);
      this.fillNumbers();
      quietly(() => this.begin(prompts, n));
    } catch (error) {
      this.plan.busy = false;
      throw error;
    }
    this.drawn = 1;
  }

  private begin(prompts: EncodedPrompt[], n: number): void {
    const { model, plan, rows, width } = this;
    const { cache } = plan;
    const prefix = layOut(model, prompts);
    cache.clear();
    const hidden = prefill(model, prefix, cache, n);
    const int = (values: number[]) => tensor(values, { dtype: 'int64', device: model.device });
    const promptOf = Array.from({ length: width }, (_, row) => Math.floor(Math.min(row, rows - 1) / n));
    const perRow = (values: number[]) => int(promptOf.map((prompt) => values[prompt]));
    cache.start(perRow(prefix.blocks.lengths), perRow(prefix.nextPositions));
    if (cache.tensors.seen !== null) {
      const ids = promptOf.map((prompt) => prompts[prompt].inputIds);
      torch.copy_(torch.narrow(cache.tensors.seen, 0, 0, width), seenTokens(ids, model.config.text_config.vocab_size, model.device));
    }
    const last = logitsOf(model, gatherRows(hidden, perRow(prefix.lastRows))); // [width, V]
    draw(cache, this.choice.sampler, width, last);
  }

  advance(): void {
    this.fillNumbers();
    const { model, plan, choice, width } = this;
    const one = (): void => quietly(() => step(model, plan.cache, choice.sampler, width));
    span('decode step', () => plan.run(choice, width, one));
    this.drawn++;
  }

  read(): { ids: number[]; logprobs: Float32Array }[] {
    const { rows, read_: from, drawn } = this;
    const { drawnIds, drawnLogps } = this.plan.cache.tensors;
    const unread = (t: Tensor) => torch.narrow(torch.narrow(t, 0, from, drawn - from), 1, 0, rows);
    const read = scope(() => readDrawn(unread(drawnIds), unread(drawnLogps)));
    this.read_ = drawn;
    return read;
  }

  keepRows(indices: number[]): void {
    const before = this.origins;
    const stillHere = () => {
      const kept = tensor(indices, { dtype: 'int64', device: this.model.device });
      return before === null ? kept : torch.index_select(before, 0, kept);
    };
    this.origins = keep(scope(stillHere));
    disposeAll(before);
    this.rows = indices.length;
    this.width = Math.min(this.width, widthFor(indices.length));
    const left = new Array<number>(this.width - indices.length).fill(indices.at(-1)!);
    quietly(() => this.plan.cache.select([...indices, ...left]));
  }

  /** Random numbers up to the next reading, in the order in which decode-state.ts draws them. */
  private fillNumbers(): void {
    const { numbers, drawn, rows, rowsAtStart, origins, newTokens, model, options } = this;
    if (drawn < numbers) return;
    const count = Math.min(options.syncSteps, newTokens - drawn);
    quietly(() => {
      const all = torch.rand([count, 2, rowsAtStart], { dtype: 'float64', device: model.device, generator: options.random });
      const fresh = origins === null ? all : torch.index_select(all, 2, origins);
      torch.copy_(torch.narrow(torch.narrow(this.plan.cache.tensors.uniforms, 0, drawn, count), 2, 0, rows), fresh);
    });
    this.numbers = drawn + count;
  }

  [Symbol.dispose](): void {
    this.plan.busy = false;
    disposeAll(this.origins);
  }
}

/** 1, 2, 4, 8, then multiples of 16. */
export const widthFor = (rows: number): number => (rows <= 8 ? 2 ** Math.ceil(Math.log2(rows)) : Math.ceil(rows / 16) * 16);

/** Whether a call decodes this way: if asked to, or where steps can be recorded; not while another is decoding in the model's cache. */
export function decodesStatically(model: Model, asked: boolean | undefined): boolean {
  return (asked ?? recordsOn(model.device)) && !isDecoding(model);
}

export const isDecoding = (model: Model): boolean => (model.attached.get(PLAN) as Plan | undefined)?.busy ?? false;

/** On a GPU whose graph library is built; MEDR1_CUDA_GRAPHS=0 says no. */
const recordsOn = (device: string): boolean => process.env.MEDR1_CUDA_GRAPHS !== '0' && CudaGraph.failure(device) === null;

/** The model's plan, made anew and no smaller than before where it has none that fits. */
function planFor(model: Model, size: CacheSize): Plan {
  const old = model.attached.get(PLAN) as Plan | undefined;
  if (old?.fits(size)) return old;
  model.attached.delete(PLAN);
  old?.[Symbol.dispose]();
  const before = old?.cache.size ?? size;
  const plan = new Plan(model, {
    rows: Math.max(size.rows, before.rows),
    places: Math.max(size.places, before.places),
    newTokens: Math.max(size.newTokens, before.newTokens),
    seen: size.seen || before.seen,
  });
  model.attached.set(PLAN, plan);
  return plan;
}

/** A model's cache and what was recorded over it. */
class Plan {
  readonly cache: StaticCache;
  busy = false;
  private readonly model: Model;
  private readonly weights: Tensor[];
  private readonly adapter: Adapter | null;
  private readonly choices = new Map<string, Choice>();
  private pool: GraphPool | null = null;
  private records: boolean;

  constructor(model: Model, size: CacheSize) {
    this.model = model;
    this.cache = new StaticCache(model, size);
    this.weights = [...model.params.values()];
    this.adapter = model.adapter;
    this.records = recordsOn(model.device);
  }

  /** Graphs read weights by address, so they hold for the very tensors that they were recorded with. */
  fits(size: CacheSize): boolean {
    const { model, weights, adapter, cache } = this;
    return cache.holds(size) && model.adapter === adapter && [...model.params.values()].every((weight, i) => weight === weights[i]);
  }

  choice(options: DecodeOptions): Choice {
    const { temperature, topK, topP, minP, repetitionPenalty, greedy, never } = options;
    const key = JSON.stringify([temperature, topK, topP, minP, repetitionPenalty, greedy, never]);
    let found = this.choices.get(key);
    if (found === undefined) this.choices.set(key, (found = new Choice(this.model, options)));
    return found;
  }

  /**
   * Replays the step for this many rows. The first of them runs as it stands, so that libraries set themselves up, and is recorded then.
   * What cannot be recorded goes on step by step, after one warning.
   */
  run(choice: Choice, width: number, one: () => void): void {
    const graph = choice.graphs.get(width);
    if (graph !== undefined) return void graph.replay();
    if (!this.records) return one();
    let ran = false;
    const once = (): void => {
      one();
      ran = true;
    };
    try {
      const pool = (this.pool ??= graphPool());
      const device = Number(this.model.device.split(':')[1] ?? 0);
      choice.graphs.set(width, CudaGraph.capture(once, { device, warmup: 1, pool }));
    } catch (error) {
      if (!ran) throw error;
      this.records = false;
      process.emitWarning(`decoding is not recorded as a CUDA graph and goes on step by step: ${(error as Error).message}`, {
        code: 'MEDR1_CUDA_GRAPHS',
      });
    }
  }

  [Symbol.dispose](): void {
    for (const choice of this.choices.values()) choice[Symbol.dispose]();
    this.cache[Symbol.dispose]();
  }
}

/** One way of choosing tokens, with its graphs by number of rows. */
class Choice {
  readonly sampler: Sampler;
  readonly graphs = new Map<number, CudaGraph<void>>();
  private readonly suppress: Suppression | null;

  constructor(model: Model, options: DecodeOptions) {
    this.suppress = keepAll(suppression(options.never, model.config.text_config.vocab_size, model.device));
    this.sampler = makeSampler(options, this.suppress);
  }

  [Symbol.dispose](): void {
    for (const graph of this.graphs.values()) graph.dispose();
    disposeAll(this.suppress);
  }
}

/** Runs `work` without gradients and frees what it made. */
function quietly(work: () => void): void {
  scope(() => noGrad(work));
}
