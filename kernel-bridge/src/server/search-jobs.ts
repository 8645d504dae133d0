/** What the thread of searches is asked and what it answers. */
import type { ErrorBody } from '../protocol/errors.ts';
import type { Families, FamilyQuery, PhraseQuery, Phrases, SearchPage, SearchQuery } from '../protocol/search.ts';
import type { RolloutStatistics } from '../protocol/statistics.ts';

export interface Jobs {
  find: { asks: { query: SearchQuery; nearText: string | null }; answers: SearchPage };
  /** Puts steps that lack it into the index, the oldest first; how many are left. */
  index: { asks: { steps: number }; answers: { left: number } };
  phrases: { asks: PhraseQuery; answers: Phrases };
  families: { asks: FamilyQuery; answers: Families };
  /** What a run's rollouts were like, as far as they were read in the time that a job may take. */
  statistics: { asks: { columns: number }; answers: RolloutStatistics };
}
export type JobName = keyof Jobs;

/** Directories of runs and what to do with them. */
export type Job = { [Name in JobName]: { name: Name; directories: string[]; asks: Jobs[Name]['asks'] } }[JobName];

export type Outcome = { answer: unknown } | { error: ErrorBody & { http: number; exit?: 1 | 2 } };

/** Places in the array that the thread shares: which text a regular expression is tried on. */
export const WATCH = { tick: 0, busy: 1, run: 2, step: 3, row: 4 } as const;
export const WATCHED = 5;
