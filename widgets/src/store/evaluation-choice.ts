/** What the Evaluation view shows, kept with the workspace; other views and commands choose it too. */
import type { EvalSummary } from '../connector.ts';
import { Observable } from '../observable.ts';

export type Place =
  /** `of`: a run that was asked for and has no evaluation. */
  { at: 'list'; of?: string } | { at: 'one'; id: string } | { at: 'matrices' } | { at: 'new' };

/** As many columns as a comparison has. */
export const MOST_COMPARED = 4;

export class EvaluationChoice {
  readonly place = new Observable<Place>({ at: 'list' });

  subscribe(listener: () => void): () => void {
    return this.place.subscribe(listener);
  }

  toJSON(): { place: Place } {
    return { place: this.place.value };
  }

  /** Takes over a kept state; parts that are not well formed are left out. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const { place } = json as { place?: Partial<Record<'at' | 'id', unknown>> };
    if (place?.at === 'list' || place?.at === 'matrices' || place?.at === 'new') this.place.set({ at: place.at });
    else if (place?.at === 'one' && typeof place.id === 'string') this.place.set({ at: 'one', id: place.id });
  }
}

/** Ids of a run's newest evaluation and of those of the same questions, the chosen runs' first; none where the run has no evaluation. */
export function comparedWith(run: string, evaluations: readonly EvalSummary[], chosen: readonly string[]): string[] {
  const own = evaluations.filter(({ settings }) => settings.run === run);
  const [first] = [...own.filter(({ state }) => state === 'finished'), ...own];
  if (!first) return [];
  const same = evaluations.filter((one) => one.id !== first.id && one.split_hash === first.split_hash && one.done > 0);
  const rank = ({ settings }: EvalSummary): number =>
    settings.run === null ? 2 : settings.run === run ? 1 : chosen.includes(settings.run) ? 0 : 2;
  return [first, ...same.toSorted((a, b) => rank(a) - rank(b))].slice(0, MOST_COMPARED).map(({ id }) => id);
}
