/**
 * Log-probability and entropy of given tokens over the vocabulary, tile by tile: of the [M, 151936] logits never more than one tile exists,
 * forward or backward; backward computes them again. On the CPU a tile stays in the cache, so that memory is read for weights alone.
 */
import { customFunction, scope, torch, type Tensor } from '../torch/index.ts';
import { finalNorm } from './decoder.ts';
import type { Qwen2VL } from './model.ts';

/** Bytes of a tile's logits, and of its weights. */
const TILE_BYTES = { cpu: 8 * 2 ** 20, cuda: 256 * 2 ** 20 };
/** Logits that are no more than this in all are kept for the backward pass. */
const KEPT_BYTES = { cpu: 32 * 2 ** 20, cuda: 256 * 2 ** 20 };
const TILE_ROWS = 2048;

export interface TokenLogps {
  logps: Tensor; // [M] float32
  entropy: Tensor | null; // [M] float32, no gradient
  /** 1 where no token is more probable than the target. */
  correct: Tensor | null; // [M] float32, no gradient
}

/** hidden [M, D] before the final norm, targets [M] -> log p(target) under softmax(logits / temperature). */
export function tokenLogps(
  model: Qwen2VL,
  hidden: Tensor,
  targets: Tensor,
  options: { temperature?: number; entropy?: boolean; correct?: boolean; tileBytes?: number } = {},
): TokenLogps {
  const { temperature = 1, entropy = true, correct = false, tileBytes } = options;
  const kind = model.device === 'cpu' ? 'cpu' : 'cuda';
  const tiles = tilesOf([hidden.shape[0], ...model.outputEmbedding.shape], tileBytes ?? TILE_BYTES[kind], tileBytes ?? KEPT_BYTES[kind]);
  const [logps, ...facts] = tiled(tiles, { temperature, entropy, widens: model.widens })(
    finalNorm(model, hidden),
    model.outputEmbedding,
    targets,
  );
  const [isBest, spread] = facts.map((fact) => fact.detach());
  return { logps, entropy: entropy ? spread : null, correct: correct ? isBest : null };
}

type Range = [start: number, size: number];
interface Tiles {
  rows: Range[];
  columns: Range[];
  /** There is one range of rows, and its logits are kept. */
  keep: boolean;
}

function tilesOf([M, V, D]: number[], tileBytes: number, keptBytes: number): Tiles {
  const keep = 4 * M * V <= keptBytes;
  const rows = keep ? M : Math.min(M, TILE_ROWS);
  const columns = Math.floor(tileBytes / (4 * (keep ? D : Math.max(rows, D))));
  return { rows: ranges(M, rows), columns: ranges(V, Math.max(16, columns - (columns % 16))), keep };
}

const ranges = (length: number, size: number): Range[] =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => [i * size, Math.min(size, length - i * size)]);

/** What is known of some rows after some of the vocabulary, their largest logit `top` taken off: [m] float32 each. */
interface Seen {
  top: Tensor;
  sum: Tensor; // of exp(logit - top)
  weighted: Tensor | null; // of exp(logit - top) * (logit - top), for the entropy
  wanted: Tensor; // the target's logit, 0 before it came
}

