/** How a completion reads, in every view: thinking apart, the answer as a chip, what stands outside the tags marked. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { splitCompletion, type Part } from '../store/rollouts/parse.ts';

export const glyph = (correct: boolean | null): string => (correct === null ? '?' : correct ? '✓' : '✗');

/** The parts of a completion; its first answer is marked right or wrong. */
export function completionText(text: string, correct: boolean | null): TemplateResult[] {
  const parts = splitCompletion(text);
  const first = parts.findIndex(({ kind }) => kind === 'answer');
  return parts.map((part, index) => partOf(part, index === first ? correct : null));
}

function partOf({ kind, text, closed }: Part, correct: boolean | null): TemplateResult {
  const end = closed
    ? html`<span class="tag">&lt;/${kind}&gt;</span>`
    : html`<span class="warning small" title="closing tag missing"> ⚠ unclosed</span>`;
  switch (kind) {
    case 'think':
      return html`<span class="think" data-part="think"><span class="tag">&lt;think&gt;</span>${text}${end}</span> `;
    case 'answer':
      return html`<span class=${`chip answer ${correct === null ? '' : correct ? 'right' : 'wrong'}`} data-part="answer"
        >${correct === null ? '' : `${glyph(correct)} `}${text.trim()}${closed ? nothing : end}</span
      > `;
    case 'outside':
      return html`<span class="warning small" aria-hidden="true">⚠</span
        ><s class="outside" data-part="outside" title="Outside the tags">${text}</s> `;
  }
}

/** For an element of class `text` around a completion. */
export const completionStyles = css`
  .text {
    font-family: var(--medr1-font-text);
    font-size: var(--medr1-size);
    line-height: 1.5;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .think {
    padding: 1px 4px;
    color: var(--medr1-think);
    background: var(--medr1-think-surface);
    box-decoration-break: clone;
    -webkit-box-decoration-break: clone;
  }
  .tag {
    font-family: var(--medr1-font-code);
    font-size: 11px;
    opacity: 0.75;
  }
  .answer {
    margin: 0 2px;
    white-space: pre-wrap;
    font-size: inherit;
  }
  .outside {
    color: var(--medr1-warn-text);
  }
`;
