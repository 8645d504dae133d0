/**
 * The way to kernels, for all ranks of a run. Rank 0 alone has one, as it alone owns the run's store, where values are kept. What functions of other ranks
 * ask goes there while the ranks agree (ranks.ts), and rank 0 asks for one rank after another: each call has the time that it has in one process.
 */
import { setImmediate as yieldToEvents, setTimeout as wait } from 'node:timers/promises';
import type { Scored } from '../protocol/kernels.ts';
import type { AskKernel } from '../rewards/index.ts';
import type { Errands, Ranks } from './ranks.ts';

type Call = Parameters<AskKernel>;
interface Waiting {
  call: Call;
  answer: (scored: Scored) => void;
  abandon: (why: Error) => void;
}
/** What rank 0 tells the others: that it still waits, or what came, by rank and call, up to the first that gave no values. */
type Told = null | { answers: Scored[][]; failed: number | null };

/** A rank that waits hears from rank 0 as often as it does while the run is paused. */
const STILL_WAITING_MS = 500;
const ABSENT: Scored = { unanswered: 'absent', waited_s: 0 };

export class SharedKernel implements Errands<Call> {
  /** For this rank's reward functions. */
  readonly ask: AskKernel | undefined;
  readonly #ranks: Ranks;
  readonly #own: AskKernel | undefined;
  #waiting: Waiting[] = [];
  #taken: Waiting[] = [];
  #arrived = (): void => {};

  /** `own`: rank 0's way, or that of the one process. */
  constructor(ranks: Ranks, own: AskKernel | undefined) {
    this.#ranks = ranks;
    this.#own = own;
    this.ask = ranks.size === 1 ? own : (...call) => this.#shared(call);
  }

  #shared(call: Call): Promise<Scored> {
    return new Promise((answer, abandon) => {
      this.#waiting.push({ call, answer, abandon });
      this.#arrived();
    });
  }

  async called(): Promise<null> {
    if (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
    return null;
  }

  take(): Call[] {
    this.#taken = this.#waiting;
    this.#waiting = [];
    return this.#taken.map(({ call }) => call);
  }

  abandon(): void {
    const why = new Error('a function failed on another rank');
    for (const { abandon } of [...this.#taken, ...this.#waiting]) abandon(why);
    this.#taken = this.#waiting = [];
  }

  async answer(byRank: readonly Call[][]): Promise<number | null> {
    const { answers, failed } = this.#ranks.rank === 0 ? await this.#lead(byRank) : await this.#hear();
    const mine = answers[this.#ranks.rank] ?? [];
    this.#taken.splice(0, mine.length).forEach(({ answer }, i) => answer(mine[i]));
    return failed;
  }

  async #lead(byRank: readonly Call[][]): Promise<NonNullable<Told>> {
    const asked = this.#askAll(byRank);
    for (;;) {
      const over = new AbortController();
      const still = wait(STILL_WAITING_MS, null, { signal: over.signal }).catch(() => null);
      const told: Told = await Promise.race([asked, still]);
      over.abort();
      this.#ranks.broadcast(told);
      if (told !== null) return told;
    }
  }

  async #askAll(byRank: readonly Call[][]): Promise<NonNullable<Told>> {
    const answers: Scored[][] = [];
    for (const [rank, calls] of byRank.entries()) {
      answers.push(await Promise.all(calls.map((call) => this.#own?.(...call) ?? ABSENT)));
      if (answers[rank].some((scored) => !('values' in scored))) return { answers, failed: rank };
    }
    return { answers, failed: null };
  }

  async #hear(): Promise<NonNullable<Told>> {
    for (;;) {
      const told = this.#ranks.broadcast<Told>(null);
      if (told !== null) return told;
      await yieldToEvents(); // signals, and what started this process
    }
  }
}
