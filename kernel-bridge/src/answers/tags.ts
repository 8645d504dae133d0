/** The tags of a completion, `<think>` and `<answer>`: how they are written, checked and taken apart. */
import type { Variant } from '../protocol/config.ts';
import { PYTHON_SPACE as S } from './space.ts';

export const TAGS = ['think', 'answer'] as const;
export type Tag = (typeof TAGS)[number];

/** A text in its tags: "<answer>C</answer>". */
export const inTags = (tag: Tag, text: string): string => `<${tag}>${text}</${tag}>`;

/** Med-R1's `solution` string: what SFT teaches and what its accuracy reward compares with. */
export const formatSolution = (letter: string): string => inTags('answer', ` ${letter} `);

/** "<answer> C </answer>" -> "C"; a text without the tag as it stands, without spaces at its ends. */
export const parseSolution = (solution: string): string => (/<answer>([\s\S]*?)<\/answer>/.exec(solution)?.[1] ?? solution).trim();

/** The whole completion is the variant's tags in their order. `body`: an expression for what a tag may hold. */
function patterns(body: string): Record<Variant, RegExp> {
  const think = inTags('think', body);
  const answer = inTags('answer', body);
  return {
    think: new RegExp(`^${think}${S}*${answer}$`),
    'no-think': new RegExp(`^${S}*${answer}$`),
    'think-after': new RegExp(`^${S}*${answer}${S}*${think}$`),
  };
}

/** Each tag stands exactly once: a tag holds anything but another tag. */
const ONCE = patterns('(?:(?!</?(?:think|answer)>)[\\s\\S])*');
/** re.fullmatch(..., re.DOTALL) of Med-R1's grpo_vqa.py and grpo_vqa_nothink.py; think-after is ours in their manner. */
const PUBLISHED = patterns('[\\s\\S]*?');

/** The completion is the variant's tags, each exactly once, and nothing else. */
export const isWellFormed = (variant: Variant, completion: string): boolean => ONCE[variant].test(completion);

/** The same by Med-R1's published expression, which lets tags repeat. */
export const isWellFormedAsPublished = (variant: Variant, completion: string): boolean => PUBLISHED[variant].test(completion);

/** The prompt ends in `<think>`, so that a completion begins inside it. */
export const opensThink = (prompt: string | null): boolean => prompt !== null && /<think>\s*$/.test(prompt);

export interface Part {
  kind: Tag | 'outside';
  text: string;
  /** Where `text` begins in the completion. */
  from: number;
  /** Who opened the tag: the completion, the prompt that ends in it, or nobody. */
  opened: 'completion' | 'prompt' | 'nobody';
  /** False when the closing tag is missing. */
  closed: boolean;
}

const ANY_TAG = /<(\/?)(think|answer)>/g;

/**
 * The parts of a completion in order. Together with the tags they are the whole text, but for white space outside the tags. A tag inside
 * another is text. `thinkOpen`: the prompt ends in `<think>`.
 */
export function splitCompletion(completion: string, { thinkOpen = false } = {}): Part[] {
  const parts: Part[] = [];
  let open: Tag | null = thinkOpen && !/^\s*<think>/.test(completion) ? 'think' : null;
  let opened: Part['opened'] = open ? 'prompt' : 'nobody';
  let from = 0;
  const add = (kind: Part['kind'], to: number, closed: boolean): void => {
    const text = completion.slice(from, to);
    if (kind !== 'outside' || text.trim() !== '')
      parts.push({ kind, text, from, opened: kind === 'outside' ? 'completion' : opened, closed });
  };
  for (const { 0: tag, 1: slash, 2: name, index } of completion.matchAll(ANY_TAG)) {
    const kind = name as Tag;
    if (open !== null && (open !== kind || !slash)) continue;
    if (slash) add(kind, index, true);
    else add('outside', index, true);
    [open, opened] = slash ? [null, 'nobody'] : [kind, 'completion'];
    from = index + tag.length;
  }
  if (open !== null) add(open, completion.length, false);
  else add('outside', completion.length, true);
  return parts;
}
