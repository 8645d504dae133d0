import type { TrainConfig } from '../protocol/index.ts';
import type { Qwen2VL } from '../qwen2vl/index.ts';
import { AdamW, clipGradNorm, keep, noGrad, scope, torch, type Tensor } from '../torch/index.ts';

type OptimizerConfig = Pick<TrainConfig, 'weight_decay' | 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'max_grad_norm'>;

/**
 * AdamW over the trainable weights. Matrices decay, biases and norms do not (transformers' get_decay_parameter_names). Weights in bfloat16
 * are kept beside in float32 and rounded after each step, because a step of 1e-6 is less than a bfloat16 weight can show.
 */
export class PolicyOptimizer {
  readonly #weights: Map<string, Tensor>;
  /** float32 copies of bfloat16 weights; the weights themselves otherwise. */
  readonly #masters: Map<string, Tensor>;
  readonly #adamw: AdamW;
  readonly #maxGradNorm: number;

  constructor(policy: Qwen2VL, config: OptimizerConfig) {
    this.#weights = policy.trainable;
    this.#masters = new Map([...this.#weights].map(([name, weight]) => [name, masterOf(weight)]));
    const masters = [...this.#masters.values()];
    this.#adamw = new AdamW(
      [
        { params: masters.filter((weight) => weight.ndim >= 2), weight_decay: config.weight_decay },
        { params: masters.filter((weight) => weight.ndim < 2), weight_decay: 0 },
      ].filter(({ params }) => params.length > 0),
      { betas: [config.adam_beta1, config.adam_beta2], eps: config.adam_epsilon },
    );
    this.#maxGradNorm = config.max_grad_norm > 0 ? config.max_grad_norm : Infinity;
  }

  /** Clips and returns the norm before clipping. */
  clip(): number {
    return clipGradNorm([...this.#weights.values()], this.#maxGradNorm);
  }

  /** One update at this learning rate. Call after `clip`, then `zeroGrad`. */
  step(learningRate: number): void {
    this.#adamw.setLr(learningRate);
    const rounded = [...this.#weights].filter(([name, weight]) => this.#masters.get(name) !== weight);
    for (const [name, weight] of rounded) this.#masters.get(name)!.grad = weight.grad?.to({ dtype: 'float32' }) ?? null;
    this.#adamw.step();
    noGrad(() =>
      scope(() => {
        for (const [name, weight] of rounded) torch.copy_(weight, this.#masters.get(name)!);
      }),
    );
    this.#adamw.zeroGrad();
  }

  zeroGrad(): void {
    for (const weight of this.#weights.values()) weight.grad = null;
  }

  /** Everything a resumed run needs: Adam's moments by number, float32 masters by `master.{name}`. */
  state(): Map<string, Tensor> {
    const masters = [...this.#masters].filter(([name, master]) => this.#weights.get(name) !== master);
    return new Map([...this.#adamw.state(), ...masters.map(([name, master]) => [`master.${name}`, master] as const)]);
  }

  loadState(saved: Map<string, Tensor>): void {
    const isMaster = ([name]: [string, Tensor]): boolean => name.startsWith('master.');
    this.#adamw.loadState(new Map([...saved].filter((entry) => !isMaster(entry))));
    noGrad(() =>
      scope(() => {
        for (const [name, value] of [...saved].filter(isMaster)) torch.copy_(this.#masters.get(name.slice('master.'.length))!, value);
      }),
    );
  }

  dispose(): void {
    this.zeroGrad();
    this.#adamw.dispose();
    for (const [name, master] of this.#masters) if (master !== this.#weights.get(name)) master[Symbol.dispose]();
  }
}

function masterOf(weight: Tensor): Tensor {
  if (weight.dtype !== 'bfloat16') return weight;
  return noGrad(() => keep(weight.to({ dtype: 'float32' })));
}
