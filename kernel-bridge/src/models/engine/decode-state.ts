/**
 * What lives on the device from one decoding step to the next: keys and values of each prompt, once; per completion (a row) those
 * of its own tokens and its place.
 */
import { noGrad, scope, span, tensor, torch, withThreads, type Generator, type Tensor } from '../../torch/index.ts';
import { decode, logitsOf } from './decoder.ts';
import { groupAttention, groupsOf, type Groups, type PromptCache } from './group-attention.ts';
import { attention, gatherRows } from './layers.ts';
import type { Model } from '../model.ts';
import { embed, layOut, rotationAt, rotationOfText, type Prefix } from './prefix.ts';
import type { EncodedPrompt } from '../prompt.ts';
import type { Rotation } from './rotary.ts';
import { makeSampler, suppression, uniformsOf, type Sampler, type SamplingOptions, type Suppression, type Uniform } from './sampling.ts';

/** Per row of the batch; all of it is selected when rows are dropped. N rows in order of their prompts, S = most new tokens. */
interface Rows {
  keys: Tensor[]; // per layer [Hkv, N, S, D]
  values: Tensor[];
  places: Tensor; // [N] int64, into the rotation tables
  seen: Tensor | null; // [N, V] bool, tokens that occurred; only for the repetition penalty
  origins: Tensor; // [N] int64, which of the rows at the start each is
}

type Drawn = ReturnType<Sampler>;

export interface DecodeOptions extends SamplingOptions {
  never: number[];
  random: Generator | null;
}

/** Completions on their way, one token of each row drawn. */
export interface Decoding extends Disposable {
  /** Tokens drawn since the last reading, one entry a step. Waits for the device. */
  read(): { ids: number[]; logprobs: Float32Array }[];
  /** Goes on with these rows only. To be called between `read` and `advance`. */
  keepRows(indices: number[]): void;
  /** Runs the last drawn tokens through the model and draws the next ones. */
  advance(): void;
}

/**
 * Drawn tokens for the host, one entry a step. ids and logps [S, N]. They come in one copy, for each copy waits for the device; float64 holds both
 * exactly.
 */
export function readDrawn(ids: Tensor, logps: Tensor): { ids: number[]; logprobs: Float32Array }[] {
  const [S, N] = ids.shape;
  const values = torch.cat([ids, logps].map((t) => t.to({ dtype: 'float64' }))).data() as Float64Array;
  const row = (i: number) => values.subarray(i * N, (i + 1) * N);
  return Array.from({ length: S }, (_, i) => ({ ids: Array.from(row(i)), logprobs: Float32Array.from(row(S + i)) }));
}

export class DecodeState implements Decoding {
  private readonly model: Model;
  private readonly sampler: Sampler;
  private readonly uniform: Uniform;
  private readonly suppress: Suppression | null;
  private readonly turns: Rotation; // [positions, 1, D]
  private readonly threads: { layers: number; head: number };
  private slot = 0; // the next free place in the rows' cache
  private owners: number[]; // row -> prompt
  private prompts: PromptCache;
  private groups: Groups;
  private rows: Rows;
  private drawn: Drawn[] = [];

  /** Encodes the images and prefills the prompts, each of which gets n rows. */
  constructor(model: Model, prompts: EncodedPrompt[], n: number, maxNewTokens: number, options: DecodeOptions) {
    this.model = model;
    this.threads = usefulThreads(model, prompts.length * n);
    const start = quietly(() => {
      const prefix = layOut(model, prompts);
      return {
        suppress: suppression(options.never, model.config.text_config.vocab_size, model.device),
        turns: rotationTables(model, prefix, maxNewTokens),
        ...span('prefill', () => prefill(model, prefix, n, maxNewTokens, (options.repetitionPenalty ?? 1) === 1 ? null : prompts)),
      };
    });
    this.suppress = start.suppress;
    this.turns = start.turns;
    this.prompts = start.prompts;
    this.rows = start.rows;
    this.owners = prompts.flatMap((_, b) => new Array<number>(n).fill(b));
    this.groups = this.groupRows();
    this.sampler = makeSampler(options, this.suppress);
    this.uniform = uniformsOf(options.random, model.device, prompts.length * n, () => this.rows.origins);
    try {
      this.drawn.push(quietly(() => this.draw(torch.repeat_interleave(start.logits, n, 0))));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    } finally {
      free(start.logits);
    }
  }

