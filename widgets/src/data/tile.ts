/** One question in the grid. All text here comes from data sets: it is only ever put in text nodes. */
import { choicesOf } from '@medr1/kernel-bridge/answers';
import { css, html, nothing, type TemplateResult } from 'lit';
import { problemText } from '@medr1/kernel-bridge/protocol/problems';
import type { DataItem, RunAnswer } from '../connector.ts';
import { clampAspect } from './layout.ts';
import { mark, marked, markStyles, pieces } from '../marked.ts';
import type { Terms } from './highlight.ts';
import { thumb } from './thumb.ts';

/** Heights of what stands under an image: two lines of the question, one of the options; and a line of badges, where tiles have any. */
export const CAPTION = 54;
export const BADGES = 20;

/** Where a tile is, in pixels of the grid. */
export interface Box {
  x: number;
  y: number;
  width: number;
  /** Of the image. */
  height: number;
}

export interface TileView extends Box {
  index: number;
  count: number;
  active: boolean;
  picked: boolean;
  /** Tiles have a line of badges. */
  badged: boolean;
  terms: Terms;
  /** Address of the image; null when there is none. */
  url: string | null;
  /** Runs in the order of their colours, with their names. */
  runs: readonly { id: string; name: string; colour: string }[];
  /** The image could not be fetched. */
  broken: boolean;
  onBroken: () => void;
}

const ANSWERS: Record<RunAnswer, [glyph: string, says: string]> = {
  right: ['✓', 'all answers right'],
  wrong: ['✗', 'no answer right'],
  mixed: ['◐', 'some answers right'],
};

const UNASKED: [string, string] = ['·', 'was not asked this yet'];

export function tile(item: DataItem, view: TileView): TemplateResult {
  const { terms } = view;
  return html`<div
    class=${`tile${view.active ? ' active' : ''}${view.picked ? ' picked' : ''}`}
    role="option"
    id=${`item-${view.index}`}
    aria-selected=${view.picked}
    aria-setsize=${view.count}
    aria-posinset=${view.index + 1}
    data-index=${view.index}
    data-item=${item.id}
    data-testid="data-item"
    style=${place(view, view.badged)}
  >
    <div class="picture" style=${`height:${view.height}px`}>
      ${picture(item, view)} ${view.picked ? html`<span class="tick" aria-hidden="true">✓</span>` : nothing}
    </div>
    ${view.badged ? html`<div class="badges small">${badges(item, view)}</div>` : nothing}
    <div class="question" title=${item.question}>${marked(item.question, terms.question)}</div>
    <div class="options small secondary ellipsis" title=${optionsText(item)}>${options(item, terms.options)}</div>
  </div>`;
}

/** A place that is known to hold a question, before the question is here. */
export const emptyTile = (box: Box, badged: boolean): TemplateResult =>
  html`<div class="tile waiting" style=${place(box, badged)}><div class="picture" style=${`height:${box.height}px`}></div></div>`;

const place = ({ x, y, width, height }: Box, badged: boolean): string =>
  `left:${x}px;top:${y}px;width:${width}px;height:${height + CAPTION + (badged ? BADGES : 0)}px`;

function picture(item: DataItem, { url, broken, onBroken }: TileView): TemplateResult {
  if (broken || url === null) {
    const why = broken ? 'The image could not be read.' : item.problem ? problemText(item.problem) : 'No image.';
    return html`<span class="none small" title=${why}><span class="warning" aria-hidden="true">⚠</span> ${why}</span>`;
  }
  const whole = item.width !== null && item.height !== null && clampAspect(item.width, item.height) === item.width / item.height;
  return html`<img ${thumb(url)} class=${whole ? 'whole' : ''} alt="" decoding="async" draggable="false" @error=${onBroken} />`;
}

