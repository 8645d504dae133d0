/**
 * Log-probabilities of groups of completions, differentiable: the training forward.
 *
 * The prefix (image and question) of a group goes through the model once. Linear layers see prefixes and completions as
 * one stack of rows; attention runs twice per layer: prefixes causally among themselves, and completions over their
 * prompt's keys followed by their own. The result is that of running each prompt + completion alone.
 */
import { isGradEnabled, noGrad, scope, span, tensor, torch, type Tensor } from '../../torch/index.ts';
import { blocksOf, type Blocks } from './blocks.ts';
import { decode, type Attend } from './decoder.ts';
import { errors } from '../errors.ts';
import { attention, gatherRows } from './layers.ts';
import type { Model } from '../model.ts';
import { packedAttention } from './packed-attention.ts';
import { checkIds, embed, layOut, rotationAt, type Prefix } from './prefix.ts';
import type { EncodedPrompt } from '../prompt.ts';
import { embeddingTables } from './tied.ts';
import { tokenLogps } from './token-logps.ts';
import { usesFlash } from './varlen.ts';

export interface GroupLogpsOptions {
  /** Logits are divided by it, as when sampling. Default 1. */
  temperature?: number;
  /** Also the entropy of each token's distribution (no gradient). Default true. */
  entropy?: boolean;
  /** Also whether each token was the most probable one. Default false. */
  correct?: boolean;
  /** Logits over the vocabulary that are held at once. Default: what a CPU's cache holds, 256 MiB on a GPU. */
  tileBytes?: number;
  /** Attention over segments instead of padded blocks (packed-attention.ts). Default: where there is flash attention. */
  packed?: boolean;
}

/** N completions of all prompts in order, T tokens of the longest; entries past a completion's end are 0, and false in the mask. */
export interface GroupLogps {
  logps: Tensor; // [N, T] float32
  entropy: Tensor | null; // [N, T] float32
  correct: Tensor | null; // [N, T] float32, 1 or 0
  mask: Tensor; // [N, T] bool
}

export function groupLogps(model: Model, prompts: EncodedPrompt[], completions: number[][][], options: GroupLogpsOptions = {}): GroupLogps {
  const compute = () => span('log-probabilities', () => computeGroupLogps(model, prompts, completions, options));
  // Layers that are computed again in the backward pass need masks and rotations then: the caller's scope frees them.
  return model.checkpointing && isGradEnabled() ? compute() : scope(compute);
}

function computeGroupLogps(model: Model, prompts: EncodedPrompt[], completions: number[][][], options: GroupLogpsOptions): GroupLogps {
  if (prompts.length !== completions.length) {
    throw errors.badArgument(
      `${prompts.length} prompts with completions for ${completions.length}`,
      'Give one list of completions per prompt.',
    );
  }
  const { device } = model;
  const flat = completions.flat();
  const owner = completions.flatMap((group, b) => group.map(() => b)); // completion -> prompt
  const lengths = flat.map((ids) => ids.length);
  const [N, T] = [flat.length, Math.max(0, ...lengths)];
  if (N === 0 || T === 0) {
    const zeros = () => torch.zeros([N, T], { dtype: 'float32', device });
    return {
      logps: zeros(),
      entropy: options.entropy === false ? null : zeros(),
      correct: options.correct ? zeros() : null,
      mask: torch.zeros([N, T], { dtype: 'bool', device }),
    };
  }

  flat.forEach((ids, n) => checkIds(model, ids, `completion ${n}`));
  const prefix = layOut(model, prompts);
  // The last token predicts nothing, so it is no input.
  const inputs = flat.map((ids) => ids.slice(0, -1));
  const own = blocksOf(
    inputs.map((ids) => ids.length),
    device,
  );
  const tables = embeddingTables(model);
  const hidden = decode(
    model,
    embed(model, [...prefix.ids, ...own.fill(inputs, 0)], prefix, tables),
    rotationOf(model, prefix, own, inputs, owner),
    (options.packed ?? usesFlash(model))
      ? packedAttention(prefix, own, owner, device)
      : sharedPrefixAttention(
          prefix,
          own,
          owner,
          completions.map((group) => group.length),
          model,
        ),
  ); // [R, hidden]

  // Token t is predicted by the token before it: the prompt's last one for t = 0.
  const predictors = flat.flatMap((ids, n) =>
    ids.map((_, t) => (t === 0 ? prefix.lastRows[owner[n]] : prefix.blocks.rows + own.row(n, t - 1))),
  );
  const last = gatherRows(hidden, tensor(predictors, { dtype: 'int64', device })); // [M, hidden], M = all completion tokens
  const targets = tensor(flat.flat(), { dtype: 'int64', device });
  const { logps, entropy, correct } = span('vocabulary', () => tokenLogps(model, tables.output, last, targets, options));
  return {
    logps: padded(logps, lengths, T),
    entropy: entropy && padded(entropy, lengths, T),
    correct: correct && padded(correct, lengths, T),
    mask: maskOf(lengths, T, device),
  };
}

