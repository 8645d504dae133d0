import type { TrainConfig } from '../protocol/index.ts';
import type { Model } from '../models/index.ts';
import { AdamW, clipGradNorm, generator, keep, noGrad, scope, span, tensor, torch, treeSum, type Tensor } from '../torch/index.ts';
import { checksum } from './checksum.ts';
import { ownersOf, roundsOf, type Piece } from './owners.ts';
import { mixSeed } from '../stats/random.ts';
import { alone, type Ranks } from './ranks.ts';

/** Elements that ranks add up or send at a time: several copies of so many are held beside the tensors, and glibc keeps their room. */
const BUCKET = { cpu: 2 * 2 ** 20, gpu: 8 * 2 ** 20 };

/** Gradients of one shard in the order of the weights; null where the shard does not reach a weight. The holder frees them. */
export type Gradients = (Tensor | null)[];

type OptimizerConfig = Pick<
  TrainConfig,
  'optim' | 'bf16_update' | 'weight_decay' | 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'max_grad_norm'
>;

/**
 * AdamW over the trainable weights. Matrices decay, biases and norms do not (transformers' get_decay_parameter_names).
 *
 * Several ranks share it as ZeRO stage 1 does (Rajbhandari et al. 2020): each weight has one owner, which alone holds its moments, gets the sum of its
 * gradients, updates it and sends it to the others. Who owns what changes no bit, so a checkpoint goes on with any number of ranks.
 */
export class PolicyOptimizer {
  readonly #weights: Tensor[];
  /** The weights as AdamW numbers them: matrices first. */
  readonly #numbered: Tensor[];
  readonly #owners: number[]; // by place in #weights
  readonly #ranks: Ranks;
  readonly #adamw: AdamW;
  readonly #maxGradNorm: number;
  readonly #device: string;
  /** Places of the weights that this step's gradients reach, on any rank. */
  #reached: number[] = [];