function badges(item: DataItem, { runs }: TileView): unknown[] {
  const list: unknown[] = [];
  if (item.group && item.group.length > 1)
    list.push(html`<span class="chip" title="Questions on this image that pass the filter">${item.group.length} questions</span>`);
  if (item.problem) list.push(html`<span class="warning" title=${problemText(item.problem)}>⚠ ${item.problem}</span>`);
  for (const run of runs) {
    const answer = item.answers?.[run.id];
    const [glyph, says] = answer ? ANSWERS[answer] : UNASKED;
    list.push(
      html`<span
        class=${`answer ${answer ?? ''}`}
        style=${`--run:${run.colour}`}
        role="img"
        title=${`${run.name}: ${says}`}
        aria-label=${`${run.name}: ${says}`}
        >${glyph}</span
      >`,
    );
  }
  for (const tag of item.tags ?? []) list.push(html`<span class="chip tag" title=${item.note ? `Tag; ${item.note}` : 'Tag'}>${tag}</span>`);
  if (item.note && (item.tags ?? []).length === 0) list.push(html`<span class="secondary" title=${item.note}>✎ note</span>`);
  const sides = new Set(item.splits.map(sideOf));
  for (const side of sides) {
    const of = item.splits.filter((split) => sideOf(split) === side);
    list.push(html`<span class="chip" title=${`In ${of.join(', ')}`}>${side}</span>`);
  }
  return list;
}

/** What a split's name says of its side: modality/train/OCT -> train. */
const sideOf = (split: string): string => /(^|\/)(train|test|validation)(\/|$)/.exec(split)?.[2] ?? split;

const optionsText = ({ options, answer }: DataItem): string =>
  choicesOf(options)
    .map(({ letter, text }) => `${letter}) ${text}${letter === answer ? ' (right)' : ''}`)
    .join('\n');

/** Options in one line; those that a search matches come first, so that the match is seen. */
function options({ options, answer }: DataItem, term: RegExp | null): unknown[] {
  const list = choicesOf(options).map(({ letter, text }) => ({ letter, parts: pieces(text, term) }));
  const ordered = [...list.filter(({ parts }) => parts.length > 1), ...list.filter(({ parts }) => parts.length === 1)];
  return ordered.map(({ letter, parts }) => html`<span class=${letter === answer ? 'gold' : ''}>${letter}) ${mark(parts)}</span>${' '}`);
}

export const tileStyles = css`
  .tile {
    position: absolute;
    overflow: hidden;
    contain: strict;
    cursor: default;
    user-select: none;
    border-radius: 2px;
  }
  .picture {
    position: relative;
    overflow: hidden;
    background: var(--medr1-surface-2);
  }
  .picture img {
    display: block;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  /* Its tile has its aspect, but for the pixel that makes the row full. */
  .picture img.whole {
    object-fit: cover;
  }
  /* Before it is loaded an image has no size of its own to show. */
  .picture img:not([src]) {
    visibility: hidden;
  }
  .picture .none {
    display: grid;
    align-content: center;
    justify-items: center;
    height: 100%;
    padding: 8px;
    text-align: center;
    border: 1px dashed var(--medr1-border);
    overflow: hidden;
    overflow-wrap: anywhere;
    color: var(--medr1-text-2);
  }
  .tile.active .picture::after,
  .tile.picked .picture::after {
    position: absolute;
    inset: 0;
    content: '';
    box-shadow: inset 0 0 0 2px var(--medr1-accent);
  }
  .tile.picked {
    background: var(--medr1-think-surface);
  }
  .tick {
    position: absolute;
    top: 4px;
    right: 4px;
    width: 18px;
    height: 18px;
    line-height: 18px;
    text-align: center;
    font-size: 12px;
    border-radius: 9px;
    color: var(--medr1-primary-text);
    background: var(--medr1-primary);
  }
  .badges {
    display: flex;
    gap: 4px;
    height: 20px;
    padding: 2px 2px 0;
    overflow: hidden;
    white-space: nowrap;
  }
  .badges .chip {
    flex: none;
    font-size: 11px;
    line-height: 15px;
  }
  .badges .warning {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    font-size: 11px;
  }
  .answer {
    flex: none;
    min-width: 14px;
    text-align: center;
    border-bottom: 2px solid var(--run); /* the run's colour, as on the curves; runs keep their places */
    font-weight: 600;
  }
  .answer.right {
    color: var(--medr1-right);
  }
  .answer.wrong {
    color: var(--medr1-wrong);
  }
  .answer.mixed {
    color: var(--medr1-warn-text);
  }
  .question {
    display: -webkit-box;
    height: 34px;
    padding: 0 2px;
    line-height: 17px;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    overflow-wrap: anywhere;
  }
  .options {
    height: 18px;
    padding: 0 2px;
    line-height: 18px;
    font-size: 11px;
  }
  .gold {
    text-decoration: underline;
    text-underline-offset: 2px;
  }
  ${markStyles}
`;
