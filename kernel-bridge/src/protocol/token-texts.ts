/** Where the text of a completion is cut when it is shown token by token; by whoever can decode. */

/** Bytes of a character that are still missing the rest decode to it; a text may also hold the character itself. */
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
    if (text.endsWith(UNFINISHED) && isWithin(decoder, ids, from, at + 1)) return '';
    from = at + 1;
    return text;
  });
}

/** Whether a cut at `cut` would go through a character: its halves then read otherwise than the whole. */
function isWithin(decoder: Decoder, ids: readonly number[], from: number, cut: number): boolean {
  const end = cut + LONGEST - 1;
  const text = (start: number, end: number): string => decoder.decode(ids.slice(start, end));
  return text(from, end) !== text(from, cut) + text(cut, end);
}
