/** Which part of a completion its tokens stand in, so that thinking and answer stay apart while tokens are coloured. */
import { splitCompletion, type Part } from '@medr1/kernel-bridge/answers';

/** Tokens `from` up to, without, `to`. */
export interface Stretch {
  /** Null: tags, special tokens, white space between parts. */
  part: Part | null;
  from: number;
  to: number;
}

/** Neighbouring tokens of the same part, in order; a token over the edge of two belongs to that of its middle. Together they are all tokens. */
export function stretches(texts: readonly string[], completion: { text: string; thinkOpen: boolean }): Stretch[] {
  const found: Stretch[] = [];
  const offset = texts.join('').indexOf(completion.text); // special tokens are no text; -1 where the texts are of something else
  const parts = offset < 0 ? [] : splitCompletion(completion.text, completion);
  let start = -offset;
  texts.forEach((text, at) => {
    const middle = start + text.length / 2;
    start += text.length;
    const part = parts.find(({ from, text: { length } }) => from <= middle && middle < from + length) ?? null;
    const last = found.at(-1);
    if (last?.part === part) last!.to = at + 1;
    else found.push({ part, from: at, to: at + 1 });
  });
  return found;
}
