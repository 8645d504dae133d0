/** Two completions held against each other, word by word. Text nodes only. */
import { diffWordsWithSpace } from 'diff';
import { css, html, type TemplateResult } from 'lit';
import { readable } from '../marked.ts';

/** Longest that two texts are compared; those that differ in nearly everything take longest. */
const PATIENCE_MS = 200;

/** `text` with what it has beside `base` marked, and what it lacks struck out. */
export function differences(base: string, text: string): TemplateResult {
  const parts = diffWordsWithSpace(readable(base), readable(text), { timeout: PATIENCE_MS });
  if (parts === undefined)
    return html`<span class="text">${readable(text)}</span> <span class="small secondary">too long to be compared word by word</span>`;
  const words = parts.map(({ added, removed, value }) =>
    added ? html`<ins>${value}</ins>` : removed ? html`<del>${value}</del>` : html`<span>${value}</span>`,
  );
  return html`<div class="text" data-testid="differences">${words}</div>`;
}

export const differencesStyle = css`
  ins {
    text-decoration: underline;
    text-underline-offset: 2px;
    background: var(--medr1-right-surface);
    color: var(--medr1-right);
  }
  del {
    background: var(--medr1-wrong-surface);
    color: var(--medr1-wrong);
  }
`;
