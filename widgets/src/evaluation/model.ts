/** The evaluations of the backend, followed, and which of them the view shows. */
import { columnName, READING_TEXTS } from '@medr1/kernel-bridge/protocol';
import type { Connector, ErrorBody, EvalsEvent, EvalState, EvalSummary, Reading, Subscription } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import type { SelectionModel } from '../selection.ts';
import { EvaluationChoice, MOST_COMPARED } from '../store/evaluation-choice.ts';

export interface EvaluationsState {
  status: 'loading' | 'ready' | 'error';
  error: ErrorBody | null;
  /** Newest first. */
  evaluations: EvalSummary[];
}

export const STATES: Record<EvalState, { glyph: string; text: string; active: boolean }> = {
  queued: { glyph: '○', text: 'queued', active: true },
  running: { glyph: '●', text: 'running', active: true },
  stopped: { glyph: '■', text: 'stopped', active: false },
  finished: { glyph: '✓', text: 'finished', active: false },
  failed: { glyph: '✗', text: 'failed', active: false },
  interrupted: { glyph: '⚠', text: 'interrupted', active: false },
};

export class EvaluationModel {
  readonly state = new Observable<EvaluationsState>({ status: 'loading', error: null, evaluations: [] });
  readonly place: EvaluationChoice['place'];
  readonly #connector: Connector;
  /** Holds what is chosen for a comparison, in the order chosen. */
  readonly #selection: Pick<SelectionModel, 'value' | 'move'>;
  #subscription: Subscription | null = null;
  readonly #list = new Latest<EvalSummary[]>();
  /** The list was read once. */
  #read = false;
  /** What was told while a list was on its way that may be older; null when none is. */
  #told: EvalsEvent[] | null = null;

  constructor(connector: Connector, selection: Pick<SelectionModel, 'value' | 'move'>, place = new EvaluationChoice().place) {
    this.#connector = connector;
    this.#selection = selection;
    this.place = place;
  }

  get picked(): readonly string[] {
    return this.#selection.value.evaluations;
  }

  /** Reads the list and follows it. Never throws: trouble shows in `state`. */
  async start(): Promise<void> {
    const told: EvalsEvent[] = (this.#told = []);
    this.#subscription ??= this.#connector.subscribeEvals(
      (event) => this.apply(event),
      () => void this.start(),
    );
    const list = await this.#list.ask((signal) => this.#connector.evals.list(signal));
    if (!list) return;
    this.#told = null;
    if (list.status === 'error') return this.state.update((state) => ({ ...state, ...list }));
    this.state.set({ status: 'ready', error: null, evaluations: list.value });
    for (const event of told) this.apply(event);
    if (!this.#read) this.#forget();
    this.#read = true;
  }

  /** What was kept may be gone since. */
  #forget(): void {
    const place = this.place.value;
    if (place.at === 'one' && !this.get(place.id)) this.place.set({ at: 'list' });
  }

  apply(event: EvalsEvent): void {
    this.#told?.push(event);
    const id = 'removed' in event ? event.removed : event.summary.id;
    this.state.update((state) => {
      const others = state.evaluations.filter((one) => one.id !== id);
      const evaluations =
        'removed' in event ? others : [...others, event.summary].toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
      return { ...state, evaluations };
    });
    if (!('removed' in event)) return;
    if (this.picked.includes(id)) this.#selection.move({ evaluations: this.picked.filter((one) => one !== id) });
    const place = this.place.value;
    if (place.at === 'one' && place.id === id) this.place.set({ at: 'list' });
  }

  get(id: string): EvalSummary | undefined {
    return this.state.value.evaluations.find((one) => one.id === id);
  }

  /** Adds to or takes from the comparison; the oldest choice makes room when there are too many. */
  pick(id: string): void {
    const { picked } = this;
    const evaluations = picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id].slice(-MOST_COMPARED);
    this.#selection.move({ evaluations });
  }

  dispose(): void {
    this.#list.stop();
    this.#subscription?.close();
    this.#subscription = null;
  }
}

/** What a row is called: what was evaluated, in few words. */
export function modelName({ settings, run_name }: EvalSummary): string {
  if (run_name !== null) return settings.step === null ? run_name : `${run_name}, step ${settings.step}`;
  return settings.model.split('/').filter(Boolean).at(-1) ?? settings.model;
}

/** A column's name over these evaluations, and for a title what its readings take for the answer. */
export function columnOf(column: Reading, evaluations: readonly Pick<EvalSummary, 'reading'>[]): { name: string; title: string } {
  const published = [...new Set(evaluations.map(({ reading }) => reading))];
  const readings = column === 'tolerant' ? ([column] as const) : published;
  return { name: columnName(column, published), title: readings.map((name) => `${name}: ${READING_TEXTS[name]}`).join('; ') };
}

export const variantTag = (variant: string): string => ({ think: 'T', 'no-think': 'NT', 'think-after': 'TA' })[variant] ?? variant;
