/**
 * Log-probability and entropy of given tokens over the vocabulary, tile by tile: of the [M, 151936] logits never more than one tile exists,
 * forward or backward; backward computes them again. On the CPU a tile stays in the cache, so that memory is read for weights alone.
 */
import { customFunction, medr1, scope, torch, type Tensor } from '../../torch/index.ts';
import { KEPT_BYTES, TILE_BYTES } from './budgets.ts';
import { finalNorm } from './decoder.ts';
import type { Model } from '../model.ts';
import { logitGradient, nothingSeen, see, softmaxOf } from './tile-softmax.ts';

const TILE_ROWS = 2048;

export interface TokenLogps {
  logps: Tensor; // [M] float32
  entropy: Tensor | null; // [M] float32, no gradient
  /** 1 where no token is more probable than the target. */
  correct: Tensor | null; // [M] float32, no gradient
}

/** W [V, D], hidden [M, D] before the final norm, targets [M] -> log p(target) under softmax(logits / temperature). */
export function tokenLogps(
  model: Model,
  W: Tensor,
  hidden: Tensor,
  targets: Tensor,
  options: { temperature?: number; entropy?: boolean; correct?: boolean; tileBytes?: number } = {},
): TokenLogps {
  const { temperature = 1, entropy = true, correct = false, tileBytes } = options;
  const kind = model.device === 'cpu' ? 'cpu' : 'cuda';
  const tiles = tilesOf([hidden.shape[0], ...W.shape], tileBytes ?? TILE_BYTES[kind], tileBytes ?? KEPT_BYTES[kind]);
  const [logps, ...facts] = tiled(tiles, { temperature, entropy, widens: model.widens })(finalNorm(model, hidden), W, targets);
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

/** (h [M, D], W [V, D], targets [M]) -> [logps, is the target the best, entropy if asked for], each [M]. */
const tiled = (
  { rows, columns, keep }: Tiles,
  { temperature, entropy: asked, widens }: { temperature: number; entropy: boolean; widens: boolean },
) =>
  customFunction<[Tensor, Tensor, Tensor], Tensor[]>({
    forward(context, h, W, targets) {
      const kept: Tensor[] = [];
      const parts = rows.map((range) =>
        scope(() => {
          const [hidden, wanted] = [wide(cut(h, range), widens), cut(targets, range)];
          const seen = nothingSeen(range[1], h.device);
          for (const part of columns) {
            const logits = scope(() => {
              const logits = logitsOf(hidden, wide(cut(W, part), widens)); // [m, v]
              see(seen, { logits, first: part[0], targets: wanted, temperature }, asked);
              return keep ? [logits] : [];
            });
            kept.push(...logits);
          }
          return { ...softmaxOf(seen), kept };
        }),
      );
      const [lse, logps, correct, entropy] = (['lse', 'logps', 'correct', 'entropy'] as const).map((name) =>
        torch.cat(
          parts.map((part) => part[name]),
          0,
        ),
      );
      context.save(h, W, targets, lse, ...kept);
      return [logps, correct, entropy];
    },

    backward({ saved: [h, W, targets, lse, ...kept] }, g) {
      if (g === null) return [null, null, null];
      const scaled = torch.div(g, temperature); // [M]
      const hidden = wide(h, widens);
      const gradH = torch.zeros_like(hidden);
      const gradW = W.requiresGrad ? torch.empty_like(W) : null;
      columns.forEach((part, tile) =>
        scope(() => {
          const weight = wide(cut(W, part), widens); // [v, D]
          const into = gradW && (widens ? torch.empty_like(weight) : cut(gradW, part));
          rows.forEach((range, i) =>
            scope(() => {
              const input = cut(hidden, range);
              const logits = keep ? torch.clone(kept[tile]) : logitsOf(input, weight);
              const at = { logits, first: part[0], targets: cut(targets, range), temperature };
              const gradLogits = logitGradient(at, cut(lse, range), cut(scaled, range)).to({ dtype: weight.dtype });
              torch.addmm_(cut(gradH, range), gradLogits, weight);
              if (into !== null) torch.addmm_(into, torch.t(gradLogits), input, { beta: i === 0 ? 0 : 1 });
            }),
          );
          if (gradW !== null && widens) torch.copy_(cut(gradW, part), into!);
        }),
      );
      return [gradH.to({ dtype: h.dtype }), gradW, null];
    },
  });

const cut = (x: Tensor, [start, size]: Range): Tensor => torch.narrow(x, 0, start, size);

const wide = (x: Tensor, widens: boolean): Tensor => (widens ? x.to({ dtype: 'float32' }) : x);

/** [m, D] and [v, D] -> [m, v] float32. Of one row by a kernel whose bits don't depend on where in memory the weights lie (torch/safetensors.ts). */
function logitsOf(hidden: Tensor, weight: Tensor): Tensor {
  if (hidden.shape[0] === 1 && hidden.device === 'cpu' && weight.dtype === 'float32') return medr1.few_rows_linear(hidden, weight, null);
  return torch.mm(hidden, torch.t(weight)).to({ dtype: 'float32' });
}
