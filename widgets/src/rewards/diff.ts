/** What differs between two sources, as lines. */
import { structuredPatch } from 'diff';
import { css, html, type TemplateResult } from 'lit';

/** Unchanged lines shown around a change. */
const CONTEXT = 3;

export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  /** Numbers of the line, from 1; null where a side has it not. */
  before: number | null;
  after: number | null;
  text: string;
  /** Lines left out before this one. */
  gap: boolean;
}

/** None where the sources are the same. */
export function diffOf(before: string, after: string): DiffLine[] {
  const { hunks } = structuredPatch('', '', before, after, undefined, undefined, { context: CONTEXT });
  return hunks.flatMap(({ oldStart, newStart, lines }, hunk) => {
    let [old, next] = [oldStart, newStart];
    return lines
      .filter((line) => !line.startsWith('\\')) // says only that a file ends without a line end
      .map((line, i): DiffLine => {
        const kind = line[0] === '+' ? 'added' : line[0] === '-' ? 'removed' : 'same';
        return {
          kind,
          before: kind === 'added' ? null : old++,
          after: kind === 'removed' ? null : next++,
          text: line.slice(1),
          gap: i === 0 && hunk > 0,
        };
      });
  });
}

const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

/** "+3 −1". */
export const diffSize = (lines: readonly DiffLine[]): string =>
  `+${lines.filter(({ kind }) => kind === 'added').length} −${lines.filter(({ kind }) => kind === 'removed').length}`;

export const diffView = (lines: readonly DiffLine[], label: string): TemplateResult =>
  html`<div class="diff" role="table" aria-label=${label} tabindex="0" data-testid="diff">
    ${lines.map(
      ({ kind, before, after, text, gap }) =>
        html`<div role="row" class=${`${kind} ${gap ? 'gap' : ''}`}>
          <span role="cell" class="at">${before}</span><span role="cell" class="at">${after}</span
          ><span role="cell" class="sign">${SIGNS[kind]}</span><code role="cell">${text}</code>
        </div>`,
    )}
  </div>`;

export const diffStyle = css`
  .diff {
    overflow: auto;
    max-height: 320px;
    border: 1px solid var(--medr1-border);
    font: var(--medr1-size-small) / 1.5 var(--medr1-font-code);
  }
  .diff [role='row'] {
    display: flex;
  }
  .diff .gap {
    border-top: 1px dashed var(--medr1-border);
  }
  .diff .at {
    flex: none;
    width: 4ch;
    padding-right: 1ch;
    text-align: right;
    color: var(--medr1-text-2);
    user-select: none;
  }
  .diff .sign {
    flex: none;
    width: 2ch;
    text-align: center;
  }
  .diff code {
    font: inherit;
    min-width: 0;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    padding-right: 1ch;
  }
  .diff .added {
    background: var(--medr1-right-surface);
  }
  .diff .removed {
    background: var(--medr1-wrong-surface);
  }
`;
