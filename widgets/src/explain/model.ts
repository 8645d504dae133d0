/** What is asked about one completion: where the model looked for a token, and when it decided; also with other words, image or order of options. */
import type { Attribution, Connector, Decision, ExplainTarget, MapMethod } from '../connector.ts';
import { Latest, type Load } from '../load.ts';
import { Observable } from '../observable.ts';
import type { Scale } from './heat-map.ts';

export const METHODS = {
  integrated: 'integrated gradients',
  gradient: 'gradient × input',
  occlusion: 'occlusion, 7 × 7',
} as const satisfies Record<MapMethod, string>;

/** The completion, and what is known of it before anything is asked. */
export interface Subject {
  target: ExplainTarget;
  /** As the model wrote it. */
  text: string;
  /** Letters and texts of the options, where they are known. */
  options: readonly { letter: string; text: string; index: number }[];
  /** Address of the image; null where there is none. */
  image: string | null;
}

/** What is changed before the question when it decided is asked again. */
export interface Change {
  text: string;
  /** Places of the options, the first to be A. */
  order: readonly number[];
  image: 'own' | 'blank' | 'other';
  /** Path of the other image. */
  path: string;
}

export interface ExplainState {
  policy: 'nearest' | 'newest';
  method: MapMethod;
  /** Letters that the token is set against. */
  against: readonly string[];
  opacity: number;
  scale: Scale;
  map: Load<Attribution>;
  decision: Load<Decision>;
  change: Change | null;
  changed: Load<Decision>;
}

export class ExplainModel {
  readonly state: Observable<ExplainState>;
  readonly #connector: Connector['explain'];
  readonly #map = new Latest<Attribution>();
  readonly #decision = new Latest<Decision>();
  readonly #changed = new Latest<Decision>();
  #subject: Subject | null = null;
  #key = '';

  constructor(connector: Connector['explain']) {
    this.#connector = connector;
    const idle = { status: 'idle' } as const;
    const loads = { map: idle, decision: idle, changed: idle };
    this.state = new Observable<ExplainState>({
      ...{ policy: 'nearest', method: 'integrated', against: [], opacity: 0.7, scale: 'cut', change: null },
      ...loads,
    });
    const tell = (): void => this.set({ map: this.#map.value, decision: this.#decision.value, changed: this.#changed.value });
    for (const load of [this.#map, this.#decision, this.#changed]) load.subscribe(tell);
  }

  get subject(): Subject | null {
    return this.#subject;
  }

  /** Another completion: what was asked about the one before is dropped. */
  show(subject: Subject | null): void {
    const key = JSON.stringify(subject?.target ?? null);
    this.#subject = subject;
    if (key === this.#key) return;
    this.#key = key;
    for (const load of [this.#map, this.#decision, this.#changed]) load.clear();
    this.set({ change: null, against: [] });
  }

  set(change: Partial<ExplainState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }

  /** Another policy, method or contrast: the map on screen is not of it. */
  choose(change: Partial<Pick<ExplainState, 'policy' | 'method' | 'against'>>): void {
    this.set(change);
  }

  /** `token`: null for the letter of the answer. */
  async look(token: number | null): Promise<void> {
    const target = this.#target;
    const { method, against } = this.state.value;
    if (!target) return;
    const ask = { ...target, method, ...(token !== null && { token }), ...(against.length > 0 && { against: [...against] }) };
    // The map is there in a fraction of the time that its check takes: it is shown meanwhile, and stays, unchecked, where that is given up.
    const map = await this.#map.ask((signal) => this.#connector.attribution({ ...ask, orders: 0 }, signal));
    if (map?.status === 'ready' && map.value.image !== null)
      await this.#map.ask((signal) => this.#connector.attribution(ask, signal), { keep: true });
  }

  async decide(): Promise<void> {
    const target = this.#target;
    if (target) await this.#decision.ask((signal) => this.#connector.decision(target, signal));
  }

  /** Begins to change what was said: null gives the changes up. */
  edit(change: Partial<Change> | null): void {
    const { change: before } = this.state.value;
    const subject = this.#subject;
    if (change === null || !subject) {
      this.#changed.clear();
      return this.set({ change: null });
    }
    const start: Change = { text: subject.text, order: subject.options.map(({ index }) => index), image: 'own', path: '' };
    this.set({ change: { ...(before ?? start), ...change } });
  }

  /** Asks again with what was changed. */
  async decideChanged(): Promise<void> {
    const { change } = this.state.value;
    const target = this.#target;
    if (!change || !target) return;
    const { text, order, image, path } = change;
    const asWritten = text === this.#subject!.text;
    const inOrder = order.join() === this.#subject!.options.map(({ index }) => index).join();
    await this.#changed.ask((signal) =>
      this.#connector.decision(
        {
          ...target,
          ...(!asWritten && { text }),
          ...(!inOrder && { order: [...order] }),
          ...(image === 'blank' && { blank: true }),
          ...(image === 'other' && path !== '' && { image: path }),
        },
        signal,
      ),
    );
  }

  /** Whether an answer is waited for. */
  get isPending(): boolean {
    return [this.#map, this.#decision, this.#changed].some((load) => load.isPending);
  }

  cancel(): void {
    for (const load of [this.#map, this.#decision, this.#changed]) load.stop();
  }

  /** With the policy that is to answer. A try names its own. */
  get #target(): ExplainTarget | null {
    if (!this.#subject) return null;
    const { target } = this.#subject;
    return target.rollout && this.state.value.policy === 'newest' ? { ...target, policy: 'newest' } : target;
  }
}

/** The probabilities after the whole reasoning, the likeliest option first. */
export const lastOf = ({ options, cuts }: Decision): { letter: string; text: string; probability: number }[] =>
  options
    .map(({ letter, text }, i) => ({ letter, text, probability: cuts.at(-1)?.probabilities[i] ?? 0 }))
    .toSorted((a, b) => b.probability - a.probability);
