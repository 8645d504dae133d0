/**
 * What decoding needs of a tokenizer.json, small and shared between threads: the tokens in one piece of memory, and the file without them.
 * Parsed whole, a vocabulary of Qwen2-VL and its merges take 170 MB; decoding needs the tokens of one group and no merge.
 */
import { Tokenizer } from '@huggingface/tokenizers';

export interface TokenizerFile {
  model: { vocab: Record<string, number>; merges: unknown[] };
}

export interface Vocabulary {
  /** UTF-8 of all tokens in the order of their ids, without a gap. */
  bytes: Uint8Array<SharedArrayBuffer>;
  /** Where the token of each id ends; it begins where that of the id before ends. An id without a token has no bytes. */
  ends: Uint32Array<SharedArrayBuffer>;
  /** tokenizer.json with neither vocabulary nor merges. */
  rest: string;
}

/** Ids; the largest vocabularies have a few hundred thousand. */
const MOST_IDS = 1 << 24;

/** Throws where an id is no whole number or beyond any vocabulary. */
export function vocabularyOf(file: TokenizerFile): Vocabulary {
  const tokens: Buffer[] = [];
  for (const [token, id] of Object.entries(file.model.vocab)) {
    if (!Number.isInteger(id) || id < 0 || id >= MOST_IDS) throw new RangeError(`token ${JSON.stringify(token)} has the id ${id}`);
    tokens[id] = Buffer.from(token);
  }
  const size = tokens.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  const ends = new Uint32Array(new SharedArrayBuffer(4 * tokens.length));
  let end = 0;
  for (let id = 0; id < tokens.length; id++) {
    bytes.set(tokens[id] ?? [], end);
    ends[id] = end += tokens[id]?.length ?? 0;
  }
  return { bytes, ends, rest: JSON.stringify({ ...file, model: { ...file.model, vocab: {}, merges: [] } }) };
}

/** A tokenizer that decodes these ids and encodes nothing. */
export function decoderOf({ bytes, ends, rest }: Vocabulary, ids: ReadonlySet<number>): Tokenizer {
  const tokens = [...ids].flatMap((id): [string, number][] => {
    const [from, to] = [id === 0 ? 0 : ends[id - 1], ends[id]];
    return to > from ? [[Buffer.from(bytes.subarray(from, to)).toString(), id]] : [];
  });
  const file = JSON.parse(rest) as TokenizerFile;
  return new Tokenizer({ ...file, model: { ...file.model, vocab: Object.fromEntries(tokens) } }, {});
}
