/** What lives on the device from one decoding step to the next: the cache of keys and values, and per row its logits and place. */
import { noGrad, scope, tensor, torch, type Generator, type Tensor } from '../torch/index.ts';
import { decode, logitsOf } from './decoder.ts';
import { attention, gatherRows } from './layers.ts';
import type { Qwen2VL } from './model.ts';
import { embed, layOut, positionTensor, type Prefix } from './prefix.ts';
import type { EncodedPrompt } from './processor.ts';
import { textRotation, type Rotation } from './rope.ts';
import { makeSampler, suppression, type Sampler, type SamplingOptions } from './sampling.ts';

/** Per row of the batch; all of it is selected when rows are dropped. N rows, S = longest prompt + new tokens. */
interface Rows {
  keys: Tensor[]; // per layer [N, Hkv, S, D]
  values: Tensor[];
  logits: Tensor; // [N, V], of the token to draw next
  places: Tensor; // [N] int64, into the rotation tables
  mask: Tensor | null; // [N, 1, S] additive, hides shorter prompts' padding; null when there is none
  seen: Tensor | null; // [N, V] bool, tokens that occurred; only for the repetition penalty
}

export interface DecodeOptions extends SamplingOptions {
  never: number[];
  random: Generator | null;
}

export class DecodeState {
  private readonly model: Qwen2VL;
  private readonly sampler: Sampler;
  private readonly suppress: Tensor | null;
  private readonly turns: Rotation; // [positions, 1, D]
  private slot: number; // the next free place in the cache
  private rows: Rows;
  private drawn: { ids: Tensor; logps: Tensor }[] = [];

  /** Encodes the images, prefills the prompts, and gives every prompt's keys and values to its n rows. */
  constructor(model: Qwen2VL, prompts: EncodedPrompt[], n: number, maxNewTokens: number, options: DecodeOptions) {
    this.model = model;
    const start = quietly(() => {
      const prefix = layOut(model, prompts);
      return {
        suppress: suppression(options.never, model.config.text_config.vocab_size, model.device),
        turns: rotationTables(model, prefix, maxNewTokens),
        rows: prefill(model, prefix, n, maxNewTokens, (options.repetitionPenalty ?? 1) === 1 ? null : prompts),
        slot: prefix.blocks.L,
      };
    });
    this.suppress = start.suppress;
    this.turns = start.turns;
    this.rows = start.rows;
    this.slot = start.slot;
    this.sampler = makeSampler(options, this.suppress, options.random);
  }

  /** Draws a token for every row. */
  draw(): void {
    this.drawn.push(quietly(() => this.sampler(this.rows.logits, this.rows.seen)));
  }

  /** Tokens drawn since the last reading, one entry a step. Waits for the device. */
  read(): { ids: number[]; logprobs: Float32Array }[] {
    const read = this.drawn.map(({ ids, logps }) => ({
      ids: Array.from(ids.data() as BigInt64Array, Number),
      logprobs: logps.toFloat32(),
    }));
    free(this.drawn.splice(0, this.drawn.length - 1)); // the last draw is still to be run through the model
    this.lastRead = true;
    return read;
  }

  /** Runs the last drawn tokens through the model; their keys and values take the next slot of the cache. */
  advance(): void {
    const { model, rows, turns, slot } = this;
    const { ids } = this.drawn.at(-1)!;
    const logits = quietly(() => {
      const x = torch.embedding(model.weight('model.embed_tokens.weight'), ids); // [N, hidden]
      const turn = { cos: torch.index_select(turns.cos, 0, rows.places), sin: torch.index_select(turns.sin, 0, rows.places) };
      const mask = rows.mask && torch.narrow(rows.mask, 2, 0, slot + 1);
      const hidden = decode(model, x, turn, (layer, q, k, v) => {
        torch.copy_(torch.select(rows.keys[layer], 2, slot), k);
        torch.copy_(torch.select(rows.values[layer], 2, slot), v);
        return attendOne(q, torch.narrow(rows.keys[layer], 2, 0, slot + 1), torch.narrow(rows.values[layer], 2, 0, slot + 1), mask);
      });
      torch.add_(rows.places, 1);
      if (rows.seen !== null) torch.scatter_(rows.seen, 1, torch.unsqueeze(ids, 1), true);
      return logitsOf(model, hidden);
    });
    free(rows.logits);
    rows.logits = logits;
    this.slot++;
    if (this.lastRead) free(this.drawn.splice(0));
    this.lastRead = false;
  }

  /** Goes on with these rows only. To be called between `read` and `advance`. */
  keepRows(indices: number[]): void {
    const { rows } = this;
    const last = this.drawn.pop()!;
    const kept = quietly(() => {
      const index = tensor(indices, { dtype: 'int64', device: this.model.device });
      const select = (t: Tensor) => torch.index_select(t, 0, index);
      return {
        rows: {
          keys: rows.keys.map(select),
          values: rows.values.map(select),
          logits: select(rows.logits),
          places: select(rows.places),
          mask: rows.mask && select(rows.mask),
          seen: rows.seen && select(rows.seen),
        },
        drawn: { ids: select(last.ids), logps: select(last.logps) },
      };
    });
    free([rows, last]);
    this.rows = kept.rows;
    this.drawn.push(kept.drawn);
  }

