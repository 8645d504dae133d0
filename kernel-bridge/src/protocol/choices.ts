/** The options of a question as choices. An option that a file left empty keeps its letter, is never shown, and counts as no choice. */

/** Letters of options in their order; what has more options than these cannot be asked. */
export const LETTERS: readonly string[] = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');

export interface Choice {
  letter: string;
  text: string;
  /** Place among all options, empty ones included. */
  index: number;
}

/** The options that are choices, each with its letter: ["", "cyst", "mass"] has B "cyst" and C "mass". */
export function choicesOf(options: readonly string[]): Choice[] {
  return options.flatMap((text, index) => (text === '' ? [] : [{ letter: LETTERS[index] ?? '?', text, index }]));
}
