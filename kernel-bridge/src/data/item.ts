/** A record of any known file -> VqaItem. Nothing is thrown and nothing dropped: what cannot be used carries its problem. */
import { createHash } from 'node:crypto';
import { choicesOf, LETTERS } from '../answers/index.ts';
import type { VqaItem } from '../protocol/data.ts';
import type { Problem } from '../protocol/problems.ts';
import { answerOf, type Answer } from './answer.ts';
import { parseLiteral } from './literal.ts';
import { datasetOfImage, modalityName, normalizeText, questionTypeName } from './names.ts';
import { letteredLines, parseProblem, withoutLetters } from './options.ts';
import { first, isEmpty, oneOf, text, withPlainNames, type Record_ } from './record.ts';

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
/** An item, and how its answer was read; the rows of the whole data set may decide between two readings. */
export interface ReadItem {
  item: VqaItem;
  answer: Answer;
  /** What else is wrong: problems that are named before the answer's, and those after it. */
  before: Problem | null;
  after: Problem | null;
}

/** Turns a record of OmniMedVQA, of Med-R1's split files, or with columns image, question, options, answer into an item. */
export function toItem(value: unknown, at: RowRef, hints: Hints = {}, problem: Problem | null = null): ReadItem {
  const record = value !== null && typeof value === 'object' && !Array.isArray(value) ? withPlainNames(value) : {};
  const { question, options, problem: textProblem, ...given } = questionOf(record);
  const { image, problem: after } = imageOf(record);
  const answer = answerOf(record, { options, ...given });
  const before = problem ?? textProblem ?? optionProblem(options);
  const id = text(first(record, ['question_id', 'id', 'qid']));
  const item: VqaItem = {
    id: id || (record['problem'] !== undefined ? contentId(image, text(record['problem'])) : `${at.file}:${at.row}`),
    dataset: text(first(record, ['dataset'])) || hints.dataset || datasetOfImage(image),
    image,
    question,
    options,
    answer: answer.letter,
    modality: modalityName(text(first(record, ['modality_type', 'modality'])) || hints.modality || ''),
    question_type: questionTypeName(text(first(record, ['question_type', 'type'])) || hints.question_type || ''),
    problem: before ?? answer.problem ?? after,
  };
  return { item, answer, before, after };
}

/** Med-R1's records have no id. We make one from the content, so that a question that two splits drew is one item. */
function contentId(image: string, problem: string): string {
  return `medr1-${createHash('sha256').update(`${image}\0${problem}`).digest('hex').slice(0, 16)}`;
}

interface Question extends Options {
  question: string;
  /** How many options were given, empty ones included. */
  places: number;
  problem: Problem | null;
}

function questionOf(record: Record_): Question {
  const raw = text(first(record, ['problem', 'question', 'prompt']));
  const { question, images } = withoutImageMarks(raw);
  const listed = optionsOf(record);
  const parsed = choicesOf(listed.options).length > 0 ? null : parseProblem(question);
  const found = parsed ? { ...NO_OPTIONS, ...parsed } : { ...listed, question, options: withoutLetters(listed.options) };
  const known = found.options.length > 0 || 'option_a' in record || 'options' in record || question !== '';
  const reserved = [found.question, ...found.options].some((part) => RESERVED.test(part));
  return {
    ...found,
    options: trimmed(found.options),
    places: found.options.length,
    problem: !known
      ? 'record-unknown'
      : found.question === ''
        ? 'question-missing'
        : reserved
          ? 'text-reserved'
          : images > 1
            ? 'images-several'
            : null,
  };
}

/** Marks of an image that a raw template puts before the question (or, LLaVA's, on a line of its own after it): the image stands first in every prompt. */
const IMAGE_MARK = String.raw`<image>|<image[ _]?\d+>|<img>|</img>|<ImageHere>|<\|image(?:_\d+)?\|>|<\|image_pad\|>|<\|vision_start\|>|<\|vision_end\|>`;
const LEADING_MARKS = new RegExp(String.raw`^(?:\s*(?:${IMAGE_MARK}))+`);
const TRAILING_MARK = /\n\s*(?:<image>\s*)+$/;
/** Names a picture, where the others only open and close its place. */
const PICTURE = /<image>|<image[ _]?\d+>|<img>|<ImageHere>|<\|image(?:_\d+)?\|>|<\|image_pad\|>/g;
/** Special tokens of the Qwen vocabularies: written in a text they would be read as what they stand for. */
const RESERVED = /<\|(?:image_pad|video_pad|vision_(?:start|end|pad)|im_start|im_end|endoftext|(?:object_ref|box|quad)_(?:start|end))\|>/;

