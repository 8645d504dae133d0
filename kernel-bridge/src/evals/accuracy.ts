/** Accuracy of answers, whole and by what an item is, under both readings. */
import type { Accuracy, EvalAnswer, EvalReport, Follows, PermutedReport, Reading, Share } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import { READINGS } from '../protocol/evals.ts';
import { optionOf as optionText } from '../answers/index.ts';
import { wilson } from '../stats/wilson.ts';

/** Reads the letter that is right in the order in which the options were shown. */
export const isRight = (row: Pick<EvalAnswer, 'answer' | Reading>, reading: Reading): boolean =>
  row.answer !== null && row[reading] === row.answer;

export function accuracy(rows: readonly EvalAnswer[]): Accuracy {
  const share = (reading: Reading): Share => wilson(rows.filter((row) => isRight(row, reading)).length, rows.length);
  return { strict: share('strict'), tolerant: share('tolerant') };
}

function grouped(rows: readonly EvalAnswer[], key: (item: VqaItem) => string): Record<string, Accuracy> {
  const groups = Object.entries(Object.groupBy(rows, ({ item }) => key(item))).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(groups.map(([name, part]) => [name, accuracy(part ?? [])]));
}

export function report(rows: readonly EvalAnswer[]): EvalReport {
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  const whole = accuracy(rows);
  return {
    ...whole,
    by_modality: grouped(rows, ({ modality }) => modality),
    by_question_type: grouped(rows, ({ question_type }) => question_type),
    by_dataset: grouped(rows, ({ dataset }) => dataset),
    mean_tokens: rows.length === 0 ? null : tokens / rows.length,
    tokens_per_correct: whole.strict.right === 0 ? null : tokens / whole.strict.right,
    differing: rows
      .filter(({ strict, tolerant }) => strict !== tolerant)
      .map(({ item, text, strict, tolerant, answer }) => ({ id: item.id, text, strict, tolerant, answer })),
  };
}

/** `permuted` and `plain` are answers to the same questions, with their options in another order and in their own. */
export function permutedReport(permuted: readonly EvalAnswer[], plain: readonly EvalAnswer[]): PermutedReport {
  const before = new Map(plain.map((row) => [row.item.id, row]));
  const follows = (reading: Reading): Follows => {
    const read = permuted.flatMap((row) => {
      const own = before.get(row.item.id);
      const [then, now] = [own && optionOf(own, reading), optionOf(row, reading)];
      return own && then !== undefined && now !== undefined ? [{ text: then === now, letter: own[reading] === row[reading] }] : [];
    });
    const share = (key: 'text' | 'letter'): Share => wilson(read.filter((row) => row[key]).length, read.length);
    return { text: share('text'), letter: share('letter') };
  };
  const [strict, tolerant] = READINGS.map(follows);
  return { ...report(permuted), follows: { strict, tolerant } };
}

/** The text of the option that an answer names. */
function optionOf(row: EvalAnswer, reading: Reading): string | undefined {
  const letter = row[reading];
  return optionText(letter, row.options);
}
