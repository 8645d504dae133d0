/** The likeliest tokens at each place of completions, asked for when somebody points at a token, and kept for a while. */
import type { Alternatives, Connector, ExplainTarget } from '../../connector.ts';
import { outcome, type Load } from '../../load.ts';
import { Observable } from '../../observable.ts';

export type TokenAlternatives = Exclude<Load<Alternatives>, { status: 'idle' }>;

/** Completions kept in memory. */
const KEPT = 100;

export class AlternativesStore {
  /** Changes whenever an answer came or is waited for. */
  readonly changed = new Observable(0);
  readonly #connector: Pick<Connector['explain'], 'alternatives'>;
  readonly #known = new Map<string, TokenAlternatives>();
  #last: { key: string; abort: AbortController } | null = null;

  constructor(connector: Pick<Connector['explain'], 'alternatives'>) {
    this.#connector = connector;
  }

  /** What is known of a completion; null before it was asked for. */
  of(target: ExplainTarget): TokenAlternatives | null {
    return this.#known.get(keyOf(target)) ?? null;
  }

  /** Asks, unless it is known or on its way. A question about another completion that still waits is withdrawn. */
  async ask(target: ExplainTarget): Promise<void> {
    const key = keyOf(target);
    const known = this.#known.get(key);
    if (known && known.status !== 'error') return;
    if (this.#last) {
      this.#last.abort.abort();
      this.#known.delete(this.#last.key);
    }
    const asked = (this.#last = { key, abort: new AbortController() });
    this.#keep(key, { status: 'loading' });
    const answer = await outcome(() => this.#connector.alternatives(target, asked.abort.signal));
    if (this.#last !== asked) return;
    this.#last = null;
    this.#keep(key, answer);
  }

  #keep(key: string, value: TokenAlternatives): void {
    this.#known.delete(key);
    this.#known.set(key, value);
    for (const oldest of this.#known.keys()) if (this.#known.size > KEPT) this.#known.delete(oldest);
    this.changed.update((count) => count + 1);
  }
}

const keyOf = (target: ExplainTarget): string => JSON.stringify(target);

/** A stored completion, as a question about it names it. */
export const rolloutOf = (run: string, { step, group }: { step: number; group: number }, completion: number): ExplainTarget => ({
  run,
  rollout: { step, group, completion },
});
