/** The series of the run that a view shows: taken when the run is chosen, given back when another is or the view leaves. */
import type { RunList } from './run-list.ts';
import type { RunSeries } from './run-series.ts';

export class HeldSeries {
  readonly #runs: Pick<RunList, 'acquire' | 'release'>;
  readonly #changed: () => void;
  #series: RunSeries | null = null;
  #stop: () => void = () => {};

  /** `changed` is called after each change of the series. */
  constructor(runs: Pick<RunList, 'acquire' | 'release'>, changed: () => void) {
    this.#runs = runs;
    this.#changed = changed;
  }

  get value(): RunSeries | null {
    return this.#series;
  }

  hold(run: string | null): void {
    if (run === (this.#series?.id ?? null)) return;
    this.#stop();
    if (this.#series) this.#runs.release(this.#series.id);
    this.#series = run === null ? null : this.#runs.acquire(run);
    this.#stop = this.#series?.changed.subscribe(this.#changed) ?? (() => {});
  }
}