function withoutImageMarks(raw: string): { question: string; images: number } {
  const lead = LEADING_MARKS.exec(raw)?.[0] ?? '';
  const tail = TRAILING_MARK.exec(raw.slice(lead.length))?.[0] ?? '';
  const images = [...`${lead}${tail}`.matchAll(PICTURE)].length;
  return { question: raw.slice(lead.length, raw.length - tail.length).trim(), images };
}

interface Options {
  options: string[];
  /** What the record itself calls each option ("A", "1"); null where it gives a plain list. */
  labels: string[] | null;
  /** Whether the options are numbers, not texts. */
  numbers: boolean;
}

const NO_OPTIONS: Options = { options: [], labels: null, numbers: false };

/** Empty options at the end are none: the letters of the others do not depend on them. */
function trimmed(options: string[]): string[] {
  const last = options.findLastIndex((option) => option !== '');
  return options.slice(0, last + 1);
}

function optionsOf(record: Record_): Options {
  const listed = first(record, ['options', 'choices', 'answer_choices', 'candidates']);
  const found = listed === undefined ? NO_OPTIONS : listOf(listed);
  return found.options.length > 0 ? found : columnsOf(record);
}

/** Names of an option's column, by letter; made once, for every record of every data set is looked at under all of them. */
const BARE = LETTERS.map((letter) => [letter.toLowerCase()]);
const PREFIXED = BARE.map(([l]) => [`option_${l}`, `option${l}`, `choice_${l}`, `choice${l}`, `op${l}`]);
const LETTERED = new Set([...BARE, ...PREFIXED].flat());

/** Columns that are named with a letter (option_A, "Choice B", opa, A) or a number (option_1). */
function columnsOf(record: Record_): Options {
  const names = Object.keys(record);
  const lettered = names.some((name) => LETTERED.has(name)) ? letteredColumns(record) : null;
  if (lettered !== null) return lettered;
  return byNumber(
    names.flatMap((name): [string, unknown][] => {
      const number = /^(?:option|choice)_?(\d{1,2})$/.exec(name)?.[1];
      return number === undefined ? [] : [[number, record[name]]];
    }),
  );
}

function letteredColumns(record: Record_): Options | null {
  const named = (byLetter: readonly string[][]) => byLetter.map((names) => names.filter((name) => name in record));
  const prefixed = named(PREFIXED);
  const bare = named(BARE);
  // A table may have columns x, y, w, h that are no options: beyond F a bare letter counts only while none is left out.
  const gap = bare.findIndex((names, i) => i >= 6 && names.length === 0);
  const letters = prefixed.map((names, i) => (gap < 0 || i < gap ? [...names, ...bare[i]] : names));
  const last = letters.findLastIndex((names) => names.length > 0);
  if (last < 0) return null;
  const options = letters.slice(0, last + 1).map((names) => optionText(first(record, names)));
  return { options, labels: LETTERS.slice(0, last + 1), numbers: false };
}

/** Options under numbers, in the order of these; their labels are the numbers. */
function byNumber(entries: [string, unknown][]): Options {
  const sorted = entries.toSorted(([a], [b]) => Number(a) - Number(b));
  return { options: sorted.map(([, value]) => optionText(value)), labels: sorted.map(([number]) => number), numbers: false };
}

/** Text of an option; empty where the file has none: an empty cell, null, or what Python writes for a missing value. */
const optionText = (value: unknown): string => (isEmpty(value) ? '' : text(value).trim());

