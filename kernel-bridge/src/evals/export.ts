import type { EvalAnswer, EvalDetail } from '../protocol/evals.ts';
import { lazily } from '../files/json-parts.ts';
import type { EvalStore } from './store.ts';

/** Answers that are read at once. */
const STRETCH = 64;

/**
 * An evaluation as one document: what was asked of which model, the tables, and every answer under every sight, which are read as they are gone
 * through. `open` gives the evaluation anew each time.
 */
export function exportEvaluation(open: () => EvalStore): Omit<EvalDetail, 'directory'> & { answers: Iterable<EvalAnswer> } {
  using store = open();
  const { summary, report, unasked } = store.detail();
  const sights = ['image' as const, ...summary.controls];
  return {
    summary,
    report,
    unasked,
    answers: lazily(function* () {
      for (const sight of sights) {
        for (let after = -1; ;) {
          using again = open();
          const { answers, last } = again.answersAfter(sight, after, STRETCH);
          if (last === null) break;
          after = last;
          yield* answers;
        }
      }
    }),
  };
}
