/** What the Evaluation view shows, kept with the workspace; other views and commands choose it too. */
import type { EvalSummary } from '../connector.ts';
import { Observable } from '../observable.ts';

export type Place =
  /** `of`: a run that was asked for and has no evaluation. */
  { at: 'list'; of?: string } | { at: 'one'; id: string } | { at: 'compare'; ids: string[] } | { at: 'matrices' } | { at: 'new' };

/** As many columns as a comparison has. */
export const MOST_COMPARED = 4;

export class EvaluationChoice {
  readonly place = new Observable<Place>({ at: 'list' });
  /** Chosen for a comparison, in the order chosen. */
  readonly picked = new Observable<string[]>([]);

  subscribe(listener: () => void): () => void {
    const stops = [this.place.subscribe(listener), this.picked.subscribe(listener)];
    return () => stops.forEach((stop) => stop());
  }

  toJSON(): { place: Place; picked: string[] } {
    return { place: this.place.value, picked: this.picked.value };
  }

  /** Takes over a kept state; parts that are not well formed are left out. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const { place, picked } = json as { place?: Partial<Record<'at' | 'id', unknown>> & { ids?: unknown }; picked?: unknown };
    const ids = (value: unknown): string[] =>
      Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string').slice(0, MOST_COMPARED) : [];
    this.picked.set(ids(picked));
    if (place?.at === 'list' || place?.at === 'matrices' || place?.at === 'new') this.place.set({ at: place.at });
    else if (place?.at === 'one' && typeof place.id === 'string') this.place.set({ at: 'one', id: place.id });
    else if (place?.at === 'compare' && ids(place.ids).length > 1) this.place.set({ at: 'compare', ids: ids(place.ids) });
  }

  /** A run beside others: its newest evaluation with those of the same questions, the chosen runs' first. */
  compare(run: string, evaluations: readonly EvalSummary[], chosen: readonly string[]): void {
    const own = evaluations.filter(({ settings }) => settings.run === run);
    const [first] = [...own.filter(({ state }) => state === 'finished'), ...own];
    if (!first) return this.place.set({ at: 'list', of: run });
    const same = evaluations.filter((one) => one.id !== first.id && one.split_hash === first.split_hash && one.done > 0);
    const rank = ({ settings }: EvalSummary): number =>
      settings.run === null ? 2 : settings.run === run ? 1 : chosen.includes(settings.run) ? 0 : 2;
    const ids = [first, ...same.toSorted((a, b) => rank(a) - rank(b))].slice(0, MOST_COMPARED).map(({ id }) => id);
    this.picked.set(ids);
    this.place.set(ids.length > 1 ? { at: 'compare', ids } : { at: 'one', id: first.id });
  }
}
