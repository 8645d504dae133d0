/**
 * Several processes that train one run. Each is a rank: it holds all weights, and samples and trains whole groups of its own. The optimiser's state is
 * spread over them (optimizer.ts): a rank makes the update of its own weights and sends them to the others.
 *
 * What a step computes is cut into `dp_shards` shards, whole groups each, whatever the number of ranks; a rank has dp_shards / size of them. A shard
 * samples from a seed of its own, and gradients of shards are added by a fixed tree. So the number of ranks changes no bit.
 */
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import type { Tensor } from '../torch/index.ts';

/** The ranks of a run. All of them make the same calls in the same order, and each call waits for all. */
export interface Ranks {
  /** This process's number, from 0. Rank 0 writes the run. */
  readonly rank: number;
  readonly size: number;
  /** What each rank gave, by rank. */
  gather<T>(value: T): T[];
  /** What rank 0 gave. */
  broadcast<T>(value: T): T;
  /** Part r of [size * n] goes to rank r, which gets the sum over ranks of its part [n], neighbours first: ((0 + 1) + (2 + 3)). The caller frees it. */
  reduceScatter(flat: Tensor): Tensor;
  /** Tensors [n] of all ranks, one after another: [size * n]. */
  allGather(flat: Tensor): Tensor;
  /** The tensor of rank `from`, of that shape and dtype, on rank 0, which frees it; null elsewhere. */
  toFirst(from: number, tensor: Tensor | null, facts: Pick<Tensor, 'shape' | 'dtype'>): Tensor | null;
  /** Seconds spent in these calls since the last reading. */
  readWaited(): number;
}

/** One process. */
export const alone: Ranks = {
  rank: 0,
  size: 1,
  gather: (value) => [value],
  broadcast: (value) => value,
  reduceScatter: (flat) => flat,
  allGather: (flat) => flat,
  toFirst: (_from, tensor) => tensor,
  readWaited: () => 0,
};

/** What failed on one rank, as all ranks throw it. */
export class RankError extends WorkbenchError {
  constructor({ code, message, remedy }: ErrorBody, rank: number, size: number) {
    super({ code, message: size > 1 ? `${message} (on rank ${rank} of ${size})` : message, remedy });
  }
}

type Outcome<T> = { value: T } | { error: ErrorBody };

/** What work waits for that rank 0 gets for all ranks, while they agree. */
export interface Errands<Call> {
  /** Resolves once work of this rank waits for a call. */
  called(): Promise<null>;
  /** The calls that it waits for. */
  take(): Call[];
  /** All ranks call it, with what each took: those are answered. Returns the rank whose call failed; those of the ranks after it were not made. */
  answer(byRank: readonly Call[][]): Promise<number | null>;
  /** Rejects what work of this rank waits for. */
  abandon(): void;
}

const NONE: Errands<never> = { called: () => new Promise(() => {}), take: () => [], answer: async () => null, abandon: () => {} };

async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof WorkbenchError)) throw error;
    return { error: error.toJSON() };
  }
}

/**
 * Does `work` on every rank and gives what each rank got, by rank. Where it failed on one, it fails on all, so that no rank goes on alone. Only a
 * WorkbenchError is agreed on: after anything else this process ends, and the others lose it. `errands`: what work may ask rank 0 for, once it waits for
 * nothing else.
 * @throws RankError the first rank's that failed; alone, the error as it is
 */
export async function agreed<T, Call = never>(ranks: Ranks, work: () => Promise<T>, errands: Errands<Call> = NONE): Promise<T[]> {
  if (ranks.size === 1) return [await work()];
  const working = outcomeOf(work);
  working.catch(() => {}); // it is thrown where it is waited for
  const outcomes: Outcome<T>[] = [];
  for (;;) {
    const outcome = outcomes[ranks.rank] ? null : await Promise.race([working, errands.called()]);
    const told = ranks.gather({ outcome, calls: outcome ? [] : errands.take() });
    told.forEach((one, rank) => one.outcome && (outcomes[rank] = one.outcome));
    const failed = outcomes.findIndex((one) => one && 'error' in one);
    if (failed !== -1) {
      errands.abandon();
      throw rankError(outcomes[failed], failed, ranks);
    }
    if (told.every((_, rank) => outcomes[rank])) return outcomes.map((one) => (one as { value: T }).value);
    const refused = await errands.answer(told.map(({ calls }) => calls));
    if (refused === null) continue;
    const end = ranks.gather(ranks.rank === refused ? await working : null)[refused];
    errands.abandon();
    throw rankError(end!, refused, ranks);
  }
}

function rankError(outcome: Outcome<unknown>, rank: number, { size }: Ranks): RankError {
  return new RankError((outcome as { error: ErrorBody }).error, rank, size);
}

/** How the questions of a step lie on shards: `perShard` consecutive ones on each, and consecutive shards on each rank. */
export class Shards {
  readonly count: number;
  /** Numbers of this rank's shards: [first, end). */
  readonly first: number;
  readonly end: number;
  readonly perShard: number;

  /** `count` is a multiple of `size`, and divides the questions of a step. */
  constructor(count: number, questionsPerStep: number, { rank, size }: Pick<Ranks, 'rank' | 'size'>) {
    const own = count / size;
    this.count = count;
    this.first = rank * own;
    this.end = this.first + own;
    this.perShard = questionsPerStep / count;
  }

  /** The shard that a place of the step (0 ... questionsPerStep - 1) lies on. */
  of(place: number): number {
    return Math.floor(place / this.perShard);
  }
  isOwn(place: number): boolean {
    const shard = this.of(place);
    return shard >= this.first && shard < this.end;
  }
  /** Numbers of this rank's shards. */
  get own(): number[] {
    return Array.from({ length: this.end - this.first }, (_, i) => this.first + i);
  }
  /** Places of a shard: [from, to). */
  places(shard: number): { from: number; to: number } {
    return { from: shard * this.perShard, to: (shard + 1) * this.perShard };
  }
}
