/** A question over its completions, alike in every list of groups: image, words, options with the right one marked, facts. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { choicesOf, opensThink } from '@medr1/kernel-bridge/answers';
import type { Completion, Group } from '../connector.ts';
import { marked } from '../marked.ts';
import { goldText } from '../store/rollouts/model.ts';
import { completionNumbers, completionText, isAnswerAlone, verdictChip, type Said } from './completion.ts';

export interface Head {
  group: Group;
  open: boolean;
  toggle: () => void;
  /** What was searched for. */
  term?: RegExp | null;
  /** After gold answer and modality. */
  facts: unknown;
  thumb: TemplateResult;
}

export const questionHead = ({ group, open, toggle, term = null, facts, thumb }: Head): TemplateResult =>
  html`<header>
    ${thumb}
    <button class="quiet title" aria-expanded=${open} data-testid="question-title" @click=${toggle}>
      <span class="question">${marked(group.question, term)}</span>
      <span class="options small secondary">
        ${choicesOf(group.options).map(
          ({ letter, text }) => html`<span class=${letter === group.answer ? 'gold' : ''}>${letter}) ${marked(text, term)}</span>`,
        )}
      </span>
      <span class="facts small">
        ${group.answer === null ? nothing : goldChip(group)}
        ${group.modality === '' ? nothing : html`<span class="chip">${group.modality}</span>`} ${facts}
      </span>
    </button>
  </header>`;

/** Where there is little room, the letter alone: its text stands marked among the options. */
function goldChip(group: Group): TemplateResult {
  const [letter, ...text] = goldText(group).split(/(?=\))/);
  return html`<span class="chip" title="right answer">gold ${letter}<span class="word">${text.join('')}</span></span>`;
}

/** `address`: null where there is no image. `broken`: the address that did not load; `enlarge`: null where a click does nothing. */
export function thumbnail(
  address: string | null,
  broken: string | null,
  setBroken: (address: string) => void,
  enlarge: (() => void) | null,
): TemplateResult {
  if (address === null || address === broken)
    return html`<span class="thumb none small secondary">${address === null ? 'no image' : 'image missing'}</span>`;
  const image = html`<img src=${address} alt="" loading="lazy" decoding="async" @error=${() => setBroken(address)} />`;
  return enlarge
    ? html`<button class="quiet thumb" aria-label="Enlarge the image" @click=${enlarge}>${image}</button>`
    : html`<span class="thumb">${image}</span>`;
}

/** What must be known of a completion of a group to show it. */
export const saidOf = (one: Completion, { reading, prompt }: Group): Said => ({ ...one, reading, thinkOpen: opensThink(prompt) });

/** Numbers and text of a completion. `strip`: its tokens, in place of the text. */
export function completionBody(
  one: Completion,
  group: Group,
  term: RegExp | null = null,
  strip: TemplateResult | null = null,
): TemplateResult {
  const said = saidOf(one, group);
  const text = html`<div class="text">${completionText(said, term)}</div>`;
  // where there is nothing but the answer, it stands in place of the verdict, which would say the same
  const alone = strip === null && isAnswerAlone(said);
  return html`${completionNumbers(one, alone ? text : verdictChip(one, group.reading))} ${alone ? nothing : (strip ?? text)}`;
}

export const questionStyles = css`
  header {
    --thumb: 48px;
    display: grid;
    grid-template-columns: calc(var(--thumb) + 8px) minmax(0, 1fr);
    align-items: start;
    padding: 4px;
  }
  .thumb {
    display: block;
    width: var(--thumb);
    height: var(--thumb);
    padding: 0;
    margin: 4px;
    overflow: hidden;
  }
  button.thumb {
    cursor: zoom-in;
  }
  .thumb.none {
    display: grid;
    place-items: center;
    text-align: center;
    line-height: 1.1;
    font-size: 10px;
    border: 1px dashed var(--medr1-border);
  }
  .thumb img {
    width: 100%;
    height: 100%;
    object-fit: cover;
  }
  .title {
    display: grid;
    gap: 2px;
    width: 100%;
    padding: 4px;
    text-align: left;
    white-space: normal;
  }
  .question,
  .options span {
    overflow-wrap: anywhere;
  }
  .question {
    font-family: var(--medr1-font-text);
  }
  .options,
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
  }
  .facts {
    row-gap: 2px;
    align-items: center;
  }
  .facts .chip {
    white-space: normal;
  }
  .gold {
    color: var(--medr1-text);
    text-decoration: underline;
    text-underline-offset: 2px;
  }
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    padding: 4px 8px;
    border-left: 2px solid var(--medr1-border);
  }
  li + li {
    margin-top: 4px;
  }
  li.chosen {
    border-left-color: var(--medr1-accent);
    background: var(--medr1-surface-2);
  }
  li > .text {
    padding-top: 2px;
  }
`;
