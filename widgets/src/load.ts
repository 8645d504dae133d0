/** What is asked of a backend, and what is done there: waiting, come, failed. Every view and model that reads or acts has one of these. */
import { errorBody, type ErrorBody } from './connector.ts';
import { Observable } from './observable.ts';

export type Settled<T> =
  { status: 'ready'; value: T; /** A newer answer is on its way. */ stale?: true } | { status: 'error'; error: ErrorBody };
/** `idle`: nothing was asked, or what was asked was given up. */
export type Load<T> = { status: 'idle' } | { status: 'loading' } | Settled<T>;

type Read<T> = (signal: AbortSignal) => Promise<T>;

interface How {
  /** The answer that is here stays, marked stale, until the next one comes. */
  keep?: boolean;
}

/**
 * A question that is asked again and again, of which the last answer counts. Asking aborts the question before; an answer to that one is dropped.
 *
 *     const page = new Latest<DataPage>();
 *     void page.ask((signal) => connector.data.page('sample', {}, signal));
 *     page.value; // {status: 'loading'}, later {status: 'ready', value: ...} or {status: 'error', error: ...}
 */
export class Latest<T> extends Observable<Load<T>> {
  #asked: { read: Read<T>; how: How } | null = null;
  #key: string | null = null;
  /** Of the question on its way. */
  #abort: AbortController | null = null;

  constructor() {
    super({ status: 'idle' });
  }

  get isPending(): boolean {
    return this.#abort !== null;
  }

  /** The answer that is here, also while a newer one is on its way; null where there is none. */
  get answer(): T | null {
    return this.value.status === 'ready' ? this.value.value : null;
  }

  /** What went wrong with the last question; null where nothing did. */
  get error(): ErrorBody | null {
    return this.value.status === 'error' ? this.value.error : null;
  }

  /** Resolves to what came of it; to null where another question took its place, or it was given up. Never rejects. */
  async ask(read: Read<T>, how: How = {}): Promise<Settled<T> | null> {
    this.#key = null;
    this.#asked = { read, how };
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    if (how.keep && this.value.status === 'ready') this.set({ ...this.value, stale: true });
    else if (this.value.status !== 'loading') this.set({ status: 'loading' });
    const settled = await outcome(() => read(abort.signal));
    if (abort !== this.#abort) return null;
    this.#abort = null;
    this.set(settled);
    return settled;
  }

  /** Asks where `key` differs from that of the question before: to be called on every drawing. A failure is asked again by `retry` alone. */
  async askOnce(key: string, read: Read<T>, how: How = {}): Promise<Settled<T> | null> {
    if (key === this.#key) return null;
    const answer = this.ask(read, how);
    this.#key = key;
    return answer;
  }

  /** Asks the last question again. */
  async retry(): Promise<Settled<T> | null> {
    if (!this.#asked) return null;
    const key = this.#key;
    const answer = this.ask(this.#asked.read, this.#asked.how);
    this.#key = key;
    return answer;
  }

  /** Gives up what is on its way; an answer that is here stays. */
  stop(): void {
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    this.#key = null;
    this.set(this.value.status === 'ready' ? { status: 'ready', value: this.value.value } : { status: 'idle' });
  }

  /** As if nothing had ever been asked. */
  clear(): void {
    this.stop();
    this.#key = null;
    this.#asked = null;
    if (this.value.status !== 'idle') this.set({ status: 'idle' });
  }
}

/** What is done at a backend: started, answered, removed. Unlike a question it is never given up for the next one. */
export class Doing extends Observable<{ /** Names of what is on its way. */ busy: readonly string[]; error: ErrorBody | null }> {
  constructor() {
    super({ busy: [], error: null });
  }

  /** Whether something of that name is on its way; whether anything is, without a name. */
  isBusy(name?: string): boolean {
    const { busy } = this.value;
    return name === undefined ? busy.length > 0 : busy.includes(name);
  }

  get error(): ErrorBody | null {
    return this.value.error;
  }

  /** Resolves to what it gave, to null where it failed. The error of what was done before goes, for this is what the user looks at now. Never rejects. */
  async do<T>(what: () => Promise<T>, name = ''): Promise<{ value: T } | null> {
    this.set({ busy: [...this.value.busy, name], error: null });
    const settled = await outcome(what);
    const { busy } = this.value;
    this.set({ busy: busy.toSpliced(busy.indexOf(name), 1), error: settled.status === 'error' ? settled.error : this.value.error });
    return settled.status === 'ready' ? settled : null;
  }

  forgive(): void {
    if (this.value.error) this.update((state) => ({ ...state, error: null }));
  }
}

/** A promise as a value: its answer, or its failure as {code, message, remedy}. */
export async function outcome<T>(what: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { status: 'ready', value: await what() };
  } catch (error) {
    return { status: 'error', error: errorBody(error) };
  }
}
