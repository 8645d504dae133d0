import type { EvalAnswer, EvalDetail } from '../protocol/evals.ts';
import { lazily } from '../files/json-parts.ts';
import type { EvalStore } from './store.ts';

type Exported = Omit<EvalDetail, 'directory'> & { answers: Iterable<EvalAnswer> };

/**
 * An evaluation as one document: what was asked of which model, every answer under every sight, and the tables. Answers are read as they are gone through,
 * and the tables are made when they are come to. `open` gives the evaluation anew each time; it is closed before anything is handed on, since an open one
 * has pages of its database in memory.
 */
export function exportEvaluation(open: () => EvalStore): Exported {
  const read = <T>(what: (store: EvalStore) => T): T => {
    using store = open();
    return what(store);
  };
  const [summary, unasked] = read((store) => [store.summary(), store.toldUnasked()] as const);
  return {
    summary,
    unasked,
    answers: lazily(function* () {
      for (const sight of ['image' as const, ...summary.controls]) {
        for (let after: number | null = -1; after !== null;) {
          const { answers, last } = read((store) => store.answersAfter(sight, after!));
          yield* answers;
          after = last;
        }
      }
    }),
    get report() {
      return read((store) => store.evaluation());
    },
  };
}