  private draw(logits: Tensor): Drawn {
    return span('draw', () => withThreads(this.threads.head, () => this.sampler(logits, this.rows.seen, this.uniform)));
  }

  read(): { ids: number[]; logprobs: Float32Array }[] {
    const all = (part: 'ids' | 'logps') => torch.stack(this.drawn.map((drawn) => drawn[part]));
    const read = scope(() => readDrawn(all('ids'), all('logps')));
    free(this.drawn.splice(0, this.drawn.length - 1)); // the last draw is still to be run through the model
    this.lastRead = true;
    return read;
  }

  /** The last tokens' keys and values take the next slot of the cache. */
  advance(): void {
    const { model, prompts, groups, rows, turns, slot } = this;
    const { ids } = this.drawn.at(-1)!;
    const layers = () => {
      const x = torch.embedding(model.weight('model.embed_tokens.weight'), ids); // [N, hidden]
      const turn = { cos: torch.index_select(turns.cos, 0, rows.places), sin: torch.index_select(turns.sin, 0, rows.places) };
      const hidden = decode(model, x, turn, (layer, q, k, v) => {
        torch.copy_(torch.select(rows.keys[layer], 2, slot), torch.transpose(k, 0, 1));
        torch.copy_(torch.select(rows.values[layer], 2, slot), torch.transpose(v, 0, 1));
        const soFar = (cache: Tensor) => torch.narrow(cache, 2, 0, slot + 1);
        return groupAttention(q, layer, prompts, groups, soFar(rows.keys[layer]), soFar(rows.values[layer]));
      });
      torch.add_(rows.places, 1);
      if (rows.seen !== null) torch.scatter_(rows.seen, 1, torch.unsqueeze(ids, 1), true);
      return hidden;
    };
    const decodeStep = () => {
      const hidden = withThreads(this.threads.layers, layers);
      return withThreads(this.threads.head, () => logitsOf(model, hidden));
    };
    const next = quietly(() => this.draw(span('decode step', decodeStep)));
    this.slot++;
    if (this.lastRead) free(this.drawn.splice(0));
    this.lastRead = false;
    this.drawn.push(next);
  }

  keepRows(indices: number[]): void {
    const { rows, prompts } = this;
    const last = this.drawn.pop()!;
    const owners = indices.map((row) => this.owners[row]);
    const promptsLeft = [...new Set(owners)];
    const kept = quietly(() => {
      const index = (places: number[]) => tensor(places, { dtype: 'int64', device: this.model.device });
      const [rowIndex, promptIndex] = [index(indices), index(promptsLeft)];
      const row = (t: Tensor) => torch.index_select(t, 0, rowIndex);
      const cachesOf = (caches: Tensor[], which: Tensor) => caches.map((cache) => torch.index_select(cache, 1, which));
      return {
        rows: {
          keys: cachesOf(rows.keys, rowIndex),
          values: cachesOf(rows.values, rowIndex),
          places: row(rows.places),
          seen: rows.seen && row(rows.seen),
          origins: row(rows.origins),
        },
        prompts: {
          keys: cachesOf(prompts.keys, promptIndex),
          values: cachesOf(prompts.values, promptIndex),
          mask: prompts.mask && torch.index_select(prompts.mask, 0, promptIndex),
        },
        drawn: { ids: row(last.ids), logps: row(last.logps) },
      };
    });
    free([rows, prompts, this.groups, last]);
    this.rows = kept.rows;
    this.prompts = kept.prompts;
    this.owners = owners.map((prompt) => promptsLeft.indexOf(prompt));
    this.groups = this.groupRows();
    this.drawn.push(kept.drawn);
  }

  private groupRows(): Groups {
    const sizes: number[] = [];
    for (const prompt of this.owners) sizes[prompt] = (sizes[prompt] ?? 0) + 1;
    return groupsOf(sizes, this.model.config.text_config.num_key_value_heads, this.model.device);
  }

  /** The last draw has been read, so its tensors go once it has been run through the model. */
  private lastRead = false;

  [Symbol.dispose](): void {
    free([this.rows, this.prompts, this.groups, this.turns, this.suppress, this.drawn.splice(0)]);
  }
}

