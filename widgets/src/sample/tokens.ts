/** Tokens of a completion, each shaded by how unlikely the model thought it; the numbers are shown for the one under pointer or cursor. */
import { css, html, type PropertyValues, type TemplateResult } from 'lit';
import { define, WatchingElement } from '../element.ts';
import { number, percent } from '../format.ts';
import { base, tokens } from '../theme.ts';

/** Probability at which a token is shaded fully. */
const LEAST = 0.02;

/** 0 for a certain token, 1 for one of 2 % or less; in between by its log-probability. */
export function surprise(logprob: number): number {
  return Math.min(1, Math.max(0, logprob / Math.log(LEAST)));
}

/** Line ends and spaces at the ends, made visible. */
export const visible = (text: string): string => text.replaceAll('\n', '⏎').replace(/^ +| +$/g, (spaces) => '·'.repeat(spaces.length));

export class TokenStrip extends WatchingElement {
  static override properties = { texts: { attribute: false }, logprobs: { attribute: false }, at: { state: true } };
  declare texts: readonly string[];
  declare logprobs: readonly number[];
  /** The token whose numbers are shown. */
  declare at: number | null;

  constructor() {
    super();
    this.texts = [];
    this.logprobs = [];
    this.at = null;
  }

  protected override identity(): PropertyKey[] {
    return ['texts', 'logprobs'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (changed.has('texts')) this.at = null;
  }

  protected override render(): TemplateResult {
    const { texts, logprobs, at } = this;
    return html`<div
        class="strip"
        tabindex="0"
        role="group"
        aria-label="Tokens; left and right walk them"
        @keydown=${this.#onKey}
        @mouseleave=${() => (this.at = null)}
      >
        <!-- no white space of ours between tokens -->${texts.map(
          (text, index) =>
            html`<span
              class=${index === at ? 'token at' : 'token'}
              style=${`--surprise:${surprise(logprobs[index]).toFixed(3)}`}
              data-testid="token"
              @mouseenter=${() => (this.at = index)}
              >${text}</span
            >`,
        )}
      </div>
      <p class="reading small" data-testid="token-reading" aria-live="polite">
        ${
          at === null
            ? html`<span class="secondary">shaded by surprise: </span><span class="scale" aria-hidden="true"></span
                ><span class="secondary">certain to 2 % or less; point at a token for its numbers</span>`
            : html`<span class="secondary number">token ${at + 1} of ${texts.length}</span> <code>${visible(texts[at])}</code>
                <span class="number">log p ${number(logprobs[at])}</span>
                <span class="number">p ${percent(Math.exp(logprobs[at]))}</span>`
        }
      </p>`;
  }

  #onKey = (event: KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way || this.texts.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const from = this.at ?? (way > 0 ? -1 : this.texts.length);
    this.at = Math.min(this.texts.length - 1, Math.max(0, from + way));
  };

  static override styles = [
    tokens,
    base,
    css`
      .strip {
        padding: 2px;
        font-family: var(--medr1-font-text);
        line-height: 1.7;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .token {
        padding: 1px 0;
        border-radius: 2px;
        background: color-mix(in srgb, var(--medr1-warn-text) calc(var(--surprise) * 50%), transparent);
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
      .scale {
        width: 48px;
        height: 10px;
        background: linear-gradient(to right, transparent, color-mix(in srgb, var(--medr1-warn-text) 50%, transparent));
        border: 1px solid var(--medr1-border);
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
