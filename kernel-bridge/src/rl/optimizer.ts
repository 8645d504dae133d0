import type { TrainConfig } from '../protocol/index.ts';
import type { Model } from '../models/index.ts';
import { AdamW, clipGradNorm, generator, keep, noGrad, scope, span, torch, treeSum, type Tensor } from '../torch/index.ts';
import type { Ranks } from './ranks.ts';

/** Elements that ranks add up at a time: a copy of so many gradients is held beside them. */
const BUCKET = 8 * 2 ** 20;

/** Gradients of one shard in the order of the weights; null where the shard does not reach a weight. The holder frees them. */
export type Gradients = (Tensor | null)[];

type OptimizerConfig = Pick<
  TrainConfig,
  'optim' | 'bf16_update' | 'weight_decay' | 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'max_grad_norm'
>;

/** AdamW over the trainable weights. Matrices decay, biases and norms do not (transformers' get_decay_parameter_names). */
export class PolicyOptimizer {
  readonly #weights: Tensor[];
  readonly #adamw: AdamW;
  readonly #maxGradNorm: number;
  readonly #device: string;

  constructor(policy: Model, config: OptimizerConfig) {
    this.#weights = [...policy.trainable.values()];
    this.#adamw = new AdamW(
      [
        { params: this.#weights.filter((weight) => weight.ndim >= 2), weight_decay: config.weight_decay },
        { params: this.#weights.filter((weight) => weight.ndim < 2), weight_decay: 0 },
      ].filter(({ params }) => params.length > 0),
      {
        betas: [config.adam_beta1, config.adam_beta2],
        eps: config.adam_epsilon,
        bits: config.optim === 'adamw_torch_8bit' ? 8 : 32,
        bf16: config.bf16_update,
      },
    );
    this.#maxGradNorm = config.max_grad_norm > 0 ? config.max_grad_norm : Infinity;
    this.#device = policy.device;
  }

  /** Clips and returns the norm before clipping. */
  clip(): number {
    return span('clip', () => clipGradNorm(this.#weights, this.#maxGradNorm));
  }

  /** One update at this learning rate; `seed` decides how stochastic rounding falls. Call after `clip`, then `zeroGrad`. */
  step(learningRate: number, seed: number): void {
    this.#adamw.setLr(learningRate);
    span('optimizer', () => this.#adamw.step(generator(seed, this.#device)));
  }

  zeroGrad(): void {
    for (const weight of this.#weights) weight.grad = null;
  }

  /** The gradients, taken off the weights. */
  takeGradients(): Gradients {
    const taken = this.#weights.map(({ grad }) => grad && keep(grad));
    this.zeroGrad();
    return taken;
  }

  /** Sets the weights' gradients to the sum of all shards: own ones by a fixed tree, then those of all ranks. Frees `own`. */
  sumGradients(own: readonly Gradients[], ranks: Ranks): void {
    const reached = ranks.gather(this.#weights.map((_, w) => own.some((shard) => shard[w] !== null)));
    const used = this.#weights.flatMap((weight, w) => (reached.some((rank) => rank[w]) ? [{ weight, w }] : []));
    for (const bucket of buckets(used, ({ weight }) => [weight.dtype, weight.numel])) this.#sumBucket(bucket, own, ranks);
  }

  #sumBucket(bucket: { weight: Tensor; w: number }[], own: readonly Gradients[], ranks: Ranks): void {
    const sums = scope(() =>
      noGrad(() => {
        const flat = own.map((shard) =>
          torch.cat(bucket.map(({ weight, w }) => torch.reshape(shard[w] ?? torch.zeros_like(weight), [-1]))),
        );
        const total = ranks.sumTree(treeSum(flat, (a, b) => torch.add(a, b))); // [n]
        const parts = torch.split_with_sizes(
          total,
          bucket.map(({ weight }) => weight.numel),
        );
        return bucket.map(({ weight }, i) => torch.clone(torch.view(parts[i], weight.shape)));
      }),
    );
    bucket.forEach(({ weight, w }, i) => {
      for (const shard of own) shard[w]?.[Symbol.dispose]();
      weight.grad = sums[i];
      sums[i][Symbol.dispose]();
    });
  }

  /** One number of all weights' bits: the same on two ranks whose weights are the same. */
  checksum(): number {
    return scope(() => {
      const sums = this.#weights.map((weight) => {
        const bits = torch.view(weight.detach(), weight.dtype === 'float32' ? 'int32' : 'int16');
        return torch.sum(bits, { dtype: 'int64' });
      });
      const mixed = torch.sum(torch.mul(torch.stack(sums), torch.arange(1, sums.length + 1, { dtype: 'int64', device: this.#device })));
      return torch.remainder(mixed, 2 ** 52).item(); // a whole number that JavaScript holds exactly
    });
  }

  /** Everything a resumed run needs. */
  state(): Map<string, Tensor> {
    return this.#adamw.state();
  }

  loadState(saved: Map<string, Tensor>): void {
    this.#adamw.loadState(saved);
  }

  dispose(): void {
    this.zeroGrad();
    this.#adamw.dispose();
  }
}

/** Cuts a list into runs of one dtype, each of at most BUCKET elements where one value alone is not more. */
function buckets<T>(values: readonly T[], facts: (value: T) => [dtype: string, elements: number]): T[][] {
  const out: T[][] = [];
  let [dtype, elements] = ['', 0];
  for (const value of values) {
    const [own, n] = facts(value);
    if (own !== dtype || elements + n > BUCKET || out.length === 0) {
      out.push([]);
      elements = 0;
    }
    out.at(-1)!.push(value);
    dtype = own;
    elements += n;
  }
  return out;
}
