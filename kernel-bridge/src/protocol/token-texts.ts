/** Where the text of a completion is cut when it is shown token by token; by whoever can decode. */

/** Bytes of a character that are still missing the rest decode to it. */
const UNFINISHED = '\ufffd';
/** A character takes at most four bytes, so at most four tokens. */
const LONGEST = 4;

export interface Decoder {
  /** Special tokens included. */
  decode(ids: number[]): string;
}

/** Text of each token, special ones included. A character made of several tokens stands at its last; the others are empty. */
export function tokenTexts(decoder: Decoder, ids: readonly number[]): string[] {
  let from = 0;
  return ids.map((_, at) => {
    const text = decoder.decode(ids.slice(from, at + 1));
    const more = at + 1 < ids.length && at + 1 - from < LONGEST;
    if (text.endsWith(UNFINISHED) && more) return '';
    from = at + 1;
    return text;
  });
}
