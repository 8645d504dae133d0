/** Takes a completion apart at its think and answer tags. What stands outside the tags is shown as such: the format reward punishes it. */

export interface Part {
  kind: 'think' | 'answer' | 'outside';
  text: string;
  /** False when its closing tag is missing. */
  closed: boolean;
}

const TAG = /<(\/?)(think|answer)>/g;

/** Parts in order; together with the tags they are the whole text, save for white space between tags. A leading `</think>` closes a think part that the prompt opened. */
export function splitCompletion(text: string): Part[] {
  const parts: Part[] = [];
  let open: 'think' | 'answer' | null = null;
  let start = 0;
  let pending = '';
  const outside = (extra = ''): void => {
    pending += extra;
    if (pending.trim() !== '') parts.push({ kind: 'outside', text: pending, closed: true });
    pending = '';
  };
  for (const match of text.matchAll(TAG)) {
    const between = text.slice(start, match.index);
    const [tag, slash] = match;
    const kind = match[2] as 'think' | 'answer';
    start = match.index + tag.length;
    if (open === null && !slash) {
      outside(between);
      open = kind;
    } else if (open === kind && slash) {
      parts.push({ kind, text: pending + between, closed: true });
      pending = '';
      open = null;
    } else if (open === null && kind === 'think' && parts.length === 0 && pending === '') {
      parts.push({ kind: 'think', text: between, closed: true });
    } else pending += between + tag; // a tag out of place is text
  }
  const rest = pending + text.slice(start);
  pending = '';
  if (open !== null) parts.push({ kind: open, text: rest, closed: false });
  else outside(rest);
  return parts;
}
