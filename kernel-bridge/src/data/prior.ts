/**
 * What option texts alone give away. OmniMedVQA's wrong options are drawn from texts that are hardly ever right, so that choosing the
 * option whose text was most often right in training answers 83 to 100 % of Med-R1's test questions without an image or a question.
 */
import { choicesOf, optionOf } from '../answers/index.ts';
import type { VqaItem } from '../protocol/data.ts';
import { normalizeText } from './names.ts';

/** Chance that an option text is right, learnt from training questions. */
export class OptionPrior {
  readonly #shown = new Map<string, number>();
  readonly #right = new Map<string, number>();

  readonly #learnt = new Set<string>();

  constructor(train: readonly Pick<VqaItem, 'id' | 'options' | 'answer'>[]) {
    for (const { id, options, answer } of train) {
      if (answer === null) continue;
      this.#learnt.add(id);
      for (const option of new Set(choicesOf(options).map(({ text }) => normalizeText(text))))
        this.#shown.set(option, (this.#shown.get(option) ?? 0) + 1);
      const right = normalizeText(optionOf(answer, options)!);
      this.#right.set(right, (this.#right.get(right) ?? 0) + 1);
    }
  }

  /** (times right + 0.25) / (times shown + 1); a text never seen has 0.25. */
  probability(option: string): number {
    const text = normalizeText(option);
    return ((this.#right.get(text) ?? 0) + 0.25) / ((this.#shown.get(text) ?? 0) + 1);
  }

  /**
   * Of the right option, over the sum of all options': how much the texts alone give it away. A question that was learnt from does not count for
   * itself; null where it has no answer, or where nothing else was learnt from.
   */
  chanceOfRight({ id, options, answer }: Pick<VqaItem, 'id' | 'options' | 'answer'>): number | null {
    const right = optionOf(answer, options);
    const own = this.#learnt.has(id) ? 1 : 0;
    if (right === undefined || this.#learnt.size === own) return null;
    const chance = (text: string): number => {
      const known = normalizeText(text);
      const rightly = (this.#right.get(known) ?? 0) - (known === normalizeText(right) ? own : 0);
      return (rightly + 0.25) / ((this.#shown.get(known) ?? 0) - own + 1);
    };
    return chance(right) / choicesOf(options).reduce((sum, { text }) => sum + chance(text), 0);
  }

  /** The letter with the largest probability; the first of equal ones. */
  answer(item: VqaItem): string {
    const choices = choicesOf(item.options);
    const chances = choices.map(({ text }) => this.probability(text));
    return choices[chances.indexOf(Math.max(...chances))].letter;
  }

  /** Accuracy in percent over the questions that have an answer. */
  accuracy(test: readonly VqaItem[]): number {
    const asked = test.filter((item) => item.answer !== null);
    return percent(asked.filter((item) => this.answer(item) === item.answer).length, asked.length);
  }
}

/** Accuracy in percent of guessing evenly. */
export function chance(test: readonly VqaItem[]): number {
  const asked = test.filter((item) => item.answer !== null);
  return percent(
    asked.reduce((sum, item) => sum + 1 / choicesOf(item.options).length, 0),
    asked.length,
  );
}

/** Two decimals; 0 of nothing. */
const percent = (part: number, whole: number) => (whole === 0 ? 0 : Math.round((1e4 * part) / whole) / 100);