/** (h [M, D], W [V, D], targets [M]) -> [logps, is the target the best, entropy if asked for], each [M]. */
const tiled = (tiles: Tiles, { temperature, entropy, widens }: { temperature: number; entropy: boolean; widens: boolean }) =>
  customFunction<[Tensor, Tensor, Tensor], Tensor[]>({
    forward(context, h, W, targets) {
      const parts = tiles.rows.map((rows) =>
        scope(() => {
          const [hidden, wanted] = [wide(cut(h, rows), widens), cut(targets, rows)];
          let seen: Seen | null = null;
          const kept: Tensor[] = [];
          for (const columns of tiles.columns) {
            const before: Seen | null = seen;
            const step: { seen: Seen; logits: Tensor[] } = scope(() => {
              const logits = logitsOf(hidden, wide(cut(W, columns), widens), temperature); // [m, v]
              return { seen: look(before, logits, wanted, columns, entropy, !tiles.keep), logits: tiles.keep ? [logits] : [] };
            });
            ({ seen } = step);
            kept.push(...step.logits);
          }
          const { top, sum, weighted, wanted: logit } = seen!;
          const logSum = torch.log(sum);
          const lse = torch.add(top, logSum);
          const spread = weighted === null ? [] : [torch.sub(logSum, torch.div(weighted, sum))];
          return { lse, kept, values: [torch.sub(logit, lse), torch.ge(logit, top).to({ dtype: 'float32' }), ...spread] };
        }),
      );
      const lse = torch.cat(
        parts.map((part) => part.lse),
        0,
      );
      context.save(h, W, targets, lse, ...parts.flatMap(({ kept }) => kept));
      return parts[0].values.map((_, i) =>
        torch.cat(
          parts.map(({ values }) => values[i]),
          0,
        ),
      );
    },

    // d logp(target) / d logits = (onehot(target) - p) / temperature
    backward({ saved: [h, W, targets, lse, ...kept] }, gradient) {
      if (gradient === null) return [null, null, null];
      const g = torch.unsqueeze(torch.div(gradient, temperature), 1); // [M, 1]
      const minus = torch.neg(g);
      const hidden = wide(h, widens);
      const gradH = torch.zeros_like(hidden);
      const gradW = W.requiresGrad ? torch.empty_like(W) : null;
      tiles.columns.forEach((columns, tile) =>
        scope(() => {
          const weight = wide(cut(W, columns), widens); // [v, D]
          const gradWeight = gradW && torch.zeros_like(weight);
          for (const rows of tiles.rows) {
            scope(() => {
              const input = cut(hidden, rows);
              const shift = torch.unsqueeze(cut(lse, rows), 1);
              const below = tiles.keep ? torch.sub(kept[tile], shift) : torch.sub_(logitsOf(input, weight, temperature), shift);
              const p = torch.exp_(below); // [m, v]
              const { index, here } = place(cut(targets, rows), columns);
              const own = torch.where(here, cut(g, rows), 0);
              const gradLogits = torch.scatter_add_(torch.mul_(p, cut(minus, rows)), 1, index, own).to({ dtype: weight.dtype });
              torch.addmm_(cut(gradH, rows), gradLogits, weight);
              if (gradWeight !== null) torch.addmm_(gradWeight, torch.t(gradLogits), input);
            });
          }
          if (gradW !== null) torch.copy_(cut(gradW, columns), gradWeight!);
        }),
      );
      return [gradH.to({ dtype: h.dtype }), gradW, null];
    },
  });

/** Adds a tile to what is known; `spare`: the logits may be overwritten. */
function look(before: Seen | null, logits: Tensor, targets: Tensor, columns: Range, entropy: boolean, spare: boolean): Seen {
  const most = torch.amax(logits, [1]);
  const top = before === null ? most : torch.maximum(before.top, most);
  const { index, here } = place(targets, columns);
  const found = torch.squeeze(torch.where(here, torch.gather(logits, 1, index), 0), 1);
  const below = torch.unsqueeze(top, 1);
  const shifted = spare ? torch.sub_(logits, below) : torch.sub(logits, below); // [m, v]
  const p = entropy ? torch.exp(shifted) : torch.exp_(shifted);
  const sum = torch.sum(p, [1]);
  const weighted = entropy ? torch.sum(torch.mul_(p, shifted), [1]) : null;
  if (before === null) return { top, sum, weighted, wanted: found };
  const down = torch.sub(before.top, top); // what was known was above a lower top
  const shrink = torch.exp(down);
  return {
    top,
    sum: torch.addcmul(sum, before.sum, shrink),
    weighted: weighted && torch.addcmul(weighted, torch.addcmul(before.weighted!, down, before.sum), shrink),
    wanted: torch.add(before.wanted, found),
  };
}

/** Columns [m, 1] of a tile that the targets [m] stand in, and whether they are in this tile at all. */
function place(targets: Tensor, [start, size]: Range): { index: Tensor; here: Tensor } {
  const shifted = torch.unsqueeze(torch.sub(targets, start), 1);
  const index = torch.clamp(shifted, 0, size - 1);
  return { index, here: torch.eq(index, shifted) };
}

const cut = (x: Tensor, [start, size]: Range): Tensor => torch.narrow(x, 0, start, size);

const wide = (x: Tensor, widens: boolean): Tensor => (widens ? x.to({ dtype: 'float32' }) : x);

/** [m, D] and [v, D] -> [m, v] float32 */
function logitsOf(hidden: Tensor, weight: Tensor, temperature: number): Tensor {
  const logits = torch.mm(hidden, torch.t(weight)).to({ dtype: 'float32' });
  return temperature === 1 ? logits : torch.div_(logits, temperature);
}
