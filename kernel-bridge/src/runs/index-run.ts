/** The index over what a run said, where some of it is missing: a run of before, or one whose index was lost. */
import { transaction } from '../log/database.ts';
import { indexStep, stepsToIndex } from '../search/write.ts';
import { readGroups } from './groups.ts';
import type { RunStore } from './store.ts';

/** Puts at most so many steps into the index, the oldest first; returns how many are left. */
export function indexSteps({ db }: RunStore, most: number): number {
  for (const step of stepsToIndex(db, most)) {
    const groups = readGroups(db, { from: step, to: step, limit: Number.MAX_SAFE_INTEGER, offset: 0 });
    // read again inside: the run's worker may have dropped the step, or another process have indexed it
    transaction(db, () => {
      if (stepsToIndex(db, Number.MAX_SAFE_INTEGER).includes(step)) indexStep(db, groups);
    });
  }
  return stepsToIndex(db, Number.MAX_SAFE_INTEGER).length;
}

export function indexAll(store: RunStore): void {
  while (indexSteps(store, 100) > 0);
}
