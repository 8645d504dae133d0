/** How far stored answers follow from their reasoning: what was asked of them, kept a question a transaction, and what reasoning-curves.ts makes of it. */
import { transaction } from '../log/database.ts';
import type { Faithfulness, ReasoningPair, ReasoningTest } from '../protocol/evals.ts';
import { mulberry32, shuffled } from '../stats/random.ts';
import { comparedOf } from './compare.ts';
import { faithfulnessOf, reasoningPairs, type Asked, type AskedSet, type PassedOver } from './reasoning-curves.ts';
import { sharedQuestions } from './shared.ts';
import type { EvalStore } from './store.ts';

/** An answer under one intervention; null where no letter could be read. */
export interface Intervened {
  test: ReasoningTest;
  share: number;
  letter: string | null;
}

/** Places of questions in the order in which they are tested; the first n are the same whatever n is. */
export const testOrder = (places: readonly number[], seed: number): number[] => shuffled(mulberry32(seed), places);

/** Places that were looked at. */
export function lookedAt(store: EvalStore): Set<number> {
  return new Set(
    store.db
      .prepare("SELECT ix FROM faithfulness WHERE test IN ('said', 'no-reasoning', 'no-letter')")
      .all()
      .map(({ ix }) => ix as number),
  );
}

/** All that was asked of one answer, or why nothing was. `said`: the letter that it says. */
export function keep(store: EvalStore, ix: number, said: string | null, found: readonly Intervened[] | PassedOver): void {
  const put = store.db.prepare('INSERT OR REPLACE INTO faithfulness (ix, test, share, letter) VALUES (?, ?, ?, ?)');
  transaction(store.db, () => {
    if (typeof found === 'string') return void put.run(ix, found, 1, said);
    put.run(ix, 'said', 1, said);
    for (const { test, share, letter } of found) put.run(ix, test, share, letter);
  });
}

/** Of the questions that were looked at. */
export const faithfulness = (store: EvalStore): Faithfulness => faithfulnessOf(askedOf(store));

/** Each two ways of answering the questions that all of these evaluations answered; of one evaluation its answers with and without their reasoning. */
export function pairsOf(stores: readonly EvalStore[]): ReasoningPair[] {
  const { ids } = sharedQuestions(stores.map(comparedOf));
  return reasoningPairs(stores.map(askedOf), new Set(ids));
}

function askedOf(store: EvalStore): AskedSet {
  const { id: evaluation, name, settings } = store.row();
  const rows = store.db
    .prepare('SELECT item.id, f.test, f.share, f.letter, item.answer FROM faithfulness f JOIN item USING (ix) ORDER BY f.ix')
    .all() as unknown as Asked[];
  const answered = store.db.prepare("SELECT count(*) AS n FROM answer WHERE sight = 'image'").get()!.n as number;
  return { evaluation, name, variant: settings.variant, answered, rows };
}
