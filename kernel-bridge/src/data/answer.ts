/**
 * Which option a record's answer is. An answer can be read as a letter ("C" is the third option) and as a text ("C" is the option that
 * reads C). Fields that are made for letters are read as letters; where a field may hold either and the two readings differ, the rows of
 * the data set decide (evidence.ts), and where they tell nothing the row is a problem: nothing is guessed.
 */
import { parseSolution } from '../answers/index.ts';
import type { Problem } from '../protocol/problems.ts';
import { readAnswer, type Readings } from './options.ts';
import { first, isEmpty, oneOf, text, type Record_ } from './record.ts';

/** Fields that may hold the letter or the text. Beside options that have letters of their own, `answer` is a letter. */
const EITHER = ['gt_answer', 'solution', 'answer', 'correct_answer'];
/** Fields that name an option by letter or number and stand beside an answer, or alone. */
const LETTER_FIELDS = [
  'answer_label',
  'answer_letter',
  'correct_letter',
  'correct_label',
  'answer_key',
  'answerkey',
  'correct_option',
  'correct_choice',
];
/** The same; `label` and its like may be something else where the record has an answer. They hold the option's number from 0 also as text: CSV knows no other. */
const NUMBER_FIELDS = ['answer_index', 'answer_idx', 'correct_index', 'correct_idx', 'label', 'cop'];

export interface Answer {
  letter: string | null;
  problem: Problem | null;
  /** Field and form that the reading is of: rows with the same are evidence for one another. Null where there is nothing to decide. */
  field: string | null;
  readings: Readings;
  /** Whether the readings are two, so that other rows may decide. */
  open: boolean;
  /** Read so when the rows tell nothing: as a letter or number, as a text, or not at all. */
  default: 'named' | 'text' | null;
  /** An answer that is a number, of so many options: it may count from 0 or from 1. */
  number: { value: number; places: number } | null;
}

interface Asked {
  options: readonly string[];
  labels: readonly string[] | null;
  /** Whether the options were given as numbers. */
  numbers: boolean;
  /** How many there were, empty ones included. */
  places: number;
}

const NOTHING: Readings = { named: null, text: null, form: 'other' };

export function answerOf(record: Record_, asked: Asked): Answer {
  const either = EITHER.find((name) => !isEmpty(record[name]));
  const letter = LETTER_FIELDS.find((name) => !isEmpty(record[name]));
  const number = NUMBER_FIELDS.find((name) => !isEmpty(record[name]));
  const field = either ?? letter ?? number;
  const value = field === undefined ? undefined : valueOf(record, field);
  if (field === undefined || value === undefined) return missing();
  const readings = readAnswer(value, asked.options, asked.labels);
  if (either !== undefined) {
    const beside = [letter, number].flatMap((name) => (name === undefined ? [] : namedBy(record, name, asked)));
    if (beside.length > 0) return settled(beside[0], readings);
  }
  return read(field, value, readings, asked);
}

function missing(): Answer {
  return { letter: null, problem: 'answer-missing', field: null, readings: NOTHING, open: false, default: null, number: null };
}

/** The answer as text or number; undefined when it is neither. */
function valueOf(record: Record_, field: string): string | number | undefined {
  const value = oneOf(first(record, [field]));
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' && typeof value !== 'boolean') return undefined;
  const plain = parseSolution(text(value));
  const isNumber = (NUMBER_FIELDS.includes(field) || LETTER_FIELDS.includes(field)) && /^\d+(\.0)?$/.test(plain);
  return isNumber ? Number(plain) : plain;
}

/** The letter that a field beside the answer names; none where it holds anything else. */
function namedBy(record: Record_, field: string, { options, labels }: Asked): string[] {
  const value = valueOf(record, field);
  if (typeof value !== 'string') return [];
  const { named, form } = readAnswer(value, options, labels);
  return form === 'letter' && named !== null ? [named] : [];
}

/** Two fields that say the same, or one of which says nothing. */
function settled(letter: string, { named, text: asText, form }: Readings): Answer {
  const agrees = (named === null && asText === null) || letter === named || letter === asText;
  return {
    letter: agrees ? letter : null,
    problem: agrees ? null : 'answer-ambiguous',
    field: null,
    readings: { named, text: asText, form },
    open: false,
    default: null,
    number: null,
  };
}

function read(field: string, value: string | number, readings: Readings, asked: Asked): Answer {
  const { named, text: asText, form } = readings;
  const forLetters = !EITHER.includes(field) || field === 'solution' || (field === 'answer' && asked.labels !== null);
  const isNumber = form === 'number';
  const fallback = isNumber && !forLetters && asked.numbers ? 'text' : forLetters ? 'named' : null;
  // A letter that no option has leaves the text alone, but not in a field for letters.
  const open = named !== asText && asText !== null && (named !== null || (form !== 'other' && !EITHER.includes(field)));
  const letter = open ? by(fallback, readings) : (named ?? asText);
  return {
    letter,
    problem: letter !== null ? null : open && fallback === null ? 'answer-ambiguous' : 'answer-no-option',
    field: `${field} ${isNumber ? 'number' : 'letter'}`,
    readings,
    open,
    default: fallback,
    number: isNumber ? { value: Number(value), places: asked.places } : null,
  };
}

/** The option by one of the readings. */
export function by(side: 'named' | 'text' | null, { named, text: asText }: Readings): string | null {
  return side === null ? null : side === 'named' ? named : asText;
}
