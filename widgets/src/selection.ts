/**
 * The one selection that all views share. Clicking anything moves it; a view follows the parts it understands and ignores the rest.
 * It is a small JSON value: it is restored with the layout and can be sent as a link.
 */
import { moved, NOTHING, type Selection } from '@medr1/kernel-bridge/protocol/selection';
import { Observable } from './observable.ts';

export { NOTHING, type Selection };

export class SelectionModel extends Observable<Selection> {
  constructor() {
    super(NOTHING);
  }

  /** Moves parts of the selection; what hangs on a changed part is dropped unless given too. */
  move(change: Partial<Selection>): void {
    this.set(moved(this.value, change));
  }

  /** The run that single-run views show: the first selected. */
  get run(): string | null {
    return this.value.runs[0] ?? null;
  }

  /** Adds or removes a run; the step stays while the first run does. */
  toggleRun(id: string): void {
    const { runs } = this.value;
    this.move({ runs: runs.includes(id) ? runs.filter((run) => run !== id) : [...runs, id] });
  }

  toJSON(): Selection {
    return this.value;
  }

  /** Takes what is well formed in `json` (a restored layout, a link) and ignores the rest. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const given = json as Record<string, unknown>;
    const next: Selection = { ...NOTHING };
    const text = (key: 'dataset' | 'item' | 'variant' | 'search') => {
      if (typeof given[key] === 'string') next[key] = given[key];
    };
    const index = (key: 'step' | 'group' | 'completion' | 'token') => {
      const value = given[key];
      if (Number.isSafeInteger(value) && (value as number) >= 0) next[key] = value as number;
    };
    (['dataset', 'item', 'variant', 'search'] as const).forEach(text);
    (['step', 'group', 'completion', 'token'] as const).forEach(index);
    for (const key of ['runs', 'evaluations'] as const) {
      const value = given[key];
      if (Array.isArray(value)) next[key] = value.filter((one): one is string => typeof one === 'string');
    }
    this.set(next);
  }
}
