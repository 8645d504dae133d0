/** One question through training: how it was answered each time that a run asked it. */
import type { DatabaseSync } from 'node:sqlite';
import { trainedBy } from '../protocol/run.ts';
import type { QuestionCurve, QuestionPoint } from '../protocol/search.ts';
import { errors } from '../search/errors.ts';
import { wilson } from '../stats/wilson.ts';
import { judgeOf } from './groups.ts';
import type { RunRow } from './row.ts';

/** `dataset`: where two data sets have a question of that id; the newest group's when left out. Throws QUESTION_UNKNOWN. */
export function questionCurve(
  db: DatabaseSync,
  { id, inherited }: Pick<RunRow, 'id' | 'inherited'>,
  item: string,
  dataset: string | null = null,
): QuestionCurve {
  const groups = db
    .prepare(
      `SELECT step, "group", dataset, item_id, question, options, answer, modality, question_type, reading FROM rollout_group
       WHERE item_id = ?1 AND (?2 IS NULL OR dataset = ?2) ORDER BY step, "group"`,
    )
    .all(item, dataset) as Record<string, never>[];
  const newest = groups.at(-1);
  if (!newest) throw errors.noQuestion(id, item);
  const judge = judgeOf(db);
  const completions = db.prepare(
    'SELECT text, prediction, correct, reward, length(token_ids) / 4 AS tokens FROM completion WHERE step = ? AND "group" = ? ORDER BY "index"',
  );
  const points = groups
    .filter((group) => group.dataset === newest.dataset)
    .map((group): QuestionPoint => {
      const { step, answer } = group;
      const { reading, judged } = judge({ reading: group.reading, options: JSON.parse(group.options) as string[], answer });
      const said = completions.all(step, group.group).map((row) => {
        const { text, prediction, correct, reward, tokens } = row as Record<string, never>;
        return { ...judged({ text, prediction, correct: correct === null ? null : correct === 1 }), reward, tokens };
      });
      const told = said.filter(({ correct }) => correct !== null);
      const right = told.filter(({ correct }) => correct).length;
      const { low, high } = wilson(right, told.length);
      return {
        ...{ run: id, step, group: group.group, sampled_by: trainedBy(inherited, step)?.name ?? null },
        ...{ completions: said.length, judged: told.length, right, low, high, reading },
        ...{ reward: mean(said.map(({ reward }) => reward)), tokens: mean(said.map(({ tokens }) => tokens)) },
        letters: countsOf(said.map(({ prediction }) => prediction ?? 'none')),
      };
    });
  const { item_id, question, options, answer, modality, question_type } = newest;
  return { item_id, question, options: JSON.parse(options) as string[], answer, modality, question_type, points };
}

function mean(values: readonly (number | null)[]): number | null {
  const there = values.filter((value): value is number => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

function countsOf(letters: readonly string[]): Record<string, number> {
  const counts = Object.groupBy(letters, (letter) => letter);
  return Object.fromEntries(
    Object.entries(counts)
      .toSorted()
      .map(([letter, of]) => [letter, of!.length]),
  );
}
