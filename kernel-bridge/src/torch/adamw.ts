import { torch } from './ops.ts';
import { noGrad } from './autograd.ts';
import { keep, scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

export interface AdamWOptions {
  lr?: number;
  betas?: readonly [number, number];
  eps?: number;
  weight_decay?: number;
}

/** Parameters that share settings; what is left out is the optimiser's default. */
export interface ParamGroup extends AdamWOptions {
  params: readonly Tensor[];
}

interface Group extends Required<AdamWOptions> {
  params: readonly Tensor[];
}

interface State {
  step: Tensor; // [] float32
  exp_avg: Tensor;
  exp_avg_sq: Tensor;
}

/**
 * AdamW as torch.optim.AdamW(fused=True): all parameters of one device and dtype in one `_fused_adamw_` call, with
 * Python's defaults. State is made at a parameter's first step; parameters without a gradient are left alone.
 */
export class AdamW {
  readonly groups: Group[];
  readonly #state = new Map<Tensor, State>();

  constructor(params: readonly Tensor[] | readonly ParamGroup[], defaults: AdamWOptions = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weight_decay = 1e-2 } = defaults;
    const given =
      params.length > 0 && 'params' in params[0] ? (params as readonly ParamGroup[]) : [{ params: params as readonly Tensor[] }];
    this.groups = given.map((group) => ({ lr, betas, eps, weight_decay, ...group }));
    const all = this.#params();
    if (new Set(all).size !== all.length) throw new TypeError('AdamW: a parameter appears twice');
  }

  /** Sets the learning rate of every group, as a schedule does before each step. */
  setLr(lr: number): void {
    for (const group of this.groups) group.lr = lr;
  }

  step(): void {
    noGrad(() => scope(() => this.groups.forEach((group) => this.#stepGroup(group))));
  }

  /** Drops all gradients. */
  zeroGrad(): void {
    for (const param of this.#params()) param.grad = null;
  }

  /** The state by parameter number: `0.step`, `0.exp_avg`, `0.exp_avg_sq`, ... ready for writeSafetensors. */
  state(): Map<string, Tensor> {
    const out = new Map<string, Tensor>();
    this.#params().forEach((param, i) => {
      const state = this.#state.get(param);
      if (state) for (const [name, tensor] of Object.entries(state)) out.set(`${i}.${name}`, tensor as Tensor);
    });
    return out;
  }

  /** Takes copies of what `state` gave. Nothing changes when it does not fit. */
  loadState(saved: ReadonlyMap<string, Tensor>): void {
    const params = this.#params();
    const fresh = new Map<Tensor, State>();
    const known = new Set<string>();
    scope(() => {
      params.forEach((param, i) => {
        if (!saved.has(`${i}.step`)) return;
        const part = (name: keyof State, shape: number[], dtype: Tensor['dtype']): Tensor => {
          const tensor = saved.get(`${i}.${name}`);
          if (!tensor || String(tensor.shape) !== String(shape))
            throw new TypeError(
              `AdamW: state ${i}.${name} is ${tensor ? `[${tensor.shape}]` : 'missing'}, the parameter asks for [${shape}]`,
            );
          known.add(`${i}.${name}`);
          return torch.to(tensor, { dtype, device: param.device, copy: true }) as Tensor;
        };
        const { shape, dtype } = param;
        fresh.set(param, {
          step: part('step', [], 'float32'),
          exp_avg: part('exp_avg', shape, dtype),
          exp_avg_sq: part('exp_avg_sq', shape, dtype),
        });
      });
      for (const name of saved.keys()) if (!known.has(name)) throw new TypeError(`AdamW: state ${name} belongs to no parameter`);
      for (const state of fresh.values()) Object.values(state).forEach((tensor) => keep(tensor as Tensor));
    });
    this.dispose();
    for (const [param, state] of fresh) this.#state.set(param, state);
  }

  /** Frees the state; the parameters are not touched. */
  dispose(): void {
    for (const state of this.#state.values()) for (const tensor of Object.values(state)) (tensor as Tensor).dispose();
    this.#state.clear();
  }

  #params(): Tensor[] {
    return this.groups.flatMap((group) => [...group.params]);
  }

  #stateOf(param: Tensor): State {
    let state = this.#state.get(param);
    if (!state) {
      state = {
        step: keep(torch.zeros([], { dtype: 'float32', device: param.device })),
        exp_avg: keep(torch.zeros_like(param)),
        exp_avg_sq: keep(torch.zeros_like(param)),
      };
      this.#state.set(param, state);
    }
    return state;
  }

  #stepGroup({ params, lr, betas: [beta1, beta2], eps, weight_decay }: Group): void {
    for (const batch of byDeviceAndDType(params)) {
      const states = batch.map(([param]) => this.#stateOf(param));
      torch._foreach_add_(
        states.map(({ step }) => step),
        1,
      );
      torch._fused_adamw_(
        batch.map(([param]) => param),
        batch.map(([, grad]) => grad),
        states.map(({ exp_avg }) => exp_avg),
        states.map(({ exp_avg_sq }) => exp_avg_sq),
        [],
        states.map(({ step }) => step),
        { lr, beta1, beta2, weight_decay, eps, amsgrad: false, maximize: false },
      );
    }
  }
}

/** The fused kernel takes tensors of one device and dtype; pairs of parameter and gradient. */
function byDeviceAndDType(params: readonly Tensor[]): [Tensor, Tensor][][] {
  const batches = new Map<string, [Tensor, Tensor][]>();
  for (const param of params) {
    const grad = param.grad;
    if (!grad) continue;
    const key = `${param.device} ${param.dtype}`;
    const batch = batches.get(key);
    if (batch) batch.push([param, grad]);
    else batches.set(key, [[param, grad]]);
  }
  return [...batches.values()];
}

/**
 * Scales all gradients so that their common 2-norm is at most `maxNorm`, as torch.nn.utils.clip_grad_norm_.
 * @returns the norm before clipping
 */
export function clipGradNorm(params: readonly Tensor[], maxNorm: number): number {
  return noGrad(() =>
    scope(() => {
      const grads = params.map((param) => param.grad).filter((grad) => grad !== null);
      if (grads.length === 0) return 0;
      const device = grads[0].device;
      const norms = (torch._foreach_norm(grads, 2) as Tensor[]).map((norm) => norm.to({ device }));
      const total = torch.linalg_vector_norm(torch.stack(norms), 2);
      // Python's `max_norm / tensor` is reciprocal times max_norm, one rounding apart from a division.
      const factor = torch.clamp(torch.mul(torch.reciprocal(torch.add(total, 1e-6)), maxNorm), null, 1);
      for (const grad of grads) torch.mul_(grad, factor.to({ device: grad.device }));
      return total.item();
    }),
  );
}
