/** Texts of models and data sets as they are read, and in them what a search found, marked where it stands. */
import { printableLines } from '@medr1/kernel-bridge/protocol/printable';
import { css, html, type TemplateResult } from 'lit';

/** What turns letters round, and control characters, as escapes: obeyed, one would show the rest of a line, a verdict in it too, in another order. */
export const readable = (text: string): string => printableLines(text.replaceAll('\r\n', '\n'));

/** The text in pieces: every second one matches, the first may be empty. Joined they are the text. */
export function pieces(text: string, term: RegExp | null): string[] {
  if (!term) return [text];
  const found: string[] = [];
  let end = 0;
  for (const match of text.matchAll(term)) {
    found.push(text.slice(end, match.index), match[0]);
    end = match.index + match[0].length;
  }
  return [...found, text.slice(end)];
}

/** Texts that follow each other, each in pieces as above: a match may go over several of them. */
export function piecesOver(texts: readonly string[], term: RegExp | null): string[][] {
  const matches = term ? [...texts.join('').matchAll(term)].map((match) => [match.index, match.index + match[0].length] as const) : [];
  let start = 0;
  return texts.map((text) => {
    const end = start + text.length;
    const found: string[] = [];
    let done = start;
    for (const [from, to] of matches) {
      if (from >= end || to <= start) continue;
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      found.push(text.slice(done - start, first - start), text.slice(first - start, last - start));
      done = last;
    }
    const all = [...found, text.slice(done - start)];
    start = end;
    return all;
  });
}

export const mark = (parts: readonly string[]): (string | TemplateResult)[] =>
  parts.map((part, at) => (at % 2 === 1 ? html`<mark>${readable(part)}</mark>` : readable(part)));

export const marked = (text: string, term: RegExp | null): (string | TemplateResult)[] => mark(pieces(text, term));

export const markStyles = css`
  mark {
    color: var(--medr1-text);
    background: var(--medr1-hit);
  }
`;
