/** Questions whose options stand in the same string, as in Med-R1's `problem`: "question A)x, B)y, C)z". */
import { normalizeText } from './names.ts';

export const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F'] as const;

/**
 * Splits "question A)x, B)y" into question and options. An option may hold commas and brackets: a marker counts only after a
 * comma or at the start of the options, and only in the order of the alphabet. Null when there are no two options.
 */
export function parseProblem(problem: string): { question: string; options: string[] } | null {
  for (let start = lastMarker(problem, problem.length); start >= 0; start = lastMarker(problem, start)) {
    const options: string[] = [];
    let at = start;
    for (let i = 1; i <= LETTERS.length; i++) {
      const next = i < LETTERS.length ? nextMarker(problem, at, LETTERS[i]) : null;
      options.push(problem.slice(at + 2, next?.end ?? problem.length).trim());
      if (!next) break;
      at = next.start;
    }
    if (options.length > 1) return { question: problem.slice(0, start).trim(), options };
  }
  return null;
}

function lastMarker(text: string, before: number): number {
  for (let at = text.lastIndexOf('A)', before - 1); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('A)', at - 1)) {
    if (at === 0 || /\s/.test(text[at - 1])) return at;
  }
  return -1;
}

function nextMarker(text: string, from: number, letter: string): { start: number; end: number } | null {
  const match = new RegExp(`[,;\\n]\\s*${letter}\\)`, 'g');
  match.lastIndex = from;
  const found = match.exec(text);
  return found && { end: found.index, start: found.index + found[0].length - 2 };
}

/** Med-R1's `solution`, "<answer> C </answer>" -> "C". */
export function parseSolution(solution: string): string {
  return (/<answer>([\s\S]*?)<\/answer>/.exec(solution)?.[1] ?? solution).trim();
}

/**
 * The letter that an answer names. OmniMedVQA gives the option's text (case and full stop may differ); other files give a letter
 * ("C", "C)", "(c)."), both ("C. cyst") or, as a number, the option's number from 0. Null when it is none of the options.
 */
export function answerLetter(answer: string | number, options: readonly string[]): string | null {
  const wanted = normalizeText(String(answer));
  const at = options.findIndex((option) => normalizeText(option) === wanted);
  if (at >= 0) return LETTERS[at] ?? null;
  if (typeof answer === 'number') return letterAt(answer, options);
  const [, letter, text] = /^\(?([a-f])(?:$|[).:]+\s*|\s+)(.*)$/.exec(wanted) ?? [];
  const index = LETTERS.findIndex((l) => l === letter?.toUpperCase());
  return !text || text === normalizeText(options[index] ?? '') ? letterAt(index, options) : null;
}

/** The letter of the option at a number from 0; null when there is none. */
export function letterAt(index: number, options: readonly string[]): string | null {
  return Number.isInteger(index) && index >= 0 && index < options.length ? (LETTERS[index] ?? null) : null;
}

const LETTERED = LETTERS.map((letter) => new RegExp(`^\\(?${letter}[).:]\\s*(.*)$`, 'is'));

/** Options that all begin with their own letter, "A. cyst", "B. mass", without it. */
export function withoutLetters(options: string[]): string[] {
  if (options.length < 2 || options.some((option, i) => !LETTERED[i]?.test(option))) return options;
  return options.map((option, i) => LETTERED[i].exec(option)![1]);
}
