/**
 * Readings: rules by which an answer is read out of a completion. Every verdict, right or wrong, is under one of them and says which:
 * Med-R1's published scripts mark "C) CT" and "c" wrong, its reward and its evaluation scripts differ, and other papers read as a person would.
 */
import type { ReadingName } from '../protocol/readings.ts';
import { indexOfLetter, letterAt } from './letters.ts';
import { PYTHON_SPACE as S, stripped } from './space.ts';

/** A stretch of a completion. */
export interface Stretch {
  from: number;
  to: number;
}

interface Reading {
  /** The stretch that is taken for the answer; null when there is none. */
  find: (completion: string) => Stretch | null;
  /** What it says: a letter, for `strict` any word; null when nothing that can be an answer was read. */
  read: (text: string, options: readonly string[]) => string | null;
}

const WORD_ALONE = new RegExp(`<answer>${S}*([\\p{L}\\p{N}_]+)${S}*</answer>`, 'u');
const LETTER_ALONE = new RegExp(`^${S}*([A-Z])${S}*$`);
const ONE_LINE = /<answer>([^\n]*?)<\/answer>/;
const CLOSED = /<answer>((?:(?!<answer>).)*?)<\/answer>/gis;
const LEFT_OPEN = /<answer>(.*)$/is;

const whole = (completion: string): Stretch => ({ from: 0, to: completion.length });

/** Where the first group of a match stands: each expression here has it right after the opening tag, but for spaces. */
function inside(match: RegExpExecArray | null | undefined): Stretch | null {
  if (!match) return null;
  const from = match.index + match[0].indexOf(match[1], '<answer>'.length);
  return { from, to: from + match[1].length };
}

const loneLetter = (text: string): string | null => LETTER_ALONE.exec(text)?.[1] ?? null;

const READINGS: Record<ReadingName, Reading> = {
  exact: { find: (completion) => inside(ONE_LINE.exec(completion)) ?? whole(completion), read: loneLetter },
  strict: { find: (completion) => inside(WORD_ALONE.exec(completion)), read: (word) => word },
  bare: { find: whole, read: loneLetter },
  tolerant: {
    find: (completion) => inside([...completion.matchAll(CLOSED)].at(-1)) ?? inside(LEFT_OPEN.exec(completion)) ?? whole(completion),
    read: meant,
  },
};

/** The answer of a completion under a reading, to a question with these options. */
export function readAnswer(reading: ReadingName, completion: string, options: readonly string[]): string | null {
  const { find, read } = READINGS[reading];
  const found = find(completion);
  return found && read(completion.slice(found.from, found.to), options);
}

/** The stretch of a completion that a reading takes for the answer. */
export const answerStretch = (reading: ReadingName, completion: string): Stretch | null => READINGS[reading].find(completion);

/** What was read and whether it is right, null when the right answer is not known. */
export interface Verdict {
  prediction: string | null;
  correct: boolean | null;
}

export function verdict(
  reading: ReadingName,
  completion: string,
  { options, answer }: { options: readonly string[]; answer: string | null },
): Verdict {
  const prediction = readAnswer(reading, completion, options);
  return { prediction, correct: answer === null ? null : prediction === answer };
}

/** What the accuracy reward compares: the text that `exact` takes for the answer, Python's white space at its ends dropped. */
export function exactText(completion: string): string {
  const { from, to } = READINGS.exact.find(completion)!;
  const text = completion.slice(from, to);
  const ends = stripped(text);
  return text.slice(ends.from, ends.to);
}

const LONE_LETTER = /^[^\p{Script=Latin}\p{N}_]*([A-Za-z])[^\p{Script=Latin}\p{N}_]*$/u;
const FIRST_LETTER = /^[^\p{Script=Latin}\p{N}_]*([A-Z])(?=\s*[).:,])/u;
/** A small letter only where the phrase ends: "the answer is a cyst" names no letter. */
const ANNOUNCED_LETTER =
  /\b(?:[Aa]nswer|ANSWER|[Oo]ption|OPTION|[Cc]hoice|CHOICE)(?: is| IS)?[\s:*"'“‘([$]*([A-Z](?![\p{L}\p{N}_])|[a-z](?=[\s*"'”’\]]*(?:[).:,;!]|$)))/u;
/** Right after a letter: "A, C", "A or C". */
const NEXT_LETTER = /^\)?\s*(?:[,;/&]|and\b|or\b)\s*(?:and |or )?\(?([A-Z])(?![\p{L}\p{N}_-])/u;
/** An option of a list: "A) CT, B) MRI", or on a line of its own. */
const LISTED_LETTER = /[,;\n][ \t]*\(?([A-Z])[).:]/g;

/** What equal texts share: case, spacing and full stops at the end do not count. */
function normalise(text: string): string {
  const plain = text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  let end = plain.length;
  while (plain[end - 1] === '.') end--; // by hand, as in stripped()
  return plain.slice(0, end).trim();
}

/** What LaTeX puts around an answer: \boxed{\text{C}}. */
const LATEX = /\\(?:boxed|fbox|text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|bf|emph)\{([^{}]*)\}/g;
const LATEX_DEPTH = 4;

/** Without these commands, the innermost first. */
function unwrapped(text: string): string {
  let plain = text;
  for (let depth = 0; depth < LATEX_DEPTH && plain.includes('\\'); depth++) plain = plain.replace(LATEX, '$1');
  return plain;
}

/**
 * What a person would take the answer for, outside reasoning tags. In this order: a letter alone or first ("c", "(C)", "C) CT", "C. CT",
 * "Answer: **C**", "\boxed{\text{C}}"), an option's text as a whole, the one option whose text occurs. Null when it is none of these or names
 * more than one.
 */
function meant(said: string, options: readonly string[]): string | null {
  const plainMath = said
    .replace(/<think>.*?(<\/think>|$)/gis, ' ')
    .normalize('NFKC')
    .replace(/\\[()[\]]/g, ' ');
  const text = unwrapped(plainMath).trim();
  const valid = (letter: string | undefined): string | null => letterAt(indexOfLetter(letter?.toUpperCase() ?? null), options);

  const named = LONE_LETTER.exec(text) ?? FIRST_LETTER.exec(text) ?? ANNOUNCED_LETTER.exec(text);
  const letter = valid(named?.[1]);
  if (named && letter !== null) {
    const rest = text.slice(named.index + named[0].length);
    const others = [NEXT_LETTER.exec(rest), ...rest.matchAll(LISTED_LETTER)].map((other) => valid(other?.[1]));
    return others.every((other) => other === null || other === letter) ? letter : null;
  }

  const plain = normalise(text);
  if (plain === '') return null;
  const texts = options.map(normalise);
  const same = texts.indexOf(plain);
  if (same >= 0) return letterAt(same, options);

  const found = texts.flatMap((option, index) => (occurs(option, plain) ? [index] : []));
  // "retinal detachment" also contains "retina": the longest option wins when it contains the others
  const longest = found.toSorted((a, b) => texts[b].length - texts[a].length)[0];
  const unique = found.every((index) => texts[longest].includes(texts[index]));
  return longest !== undefined && unique ? letterAt(longest, options) : null;
}

/** `part` stands in `text` as whole words. Without an expression for each part: questions are new at every step, and compiling took most of the time. */
function occurs(part: string, text: string): boolean {
  if (part === '') return false;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    const before = [...text.slice(Math.max(0, at - 2), at)].at(-1) ?? '';
    const [after = ''] = text.slice(at + part.length, at + part.length + 2);
    if (!LETTER_OR_DIGIT.test(before) && !LETTER_OR_DIGIT.test(after)) return true;
  }
  return false;
}

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
