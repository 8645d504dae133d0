import { PIECE } from './budgets.ts';
import { torch } from './ops.ts';
import { noGrad } from './autograd.ts';
import { joinBfloat16, roundStochastic, splitBfloat16 } from './bfloat16.ts';
import type { DType } from './dtypes.ts';
import { BLOCK, dequantise, fitsEightBits, quantiseInto } from './eight-bit.ts';
import type { Generator } from './generator.ts';
import { keep, scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

/**
 * What the update of a bfloat16 parameter is added to, since most updates are less than its last place.
 * plain: the parameter, moments in bfloat16 too, as torch.optim.AdamW. master: a float32 copy, rounded to the parameter after each step.
 * stochastic: the parameter, rounded up or down at random so that the mean is right. kahan: the parameter with what rounding took off
 * it, kept beside it in 16 bits; with them it is the master's float32 to the last bit.
 */
export type Bf16Update = 'plain' | 'master' | 'stochastic' | 'kahan';

export interface AdamWOptions {
  lr?: number;
  betas?: readonly [number, number];
  eps?: number;
  weight_decay?: number;
}

/** How the state is kept. */
export interface AdamWStorage {
  /** Bits of a moment. 8: as torchao's AdamW8bit (eight-bit.ts). Default 32. */
  bits?: 32 | 8;
  /** Default plain. With the others moments are float32 unless `bits` is 8. */
  bf16?: Bf16Update;
}

/** Parameters that share settings; what is left out is the optimiser's default. */
export interface ParamGroup extends AdamWOptions {
  params: readonly Tensor[];
}

interface Group extends Required<AdamWOptions> {
  params: readonly Tensor[];
}

/** step [] float32, exp_avg and exp_avg_sq of the parameter's shape, and with them: `.scale` of 8-bit moments, master, remainder. */
type State = Record<string, Tensor>;

const MOMENTS = ['exp_avg', 'exp_avg_sq'] as const;
/** Elements that are widened to float32 at a time, multiples of BLOCK: a GPU's kernels want more to do than a CPU's cache holds. */
const pieceSize = (device: string): number => PIECE[device === 'cpu' ? 'cpu' : 'cuda'];

/**
 * AdamW as torch.optim.AdamW(fused=True), with Python's defaults: all parameters of one device and dtype go in one `_fused_adamw_` call. Those
 * whose weights or moments are kept narrower than the arithmetic go through the same kernel in float32, a piece at a time.
 * State is made at a parameter's first step; parameters without a gradient are left alone.
 */
export class AdamW {
  readonly groups: Group[];
  readonly #storage: Required<AdamWStorage>;
  readonly #state = new Map<Tensor, State>();

  constructor(params: readonly Tensor[] | readonly ParamGroup[], defaults: AdamWOptions & AdamWStorage = {}) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weight_decay = 1e-2, bits = 32, bf16 = 'plain' } = defaults;
    const given =
      params.length > 0 && 'params' in params[0] ? (params as readonly ParamGroup[]) : [{ params: params as readonly Tensor[] }];
    this.groups = given.map((group) => ({ lr, betas, eps, weight_decay, ...group }));
    this.#storage = { bits, bf16 };
    const all = this.#params();
    if (new Set(all).size !== all.length) throw new TypeError('AdamW: a parameter appears twice');
  }

  /** Sets the learning rate of every group, as a schedule does before each step. */
  setLr(lr: number): void {
    for (const group of this.groups) group.lr = lr;
  }

  /** `random` is what stochastic rounding of all parameters, or of each, draws from; by default torch's own generator. */
  step(random: Generator | ((param: Tensor) => Generator) | null = null): void {
    const of = typeof random === 'function' ? random : () => random;
    noGrad(() => scope(() => this.groups.forEach((group) => this.#stepGroup(group, of))));
  }

  /** Drops all gradients. */
  zeroGrad(): void {
    for (const param of this.#params()) param.grad = null;
  }

  /** The state by parameter number: `0.step`, `0.exp_avg`, `0.exp_avg_sq`, ... ready for writeSafetensors. */
  state(): Map<string, Tensor> {
    return new Map(
      this.#params().flatMap((param, i) =>
        Object.entries(this.#state.get(param) ?? {}).map(([name, tensor]): [string, Tensor] => [`${i}.${name}`, tensor]),
      ),
    );
  }

  /** Takes copies of what `state` gave. Nothing changes when it does not fit. */
  loadState(saved: ReadonlyMap<string, Tensor>): void {
    const fresh = new Map<Tensor, State>();
    const known = new Set<string>();
    scope(() => {
      this.#params().forEach((param, i) => {
        if (!saved.has(`${i}.step`)) return;
        const part = ([name, { shape, dtype }]: [string, Layout]): [string, Tensor] => {
          const tensor = saved.get(`${i}.${name}`);
          if (!tensor || String(tensor.shape) !== String(shape))
            throw new TypeError(
              `AdamW: state ${i}.${name} is ${tensor ? `[${tensor.shape}]` : 'missing'}, the parameter asks for [${shape}]`,
            );
          known.add(`${i}.${name}`);
          return [name, torch.to(tensor, { dtype, device: param.device, copy: true }) as Tensor];
        };
        fresh.set(param, Object.fromEntries(Object.entries(this.#layout(param)).map(part)));
      });
      for (const name of saved.keys()) if (!known.has(name)) throw new TypeError(`AdamW: state ${name} belongs to no parameter`);
      for (const state of fresh.values()) Object.values(state).forEach((tensor) => keep(tensor));
    });
    this.dispose();
    for (const [param, state] of fresh) this.#state.set(param, state);
  }

  /** Frees the state; the parameters are not touched. */
  dispose(): void {
    for (const state of this.#state.values()) for (const tensor of Object.values(state)) tensor.dispose();
    this.#state.clear();
  }

  #params(): Tensor[] {
    return this.groups.flatMap((group) => [...group.params]);
  }

  /** Nothing of the parameter is narrower than the kernel's arithmetic. */
  #isWhole(param: Tensor): boolean {
    const narrow = param.dtype === 'bfloat16' && this.#storage.bf16 !== 'plain';
    return !narrow && !this.#eightBit(param);
  }

  #eightBit(param: Tensor): boolean {
    return this.#storage.bits === 8 && fitsEightBits(param.numel);
  }

  #layout(param: Tensor): Record<string, Layout> {
    const { shape, dtype, numel } = param;
    const layout: Record<string, Layout> = { step: { shape: [], dtype: 'float32' } };
    for (const moment of MOMENTS) {
      layout[moment] = { shape, dtype: this.#eightBit(param) ? 'uint8' : this.#isWhole(param) ? dtype : 'float32' };
      if (this.#eightBit(param)) layout[`${moment}.scale`] = { shape: [numel / BLOCK], dtype: 'float32' };
    }
    if (dtype !== 'bfloat16') return layout;
    if (this.#storage.bf16 === 'master') layout.master = { shape, dtype: 'float32' };
    if (this.#storage.bf16 === 'kahan') layout.remainder = { shape, dtype: 'int16' };
    return layout;
  }

  #stateOf(param: Tensor): State {
    let state = this.#state.get(param);
    if (!state) {
      const { device } = param;
      const zeros = ([name, { shape, dtype }]: [string, Layout]): [string, Tensor] => [name, keep(torch.zeros(shape, { dtype, device }))];
      state = Object.fromEntries(Object.entries(this.#layout(param)).map(zeros));
      if (state.master !== undefined) torch.copy_(state.master, param);
      this.#state.set(param, state);
    }
    return state;
  }

  #stepGroup(group: Group, random: (param: Tensor) => Generator | null): void {
    for (const batch of byDeviceAndDType(group.params.filter((param) => this.#isWhole(param)))) {
      const states = batch.map(([param]) => this.#stateOf(param));
      torch._foreach_add_(
        states.map(({ step }) => step),
        1,
      );
      fusedAdamW(
        group,
        batch.map(([param]) => param),
        batch.map(([, grad]) => grad),
        states,
      );
    }
    const inPieces = group.params.filter((param) => param.grad !== null && !this.#isWhole(param));
    inPieces.forEach((param) => this.#stateOf(param)); // all at first, so that what lives long lies together
    for (const param of inPieces) this.#stepInPieces(param, group, random(param));
  }

  /** Each piece is widened to float32, updated by the kernel, and narrowed again: never more than a piece is there twice. */
  #stepInPieces(param: Tensor, group: Group, random: Generator | null): void {
    const grad = param.grad!;
    const state = this.#stateOf(param);
    torch.add_(state.step, 1);
    const [flatParam, flatGrad] = [param, grad].map((tensor) => torch.reshape(tensor, [-1]));
    const piece = pieceSize(param.device);
    for (let from = 0; from < param.numel; from += piece) {
      const size = Math.min(piece, param.numel - from);
      const cut = (tensor: Tensor): Tensor => torch.narrow(tensor, 0, from, size);
      scope(() => {
        const weights = openWeights(cut(flatParam), this.#storage.bf16, (name) => cut(torch.view(state[name], [-1])), random);
        const moments = MOMENTS.map((name, i) => this.#openMoment(state, name, i === 0, from, size));
        const [exp_avg, exp_avg_sq] = moments.map(({ wide }) => wide);
        fusedAdamW(group, [weights.wide], [cut(flatGrad).to({ dtype: weights.wide.dtype })], [{ step: state.step, exp_avg, exp_avg_sq }]);
        for (const { close } of [weights, ...moments]) scope(close);
      });
    }
  }

  #openMoment(state: State, name: string, signed: boolean, from: number, size: number): Wide {
    const whole = torch.narrow(torch.view(state[name], [-1]), 0, from, size);
    const scales = state[`${name}.scale`];
    if (scales === undefined) return { wide: whole, close: () => undefined };
    const scale = torch.narrow(scales, 0, from / BLOCK, size / BLOCK);
    const wide = scope(() => dequantise(whole, scale, signed));
    return { wide, close: () => quantiseInto(whole, scale, wide, signed) };
  }
}

interface Layout {
  shape: readonly number[];
  dtype: DType;
}

/** A piece of something as float32, and what writes it back. */
interface Wide {
  wide: Tensor;
  close(): void;
}

function openWeights(param: Tensor, how: Bf16Update, stateOf: (name: string) => Tensor, random: Generator | null): Wide {
  if (param.dtype !== 'bfloat16') return { wide: param, close: () => undefined };
  switch (how) {
    case 'plain':
    case 'stochastic': {
      const wide = param.to({ dtype: 'float32' });
      return { wide, close: () => void torch.copy_(param, how === 'plain' ? wide : roundStochastic(wide, random)) };
    }
    case 'master': {
      const wide = stateOf('master');
      return { wide, close: () => void torch.copy_(param, wide) };
    }
    case 'kahan': {
      const remainder = stateOf('remainder');
      const wide = scope(() => joinBfloat16(param, remainder));
      return {
        wide,
        close() {
          const split = splitBfloat16(wide);
          torch.copy_(param, split.rounded);
          torch.copy_(remainder, split.remainder);
        },
      };
    }
  }
}

function fusedAdamW(
  { lr, betas: [beta1, beta2], eps, weight_decay }: Group,
  params: Tensor[],
  grads: Tensor[],
  states: readonly State[],
): void {
  torch._fused_adamw_(
    params,
    grads,
    states.map(({ exp_avg }) => exp_avg),
    states.map(({ exp_avg_sq }) => exp_avg_sq),
    [],
    states.map(({ step }) => step),
    { lr, beta1, beta2, weight_decay, eps, amsgrad: false, maximize: false },
  );
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
 * Scales all gradients so that their common 2-norm is at most `maxNorm`, as torch.nn.utils.clip_grad_norm_. `all`: from the norms of these gradients
 * [k], or null where there is none, to those of all gradients, where others hold some of them.
 * @returns the norm before clipping
 */
export function clipGradNorm(
  params: readonly Tensor[],
  maxNorm: number,
  all: (own: Tensor | null) => Tensor | null = (own) => own,
): number {
  return noGrad(() =>
    scope(() => {
      const grads = params.map((param) => param.grad).filter((grad) => grad !== null);
      const device = grads.at(0)?.device;
      const own = grads.length === 0 ? null : torch.stack((torch._foreach_norm(grads, 2) as Tensor[]).map((norm) => norm.to({ device })));
      const norms = all(own);
      if (norms === null) return 0;
      const total = torch.linalg_vector_norm(norms, 2);
      // Python's `max_norm / tensor` is reciprocal times max_norm, one rounding apart from a division.
      const factor = torch.clamp(torch.mul(torch.reciprocal(torch.add(total, 1e-6)), maxNorm), null, 1);
      for (const grad of grads) torch.mul_(grad, factor.to({ device: grad.device }));
      return total.item();
    }),
  );
}
