/** Tokens of a completion, coloured by what is stored of them; the numbers are shown for the one under pointer or cursor. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { number, percent, signed } from '../format.ts';
import { base, tokens } from '../theme.ts';

/** What tokens can be coloured by: what is stored with every rollout, and nothing else. */
export const COLOURINGS = { off: 'off', logprob: 'log-probability', advantage: 'advantage' } as const;
export type Colouring = keyof typeof COLOURINGS;

/** Probability at which a token is shaded fully. */
const LEAST = 0.02;

/** 0 for a certain token, 1 for one of 2 % or less; in between by its log-probability. */
export function surprise(logprob: number): number {
  return Math.min(1, Math.max(0, logprob / Math.log(LEAST)));
}

/** Advantage at which a token is coloured fully: two standard deviations of its group. */
const MOST = 2;

/** -1 to 1, by how far an advantage is below or above its group. */
export const strength = (advantage: number): number => Math.min(1, Math.max(-1, advantage / MOST));

/** Line ends and spaces at the ends, made visible. */
export const visible = (text: string): string => text.replaceAll('\n', '⏎').replace(/^ +| +$/g, (spaces) => '·'.repeat(spaces.length));

/** What the colours mean; to be styled by `legendStyles`. */
export const legend = (colouring: Exclude<Colouring, 'off'>): TemplateResult =>
  colouring === 'logprob'
    ? html`<span class="secondary">shaded by surprise: </span><span class="scale" aria-hidden="true"></span
        ><span class="secondary">certain to 2 % or less; point at a token for its numbers</span>`
    : html`<span class="secondary">advantage −${MOST}</span><span class="scale two" aria-hidden="true"></span
        ><span class="secondary">+${MOST}; all tokens of a completion have its advantage</span>`;

export const legendStyles = css`
  .scale {
    display: inline-block;
    width: 48px;
    height: 10px;
    margin: 0 4px;
    background: linear-gradient(to right, transparent, color-mix(in srgb, var(--medr1-warn-text) 50%, transparent));
    border: 1px solid var(--medr1-border);
  }
  .scale.two {
    background: linear-gradient(
      to right,
      color-mix(in srgb, var(--medr1-wrong) 50%, transparent),
      transparent,
      color-mix(in srgb, var(--medr1-right) 50%, transparent)
    );
  }
`;

export class TokenStrip extends WatchingElement {
  static override properties = {
    texts: { attribute: false },
    logprobs: { attribute: false },
    colouring: { attribute: false },
    advantage: { attribute: false },
    token: { attribute: false },
    bare: { type: Boolean, reflect: true },
    pointed: { state: true },
  };
  declare texts: readonly string[];
  /** One per token, of the distribution it was sampled from. */
  declare logprobs: readonly number[];
  declare colouring: Exclude<Colouring, 'off'>;
  /** Of the completion: the policy gradient weighs each of its tokens by it. Null where there is none. */
  declare advantage: number | null;
  /** The chosen token; a move by key or click is told by `medr1-token`. */
  declare token: number | null;
  /** Without a legend of its own; the numbers lie over what is below. */
  declare bare: boolean;
  /** The token under the pointer. */
  declare pointed: number | null;

  constructor() {
    super();
    this.texts = [];
    this.logprobs = [];
    this.colouring = 'logprob';
    this.advantage = null;
    this.token = null;
    this.bare = false;
    this.pointed = null;
  }

  protected override identity(): PropertyKey[] {
    return ['texts', 'logprobs', 'colouring', 'advantage', 'token'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!changed.has('texts')) return;
    this.pointed = null;
    if (!changed.has('token') && this.token !== null && this.token >= this.texts.length) this.token = null;
  }

  protected override render(): TemplateResult {
    const { texts, token, colouring } = this;
    return html`<div
        class=${`strip ${colouring}`}
        tabindex="0"
        role="group"
        aria-label="Tokens; left and right walk them"
        @keydown=${this.#onKey}
        @mouseleave=${() => (this.pointed = null)}
      >
        ${texts.map(
          (text, index) =>
            html`<span
              class=${index === (this.pointed ?? token) ? 'token at' : 'token'}
              style=${this.#shade(index)}
              data-testid="token"
              @mouseenter=${() => (this.pointed = index)}
              @click=${() => this.#choose(index)}
              >${text}</span
            >`,
        )}
      </div>
      <p class="reading small" data-testid="token-reading" aria-live="polite">${this.#reading()}</p>`;
  }

  #shade(index: number): string {
    if (this.colouring === 'logprob') return `--share:${surprise(this.logprobs[index] ?? 0).toFixed(3)}`;
    const share = strength(this.advantage ?? 0);
    return `--share:${Math.abs(share).toFixed(3)};--colour:var(${share < 0 ? '--medr1-wrong' : '--medr1-right'})`;
  }

  #reading(): TemplateResult | typeof nothing {
    const { texts, logprobs, advantage } = this;
    const at = this.pointed ?? this.token;
    if (at === null || at >= texts.length) return this.bare ? nothing : legend(this.colouring);
    const logprob = logprobs[at];
    return html`<span class="secondary number">token ${at + 1} of ${texts.length}</span> <code>${visible(texts[at])}</code> ${
        logprob === undefined
          ? nothing
          : html`<span class="number">log p ${number(logprob)}</span> <span class="number">p ${percent(Math.exp(logprob))}</span>`
      }
      ${advantage === null ? nothing : html`<span class="number" title="of the completion, the same for each of its tokens">A ${signed(advantage)}</span>`}`;
  }

  #choose(index: number): void {
    this.token = index;
    this.dispatchEvent(new CustomEvent('medr1-token', { detail: index, bubbles: true, composed: true }));
  }

  #onKey = (event: KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way || this.texts.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.pointed = null;
    const from = this.token ?? (way > 0 ? -1 : this.texts.length);
    this.#choose(Math.min(this.texts.length - 1, Math.max(0, from + way)));
  };

  static override styles = [
    tokens,
    base,
    legendStyles,
    css`
      :host {
        position: relative;
        background: none;
      }
      .strip {
        padding: 2px;
        font-family: var(--medr1-font-text);
        line-height: 1.7;
        overflow-wrap: anywhere;
      }
      .token {
        white-space: pre-wrap; /* the tokens' own; what stands between their elements is nobody's */
        padding: 1px 0;
        border-radius: 2px;
        --colour: var(--medr1-warn-text);
        background: color-mix(in srgb, var(--colour) calc(var(--share) * 50%), transparent);
      }
      .token.at {
        outline: 1px solid var(--medr1-accent);
      }
      .reading {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: center;
        min-height: 20px;
        margin: 2px 0 0;
      }
      :host([bare]) .reading {
        position: absolute;
        top: 100%;
        left: 0;
        z-index: 3;
        padding: 0 6px;
        background: var(--medr1-surface);
        border: 1px solid var(--medr1-border);
      }
      :host([bare]) .reading:empty {
        display: none;
      }
      code {
        padding: 0 4px;
        font-family: var(--medr1-font-code);
        white-space: pre-wrap;
        background: var(--medr1-surface-2);
      }
    `,
  ];
}

define('medr1-tokens', TokenStrip);
