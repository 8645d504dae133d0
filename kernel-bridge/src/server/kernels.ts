/**
 * Kernels of notebooks, and scripts, that evaluate reward functions for runs of this server. Each polls (protocol/kernels.ts): an open poll is how a call
 * reaches it, and one that ends before its answer is how its death is seen.
 *
 *     ask -> waits until a kernel serves it -> delivered with a poll -> answered | not in time: absent, busy or slow
 *
 * The asker's patience ends, a call that was delivered does not: its answer is kept, so that the same call again gets it, and nothing is scored twice.
 */
import type { KernelCall, KernelInfo, KernelOutcome, PollKernel, Scored } from '../protocol/kernels.ts';
import type { RewardSet, RewardSource } from '../protocol/rewards.ts';
import { kernelSource, rewardErrors } from '../rewards/index.ts';
import { Pauses } from './pauses.ts';

/** Without an open poll for this long a kernel is busy, and what it serves may be asked of another one. */
const SILENT_MS = 5000;
/** Late answers that are kept, and kernels without a poll that are remembered. */
const MOST_KEPT = 64;

interface Kernel {
  id: string;
  /** By `named`; the newest last. */
  served: Map<string, { name: string; source: RewardSource }>;
  /** When it was heard of last: by the wall clock, to show, and by one that never jumps. */
  heard_at: number;
  heard: number;
  /** The open ones; one that is woken looks again. */
  polls: Pauses;
}

interface Call {
  call: KernelCall;
  /** Whom it was delivered to. */
  kernel: Kernel | null;
  outcome: KernelOutcome | null;
  askers: Set<(outcome: KernelOutcome) => void>;
}

const now = () => ({ heard_at: Date.now(), heard: performance.now() });
const named = (name: string, sha256: string): string => `${name} ${sha256}`;

export class Kernels {
  readonly #kernels = new Map<string, Kernel>();
  readonly #calls = new Map<string, Call>();
  readonly #silent_ms: number;
  #listeners: (() => void)[] = [];

  constructor({ silent_ms = SILENT_MS } = {}) {
    this.#silent_ms = silent_ms;
  }

  /** `listener` is called when something is served that was not, or not heard of, before. */
  onServed(listener: () => void): void {
    this.#listeners.push(listener);
  }

