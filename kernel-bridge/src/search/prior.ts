/** Which of a run's questions option texts alone answer wrongly. */
import { choicesOf, optionOf } from '../answers/index.ts';
import { normalizeText } from '../data/names.ts';
import type { IndexReader } from './index-reader.ts';

/**
 * Codes of the questions whose right answer is not the option that was most often right in the run's other questions (data/prior.ts says why that is a
 * strong guess). A question's own answer does not count: an option that it alone has would always be right.
 */
export function wrongByPrior(reader: IndexReader): Set<number> {
  const newest = reader.db.prepare(
    'SELECT options, answer FROM rollout_group WHERE item_id = ? AND dataset = ? ORDER BY step DESC LIMIT 1',
  );
  const questions = reader.items().flatMap(({ code, item_id, dataset }) => {
    const row = newest.get(item_id, dataset) as { options: string; answer: string | null } | undefined;
    if (!row || row.answer === null) return [];
    const options = JSON.parse(row.options) as string[];
    const right = optionOf(row.answer, options);
    if (right === undefined) return [];
    return [{ code, right: normalizeText(right), texts: choicesOf(options).map(({ text }) => normalizeText(text)) }];
  });
  const shown = new Map<string, number>();
  const rightly = new Map<string, number>();
  const add = (counts: Map<string, number>, text: string): void => void counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const { right, texts } of questions) {
    for (const text of new Set(texts)) add(shown, text);
    add(rightly, right);
  }
  const chance = (text: string, right: string): number =>
    ((rightly.get(text) ?? 0) - Number(text === right) + 0.25) / ((shown.get(text) ?? 1) - 1 + 1);
  const wrong = questions.filter(({ right, texts }) => {
    const chances = texts.map((text) => chance(text, right));
    return texts[chances.indexOf(Math.max(...chances))] !== right;
  });
  return new Set(wrong.map(({ code }) => code));
}
