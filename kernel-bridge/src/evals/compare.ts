/** Evaluations side by side, question by question. */
import type { AnswerFilter, AnswerPage, EvalAnswer, EvalComparison, McNemar, Reading } from '../protocol/evals.ts';
import { isRight, report } from './accuracy.ts';
import { errors } from './errors.ts';
import { mcnemar } from '../stats/mcnemar.ts';
import type { EvalStore, StoredSight } from './store.ts';

/** Tables and tests over the questions that all of them answered. Throws EVAL_NOT_COMPARABLE when their splits differ or share no answer. */
export function compare(stores: readonly EvalStore[]): EvalComparison {
  for (const store of stores.slice(1)) requireSameSplit(stores[0], store);
  const evaluations = stores.map((store) => store.summary());
  const answers = stores.map((store) => new Map(store.answers().map((row) => [row.item.id, row])));
  const common = [...answers[0].keys()].filter((id) => answers.every((of) => of.has(id)));
  if (common.length === 0) throw errors.notComparable(evaluations[0].id, evaluations.at(-1)!.id, 'they share no answered question');
  const pairs = evaluations.flatMap((a, i) =>
    evaluations.slice(i + 1).map((b, j) => {
      const test = (reading: Reading): McNemar => paired(common, answers[i], answers[i + 1 + j], reading);
      return { a: a.id, b: b.id, strict: test('strict'), tolerant: test('tolerant') };
    }),
  );
  return { evaluations, items: common.length, reports: answers.map((of) => report(common.map((id) => of.get(id)!))), pairs };
}

function paired(ids: readonly string[], a: Map<string, EvalAnswer>, b: Map<string, EvalAnswer>, reading: Reading): McNemar {
  return mcnemar(ids.map((id) => ({ id, a: isRight(a.get(id)!, reading), b: isRight(b.get(id)!, reading) })));
}

function requireSameSplit(a: EvalStore, b: EvalStore): void {
  const [one, other] = [a.row(), b.row()];
  if (one.split_hash === other.split_hash) return;
  const named =
    one.settings.split === other.settings.split
      ? 'the split changed between them'
      : `one is of ${one.settings.split}, the other of ${other.settings.split}`;
  throw errors.notComparable(one.id, other.id, named);
}

export interface AnswerQuery {
  sight: StoredSight;
  filter: AnswerFilter;
  reading: Reading;
  modality?: string;
  question_type?: string;
  dataset?: string;
  limit: number;
  offset: number;
}

/** A page of answers; `against` is the evaluation that gained, lost and flips look at, `beside` further ones whose answers come along. */
export function answerPage(
  store: EvalStore,
  query: AnswerQuery,
  against: EvalStore | null = null,
  beside: readonly EvalStore[] = [],
): AnswerPage {
  const { sight, filter, reading, limit, offset } = query;
  const others = [...(against ? [against] : []), ...beside].map((other) => {
    requireSameSplit(store, other);
    return { id: other.row().id, byItem: new Map(other.answers(sight).map((row) => [row.item.id, row])) };
  });
  const othersTo = (item: string): [id: string, EvalAnswer][] =>
    others.flatMap(({ id, byItem }) => (byItem.has(item) ? [[id, byItem.get(item)!] as [string, EvalAnswer]] : []));
  const chosen = store.answers(sight).filter((row) => {
    if (!(['modality', 'question_type', 'dataset'] as const).every((key) => query[key] === undefined || row.item[key] === query[key]))
      return false;
    if (filter === 'split') return othersTo(row.item.id).some(([, other]) => isRight(other, reading) !== isRight(row, reading));
    return passes(row, against ? others[0].byItem.get(row.item.id) : undefined, filter, reading);
  });
  const answers = chosen.slice(offset, offset + limit).map((row) => ({ ...row, others: Object.fromEntries(othersTo(row.item.id)) }));
  return { answers, total: chosen.length };
}

function passes(row: EvalAnswer, other: EvalAnswer | undefined, filter: Exclude<AnswerFilter, 'split'>, reading: Reading): boolean {
  const right = isRight(row, reading);
  if (filter === 'right') return right;
  if (filter === 'wrong') return !right;
  if (filter === 'differing') return row.strict !== row.tolerant;
  if (filter === 'all') return true;
  if (!other) return false;
  const before = isRight(other, reading);
  if (filter === 'gained') return right && !before;
  return filter === 'lost' ? !right && before : right !== before;
}
