/** Questions whose options stand in the same string, as in Med-R1's `problem`: "question A)x, B)y, C)z". */
import { letterAt, LETTERS } from '../answers/index.ts';
import { normalizeText } from './names.ts';

/**
 * Splits "question A)x, B)y" into question and options. An option may hold commas and brackets: a marker counts only after a
 * comma, a semicolon or a line break, outside brackets, and in the order of the alphabet. A letter that is left out keeps its place:
 * "A)x, C)z" has an empty B. Null when there are no two options.
 */
export function parseProblem(problem: string): { question: string; options: string[] } | null {
  for (let start = lastMarker(problem, problem.length); start >= 0; start = lastMarker(problem, start)) {
    const options = optionsFrom(problem, start);
    if (options.length > 1) return { question: problem.slice(0, start).trim(), options };
  }
  return null;
}

/** Options of a string from the marker "A)" on. */
function optionsFrom(text: string, start: number): string[] {
  const options: string[] = [];
  let [at, letter] = [start, 0];
  for (;;) {
    const next = nextMarker(text, at + 2, letter + 1);
    options[letter] = text.slice(at + 2, next?.end ?? text.length).trim();
    if (!next) return Array.from(options, (option) => option ?? ''); // letters that were left out
    [at, letter] = [next.start, next.letter];
  }
}

function lastMarker(text: string, before: number): number {
  for (let at = text.lastIndexOf('A)', before - 1); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('A)', at - 1)) {
    if (at === 0 || /\s/.test(text[at - 1])) return at;
  }
  return -1;
}

/** The marker of the next letter that has one: of `from`, or else of one after it. */
function nextMarker(text: string, at: number, from: number): { start: number; end: number; letter: number } | null {
  let later: { start: number; end: number; letter: number } | null = null;
  const marker = /[,;\n]\s*([A-Z])\)/g;
  marker.lastIndex = at;
  for (let found = marker.exec(text); found; found = marker.exec(text)) {
    const letter = LETTERS.indexOf(found[1]);
    marker.lastIndex = found.index + 1;
    if (letter < from || (later && letter > from)) continue;
    const end = found.index + found[0].length;
    if (isOpen(text.slice(at, found.index)) && (letter > from || /^\s*([,;.]|$)/.test(text.slice(end)))) continue;
    const here = { end: found.index, start: end - 2, letter };
    if (letter === from) return here;
    later = here;
  }
  return later;
}

/** Whether a bracket was opened and not closed: what closes "(vitamins A, D)" is no marker. "OCT (Optical Coherence Tomography, B)" has one all the same. */
function isOpen(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
  }
  return depth > 0;
}

/** What an answer may mean: the option that it names by a letter or a number, and the option whose text it is. */
export interface Readings {
  named: string | null;
  text: string | null;
  /** Whether it is a letter or a number and nothing else. */
  form: 'letter' | 'number' | 'other';
}

/**
 * Reads an answer both ways. It names an option by its letter ("C", "C)", "(c)."), by letter and text ("C. cyst", where they agree), by
 * its number from 0 where it is a number, or by the label that the record gives the option. OmniMedVQA gives the option's text, whose
 * case and full stop may differ.
 */
export function readAnswer(answer: string | number, options: readonly string[], labels: readonly string[] | null = null): Readings {
  const wanted = normalizeText(String(answer));
  const text =
    wanted === ''
      ? null
      : letterAt(
          options.findIndex((option) => normalizeText(option) === wanted),
          options,
        );
  const labelled = labels?.findIndex((label) => normalizeText(label) === wanted) ?? -1;
  if (labelled >= 0) return { named: letterAt(labelled, options), text, form: 'letter' };
  if (typeof answer === 'number') return { named: letterAt(answer, options), text, form: 'number' };
  const [, letter, rest] = /^\(?([a-z])(?:$|[).:]+\s*|\s+)(.*)$/.exec(wanted) ?? [];
  if (letter === undefined) return { named: null, text, form: 'other' };
  const index = LETTERS.indexOf(letter.toUpperCase());
  if (rest) return { named: rest === normalizeText(options[index] ?? '') ? letterAt(index, options) : null, text, form: 'other' };
  return { named: letterAt(index, options), text, form: 'letter' };
}

const LETTERED = LETTERS.map((letter) => new RegExp(`^\\(?${letter}[).:]\\s*(.*)$`, 'is'));

/** Options that all begin with their own letter, "A. cyst", "B. mass", without it. Empty ones have none. */
export function withoutLetters(options: string[]): string[] {
  if (options.length < 2 || options.some((option, i) => option !== '' && !LETTERED[i]?.test(option))) return options;
  return options.map((option, i) => LETTERED[i].exec(option)?.[1].trim() ?? '');
}

/** "A. cyst\nB. mass", or the same with semicolons between: options that all begin with their own letter. Null for anything else. */
export function letteredLines(text: string): string[] | null {
  for (const between of [/\n+/, /;\s*/]) {
    const lines = text.trim().split(between);
    const options = withoutLetters(lines.map((line) => line.trim()));
    if (options.length > 1 && options.some((option, i) => option !== lines[i].trim())) return options;
  }
  return null;
}
