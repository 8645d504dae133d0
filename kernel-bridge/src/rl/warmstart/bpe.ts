/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2), trained on a list of words until each of them is
 * one token. Real tokenizers stop at a vocabulary size; this one at the end of its tiny corpus.
 */

/** Qwen2's pre-tokenizer. */
export const PRETOKENIZE =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

export const pretokens = (text: string): string[] => text.match(new RegExp(PRETOKENIZE, 'gu')) ?? [];

/** GPT-2's stand-in character for each byte: printable ones for themselves, the others from U+0100 up. */
const BYTE_CHARS: string[] = (() => {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();

export interface Bpe {
  /** Tokens in the order of their ids: 256 bytes, then one per merge. */
  vocab: string[];
  merges: [string, string][];
}

/** Merges the commonest neighbours, the alphabetically first of equals, until every word is one token. */
export function trainBpe(words: Iterable<string>): Bpe {
  const pieces = [...new Set(words)].map((word) => [...Buffer.from(word)].map((byte) => BYTE_CHARS[byte]));
  const merges: [string, string][] = [];
  for (;;) {
    const counts = new Map<string, number>();
    for (const word of pieces)
      for (let i = 1; i < word.length; i++) {
        const pair = `${word[i - 1]} ${word[i]}`; // a byte's stand-in is never a space
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    if (counts.size === 0) break;
    const [best] = [...counts].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a));
    const [left, right] = best.split(' ');
    merges.push([left, right]);
    for (const word of pieces)
      for (let i = 1; i < word.length; i++) if (word[i - 1] === left && word[i] === right) word.splice(i - 1, 2, left + right);
  }
  const bytes = [...BYTE_CHARS].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  return { vocab: [...new Set([...bytes, ...merges.map((pair) => pair.join(''))])], merges };
}
