/** Accuracy of answers, whole and by what an item is, under both readings. */
import type { VqaItem } from '../protocol/index.ts';
import type { Answer } from './answers.ts';
import { wilson, type Share } from './wilson.ts';

export interface Accuracy {
  strict: Share;
  tolerant: Share;
}

export interface Report extends Accuracy {
  by_modality: Record<string, Accuracy>;
  by_question_type: Record<string, Accuracy>;
  by_dataset: Record<string, Accuracy>;
  mean_tokens: number;
  /** Tokens spent per answer that is right when read strictly; null when none is. */
  tokens_per_correct: number | null;
  /** Answers that the two readings take differently. */
  differing: { id: string; text: string; strict: string | null; tolerant: string | null; answer: string | null }[];
}

function accuracy(rows: readonly Answer[]): Accuracy {
  const share = (read: (row: Answer) => string | null): Share =>
    wilson(rows.filter((row) => row.item.answer !== null && read(row) === row.item.answer).length, rows.length);
  return { strict: share(({ strict }) => strict), tolerant: share(({ tolerant }) => tolerant) };
}

function grouped(rows: readonly Answer[], key: (item: VqaItem) => string): Record<string, Accuracy> {
  const groups = Object.entries(Object.groupBy(rows, ({ item }) => key(item))).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(groups.map(([name, part]) => [name, accuracy(part ?? [])]));
}

export function report(rows: readonly Answer[]): Report {
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  const whole = accuracy(rows);
  return {
    ...whole,
    by_modality: grouped(rows, ({ modality }) => modality),
    by_question_type: grouped(rows, ({ question_type }) => question_type),
    by_dataset: grouped(rows, ({ dataset }) => dataset),
    mean_tokens: tokens / rows.length,
    tokens_per_correct: whole.strict.right === 0 ? null : tokens / whole.strict.right,
    differing: rows
      .filter(({ strict, tolerant }) => strict !== tolerant)
      .map(({ item, text, strict, tolerant }) => ({ id: item.id, text, strict, tolerant, answer: item.answer })),
  };
}
