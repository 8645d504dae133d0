/**
 * The series of the runs that an element shows: taken when a run is shown, given back when it is not, when the element leaves the page or gets
 * another backend. The element draws again after each change of one of them.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { RunList } from './run-list.ts';
import type { RunSeries } from './run-series.ts';

type Source = Pick<RunList, 'acquire' | 'release'>;

export class HeldSeries implements ReactiveController {
  readonly #host: Pick<ReactiveControllerHost, 'addController' | 'requestUpdate'>;
  readonly #held = new Map<string, { series: RunSeries; giveBack: () => void }>();
  #source: Source | null = null;

  constructor(host: Pick<ReactiveControllerHost, 'addController' | 'requestUpdate'>) {
    this.#host = host;
    host.addController(this);
  }

  /** Holds the series of exactly these runs. True where the series are others than before. */
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
  get all(): RunSeries[] {
    return [...this.#held.values()].map(({ series }) => series);
  }

  /** Of a view that shows one run. */
  get first(): RunSeries | null {
    return this.all[0] ?? null;
  }

  get(id: string): RunSeries | null {
    return this.#held.get(id)?.series ?? null;
  }

  /** Grows with each change of a series that is held. */
  get revision(): number {
    return this.all.reduce((sum, { changed }) => sum + changed.value, 0);
  }

  hostDisconnected(): void {
    for (const { giveBack } of this.#held.values()) giveBack();
    this.#held.clear();
  }
}

function take(source: Source, id: string, changed: () => void): { series: RunSeries; giveBack: () => void } {
  const series = source.acquire(id);
  const stop = series.changed.subscribe(changed);
  return { series, giveBack: () => (stop(), source.release(id)) };
}