  list(): KernelInfo[] {
    const serving = [...this.#kernels.values()].filter(({ served }) => served.size > 0);
    return serving.map((kernel) => ({
      id: kernel.id,
      state: this.#isHeard(kernel) ? 'ready' : 'busy',
      heard_at: kernel.heard_at,
      rewards: [...kernel.served.values()].map(({ name, source }) => ({ name, sha256: source.sha256 })),
    }));
  }

  /** The newest of each name. */
  sources(): RewardSet['sources'] {
    const all = [...this.#kernels.values()].toSorted((a, b) => Number(this.#isHeard(a)) - Number(this.#isHeard(b)));
    return Object.fromEntries(all.flatMap(({ served }) => [...served.values()].map(({ name, source }) => [name, source])));
  }

  /** Those with these sources. Throws REWARD_KERNEL_ABSENT. */
  chosen(names: Record<string, string> = {}): RewardSet['sources'] {
    return Object.fromEntries(
      Object.entries(names).map(([name, sha256]) => {
        const found = [...this.#kernels.values()].findLast(({ served }) => served.has(named(name, sha256)));
        if (!found) throw rewardErrors.notServed(name, Object.keys(this.sources()));
        return [name, found.served.get(named(name, sha256))!.source];
      }),
    );
  }

  /** Whether a kernel that is heard of serves this function. */
  serves(name: string, sha256: string): boolean {
    return [...this.#kernels.values()].some((kernel) => this.#isHeard(kernel) && kernel.served.has(named(name, sha256)));
  }

  /** Waits at most `timeout_s` for the answer; never throws. */
  ask(call: KernelCall, timeout_s: number): Promise<Scored> {
    const known = this.#calls.get(call.key) ?? { call, kernel: null, outcome: null, askers: new Set() };
    if (known.outcome !== null) {
      this.#calls.delete(call.key);
      return Promise.resolve(known.outcome);
    }
    this.#calls.set(call.key, known);
    return new Promise((resolve) => {
      const answered = (outcome: KernelOutcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const timer = setTimeout(() => {
        known.askers.delete(answered);
        if (known.askers.size === 0 && known.kernel === null) this.#calls.delete(call.key);
        resolve({ unanswered: this.#whyNot(known), waited_s: timeout_s });
      }, timeout_s * 1000);
      known.askers.add(answered);
      this.#wakePolls();
    });
  }

  /** One poll of a kernel. Throws REWARD_NAME or REWARD_FILE for what cannot be served. */
  async poll(id: string, { rewards, answers = [], wait_s = 0 }: PollKernel, signal: AbortSignal): Promise<KernelCall[]> {
    const kernel = this.#heard(id, rewards);
    for (const { key, outcome } of answers) this.#answered(key, outcome);
    if (wait_s === 0) return [];
    const end = performance.now() + wait_s * 1000;
    for (;;) {
      if (signal.aborted) return this.#gone(kernel);
      const calls = this.#deliver(kernel);
      if (calls.length > 0 || performance.now() >= end) return calls;
      await kernel.polls.wait(end - performance.now(), signal);
      Object.assign(kernel, now());
    }
  }

  #heard(id: string, rewards: PollKernel['rewards']): Kernel {
    const served: Kernel['served'] = new Map();
    for (const reward of rewards) {
      const source = kernelSource(reward);
      served.set(named(reward.name, source.sha256), { name: reward.name, source });
    }
    const kernel = this.#kernels.get(id) ?? { id, served, heard_at: 0, heard: -Infinity, polls: new Pauses() };
    const changed = !this.#isHeard(kernel) || [...served.keys()].some((key) => !kernel.served.has(key));
    kernel.served = served;
    Object.assign(kernel, now());
    this.#kernels.delete(id);
    if (served.size > 0 || kernel.polls.size > 0) this.#kernels.set(id, kernel); // the one heard of last is the last
    for (const one of this.#calls.values())
      if (one.kernel === kernel && !served.has(named(one.call.name, one.call.sha256))) one.kernel = null; // another may serve it
    for (const [other, { polls, heard }] of this.#kernels)
      if (this.#kernels.size > MOST_KEPT && polls.size === 0 && performance.now() - heard > this.#silent_ms) this.#kernels.delete(other);
    if (changed) {
      this.#wakePolls();
      for (const listener of this.#listeners) listener();
    }
    return kernel;
  }

  /** The client of a poll has gone: its kernel has, unless it polls again. */
  #gone(kernel: Kernel): KernelCall[] {
    if (kernel.polls.size > 0) return [];
    this.#kernels.delete(kernel.id);
    kernel.heard = -Infinity;
    for (const one of this.#calls.values()) if (one.kernel === kernel) one.kernel = null;
    this.#wakePolls();
    return [];
  }

  #deliver(kernel: Kernel): KernelCall[] {
    const mine = [...this.#calls.values()].filter(({ call, outcome, kernel: to }) => {
      const free = to === null || (to !== kernel && !this.#isHeard(to));
      return outcome === null && free && kernel.served.has(named(call.name, call.sha256));
    });
    for (const one of mine) one.kernel = kernel;
    return mine.map(({ call }) => call);
  }

  #answered(key: string, outcome: KernelOutcome): void {
    const one = this.#calls.get(key);
    if (!one || one.outcome !== null) return;
    one.outcome = fitting(one.call, outcome);
    if (one.askers.size > 0) this.#calls.delete(key);
    for (const tell of one.askers) tell(one.outcome);
    const kept = [...this.#calls].filter(([, { outcome: late }]) => late !== null);
    for (const [old] of kept.slice(0, -MOST_KEPT)) this.#calls.delete(old);
  }

  #whyNot({ kernel, call }: Call): 'absent' | 'busy' | 'slow' {
    const to = kernel ?? [...this.#kernels.values()].find(({ served }) => served.has(named(call.name, call.sha256)));
    if (!to) return 'absent';
    return to.polls.size > 0 ? 'slow' : 'busy'; // one that can run polls again within milliseconds
  }

  #isHeard({ polls, heard }: Kernel): boolean {
    return polls.size > 0 || performance.now() - heard < this.#silent_ms;
  }

  #wakePolls(): void {
    for (const { polls } of this.#kernels.values()) polls.wake();
  }
}

/** An answer with as many values as completions, or the failure that it is. */
function fitting({ completions }: KernelCall, outcome: KernelOutcome): KernelOutcome {
  if ('failure' in outcome || outcome.values.length === completions.length) return outcome;
  const what = `${outcome.values.length} values`;
  return { failure: { kind: 'length', what, line: null, completion: null } };
}
