import type { EvalAnswer, EvalDetail } from '../protocol/evals.ts';
import type { EvalStore } from './store.ts';

/** An evaluation as one document: what was asked of which model, the tables, and every answer under every sight. */
export function exportEvaluation(store: EvalStore): Omit<EvalDetail, 'directory'> & { answers: EvalAnswer[] } {
  const { summary, report, unasked } = store.detail();
  return { summary, report, unasked, answers: ['image' as const, ...summary.controls].flatMap((sight) => store.answers(sight)) };
}
