/** The letters of options: A for the first, B for the second, ... Z for the 26th. */
export const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'] as readonly string[];

/** The letter of the option at a place from 0. After Z, where no answer can name an option, its number: "27". */
export const letterOf = (index: number): string => LETTERS[index] ?? String(index + 1);

/** The place, from 0, of the option that a letter names; -1 for a text that is no capital letter. */
export const indexOfLetter = (letter: string | null): number => (letter === null ? -1 : LETTERS.indexOf(letter));

/** An option that can be chosen. One that a file left empty keeps its letter, is never shown, and is none. */
export interface Choice {
  letter: string;
  text: string;
  /** Place among all options, empty ones included. */
  index: number;
}

/** The options that are choices, each with its letter: ["", "cyst", "mass"] has B "cyst" and C "mass". */
export const choicesOf = (options: readonly string[]): Choice[] =>
  options.flatMap((text, index) => (isChoice(text) ? [{ letter: letterOf(index), text, index }] : []));

/** An option that is there and not empty. */
export const isChoice = (option: string | undefined): boolean => option !== undefined && option.trim() !== '';

/** The letter of the option at a place from 0; null when there is none, an empty one, or one after Z. */
export const letterAt = (index: number, options: readonly string[]): string | null =>
  isChoice(options[index]) ? (LETTERS[index] ?? null) : null;

/**
 * Options that stand in the words of a question: "What is shown? A) cyst, B) tumor" has two. They begin with A and go on in order, each until the next
 * letter or the end.
 */
export function optionsIn(question: string): string[] {
  const starts: { at: number; from: number }[] = [];
  for (const found of question.matchAll(/(?<![A-Za-z0-9])([A-Z])[).:]/g)) {
    if (found[1] === LETTERS[starts.length]) starts.push({ at: found.index, from: found.index + found[0].length });
  }
  return starts.map(({ from }, i) =>
    question
      .slice(from, starts[i + 1]?.at)
      .trim()
      .replace(/[,;.]$/, ''),
  );
}

/** The text of the option that a letter names; undefined when there is none. */
export const optionOf = (letter: string | null, options: readonly string[]): string | undefined => options[indexOfLetter(letter)];

/** An option as people read it: "C) CT"; the letter alone where no option has it. */
export function lettered(letter: string, options: readonly string[]): string {
  const option = optionOf(letter, options);
  return option === undefined ? letter : `${letter}) ${option}`;
}
