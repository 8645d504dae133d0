/** The data sets that there are and those being indexed; followed while somebody looks. */
import type { Connector, DatasetSummary, ErrorBody, IndexJob } from '../../connector.ts';
import { duration, integer } from '../../format.ts';
import { Doing, Latest } from '../../load.ts';
import { Observable } from '../../observable.ts';

export interface DatasetsState {
  status: 'loading' | 'ready' | 'error';
  error: ErrorBody | null;
  datasets: DatasetSummary[];
  jobs: IndexJob[];
  /** What was refused last: adding, stopping, forgetting. */
  refusal: ErrorBody | null;
}

const POLL_MS = 700;

export class Datasets {
  readonly state = new Observable<DatasetsState>({ status: 'loading', error: null, datasets: [], jobs: [], refusal: null });
  readonly #connector: Connector;
  /** Jobs whose end was seen and put away. */
  readonly #dismissed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #list = new Latest<Awaited<ReturnType<Connector['data']['list']>>>();
  readonly #doing = new Doing();

  constructor(connector: Connector) {
    this.#connector = connector;
    this.#doing.subscribe(() => this.#change({ refusal: this.#doing.error }));
  }

  get(name: string | null): DatasetSummary | undefined {
    return this.state.value.datasets.find((set) => set.name === name);
  }

  /** By name or by folder, as runs name what they train on. */
  at(nameOrFolder: string): DatasetSummary | undefined {
    return this.state.value.datasets.find(({ name, dir, root }) => [name, dir, root].includes(nameOrFolder));
  }

  /** Reads the list; while something is being indexed and somebody looks, again and again. */
  async load(): Promise<void> {
    clearTimeout(this.#timer);
    const list = await this.#list.ask((signal) => this.#connector.data.list(signal));
    if (list?.status === 'error') return this.#change(list);
    if (!list) return;
    const { datasets, jobs } = list.value;
    const shown = jobs.filter((job) => job.state !== 'done' && !this.#dismissed.has(idOf(job)));
    this.#change({ status: 'ready', error: null, datasets, jobs: shown });
    if (shown.some(({ state }) => state === 'running')) this.#again();
  }

  /** Starts to index a folder, its images in another one where given; null when it was refused, and the state says why. */
  async add(dir: string, name?: string, images?: string | null): Promise<IndexJob | null> {
    return this.#do(() => this.#connector.data.add({ dir, ...(name && { name }), ...(images && { images_dir: images }) }));
  }

  stop(name: string): Promise<unknown> {
    return this.#do(() => this.#connector.data.stop(name));
  }

  /** Moves the index to the trash; the folder stays as it is. Gives the entry there, null where it was refused. */
  async remove(name: string): Promise<string | null> {
    return (await this.#do(() => this.#connector.data.remove(name)))?.id ?? null;
  }

  /** Resolves when a data set of that name is in the list; false when its indexing ended without one. */
  async appeared({ name, started_at }: IndexJob): Promise<boolean> {
    const seen = (): boolean | null => {
      const { jobs } = this.state.value;
      if (jobs.some((job) => job.name === name && job.started_at === started_at && job.state === 'running')) return null;
      return this.get(name) !== undefined;
    };
    return new Promise((resolve) => {
      const stop = this.state.subscribe(() => look());
      const look = (): void => {
        const there = seen();
        if (there === null) return;
        stop();
        resolve(there);
      };
      look();
    });
  }

  dismiss(job: IndexJob): void {
    this.#dismissed.add(idOf(job));
    this.#change({ jobs: this.state.value.jobs.filter((one) => one !== job) });
  }

  forgive(): void {
    this.#doing.forgive();
  }

  dispose(): void {
    this.#list.stop();
    clearTimeout(this.#timer);
  }

  /** The list is read anew afterwards; null where it was refused. */
  async #do<T>(action: () => Promise<T>): Promise<T | null> {
    const done = await this.#doing.do(action);
    if (done) await this.load();
    return done?.value ?? null;
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      if (this.state.observed > 0) void this.load();
      else this.#again();
    }, POLL_MS);
  }

  #change(change: Partial<DatasetsState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}

/** One name may be indexed again and again. */
export const idOf = ({ name, started_at }: IndexJob): string => `${name} ${started_at}`;

/** "12,000 of 88,996 · 40 s left" */
export function progressOf({ done, total, seconds_left }: IndexJob): string {
  const count = total === null ? integer(done) : `${integer(done)} of ${integer(total)}`;
  return seconds_left === null ? count : `${count} · ${duration(seconds_left)} left`;
}