/** A list, {A: text, B: text}, {text: list, label: list}, a list of {key, value}, or a string that holds one of these. */
function listOf(listed: unknown): Options {
  if (Array.isArray(listed)) return ofList(listed);
  if (typeof listed === 'string') return ofCell(listed);
  if (listed === null || typeof listed !== 'object') return NO_OPTIONS;
  const byName = withPlainNames(listed);
  if (Array.isArray(byName['text'])) return withLabels(byName['text'], byName['label']);
  const numbers = Object.entries(byName).filter(([name]) => /^\d{1,2}$/.test(name));
  if (numbers.length > 0 && numbers.length === Object.keys(byName).length) return byNumber(numbers);
  return columnsOf(byName);
}

function ofList(list: unknown[]): Options {
  const given = list.filter((option) => option !== null);
  if (given.length > 0 && given.every((option) => typeof option === 'object' && !Array.isArray(option))) return ofPairs(list);
  const numbers = given.length > 0 && given.every((option) => typeof option === 'number' || typeof option === 'boolean');
  return { options: list.map(optionText), labels: null, numbers };
}

/** [{key: "A", value: "cyst"}, ...] under the names that are in use. */
function ofPairs(list: unknown[]): Options {
  const records = list.map((option) => withPlainNames(option ?? {}));
  const texts = records.map((record) => first(record, ['text', 'value', 'option', 'content']));
  const labels = records.map((record) => text(first(record, ['label', 'key', 'letter', 'id'])));
  return withLabels(texts, labels.includes('') ? null : labels);
}

/** Texts under labels: letters give each its place, other labels leave the order as it is. */
function withLabels(texts: unknown[], labels: unknown): Options {
  const given = Array.isArray(labels) && labels.length === texts.length ? labels.map(text) : null;
  const places = given?.map((label) => LETTERS.indexOf(label.trim().toUpperCase())) ?? [];
  if (given === null || places.some((place) => place < 0) || new Set(places).size < places.length)
    return { options: texts.map(optionText), labels: given, numbers: false };
  const options = new Array<string>(Math.max(...places, -1) + 1).fill('');
  places.forEach((place, i) => (options[place] = optionText(texts[i])));
  return { options, labels: LETTERS.slice(0, options.length), numbers: false };
}

/** A table's cell: JSON, a list or dict as Python or numpy prints it, "A)x, B)y", options with their letters a line each, or texts between bars. */
function ofCell(cell: string): Options {
  if (/^\s*(?:[[{(]|(?:np\.|numpy\.)?array\()/.test(cell)) {
    const value = parseLiteral(cell.trim());
    if (value !== null && typeof value === 'object') return listOf(value);
    if (/^\s*[[{]/.test(cell)) return NO_OPTIONS; // counted as too few options
  }
  const parsed = parseProblem(` ${cell}`)?.options ?? letteredLines(cell);
  return { options: parsed ?? cell.split('|').map(optionText), labels: null, numbers: false };
}

function optionProblem(options: readonly string[]): Problem | null {
  const choices = choicesOf(options);
  if (choices.length < 2) return 'options-too-few';
  if (options.length > LETTERS.length) return 'options-too-many';
  return new Set(choices.map((choice) => normalizeText(choice.text))).size < choices.length ? 'options-equal' : null;
}

const IMAGE_NAMES = ['image_path', 'image', 'file_name', 'img_path', 'figure_path', 'images', 'image_1', 'img', 'image_file', 'image_name'];

/** The path as written, with forward slashes; where it leads is judged by images.ts. Of several images the first. */
function imageOf(record: Record_): { image: string; problem: Problem | null } {
  const found = first(record, IMAGE_NAMES);
  const literal = typeof found === 'string' && /^\s*\[/.test(found) ? parseLiteral(found.trim()) : undefined;
  const value = Array.isArray(literal) ? literal : found;
  const paths = (Array.isArray(value) ? value : [value]).filter((one) => !isEmpty(one)).map(pathOf);
  const several = paths.length > 1 || !isEmpty(record['image_2']);
  const image = (paths[0] ?? '').replaceAll('\\', '/').replace(/^\.\//, '');
  return { image, problem: several ? 'images-several' : image === '' ? 'image-none' : null };
}

/** Of a text, or of {path}. */
function pathOf(value: unknown): string {
  const path = oneOf(value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record_)['path'] : value);
  return typeof path === 'string' ? path.toWellFormed() : text(path);
}
