/** Evaluations side by side, question by question. */
import type { Agreements, AnswerFilter, AnswerPage, EvalAnswer, EvalComparison, EvalSummary, McNemar, Reading } from '../protocol/evals.ts';
import { READINGS } from '../protocol/evals.ts';
import { isRight, report } from './accuracy.ts';
import { errors } from './errors.ts';
import { holm } from '../stats/holm.ts';
import { agreement } from '../stats/kappa.ts';
import { mcnemar } from '../stats/mcnemar.ts';
import { isSameQuestion, sharedQuestions, type AnsweredSet, type Marked } from './shared.ts';
import type { EvalStore, Sample, StoredSight } from './store.ts';
import { votes } from './votes.ts';

/** An evaluation as a comparison looks at it. */
export interface Compared extends AnsweredSet {
  summary: EvalSummary;
  /** By the question's id; none where it has no samples. */
  samples: ReadonlyMap<string, readonly Sample[]>;
}

export const comparedOf = (store: EvalStore): Compared => {
  const summary = store.summary();
  return { summary, asked: summary.items, byItem: markedAnswers(store), samples: summary.samples ? store.samples() : new Map() };
};

/** Tables and tests over the questions that all of them answered, from whatever splits. Throws EVAL_NOT_COMPARABLE when there is none. */
export const compare = (stores: readonly EvalStore[]): EvalComparison => comparison(stores.map(comparedOf));

export function comparison(compared: readonly Compared[]): EvalComparison {
  const evaluations = compared.map(({ summary }) => summary);
  const { ids, questions } = sharedQuestions(compared);
  if (ids.length === 0) throw errors.notComparable(`there is no question that all of them answered${changedText(questions[0].changed)}`);
  const rows = compared.map(({ byItem }) => ids.map((id) => byItem.get(id)!.answer));
  const places = evaluations.flatMap((_, a) => evaluations.slice(a + 1).map((__, j) => [a, a + 1 + j] as const));
  const tests = (reading: Reading): McNemar[] => {
    const alone = places.map(([a, b]) => paired(rows[a], rows[b], reading));
    const corrected = holm(alone.map(({ p }) => p));
    return alone.map((test, i) => ({ ...test, p_holm: corrected[i] }));
  };
  const [strict, tolerant] = READINGS.map(tests);
  return {
    evaluations,
    items: ids.length,
    questions,
    apart: apart(evaluations),
    reports: rows.map(report),
    pairs: places.map(([a, b], i) => {
      const [byStrict, byTolerant] = READINGS.map((reading) => agreements(rows[a], rows[b], reading));
      return {
        ...{ a: evaluations[a].id, b: evaluations[b].id },
        ...{ strict: strict[i], tolerant: tolerant[i], agreement: { strict: byStrict, tolerant: byTolerant } },
      };
    }),
    votes: compared.map(({ summary, byItem, samples }) => {
      if (!summary.samples) return null;
      const { wanted, temperature } = summary.samples;
      const asked = ids.map((id) => ({ answer: byItem.get(id)!.answer.item.answer, samples: samples.get(id) ?? [] }));
      return votes(asked, wanted, temperature);
    }),
  };
}

const changedText = (changed: number): string =>
  changed === 0 ? '' : ` (${changed} have the same id, but other words, options, answer or image)`;

function paired(a: readonly EvalAnswer[], b: readonly EvalAnswer[], reading: Reading): Omit<McNemar, 'p_holm'> {
  return mcnemar(a.map((row, i) => ({ id: row.item.id, a: isRight(row, reading), b: isRight(b[i], reading) })));
}

function agreements(a: readonly EvalAnswer[], b: readonly EvalAnswer[], reading: Reading): Agreements {
  const by = (label: (row: EvalAnswer) => string) => agreement(a.map((row, i) => [label(row), label(b[i])] as const));
  return { letter: by((row) => row[reading] ?? ''), verdict: by((row) => String(isRight(row, reading))) };
}

/** Settings that move answers, and the reading that is counted as published. */
const DECISIVE = ['dataset', 'split', 'variant', 'prompt_template', 'max_new_tokens', 'dtype', 'min_pixels', 'max_pixels'] as const;

function apart(evaluations: readonly EvalSummary[]): EvalComparison['apart'] {
  const rows = [
    ...DECISIVE.map((setting) => ({ setting, values: evaluations.map(({ settings }) => String(settings[setting] ?? 'none')) })),
    { setting: 'reading', values: evaluations.map(({ reading }) => reading as string) },
  ];
  return rows.filter(({ values }) => new Set(values).size > 1);
}

function markedAnswers(store: EvalStore, sight: StoredSight = 'image'): Map<string, Marked> {
  const marks = new Map(store.marks());
  return new Map(store.answers(sight).map((answer) => [answer.item.id, { answer, mark: marks.get(answer.item.id) ?? null }]));
}

export interface AnswerQuery {
  sight: StoredSight;
  filter: AnswerFilter;
  reading: Reading;
  modality?: string;
  question_type?: string;
  dataset?: string;
  /** Only questions that every evaluation named answered. */
  shared?: boolean;
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
  const { sight, filter, reading, limit, offset, shared = false } = query;
  const rival = against?.row().id;
  const marks = new Map(store.marks());
  const others = [...(against ? [against] : []), ...beside].map((other) => ({ id: other.row().id, byItem: markedAnswers(other, sight) }));
  /** Answers to the same question: what another evaluation asked under the id of this one is none. */
  const othersTo = (row: EvalAnswer): [id: string, EvalAnswer][] => {
    const own = { answer: row, mark: marks.get(row.item.id) ?? null };
    return others.flatMap(({ id, byItem }) => {
      const other = byItem.get(row.item.id);
      return other && isSameQuestion(own, other) ? [[id, other.answer] as [string, EvalAnswer]] : [];
    });
  };
  const chosen = store
    .answers(sight)
    .filter((row) =>
      (['modality', 'question_type', 'dataset'] as const).every((key) => query[key] === undefined || row.item[key] === query[key]),
    )
    .map((row) => ({ row, said: othersTo(row) }))
    .filter(({ row, said }) => {
      if (shared && said.length < others.length) return false;
      if (filter === 'split') return said.some(([, other]) => isRight(other, reading) !== isRight(row, reading));
      return passes(row, said.find(([id]) => id === rival)?.[1], filter, reading);
    });
  const answers = chosen.slice(offset, offset + limit).map(({ row, said }) => ({ ...row, others: Object.fromEntries(said) }));
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
