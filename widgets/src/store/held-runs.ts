/**
 * The runs that an element shows, followed for it. A run is taken when the element shows it. It is given back when the element shows it no longer,
 * leaves the page or gets another backend. The element draws again after each change of one of its runs.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { RunList } from './run-list.ts';
import type { FollowedRun } from './followed-run.ts';

type Source = Pick<RunList, 'acquire' | 'release'>;

export class HeldRuns implements ReactiveController {
  readonly #host: Pick<ReactiveControllerHost, 'addController' | 'requestUpdate'>;
  readonly #held = new Map<string, { run: FollowedRun; giveBack: () => void }>();
  #source: Source | null = null;

  constructor(host: Pick<ReactiveControllerHost, 'addController' | 'requestUpdate'>) {
    this.#host = host;
    host.addController(this);
  }

  /** Holds exactly these runs. True where they are others than before. */
  hold(source: Source, ids: readonly string[]): boolean {
    if (source !== this.#source) this.hostDisconnected();
    this.#source = source;
    const before = [...this.#held.keys()];
    for (const [id, { giveBack }] of this.#held) {
      if (ids.includes(id)) continue;
      giveBack();
      this.#held.delete(id);
    }
    for (const id of ids)
      if (!this.#held.has(id))
        this.#held.set(
          id,
          take(source, id, () => this.#host.requestUpdate()),
        );
    return before.length !== this.#held.size || before.some((id) => !this.#held.has(id));
  }

  /** In the order in which they were first held. */
  get all(): FollowedRun[] {
    return [...this.#held.values()].map(({ run }) => run);
  }

  /** Of a view that shows one run. */
  get first(): FollowedRun | null {
    return this.all[0] ?? null;
  }

  get(id: string): FollowedRun | null {
    return this.#held.get(id)?.run ?? null;
  }

  /** Grows with each change of a run that is held. */
  get revision(): number {
    return this.all.reduce((sum, { changed }) => sum + changed.value, 0);
  }

  hostDisconnected(): void {
    for (const { giveBack } of this.#held.values()) giveBack();
    this.#held.clear();
  }
}

function take(source: Source, id: string, changed: () => void): { run: FollowedRun; giveBack: () => void } {
  const run = source.acquire(id);
  const stop = run.changed.subscribe(changed);
  return { run, giveBack: () => (stop(), source.release(id)) };
}
