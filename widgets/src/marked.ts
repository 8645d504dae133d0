/** What a search found, marked where it stands. The text itself is never changed. */
import { css, html, type TemplateResult } from 'lit';

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

export const mark = (parts: readonly string[]): (string | TemplateResult)[] =>
  parts.map((part, at) => (at % 2 === 1 ? html`<mark>${part}</mark>` : part));

export const marked = (text: string, term: RegExp | null): (string | TemplateResult)[] => mark(pieces(text, term));

export const markStyles = css`
  mark {
    color: var(--medr1-text);
    background: var(--medr1-hit);
  }
`;