  constructor(policy: Model, config: OptimizerConfig, ranks: Ranks = alone) {
    this.#weights = [...policy.trainable.values()];
    this.#owners = ownersOf(
      this.#weights.map(({ numel }) => numel),
      ranks.size,
    );
    this.#ranks = ranks;
    const [matrices, others] = [this.#weights.filter(({ ndim }) => ndim >= 2), this.#weights.filter(({ ndim }) => ndim < 2)];
    this.#numbered = [...matrices, ...others];
    const own = new Set(this.#weights.filter((_, w) => this.#owners[w] === ranks.rank));
    this.#adamw = new AdamW(
      [
        { params: matrices.filter((weight) => own.has(weight)), weight_decay: config.weight_decay },
        { params: others.filter((weight) => own.has(weight)), weight_decay: 0 },
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

  /** Clips and returns the norm before clipping, of all ranks' gradients. */
  clip(): number {
    return span('clip', () => clipGradNorm(this.#weights, this.#maxGradNorm, (own) => this.#allNorms(own)));
  }

  /** Norms of own gradients to those of all, in the order of the weights. */
  #allNorms(own: Tensor | null): Tensor | null {
    if (this.#ranks.size === 1) return own;
    const places = this.#weights.flatMap(({ grad }, w) => (grad === null ? [] : [w]));
    const values = own === null ? [] : Array.from(own.toFloat32());
    const all = this.#ranks
      .gather(places.map((place, i) => ({ place, value: values[i] })))
      .flat()
      .toSorted((a, b) => a.place - b.place);
    if (all.length === 0) return null;
    return tensor(
      all.map(({ value }) => value),
      { dtype: own?.dtype ?? this.#weights[all[0].place].dtype, device: this.#device },
    );
  }

  /** One update at this learning rate; `seed` decides how stochastic rounding falls. Call after `clip`, then `zeroGrad`. */
  step(learningRate: number, seed: number): void {
    this.#adamw.setLr(learningRate);
    const place = new Map(this.#weights.map((weight, w) => [weight, w]));
    span('optimizer', () => this.#adamw.step((weight) => generator(mixSeed(seed, place.get(weight)!), this.#device)));
    if (this.#ranks.size > 1) span('share weights', () => this.#shareWeights());
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

  /** Sets the gradients of this rank's own weights to the sum of all shards: those of each rank by a fixed tree, then over ranks. Frees `own`. */
  sumGradients(own: readonly Gradients[]): void {
    const all = this.#ranks.gather(this.#weights.map((_, w) => own.some((shard) => shard[w] !== null)));
    this.#reached = this.#weights.flatMap((_, w) => (all.some((rank) => rank[w]) ? [w] : []));
    const sums = new Map<number, Tensor>(); // of own weights, flat
    for (const round of this.#rounds()) {
      const flat = (shard: Gradients) =>
        this.#inParts(round, ({ index, from, size }) => {
          const grad = shard[index];
          return grad && torch.narrow(torch.reshape(grad, [-1]), 0, from, size);
        });
      const mine = keep(scope(() => noGrad(() => this.#ranks.reduceScatter(treeSum(own.map(flat), (a, b) => torch.add(a, b))))));
      let at = 0;
      for (const { index, from, size } of round[this.#ranks.rank]) {
        const weight = this.#weights[index];
        if (!sums.has(index)) sums.set(index, keep(torch.empty([weight.numel], { dtype: weight.dtype, device: this.#device })));
        const piece = at;
        scope(() => noGrad(() => void torch.copy_(torch.narrow(sums.get(index)!, 0, from, size), torch.narrow(mine, 0, piece, size))));
        at += size;
      }
      mine.dispose();
      for (const { index, from, size } of round.flat()) if (from + size === this.#weights[index].numel) free(own, index);
    }
    for (const [index, sum] of sums) {
      scope(() => (this.#weights[index].grad = torch.view(sum, this.#weights[index].shape)));
      sum.dispose();
    }
  }

  /** Each weight's owner has updated it: the others take it over. */
  #shareWeights(): void {
    for (const round of this.#rounds())
      scope(() =>
        noGrad(() => {
          const part = (rank: number) => this.#joined(round, rank, ({ index, from, size }) => this.#flat(index, from, size));
          const all = this.#ranks.allGather(part(this.#ranks.rank));
          const length = all.numel / this.#ranks.size;
          round.forEach((pieces, rank) => {
            let at = rank * length;
            for (const { index, from, size } of pieces) {
              if (rank !== this.#ranks.rank) torch.copy_(this.#flat(index, from, size), torch.narrow(all, 0, at, size));
              at += size;
            }
          });
        }),
      );
  }

  #flat = (index: number, from: number, size: number): Tensor => torch.narrow(torch.view(this.#weights[index], [-1]), 0, from, size);

  /** The reached weights in rounds: of each rank's own ones so many elements as fit, all of one dtype. */
  #rounds(): Piece[][][] {
    const dtypes = new Set(this.#reached.map((w) => this.#weights[w].dtype));
    return [...dtypes].flatMap((dtype) => {
      const some = this.#reached.filter((w) => this.#weights[w].dtype === dtype);
      return roundsOf(
        some.map((index) => ({ index, elements: this.#weights[index].numel, owner: this.#owners[index] })),
        this.#ranks.size,
        BUCKET[this.#device.startsWith('cpu') ? 'cpu' : 'gpu'] / this.#ranks.size,
      );
    });
  }

  /** [ranks * n]: the pieces of each rank, one rank's after another's. Where there is none, zeros. */
  #inParts(round: readonly Piece[][], of: (piece: Piece) => Tensor | null): Tensor {
    return scope(() => noGrad(() => torch.cat(round.map((_, rank) => this.#joined(round, rank, of)))));
  }

  /** One rank's pieces, filled up with zeros to the length of the longest rank's. */
  #joined(round: readonly Piece[][], rank: number, of: (piece: Piece) => Tensor | null): Tensor {
    const length = (pieces: readonly Piece[]) => pieces.reduce((sum, { size }) => sum + size, 0);
    const { dtype } = this.#weights[round.flat()[0].index];
    const zeros = (size: number) => torch.zeros([size], { dtype, device: this.#device });
    const filling = Math.max(...round.map(length)) - length(round[rank]);
    return torch.cat([...round[rank].map((piece) => of(piece) ?? zeros(piece.size)), zeros(filling)]);
  }

  /** Of the weights that are trained. */
  checksum(): number {
    return checksum(this.#weights);
  }

  /**
   * Everything a resumed run needs, on rank 0; nothing elsewhere. All ranks call it. Its tensors are the optimiser's own where there is one rank; those
   * of other ranks are copies on the host, which `free` frees.
   */
  state(): { tensors: Map<string, Tensor>; free: () => void } {
    const own = this.#renumbered(this.#adamw.state(), this.#ownNumbers());
    const copies: Tensor[] = [];
    const facts = [...own].map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
    this.#ranks.gather(facts).forEach((held, from) => {
      if (from === 0) return;
      for (const { name, ...fact } of held) {
        const came = this.#ranks.toFirst(from, own.get(name) ?? null, fact);
        if (came === null) continue;
        copies.push(came);
        own.set(name, came);
      }
    });
    const all = this.#ranks.rank === 0 ? new Map([...own].toSorted(([a], [b]) => parseInt(a) - parseInt(b))) : new Map<string, Tensor>();
    return { tensors: all, free: () => copies.forEach((copy) => copy.dispose()) };
  }

  /** Takes what concerns this rank's own weights. Nothing changes when it does not fit. */
  loadState(saved: ReadonlyMap<string, Tensor>): void {
    const count = this.#numbered.length;
    for (const name of saved.keys()) if (!(parseInt(name) < count)) throw new TypeError(`AdamW: state ${name} belongs to no parameter`);
    const numbers = this.#ownNumbers();
    const back = new Map([...numbers].map(([local, number]) => [number, local]));
    this.#adamw.loadState(this.#renumbered(saved, back));
  }

  /** AdamW's number of each own weight -> its number among all. */
  #ownNumbers(): Map<number, number> {
    const own = this.#numbered.flatMap((weight, number) =>
      this.#owners[this.#weights.indexOf(weight)] === this.#ranks.rank ? [number] : [],
    );
    return new Map(own.entries());
  }

  /** `3.exp_avg` under its new number; left out where it has none. */
  #renumbered(state: ReadonlyMap<string, Tensor>, numbers: ReadonlyMap<number, number>): Map<string, Tensor> {
    return new Map(
      [...state].flatMap(([name, value]) => {
        const number = numbers.get(parseInt(name));
        return number === undefined ? [] : [[`${number}${name.slice(name.indexOf('.'))}`, value] as const];
      }),
    );
  }

  dispose(): void {
    this.zeroGrad();
    this.#adamw.dispose();
  }
}

/** Frees the gradients of one weight. */
function free(shards: readonly Gradients[], index: number): void {
  for (const shard of shards) shard[index]?.dispose();
}
