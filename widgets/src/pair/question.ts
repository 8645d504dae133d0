/** One question of a step under two prompts: image and options above, the completions of each run in a column of its own. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { choicesOf, opensThink } from '@medr1/kernel-bridge/answers';
import { inlineChart, smallChartStyle } from '../charts/small-chart.ts';
import type { Completion, Group, QuestionHistory } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import {
  completionNumbers,
  completionStyles,
  completionText,
  isAnswerAlone,
  readingLabel,
  verdictChip,
  type Said,
} from '../rollouts/completion.ts';
import { goldText, summarise } from '../store/rollouts/model.ts';
import { base, DASHES, seriesColours, tokens } from '../theme.ts';
import type { PairedQuestion } from './model.ts';

const SPARK = { width: 120, height: 28 };

/** The dashes of the charts, as SVG has them. */
const STROKES: Record<(typeof DASHES)[number], string> = {
  solid: 'none',
  dash: '5 3',
  dot: '2 2',
  dashdot: '5 2 2 2',
  longdash: '8 3',
  longdashdot: '8 2 2 2',
};

const VERDICTS = { both: '✓✓ both right', left: '✓✗ only', right: '✗✓ only', none: '✗✗ neither' } as const;

/** Names and colours of the two runs. */
export interface Side {
  variant: string;
  /** Place in the palette. */
  colour: number;
}

export class PairQuestion extends WatchingElement {
  static override properties = {
    question: { attribute: false },
    sides: { attribute: false },
    history: { attribute: false },
    open: { type: Boolean, reflect: true },
    chosen: { attribute: false },
    thumb: { attribute: false },
    broken: { state: true },
  };
  static override shadowRootOptions = { ...WatchingElement.shadowRootOptions, delegatesFocus: true };
  declare question: PairedQuestion;
  declare sides: readonly [Side, Side];
  declare history: { left: QuestionHistory | null; right: QuestionHistory | null } | null;
  declare open: boolean;
  /** The selected completion. */
  declare chosen: { side: 'left' | 'right'; completion: number } | null;
  declare thumb: string | null;
  declare broken: string | null;

  constructor() {
    super();
    this.history = null;
    this.open = false;
    this.chosen = null;
    this.thumb = null;
    this.broken = null;
  }

