/** A record of any known file -> VqaItem. Nothing is thrown and nothing dropped: what cannot be used carries its problem. */
import { createHash } from 'node:crypto';
import type { VqaItem } from '../protocol/data.ts';
import { datasetOfImage, modalityName, normalizeText, questionTypeName } from './names.ts';
import { LETTERS, answerLetter, parseProblem, parseSolution } from './options.ts';
import type { Problem } from '../protocol/problems.ts';

/** What the place of a file tells about its records, for example Splits/modality/train/<modality>_train.json. */
export interface Hints {
  modality?: string;
  question_type?: string;
  dataset?: string;
}
export interface RowRef {
  /** Relative to the data set's root. */
  file: string;
  row: number;
}

type Record_ = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '');
const first = (record: Record_, keys: readonly string[]): unknown => {
  for (const key of keys) {
    const value = record[key];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
};

/** Turns a record of OmniMedVQA, of Med-R1's split files, or with columns image, question, options, answer into an item. */
export function toItem(value: unknown, at: RowRef, hints: Hints = {}, problem: Problem | null = null): VqaItem {
  const record: Record_ = value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record_) : {};
  const { question, options, problem: textProblem } = questionOf(record);
  const image = imagePath(record);
  const answer = answerOf(record, options);
  const id = text(first(record, ['question_id', 'id', 'qid']));
  return {
    id: id || (record['problem'] !== undefined ? contentId(image, text(record['problem'])) : `${at.file}:${at.row}`),
    dataset: text(first(record, ['dataset'])) || hints.dataset || datasetOfImage(image),
    image,
    question,
    options,
    answer: answer.letter,
    modality: modalityName(text(first(record, ['modality_type', 'modality'])) || hints.modality || ''),
    question_type: questionTypeName(text(first(record, ['question_type', 'type'])) || hints.question_type || ''),
    problem: problem ?? textProblem ?? optionProblem(options) ?? answer.problem ?? (image === '' ? 'image-none' : null),
  };
}

/** Med-R1's records have no id: theirs is made of what they hold, so that both draws of one question give one item. */
function contentId(image: string, problem: string): string {
  return `medr1-${createHash('sha256').update(`${image}\0${problem}`).digest('hex').slice(0, 16)}`;
}

function questionOf(record: Record_): { question: string; options: string[]; problem: Problem | null } {
  const question = text(first(record, ['problem', 'question', 'prompt']));
  const options = optionsOf(record);
  if (options.length > 0) return { question: question.trim(), options, problem: question.trim() === '' ? 'question-missing' : null };
  const parsed = parseProblem(question);
  if (parsed) return { ...parsed, problem: parsed.question === '' ? 'question-missing' : null };
  const known = 'option_A' in record || 'options' in record || question !== '';
  return { question: question.trim(), options: [], problem: known ? null : 'record-unknown' };
}

function optionsOf(record: Record_): string[] {
  const listed = first(record, ['options', 'choices']);
  if (Array.isArray(listed)) return listed.map((option) => text(option).trim());
  if (typeof listed === 'string') return listInText(listed);
  if (listed !== null && typeof listed === 'object') return LETTERS.map((l) => text((listed as Record_)[l]).trim()).filter((o) => o !== '');
  return LETTERS.map((l) => text(first(record, [`option_${l}`, `option_${l.toLowerCase()}`, l])).trim()).filter((o) => o !== '');
}

/** A table's cell: a JSON list, "A)x, B)y", or texts between bars. */
function listInText(cell: string): string[] {
  if (cell.trimStart().startsWith('[')) {
    try {
      const list: unknown = JSON.parse(cell);
      if (Array.isArray(list)) return list.map((option) => text(option).trim());
    } catch {
      return []; // counted as too few options
    }
  }
  return parseProblem(` ${cell}`)?.options ?? cell.split('|').map((option) => option.trim());
}

function optionProblem(options: readonly string[]): Problem | null {
  if (options.length < 2) return 'options-too-few';
  if (options.length > LETTERS.length) return 'options-too-many';
  return new Set(options.map(normalizeText)).size < options.length ? 'options-equal' : null;
}

function answerOf(record: Record_, options: readonly string[]): { letter: string | null; problem: Problem | null } {
  const found = first(record, ['gt_answer', 'solution', 'answer', 'label']);
  if (found === undefined || (typeof found !== 'string' && typeof found !== 'number')) return { letter: null, problem: 'answer-missing' };
  const letter = answerLetter(typeof found === 'string' ? parseSolution(found) : found, options);
  return { letter, problem: letter === null ? 'answer-no-option' : null };
}

/** As written, with forward slashes; where it leads is judged by images.ts. */
function imagePath(record: Record_): string {
  const found = first(record, ['image_path', 'image', 'file_name', 'img_path']);
  return text(found).replaceAll('\\', '/').replace(/^\.\//, '');
}
