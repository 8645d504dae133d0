/** One question of a step under two prompts: image and options above, the completions of each run in a column of its own. Text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { inlineChart, smallChartStyle } from '../charts/small-chart.ts';
import type { Completion, Group, QuestionHistory } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { completionStyles, readingLabel } from '../rollouts/completion.ts';
import { completionBody, questionHead, questionStyles, thumbnail } from '../rollouts/question.ts';
import { summarise } from '../store/rollouts/model.ts';
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
      ${questionHead({
        group: left,
        open: this.open,
        toggle: () => this.dispatchEvent(new CustomEvent('medr1-toggle', { bubbles: true, composed: true })),
        facts: html`${this.#outcome(outcome)} ${this.#count(left, 0)} ${right ? this.#count(right, 1) : nothing} ${this.#spark()}`,
        thumb: thumbnail(this.thumb, this.broken, (address) => (this.broken = address), null),
      })}
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
    return html`<li
      class=${chosen?.side === side && chosen.completion === one.index ? 'chosen' : ''}
      data-testid="completion"
      @click=${() => this.dispatchEvent(new CustomEvent('medr1-completion', { detail, bubbles: true, composed: true }))}
    >
      ${completionBody(one, group)}
    </li>`;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.title')?.focus();
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    questionStyles,
    smallChartStyle,
    css`
      :host {
        border-bottom: 1px solid var(--medr1-border);
        container-type: inline-size;
      }
      header {
        --thumb: 64px;
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
      li {
        cursor: pointer;
      }
    `,
  ];
}

define('medr1-pair-question', PairQuestion);
