import type { Question } from './questions.ts';
import { formatQuestion, formatSolution, letterOf } from '../../answers/index.ts';
import type { QuestionType } from './world.ts';

/** A row of QA_information/<access>/<dataset>.json, with OmniMedVQA's own keys in its order. */
export interface QaRecord {
  dataset: string;
  question_id: string;
  question_type: QuestionType;
  question: string;
  gt_answer: string;
  image_path: string;
  option_A: string;
  option_B: string;
  option_C?: string;
  option_D?: string;
  modality_type: string;
}

/** A row of Med-R1's Splits/<by>/<part>/<name>_<part>.json. */
export interface SplitRecord {
  image: string;
  problem: string;
  solution: string;
}

export function toRecord(question: Question, where: { dataset: string; number: number; image: string; modality: string }): QaRecord {
  const [A, B, C, D] = question.options;
  return {
    dataset: where.dataset,
    question_id: `${where.dataset}_${String(where.number).padStart(4, '0')}`,
    question_type: question.type,
    question: question.text,
    gt_answer: question.options[question.answer],
    image_path: where.image,
    option_A: A,
    option_B: B,
    ...(C === undefined ? {} : { option_C: C }),
    ...(D === undefined ? {} : { option_D: D }),
    modality_type: where.modality,
  };
}

export const optionsOf = (record: QaRecord): string[] =>
  [record.option_A, record.option_B, record.option_C, record.option_D].filter((text) => text !== undefined);

const plain = (text: string) => text.trim().replace(/\.$/, '').toLowerCase();

/** Null where the answer is none of the options: Med-R1's files can't hold such an item. */
export function toSplitRecord(record: QaRecord): SplitRecord | null {
  const options = optionsOf(record);
  const right = options.findIndex((text) => plain(text) === plain(record.gt_answer));
  if (right < 0) return null;
  return {
    image: record.image_path,
    problem: formatQuestion({ question: record.question, options }),
    solution: formatSolution(letterOf(right)),
  };
}
