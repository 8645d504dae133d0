/**
 * Reading an answer out of a completion: as published (strict), and as a person would (tolerant). Both are always reported, because
 * Med-R1's published scripts mark "C) CT" and "c" wrong, and other papers do not.
 */

import { LETTERS } from '../protocol/choices.ts';

/** What Python's `\s` and str.strip() take for white space: JavaScript's have U+FEFF besides, and lack U+001C to U+001F and U+0085. */
export const PYTHON_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const S = PYTHON_SPACE;

const SPACE = new RegExp(S);
const WORD_ALONE = new RegExp(`<answer>${S}*([\\p{L}\\p{N}_]+)${S}*</answer>`, 'u');
const BARE_LETTER = new RegExp(`^${S}*([A-Z])${S}*$`);
const LETTER_ALONE = new RegExp(`<answer>${S}*([A-Z])${S}*</answer>`);

/** Accuracy reward's reading: text of the first answer tag on one line, else the whole completion (Med-R1 grpo_vqa.py, `.` without DOTALL). */
export function taggedText(completion: string): string {
  return strip(/<answer>([^\n]*?)<\/answer>/.exec(completion)?.[1] ?? completion);
}

/** Python's str.strip(); by hand, because an expression takes the square of a run of spaces that ends in something else. */
function strip(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && SPACE.test(text[from])) from++;
  while (from < to && SPACE.test(text[to - 1])) to--;
  return text.slice(from, to);
}

/** Evaluation scripts' reading: the word in the first tag that holds one word and nothing else; null when there is none. */
export function strictAnswer(completion: string): string | null {
  return WORD_ALONE.exec(completion)?.[1] ?? null;
}

/** The zero-shot script's reading, whose prompt asks for no tags: the whole completion is the letter (Med-R1 test_qwen2vl_vqa_zero_shot.py). */
export function bareAnswer(completion: string): string | null {
  return BARE_LETTER.exec(completion)?.[1] ?? null;
}

/** The letter a first answer tag holds, alone; null when it holds anything else or there is no tag. */
export function answerLetter(completion: string): string | null {
  return LETTER_ALONE.exec(completion)?.[1] ?? null;
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
  while (plain[end - 1] === '.') end--; // by hand, as in strip()
  return plain.slice(0, end).trim();
}

/**
 * What the completion means: the last closed answer tag, an answer tag left open, else the text outside the reasoning. In it, in this order: a letter
 * alone or first ("c", "(C)", "C) CT", "C. CT", "Answer: **C**", "\boxed{C}"), an option's text as a whole, the one option whose text occurs. Null
 * when it is none of these or names more than one.
 */
export function tolerantAnswer(completion: string, options: readonly string[]): string | null {
  const closed = [...completion.matchAll(/<answer>((?:(?!<answer>).)*?)<\/answer>/gis)].at(-1)?.[1];
  const meant = closed ?? /<answer>(.*)$/is.exec(completion)?.[1] ?? completion.replace(/<think>.*?(<\/think>|$)/gis, ' ');
  const text = meant
    .normalize('NFKC')
    .replace(/\\boxed\{([^{}]*)\}/g, '$1')
    .trim();
  const valid = (letter: string | undefined): string | null => {
    const index = letter === undefined ? -1 : letter.toUpperCase().charCodeAt(0) - 65;
    return options[index] ? (LETTERS[index] ?? null) : null;
  };

  const named = LONE_LETTER.exec(text) ?? FIRST_LETTER.exec(text) ?? ANNOUNCED_LETTER.exec(text);
  const letter = valid(named?.[1]);
  if (named && letter !== null) {
    const rest = text.slice(named.index + named[0].length);
    const others = [NEXT_LETTER.exec(rest), ...rest.matchAll(LISTED_LETTER)].map((other) => valid(other?.[1]));
    return others.every((other) => other === null || other === letter) ? letter : null;
  }

  const said = normalise(text);
  if (said === '') return null;
  const texts = options.map(normalise);
  const whole = texts.indexOf(said);
  if (whole >= 0) return valid(LETTERS[whole]);

  const found = texts.flatMap((option, index) => (occurs(option, said) ? [index] : []));
  // "retinal detachment" also contains "retina": the longest option wins when it contains the others
  const longest = found.toSorted((a, b) => texts[b].length - texts[a].length)[0];
  const unique = found.every((index) => texts[longest].includes(texts[index]));
  return longest !== undefined && unique ? valid(LETTERS[longest]) : null;
}

/** `part` stands in `text` as whole words. */
function occurs(part: string, text: string): boolean {
  if (part === '') return false;
  const escaped = part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'u').test(text);
}