  protected override render(): TemplateResult {
    const { left, right, outcome } = this.question;
    return html`<article>
      <header>
        ${this.#thumb()}
        <button
          class="quiet title"
          aria-expanded=${this.open}
          data-testid="pair-title"
          @click=${() => this.dispatchEvent(new CustomEvent('medr1-toggle', { bubbles: true, composed: true }))}
        >
          <span class="question">${left.question}</span>
          <span class="options small secondary">
            ${choicesOf(left.options).map(
              ({ letter, text }) => html`<span class=${letter === left.answer ? 'gold' : ''}>${letter}) ${text}</span>`,
            )}
          </span>
          <span class="facts small">
            <span class="chip" title="right answer">gold ${goldText(left)}</span>
            <span class="chip">${left.modality}</span>
            ${this.#outcome(outcome)} ${this.#count(left, 0)} ${right ? this.#count(right, 1) : nothing} ${this.#spark()}
          </span>
        </button>
      </header>
      ${this.open ? html`<div class="columns">${this.#column(left, 'left')}${this.#column(right, 'right')}</div>` : nothing}
    </article>`;
  }

  #outcome(outcome: PairedQuestion['outcome']): TemplateResult | typeof nothing {
    if (outcome === null) return nothing;
    const only = outcome === 'left' ? ` ${this.sides[0].variant}` : outcome === 'right' ? ` ${this.sides[1].variant}` : '';
    return html`<span data-testid="outcome" title="Right: more than half of the completions are">${VERDICTS[outcome]}${only}</span>`;
  }

  #count(group: Group, side: 0 | 1): TemplateResult {
    const { right, judged } = summarise(group);
    return html`<span class="number" title=${`completions of ${this.sides[side].variant} that answer right`}
      >${this.#key(side)} ${right}/${judged} ${readingLabel(group.reading)}</span
    >`;
  }

  /** The mark of a run's lines, here and in the charts: colour and dash. */
  #key(side: 0 | 1): TemplateResult {
    const { variant } = this.sides[side];
    return html`<svg class="key" width="16" height="8" aria-hidden="true">
        <line x1="0" y1="4" x2="16" y2="4" stroke=${this.#colour(side)} stroke-width="2" stroke-dasharray=${this.#dash(side)} />
      </svg>
      ${variant}`;
  }

  #dash(side: 0 | 1): string {
    return STROKES[DASHES[this.sides[side].colour % DASHES.length]];
  }

  #colour(side: 0 | 1): string {
    const colours = seriesColours();
    return colours[this.sides[side].colour % colours.length];
  }

  /** The share of right completions at each step that asked this question. */
  #spark(): TemplateResult | typeof nothing {
    const { history } = this;
    const both = [history?.left, history?.right].map((one) => one?.asked.filter(({ judged }) => judged > 0) ?? []);
    if (both.flat().length === 0) return nothing;
    const told = both.map((asked, side) => {
      const parts = asked.map(({ step, right, judged }) => `step ${step} ${right}/${judged}`);
      return `${this.sides[side].variant}: ${parts.length > 6 ? [...parts.slice(0, 3), '…', ...parts.slice(-3)].join(', ') : parts.join(', ')}`;
    });
    const marks = both.map((asked, side) => ({
      ...{ kind: 'line' as const, dots: true, colour: this.#colour(side as 0 | 1), dash: this.#dash(side as 0 | 1) },
      points: asked.map(({ step, right, judged }) => [step, right / judged] as const),
    }));
    return inlineChart({ marks, size: SPARK, y: [0, 1] }, `Right through training\n${told.join('\n')}`, 'pair-spark');
  }

  #thumb(): TemplateResult {
    const { thumb } = this;
    if (thumb === null || thumb === this.broken)
      return html`<span class="thumb none small secondary">${thumb === null ? 'no image' : 'image missing'}</span>`;
    return html`<img class="thumb" src=${thumb} alt="" loading="lazy" decoding="async" @error=${() => (this.broken = thumb)} />`;
  }

  #column(group: Group | null, side: 'left' | 'right'): TemplateResult {
    const at = side === 'left' ? 0 : 1;
    return html`<section aria-label=${this.sides[at].variant} data-testid=${`pair-${side}`}>
      <h4 class="small">${this.#key(at)}</h4>
      ${
        group === null
          ? html`<p class="secondary small">This run has not made the step yet.</p>`
          : html`<ol>
              ${group.completions.map((one) => this.#completion(group, one, side))}
            </ol>`
      }
    </section>`;
  }

  #completion(group: Group, one: Completion, side: 'left' | 'right'): TemplateResult {
    const { chosen } = this;
    const detail = { side, completion: one.index };
    const said: Said = { ...one, reading: group.reading, thinkOpen: opensThink(group.prompt) };
    const text = html`<div class="text">${completionText(said)}</div>`;
    const alone = isAnswerAlone(said); // then the answer stands in place of the verdict, which would say the same
    return html`<li
      class=${chosen?.side === side && chosen.completion === one.index ? 'chosen' : ''}
      data-testid="completion"
      @click=${() => this.dispatchEvent(new CustomEvent('medr1-completion', { detail, bubbles: true, composed: true }))}
    >
      ${completionNumbers(one, alone ? text : verdictChip(one, group.reading))} ${alone ? nothing : text}
    </li>`;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.title')?.focus();
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    smallChartStyle,
    css`
      :host {
        border-bottom: 1px solid var(--medr1-border);
        container-type: inline-size;
      }
      header {
        display: grid;
        grid-template-columns: 72px minmax(0, 1fr);
        align-items: start;
        padding: 4px;
      }
      .thumb {
        width: 64px;
        height: 64px;
        margin: 4px;
        object-fit: cover;
      }
      .thumb.none {
        display: grid;
        place-items: center;
        text-align: center;
        line-height: 1.1;
        border: 1px dashed var(--medr1-border);
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
        gap: 2px 12px;
        align-items: center;
      }
      .gold {
        color: var(--medr1-text);
        text-decoration: underline;
        text-underline-offset: 2px;
      }
      .facts .chip {
        white-space: normal;
      }
      .small-chart {
        border: 1px solid var(--medr1-border);
      }
      .key {
        vertical-align: middle;
      }
      .columns {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 8px;
        padding: 0 8px 8px;
      }
      @container (max-width: 560px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      h4 {
        margin: 0 0 4px;
      }
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 4px 8px;
        border-left: 2px solid var(--medr1-border);
        cursor: pointer;
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
    `,
  ];
}

define('medr1-pair-question', PairQuestion);
