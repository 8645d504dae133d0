import type { TrainConfig } from '../protocol/index.ts';
import type { Model } from '../models/index.ts';
import { AdamW, clipGradNorm, generator, span, type Tensor } from '../torch/index.ts';

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