  /** The last draw has been read, so its tensors go once it has been run through the model. */
  private lastRead = false;

  [Symbol.dispose](): void {
    free([this.rows, this.turns, this.suppress, this.drawn.splice(0)]);
  }
}

function prefill(model: Qwen2VL, prefix: Prefix, n: number, maxNewTokens: number, seenIn: EncodedPrompt[] | null): Rows {
  const { num_hidden_layers, num_key_value_heads, num_attention_heads, hidden_size, vocab_size } = model.config.text_config;
  const { device, dtype } = model;
  const { B, L: P, lengths } = prefix.blocks;
  const [N, S, Hkv, D] = [B * n, P + maxNewTokens, num_key_value_heads, hidden_size / num_attention_heads];
  const caches = () => Array.from({ length: num_hidden_layers }, () => torch.empty([N, Hkv, S, D], { dtype, device }));
  const [keys, values] = [caches(), caches()];
  /** A prompt's block [B, P, Hkv, D] goes to the cache of its n rows. */
  const share = (cache: Tensor, block: Tensor) =>
    torch.copy_(torch.narrow(torch.view(cache, [B, n, Hkv, S, D]), 3, 0, P), torch.unsqueeze(torch.transpose(block, 1, 2), 1));
  const turn = textRotation(model.config.text_config, positionTensor(model, prefix.axes), dtype);
  const hidden = decode(model, embed(model, prefix.ids, prefix), turn, (layer, q, k, v) => {
    const [kb, vb] = [prefix.blocks.toBlock(k), prefix.blocks.toBlock(v)];
    share(keys[layer], kb);
    share(values[layer], vb);
    return prefix.blocks.toRows(attention(prefix.blocks.toBlock(q), kb, vb, { causal: true }));
  });
  const perRow = (perPrompt: number[]) => perPrompt.flatMap((value) => new Array<number>(n).fill(value));
  const lastLogits = logitsOf(model, gatherRows(hidden, tensor(prefix.lastRows, { dtype: 'int64', device }))); // [B, V]
  const first = Math.min(...prefix.nextPositions);
  return {
    keys,
    values,
    logits: torch.repeat_interleave(lastLogits, n, 0),
    places: tensor(perRow(prefix.nextPositions.map((position) => position - first)), { dtype: 'int64', device }),
    mask: lengths.every((length) => length === P) ? null : paddingMask(perRow(lengths), P, S, model),
    seen:
      seenIn &&
      seenTokens(
        perRow(seenIn.map((_, b) => b)).map((b) => seenIn[b].inputIds),
        vocab_size,
        device,
      ),
  };
}

/** Rotations of all positions that new tokens can take, from the first prompt's end on. */
function rotationTables(model: Qwen2VL, prefix: Prefix, maxNewTokens: number): Rotation {
  const first = Math.min(...prefix.nextPositions);
  const count = Math.max(...prefix.nextPositions) - first + maxNewTokens;
  const positions = Array.from({ length: count }, (_, i) => first + i);
  return textRotation(model.config.text_config, positionTensor(model, [positions, positions, positions]), model.dtype);
}

/** -inf at the slots between a prompt's end and the longest prompt's. [N, 1, S] */
function paddingMask(lengths: number[], P: number, S: number, { device, dtype }: Qwen2VL): Tensor {
  const N = lengths.length;
  const slots = torch.arange(S, { device });
  const unused = torch.logical_and(torch.ge(slots, tensor(lengths, { dtype: 'int64', device, shape: [N, 1, 1] })), torch.lt(slots, P));
  return torch.masked_fill(torch.zeros([N, 1, S], { dtype, device }), unused, -Infinity);
}

function seenTokens(ids: number[][], vocabSize: number, device: string): Tensor {
  const seen = torch.zeros([ids.length, vocabSize], { dtype: 'bool', device });
  ids.forEach((row, i) => torch.index_fill_(torch.select(seen, 0, i), 0, tensor(row, { dtype: 'int64', device }), true));
  return seen;
}

/**
 * Attention of one query per row, as two batched products: at this shape several times faster on the CPU than the fused
 * kernel, which is made for many queries. q [N, H, D], keys and values [N, Hkv, S, D], mask [N, 1, S] -> [N, H * D].
 */
function attendOne(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor | null): Tensor {
  const [N, H, D] = q.shape;
  const [, Hkv, S] = keys.shape;
  const flat = (t: Tensor) => torch.view(t, [N * Hkv, S, D]);
  const grouped = torch.mul(torch.reshape(q, [N * Hkv, H / Hkv, D]), D ** -0.5); // the heads that share a key head
  let scores = torch.bmm(grouped, torch.transpose(flat(keys), 1, 2)); // [N * Hkv, H / Hkv, S]
  if (mask !== null) scores = torch.reshape(torch.add(torch.view(scores, [N, H, S]), mask), [N * Hkv, H / Hkv, S]);
  const weights = torch.softmax(scores, -1, { dtype: 'float32' }).to({ dtype: values.dtype });
  return torch.reshape(torch.bmm(weights, flat(values)), [N, H * D]);
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