/** Completions go on where their prompt ends, all axes alike. */
function rotationOf(model: Model, prefix: Prefix, own: Blocks, inputs: number[][], owner: number[]) {
  const following = own.fill(
    inputs.map((ids, n) => ids.map((_, t) => prefix.nextPositions[owner[n]] + t)),
    0,
  );
  return rotationAt(
    model,
    prefix.axes.map((axis) => [...axis, ...following]),
  );
}

function sharedPrefixAttention(prefix: Prefix, own: Blocks, owner: number[], groupSizes: number[], model: Model): Attend {
  const { B, L: P, rows } = prefix.blocks;
  const [N, T] = [own.B, own.L];
  const even = groupSizes.every((size) => size === groupSizes[0]);
  const ownerIndex = even ? null : tensor(owner, { dtype: 'int64', device: model.device });
  /** Each completion's view of its prompt's keys or values: [B, P, Hkv, D] -> [N, P, Hkv, D]. */
  const perCompletion = (block: Tensor) => {
    if (ownerIndex !== null) return gatherRows(block, ownerIndex);
    const [, , H, D] = block.shape;
    return torch.reshape(torch.expand(torch.unsqueeze(block, 1), [B, N / B, P, H, D]), [N, P, H, D]);
  };
  const mask =
    T === 0
      ? null
      : attentionMask(
          owner.map((b) => prefix.blocks.lengths[b]),
          P,
          T,
          model,
        );

  return (_layer, q, k, v) => {
    const first = (t: Tensor) => prefix.blocks.toBlock(torch.narrow(t, 0, 0, rows));
    const [kp, vp] = [first(k), first(v)]; // [B, P, Hkv, D]
    // Padding is on the right, so a causal mask already hides it from real tokens.
    const prefixOut = prefix.blocks.toRows(attention(first(q), kp, vp, { causal: true }));
    if (mask === null) return prefixOut;
    const rest = (t: Tensor) => own.toBlock(torch.narrow(t, 0, rows, own.rows));
    const keys = torch.cat([perCompletion(kp), rest(k)], 1); // [N, P + T, Hkv, D]
    const values = torch.cat([perCompletion(vp), rest(v)], 1);
    return torch.cat([prefixOut, own.toRows(attention(rest(q), keys, values, { mask }))], 0);
  };
}

/** 0 where completion n's token t may look, -inf elsewhere: its prompt's real tokens, and its own up to t. [N, 1, T, P + T] */
export function attentionMask(prefixLengths: number[], P: number, T: number, model: Model): Tensor {
  const { device, dtype } = model;
  const N = prefixLengths.length;
  return noGrad(() => {
    const lengths = tensor(prefixLengths, { dtype: 'int64', device, shape: [N, 1, 1] });
    const inPrefix = torch.expand(torch.lt(torch.arange(P, { device }), lengths), [N, T, P]);
    const inOwn = torch.expand(torch.tril(torch.ones([T, T], { dtype: 'bool', device })), [N, T, T]);
    const visible = torch.unsqueeze(torch.cat([inPrefix, inOwn], 2), 1);
    return torch.masked_fill(torch.zeros(visible.shape, { dtype, device }), torch.logical_not(visible), -Infinity);
  });
}

/** [M] values of consecutive completions -> [N, T], 0 as padding. */
function padded(values: Tensor, lengths: number[], T: number): Tensor {
  const M = values.shape[0];
  let start = 0;
  const index = lengths.flatMap((length) => {
    const from = start;
    start += length;
    return Array.from({ length: T }, (_, t) => (t < length ? from + t : M));
  });
  const { device } = values;
  const extended = torch.cat([values, torch.zeros([1], { dtype: 'float32', device })], 0);
  const out = torch.index_select(extended, 0, tensor(index, { dtype: 'int64', device }));
  return torch.reshape(out, [lengths.length, T]);
}

function maskOf(lengths: number[], T: number, device: string): Tensor {
  const column = tensor(lengths, { dtype: 'int64', device, shape: [lengths.length, 1] });
  return torch.lt(torch.arange(T, { device }), column);
}
