/** How a completion and its verdict read, in every view: thinking apart, the answer as a chip, what stands outside the tags marked. Text nodes only. */
import { answerStretch, splitCompletion, type Part, type Verdict } from '@medr1/kernel-bridge/answers';
import { READING_TEXTS } from '@medr1/kernel-bridge/protocol/reading-texts';
import type { ReadingName } from '@medr1/kernel-bridge/protocol/readings';
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Completion } from '../connector.ts';
import { direction, integer, number, signed } from '../format.ts';
import { tokenCount } from '../store/rollouts/model.ts';
import { marked, markStyles } from '../marked.ts';

export const glyph = (correct: boolean | null): string => (correct === null ? '?' : correct ? '✓' : '✗');

/** Class of what is right or wrong. */
export const judged = (correct: boolean | null): string => (correct === null ? '' : correct ? 'right' : 'wrong');

/** For titles: "right, by the reading exact: ...". */
export const verdictTitle = (correct: boolean | null, reading: ReadingName): string =>
  `${judged(correct) || 'not judged'}, by the reading ${reading}: ${READING_TEXTS[reading]}`;

/** The name of the reading that the verdicts beside it are under. */
export const readingLabel = (reading: ReadingName): TemplateResult =>
  html`<span class="small secondary" title=${`The reading ${reading}: ${READING_TEXTS[reading]}`} data-testid="reading">${reading}</span>`;

/** What was read and whether it is right. */
export const verdictChip = ({ prediction, correct }: Verdict, reading: ReadingName, none = '–'): TemplateResult =>
  html`<span class=${`chip ${judged(correct)}`} title=${verdictTitle(correct, reading)} data-testid="verdict"
    >${glyph(correct)} ${prediction ?? none}</span
  >`;

/** Advantage, `verdict`, rewards and length of a completion. */
export const completionNumbers = (one: Completion, verdict: TemplateResult): TemplateResult =>
  html`<div class="numbers small">
    <span class=${`number advantage ${direction(one.advantage)}`} title="advantage">${signed(one.advantage)}</span>
    ${verdict}
    ${Object.entries(one.rewards).map(
      ([name, value]) =>
        html`<span class="number" title=${`reward ${name}, unweighted`}><span class="secondary">${name}</span> ${number(value)}</span>`,
    )}
    ${tokenCount(one) > 0 ? html`<span class="number secondary">${integer(tokenCount(one))} tok</span>` : nothing}
    ${one.finish_reason === 'length' ? html`<span class="warning" title="Cut off at the longest length">⚠ cut off</span>` : nothing}
  </div>`;

/** What must be known of a completion to show it. */
export interface Said {
  text: string;
  correct: boolean | null;
  /** By which `correct` is. */
  reading: ReadingName;
  /** The prompt ends in `<think>`. */
  thinkOpen: boolean;
}

const partsOf = ({ text, thinkOpen }: Said): Part[] => splitCompletion(text, { thinkOpen });

/** Whether the reading took the answer from this part. */
export function isReadFrom({ reading, text }: Said): (part: Part) => boolean {
  const read = answerStretch(reading, text);
  return ({ from, text: { length } }) => read !== null && read.from >= from && read.to <= from + length;
}

/** The completion is nothing but the answer that the reading took: a verdict beside it would say the same twice. */
export function isAnswerAlone(said: Said): boolean {
  const [part, ...others] = partsOf(said);
  return part?.kind === 'answer' && others.length === 0 && isReadFrom(said)(part);
}

/** The parts of a completion. The answer that the reading took is marked right or wrong, where it is one of them. `term`: what was searched for. */
export function completionText(said: Said, term: RegExp | null = null): TemplateResult[] {
  const isRead = isReadFrom(said);
  return partsOf(said).map((part) => partOf(part, isRead(part) ? said.correct : null, term));
}

export const flaw = (text: string, title: string): TemplateResult => html`<span class="warning small" title=${title}> ⚠ ${text} </span>`;
const tag = (text: string, title: string | typeof nothing = nothing): TemplateResult =>
  html`<span class="tag" title=${title}>${text}</span>`;

function partOf({ kind, text, opened, closed }: Part, correct: boolean | null, term: RegExp | null): TemplateResult {
  const start = opened === 'nobody' ? flaw('no opening tag', 'opening tag missing') : nothing;
  const end = closed ? nothing : flaw('unclosed', 'closing tag missing');
  switch (kind) {
    case 'think':
      return html`<span class="think" data-part="think"
        >${
          opened === 'nobody'
            ? start
            : opened === 'prompt'
              ? html`<i class="implied">${tag('<think>', 'The prompt ends in this tag')}</i>`
              : tag('<think>')
        }${marked(text, term)}${closed ? tag('</think>') : end}</span
      > `;
    case 'answer':
      return html`<span class=${`chip answer ${judged(correct)}`} data-part="answer"
        >${start}${correct === null ? '' : `${glyph(correct)} `}${marked(text.trim(), term)}${end}</span
      > `;
    case 'outside':
      return html`<span class="warning small" aria-hidden="true">⚠</span
        ><s class="outside" data-part="outside" title="Outside the tags">${marked(text, term)}</s> `;
  }
}

/** For an element of class `text` around a completion. */
export const completionStyles = css`
  .numbers {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    align-items: center;
  }
  .advantage {
    min-width: 6ch;
    font-weight: 600;
  }
  .advantage.up {
    color: var(--medr1-right);
  }
  .advantage.down {
    color: var(--medr1-wrong);
  }
  .numbers .text {
    padding: 0;
  }
  ${markStyles}
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
    opacity: 0.88; /* the least that can be read on the surface of thinking */
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
