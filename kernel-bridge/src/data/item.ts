/** A record of any known file -> VqaItem. Nothing is thrown and nothing dropped: what cannot be used carries its problem. */
import { createHash } from 'node:crypto';
import type { VqaItem } from '../protocol/data.ts';
import { datasetOfImage, modalityName, normalizeText, questionTypeName } from './names.ts';
import { LETTERS, answerLetter, letterAt, parseProblem, parseSolution, withoutLetters } from './options.ts';
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

/** As it can be stored and compared: half of a surrogate pair and NUL become U+FFFD. */
const text = (value: unknown): string =>
  typeof value === 'string'
    ? value.includes('\0')
      ? value.toWellFormed().replaceAll('\0', '\uFFFD')
      : value.toWellFormed()
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
const first = (record: Record_, keys: readonly string[]): unknown => {
  for (const key of keys) {
    const value = record[key];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
};

/** Turns a record of OmniMedVQA, of Med-R1's split files, or with columns image, question, options, answer into an item. */
export function toItem(value: unknown, at: RowRef, hints: Hints = {}, problem: Problem | null = null): VqaItem {
  const record = value !== null && typeof value === 'object' && !Array.isArray(value) ? withPlainNames(value) : {};
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

const plainNames = new Map<string, string>();

/** Column names in one spelling: "Option A", "option-a" and "option_A" are option_a. A name that is spelt so already comes before others. */
function withPlainNames(value: object): Record_ {
  const record: Record_ = {}; // with a prototype: V8 gives records of equal names one shape
  for (const name of Object.keys(value)) {
    if (name === '__proto__') continue;
    let plain = plainNames.get(name);
    if (plain === undefined) {
      plain = name
        .trim()
        .toLowerCase()
        .replace(/[\s-]+/g, '_');
      if (plainNames.size < 1000) plainNames.set(name, plain);
    }
    if (plain === name || !Object.hasOwn(record, plain)) record[plain] = (value as Record_)[name];
  }
  return record;
}

/** Med-R1's records have no id: theirs is made of what they hold, so that both draws of one question give one item. */
function contentId(image: string, problem: string): string {
  return `medr1-${createHash('sha256').update(`${image}\0${problem}`).digest('hex').slice(0, 16)}`;
}

function questionOf(record: Record_): { question: string; options: string[]; problem: Problem | null } {
  const question = text(first(record, ['problem', 'question', 'prompt']));
  const options = withoutLetters(optionsOf(record));
  if (options.length > 0) return { question: question.trim(), options, problem: question.trim() === '' ? 'question-missing' : null };
  const parsed = parseProblem(question);
  if (parsed) return { ...parsed, problem: parsed.question === '' ? 'question-missing' : null };
  const known = 'option_a' in record || 'options' in record || question !== '';
  return { question: question.trim(), options: [], problem: known ? null : 'record-unknown' };
}

function optionsOf(record: Record_): string[] {
  const listed = first(record, ['options', 'choices']);
  if (listed !== undefined) return listOf(listed);
  const letters = LETTERS.map((letter) => letter.toLowerCase());
  return letters.map((l) => text(first(record, [`option_${l}`, `choice_${l}`, l])).trim()).filter((option) => option !== '');
}

/** A list, {A: text, B: text}, {text: list, label: list}, or a string that holds one of these. */
function listOf(listed: unknown): string[] {
  if (Array.isArray(listed)) return listed.map((option) => text(option).trim());
  if (typeof listed === 'string') return listInText(listed);
  if (listed === null || typeof listed !== 'object') return [];
  const byName = withPlainNames(listed);
  if (Array.isArray(byName['text'])) return listOf(byName['text']);
  return LETTERS.map((letter) => text(byName[letter.toLowerCase()]).trim()).filter((option) => option !== '');
}

/** Characters of a list in a cell: far more than options take, few enough for any way of reading them. */
const MAX_LIST = 20_000;

/** A table's cell: JSON, a list or dict as Python prints it, "A)x, B)y", or texts between bars. */
function listInText(cell: string): string[] {
  if (/^\s*[[{]/.test(cell) && cell.length < MAX_LIST) {
    for (const json of [cell, pythonAsJson(cell)]) {
      try {
        return listOf(JSON.parse(json) as object);
      } catch {
        // not this; what is neither is counted as too few options
      }
    }
    return [];
  }
  return parseProblem(` ${cell}`)?.options ?? cell.split('|').map((option) => option.trim());
}

/** Strings in single quotes -> in double ones; pandas writes lists and dicts so. */
function pythonAsJson(literal: string): string {
  return literal.replace(/'((?:[^'\\]|\\.)*)'|"(?:[^"\\]|\\.)*"/gs, (whole, single?: string) =>
    single === undefined ? whole : JSON.stringify(single.replaceAll(/\\(.)/gs, '$1')),
  );
}

function optionProblem(options: readonly string[]): Problem | null {
  if (options.length < 2) return 'options-too-few';
  if (options.length > LETTERS.length) return 'options-too-many';
  return new Set(options.map(normalizeText)).size < options.length ? 'options-equal' : null;
}

function answerOf(record: Record_, options: readonly string[]): { letter: string | null; problem: Problem | null } {
  const [index, found] = [first(record, INDEX_NAMES), oneOf(first(record, ANSWER_NAMES))];
  if (found === undefined && index !== undefined && /^\d+$/.test(text(index))) {
    const letter = letterAt(Number(text(index)), options);
    return { letter, problem: letter === null ? 'answer-no-option' : null };
  }
  const answer = found ?? oneOf(index);
  if (typeof answer !== 'string' && typeof answer !== 'number' && typeof answer !== 'boolean')
    return { letter: null, problem: 'answer-missing' };
  const letter = answerLetter(typeof answer === 'number' ? answer : parseSolution(text(answer)), options);
  return { letter, problem: letter === null ? 'answer-no-option' : null };
}

const ANSWER_NAMES = ['gt_answer', 'solution', 'answer', 'correct_answer'];
/** Columns that hold the option's number from 0 where they hold a number, also as text: a CSV file knows no other. */
const INDEX_NAMES = ['label', 'answer_label', 'answer_index', 'answer_idx'];
const IMAGE_NAMES = ['image_path', 'image', 'file_name', 'img_path', 'figure_path', 'images'];

/** What a list of one holds. */
const oneOf = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

/** As written, with forward slashes; where it leads is judged by images.ts. */
function imagePath(record: Record_): string {
  const found = oneOf(first(record, IMAGE_NAMES));
  const path = found !== null && typeof found === 'object' ? (found as Record_)['path'] : found;
  return (typeof path === 'string' ? path.toWellFormed() : text(path)).replaceAll('\\', '/').replace(/^\.\//, '');
}
