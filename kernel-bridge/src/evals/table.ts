/** A comparison as a table that spreadsheets read: a row a question that all evaluations answered. */
import { letterOf } from '../answers/index.ts';
import { csvRow } from '../files/csv.ts';
import { READINGS } from '../protocol/evals.ts';
import { isRight } from './accuracy.ts';
import type { Compared } from './compare.ts';
import { errors } from './errors.ts';
import { sharedQuestions } from './shared.ts';

/** Lines with their ends. Columns of an evaluation begin with its letter, as in the Compare view. Throws EVAL_NOT_COMPARABLE. */
export function comparisonLines(compared: readonly Compared[]): string[] {
  const { ids } = sharedQuestions(compared);
  if (ids.length === 0) throw errors.notComparable('there is no question that all of them answered');
  const own = (letter: string): string[] => [
    ...['evaluation', 'run', 'step', 'variant'].map((name) => `${letter}_${name}`),
    ...READINGS.flatMap((reading) => [`${letter}_${reading}`, `${letter}_${reading}_right`]),
    ...['tokens', 'finish_reason', 'text'].map((name) => `${letter}_${name}`),
  ];
  const head = ['item_id', 'dataset', 'modality', 'question_type', 'question', 'options', 'answer'];
  const rows = ids.map((id) => {
    const answers = compared.map(({ byItem }) => byItem.get(id)!.answer);
    const { item } = answers[0];
    return [
      ...[item.id, item.dataset, item.modality, item.question_type, item.question, JSON.stringify(item.options), item.answer],
      ...answers.flatMap((row, at) => {
        const { id: evaluation, settings, run_name } = compared[at].summary;
        return [
          ...[evaluation, run_name ?? settings.model, settings.step, settings.variant],
          ...READINGS.flatMap((reading) => [row[reading], isRight(row, reading)]),
          ...[row.tokens, row.finish_reason, row.text],
        ];
      }),
    ];
  });
  return [[...head, ...compared.flatMap((_, at) => own(letterOf(at)))], ...rows].map((cells) => `${csvRow(cells)}\n`);
}
