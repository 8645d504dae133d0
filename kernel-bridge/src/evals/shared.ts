/** Which questions several evaluations have in common, whatever splits they were asked from. */
import type { ComparedQuestions, EvalAnswer } from '../protocol/evals.ts';

/** An answer, with the mark of the image that was shown (identity.ts; null where it is not known). */
export interface Marked {
  answer: EvalAnswer;
  mark: string | null;
}

/** Answers of one evaluation by the question's id, in the order asked; `asked` counts those that have no answer yet too. */
export interface AnsweredSet {
  asked: number;
  byItem: ReadonlyMap<string, Marked>;
}

/**
 * The same id may stand for two questions, in two data sets or before and after a correction: these are one question only when words, options, right
 * answer and image are the same. Images are compared by their marks, so that a moved copy is the same image; by their paths where there is no mark.
 */
export function isSameQuestion(a: Marked, b: Marked): boolean {
  const [one, other] = [a.answer.item, b.answer.item];
  return (
    one.question === other.question &&
    one.answer === other.answer &&
    JSON.stringify(one.options) === JSON.stringify(other.options) &&
    (a.mark !== null && b.mark !== null ? a.mark === b.mark : one.image === other.image)
  );
}

/** Ids of the questions that all answered, in the first one's order, and what became of the others. */
export function sharedQuestions(sets: readonly AnsweredSet[]): { ids: string[]; questions: ComparedQuestions[] } {
  const [first, ...others] = sets;
  const changed = new Set<string>();
  const ids = [...first.byItem.keys()].filter((id) => {
    if (!others.every(({ byItem }) => byItem.has(id))) return false;
    const same = others.every(({ byItem }) => isSameQuestion(first.byItem.get(id)!, byItem.get(id)!));
    if (!same) changed.add(id);
    return same;
  });
  const questions = sets.map(({ asked, byItem }) => ({
    compared: ids.length,
    unanswered: asked - byItem.size,
    unshared: byItem.size - ids.length - changed.size,
    changed: changed.size,
  }));
  return { ids, questions };
}
