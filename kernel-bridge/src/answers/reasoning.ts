/** Where a completion reasons and where it answers, in its tokens: its sentences, and the letter that it says. */
import { LETTERS } from './letters.ts';
import { formatSolution, inTags, splitCompletion, type Part } from './tags.ts';

export interface Range {
  /** Characters `from` up to, without, `to`. */
  from: number;
  to: number;
}

/** Sentences of a text, white space at their ends left out. */
export function sentencesOf(text: string): Range[] {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text);
  return Array.from(segments, ({ segment, index }) => {
    const from = index + segment.length - segment.trimStart().length;
    return { from, to: from + segment.trim().length };
  }).filter(({ from, to }) => to > from);
}

const ANSWER = '<answer>';

/**
 * The token that is the answer's letter: the first after the last answer tag that is a letter alone, with the texts of all tokens; without a tag the last
 * such token of all. Null where there is none.
 */
export function letterToken(texts: readonly string[]): number | null {
  const tag = texts.join('').lastIndexOf(ANSWER);
  const start = tag < 0 ? -1 : tag + ANSWER.length;
  let end = 0;
  let last: number | null = null;
  for (const [index, text] of texts.entries()) {
    end += text.length;
    if (!LETTERS.includes(text.trim())) continue;
    if (start >= 0 && end > start) return index;
    last = index;
  }
  return last;
}

/** How a completion comes from its reasoning to its letter. */
export interface Reasoning {
  /** Of the reasoning before the letter, in the completion's text; none where it answers at once. */
  sentences: Range[];
  /** Where reasoning begins and ends; both where the answer is asked for, where there is none. */
  from: number;
  to: number;
  /** What stands between the reasoning and the letter. */
  bridge: string;
  /** Text of the letter's token: "C" or " C". */
  letter: string;
  /** Number of the letter's token; null where the completion says no letter, so that `bridge` and `letter` are not its own. */
  token: number | null;
}

/** `texts`: of the completion's tokens. `thinkOpen`: the prompt ends in `<think>`. */
export function reasoningOf(texts: readonly string[], { thinkOpen = false } = {}): Reasoning {
  const text = texts.join('');
  const startOf = (token: number): number => texts.slice(0, token).join('').length;
  const parts = splitCompletion(text, { thinkOpen });
  const last = letterToken(texts);
  // a letter within the reasoning, as in "A mass", is no answer
  const isThought = ({ kind, from, text: { length } }: Part): boolean =>
    kind === 'think' && from <= startOf(last!) && startOf(last!) < from + length;
  const token = last !== null && parts.some(isThought) ? null : last;
  const end = token === null ? text.length : startOf(token);
  const part = parts.find(({ kind, from }) => kind === 'think' && from <= end);
  const thought = part === undefined ? '' : part.text.slice(0, Math.max(0, end - part.from));
  const base = part?.from ?? 0;
  const sentences = sentencesOf(thought).map(({ from, to }) => ({ from: from + base, to: to + base }));
  const from = part ? base : token === null ? 0 : end;
  const to = sentences.at(-1)?.to ?? from;
  if (token !== null) {
    const own = texts[token];
    const bridge = part ? text.slice(to, end) : '';
    return { sentences, from, to, bridge, letter: own, token };
  }
  // ours: the tags as the prompts ask for them
  const solution = formatSolution('C');
  const letter = solution.slice(ANSWER.length, solution.indexOf('C') + 1);
  return { sentences, from, to, bridge: `${part ? inTags('think', '').slice('<think>'.length) : ''}${ANSWER}`, letter, token };
}
