/** A question in a cell, and what was said to it: image, words, options, each completion with its thinking and its answer. Text nodes only. */
import { choicesOf, opensThink } from '@medr1/kernel-bridge/answers';
import { css, html, nothing, type TemplateResult } from 'lit';
import { direction, integer, number, signed } from '../format.ts';
import { readable } from '../marked.ts';
import { completionStyles, completionText, isAnswerAlone, verdictChip, type Said } from '../rollouts/completion.ts';
import type { ShownCompletion, ShownGroup } from './messages.ts';
import type { Picture } from './model.ts';

export type Asked = Pick<ShownGroup, 'item_id' | 'image' | 'question' | 'options' | 'answer' | 'modality' | 'question_type'>;

export function question(group: Asked, picture: Picture | null): TemplateResult {
  return html`<header role="presentation" class="question">
    ${imageOf(group, picture)}
    <div class="words">
      <div class="text">${readable(group.question)}</div>
      <div class="options small secondary">
        ${choicesOf(group.options).map(
          ({ letter, text }) =>
            html`<span class=${letter === group.answer ? 'gold' : ''}
              >${letter}) ${readable(text)}${letter === group.answer ? ' ✓' : nothing}</span
            >`,
        )}
      </div>
      <div class="small secondary">${[group.modality, group.question_type, group.item_id].filter(Boolean).join(' · ')}</div>
    </div>
  </header>`;
}

function imageOf({ image, item_id }: Asked, picture: Picture | null): TemplateResult {
  if (!image) return html`<span class="thumb none small secondary">no image</span>`;
  if (!picture) return html`<span class="thumb none small secondary">image …</span>`;
  if (!picture.url) return html`<span class="thumb none small secondary" title=${picture.error ?? ''}>image missing</span>`;
  return html`<img class="thumb" src=${picture.url} alt=${`Image of ${item_id}`} decoding="async" />`;
}

export const completions = (group: ShownGroup, shown: readonly ShownCompletion[] = group.completions): TemplateResult =>
  html`<ol class="completions" tabindex="0" aria-label="Completions">
    ${shown.map((one) => completion(one, group))}
  </ol>`;

function completion(one: ShownCompletion, { reading, prompt }: ShownGroup): TemplateResult {
  const said: Said = { text: one.text, correct: one.correct, reading, thinkOpen: opensThink(prompt) };
  const text = html`<div class="text">${completionText(said)}</div>`;
  const alone = isAnswerAlone(said);
  return html`<li data-testid="completion">
    <div class="numbers small">
      ${
        one.advantage === null
          ? nothing
          : html`<span class=${`number advantage ${direction(one.advantage)}`} title="advantage">${signed(one.advantage)}</span>`
      }
      ${alone ? text : verdictChip(one, reading)}
      ${Object.entries(one.rewards).map(
        ([name, value]) =>
          html`<span class="number" title=${`reward ${name}, unweighted`}><span class="secondary">${name}</span> ${number(value)}</span>`,
      )}
      <span class="number secondary">${integer(one.tokens)} tok</span>
      ${one.finish_reason === 'length' ? html`<span class="warning" title="Cut off at the longest length">⚠ cut off</span>` : nothing}
    </div>
    ${alone ? nothing : text}
  </li>`;
}

export const rolloutStyles = css`
  ${completionStyles}
  .question {
    display: flex;
    gap: 8px;
    align-items: flex-start;
    padding: 4px 0;
  }
  .words {
    display: grid;
    gap: 2px;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .thumb {
    flex: none;
    width: 96px;
    height: 96px;
    object-fit: contain;
    background: var(--medr1-behind);
  }
  .thumb.none {
    display: grid;
    place-items: center;
    text-align: center;
    border: 1px dashed var(--medr1-border);
    background: none;
  }
  .options {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
  }
  .gold {
    color: var(--medr1-text);
    text-decoration: underline;
    text-underline-offset: 2px;
  }
  .completions {
    margin: 0;
    padding: 0;
    max-height: 320px;
    overflow: auto;
    list-style: none;
  }
  .completions li {
    padding: 4px 8px;
    border-left: 2px solid var(--medr1-border);
  }
  .completions li + li {
    margin-top: 4px;
  }
`;