function prefill(
  model: Model,
  prefix: Prefix,
  n: number,
  maxNewTokens: number,
  seenIn: EncodedPrompt[] | null,
): { prompts: PromptCache; rows: Rows; logits: Tensor } {
  const { num_hidden_layers, num_key_value_heads, head_dim, vocab_size } = model.config.text_config;
  const { device, dtype } = model;
  const { blocks } = prefix;
  const [Hkv, D] = [num_key_value_heads, head_dim];
  const caches = (rows: number, slots: number) =>
    Array.from({ length: num_hidden_layers }, () =>
      torch.empty([Hkv, rows, slots, D], { dtype: model.widens ? 'float32' : dtype, device }),
    );
  const [keys, values] = [caches(blocks.B, blocks.L), caches(blocks.B, blocks.L)];
  const turn = rotationAt(model, prefix.axes);
  const hidden = decode(model, embed(model, prefix.ids, prefix), turn, (layer, q, k, v) => {
    const [kb, vb] = [blocks.toBlock(k), blocks.toBlock(v)];
    torch.copy_(keys[layer], torch.permute(kb, [2, 0, 1, 3]));
    torch.copy_(values[layer], torch.permute(vb, [2, 0, 1, 3]));
    return blocks.toRows(attention(blocks.toBlock(q), kb, vb, { causal: true }));
  });
  const perRow = <T>(perPrompt: T[]) => perPrompt.flatMap((value) => new Array<T>(n).fill(value));
  const logits = logitsOf(model, gatherRows(hidden, tensor(prefix.lastRows, { dtype: 'int64', device }))); // [B, V]
  const first = Math.min(...prefix.nextPositions);
  const rows = {
    keys: caches(blocks.B * n, maxNewTokens),
    values: caches(blocks.B * n, maxNewTokens),
    places: tensor(perRow(prefix.nextPositions.map((position) => position - first)), { dtype: 'int64', device }),
    seen: seenIn && seenTokens(perRow(seenIn.map(({ inputIds }) => inputIds)), vocab_size, device),
    origins: torch.arange(blocks.B * n, { device }),
  };
  return { prompts: { keys, values, mask: paddingMask(blocks.lengths, blocks.L, model) }, rows, logits };
}

/** Rotations of all positions that new tokens can take, from the first prompt's end on. */
function rotationTables(model: Model, prefix: Prefix, maxNewTokens: number): Rotation {
  const first = Math.min(...prefix.nextPositions);
  const count = Math.max(...prefix.nextPositions) - first + maxNewTokens;
  const positions = Array.from({ length: count }, (_, i) => first + i);
  return rotationOfText(model, positions);
}

/** -inf behind the end of prompts shorter than the longest, null when there are none. [B, 1, P] */
function paddingMask(lengths: number[], P: number, { device, dtype }: Model): Tensor | null {
  const B = lengths.length;
  if (lengths.every((length) => length === P)) return null;
  const padding = torch.ge(torch.arange(P, { device }), tensor(lengths, { dtype: 'int64', device, shape: [B, 1, 1] }));
  return torch.masked_fill(torch.zeros([B, 1, P], { dtype, device }), padding, -Infinity);
}

/** Which tokens occur in each row. [N, V] bool */
export function seenTokens(ids: number[][], vocabSize: number, device: string): Tensor {
  const seen = torch.zeros([ids.length, vocabSize], { dtype: 'bool', device });
  ids.forEach((row, i) => torch.index_fill_(torch.select(seen, 0, i), 0, tensor(row, { dtype: 'int64', device }), true));
  return seen;
}

const CORE_CACHE_BYTES = 2 ** 20;
const FEW_ROWS = 512;
const LITTLE_WORK = 2 ** 24;

/**
 * Threads worth having for one token of each row. A product whose weights lie in a core's own cache, or of few operations, is done before a
 * second core has heard of it: the made sample's model decodes up to twice as fast on one (docs/benchmarks.md).
 */
function usefulThreads(model: Model, rows: number): { layers: number; head: number } {
  const { hidden_size: width, intermediate_size: mlp, vocab_size } = model.config.text_config;
  const layerBytes = 4 * width * (3 * width + 3 * mlp);
  const cached = layerBytes <= CORE_CACHE_BYTES && rows <= FEW_ROWS;
  const little = (out: number): boolean => 2 * rows * width * out <= LITTLE_WORK;
  return { layers: cached || little(mlp) ? 1 : Infinity, head: little(vocab_size) ? 1 : Infinity };
}

/** Runs `work` without gradients and frees what it made, save what it returns. */
function quietly<T>(work: () => T): T {
  return scope(() => noGrad(work));
}

function free(value: unknown): void {
  if (value === null || typeof value !== 'object') return;
  if (Symbol.dispose in value) (value as Disposable)[Symbol.dispose]();
  else for (const inner of Object.values(value)) free(inner);
}
