/** Tokens of a completion, coloured by what is stored of them; the numbers are shown for the one under pointer or cursor. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { exactly } from '@medr1/kernel-bridge/protocol/printable';
import type { Alternatives } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number, percent, signed, told } from '../format.ts';
import { heardStyle } from '../charts/small-chart.ts';
import { markStyles, piecesOver } from '../marked.ts';
import { base, tokens } from '../theme.ts';
import type { TokenAlternatives } from '../store/rollouts/alternatives.ts';
import { shade, type TokenFacts, type TokenQuantity } from '../store/rollouts/colouring.ts';
import { completionStyles, flaw, glyph, isReadFrom, judged, type Said } from './completion.ts';
import { legend, legendStyles } from './legend.ts';
import { stretches, type Stretch } from './stretches.ts';

/** How long a pointer has to rest on a token. */
const REST_MS = 300;

/** A probability, small ones too: "62 %", "0.4 %", "2.1e-6". */
export const share = (p: number): string => (p >= 0.01 ? percent(p) : p >= 1e-4 ? `${number(100 * p, 2)} %` : number(p, 2));

/** "policy of step 40 (that of step 39 is gone)": which one was asked. */
export function policyText({
  step,
  wanted_step: wanted,
  live,
  model,
}: Pick<Alternatives, 'step' | 'wanted_step' | 'live' | 'model'>): string {
  if (step === null) return model;
  const which = live
    ? `policy in training, after step ${integer(step)}`
    : step === 0
      ? 'the model that the run starts from'
      : `checkpoint of step ${integer(step)}`;
  return wanted === null || wanted === step ? which : `${which}, the nearest to step ${integer(wanted)}`;
}

/** Line ends, spaces at the ends and what has no shape of its own, made visible. */
export const visible = (text: string): string =>
  exactly(text.replaceAll('\n', '⏎')).replace(/^ +| +$/g, (spaces) => '·'.repeat(spaces.length));

export class TokenStrip extends WatchingElement {
  static override properties = {
    texts: { attribute: false },
    facts: { attribute: false },
    colouring: { attribute: false },
    token: { attribute: false },
    absent: { attribute: false },
    said: { attribute: false },
    term: { attribute: false },
    bare: { type: Boolean, reflect: true },
    alternatives: { attribute: false },
    pointed: { state: true },
  };
  declare texts: readonly string[];
  declare facts: TokenFacts;
  declare colouring: TokenQuantity;
  /** The chosen token; a move by key or click is told by `medr1-token`. */
  declare token: number | null;
  /** Why there is no colour; null where there is. */
  declare absent: string | null;
  /** The completion that they are of, so that its parts stay apart; null where that is not known. */
  declare said: Said | null;
  /** What was searched for. */
  declare term: RegExp | null;
  /** Without a legend of its own. */
  declare bare: boolean;
  /**
   * What could have been said in place of each token; null where nobody asked. It is asked for by `medr1-ponder`, where the pointer rests on a token or
   * the cursor is on one.
   */
  declare alternatives: TokenAlternatives | null;
  /** The token under the pointer. */
  declare pointed: number | null;

  constructor() {
    super();
    this.texts = [];
    this.facts = { logprobs: [] };
    this.colouring = 'logprob';
    this.token = null;
    this.absent = null;
    this.said = null;
    this.term = null;
    this.bare = false;
    this.alternatives = null;
    this.pointed = null;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#rest);
  }
  #rest: ReturnType<typeof setTimeout> | undefined;

  protected override identity(): PropertyKey[] {
    return ['texts', 'facts', 'colouring', 'token', 'absent', 'said', 'term'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!changed.has('texts')) return;
    this.pointed = null;
    if (!changed.has('token') && this.token !== null && this.token >= this.texts.length) this.token = null;
  }

  protected override render(): TemplateResult {
    return html`<div
        class="strip"
        tabindex="0"
        role="group"
        aria-label="Tokens; left and right walk them"
        @keydown=${this.#onKey}
        @mouseleave=${() => this.#point(null)}
      >
        <span class="heard" data-testid="heard">${this.said?.text ?? this.texts.join('')}</span>
        <span aria-hidden="true">${this.#parts()}</span>
      </div>
      <div class="reading small" data-testid="token-reading" aria-live="polite">${this.#reading()}</div>
      ${this.#instead()}`;
  }

  /** Thinking, answer and what stands outside the tags are told apart as in a completion that is not coloured. */
  #parts(): unknown[] {
    const { texts, said } = this;
    const pieces = piecesOver(texts, this.term);
    const isRead = said ? isReadFrom(said) : () => false;
    const all: Stretch[] = said ? stretches(texts, said) : [{ part: null, from: 0, to: texts.length }];
    return all.map(({ part, from, to }) => {
      const within = pieces.slice(from, to).map((parts, at) => this.#token(parts, from + at));
      if (part === null) return within;
      const start = part.kind !== 'outside' && part.opened === 'nobody' ? flaw('no opening tag', 'opening tag missing') : nothing;
      const end = part.closed ? nothing : flaw('unclosed', 'closing tag missing');
      const correct = part.kind === 'answer' && isRead(part) ? said!.correct : null;
      const kind = part.kind === 'answer' ? `chip answer ${judged(correct)}` : part.kind;
      return html`<span class=${kind} data-part=${part.kind}
        >${part.kind === 'outside' ? html`<span class="warning" aria-hidden="true">⚠</span>` : correct === null ? nothing : glyph(correct)}${start}${within}${end}</span
      >`;
    });
  }

  /** `parts`: every second one was searched for. */
  #token(parts: readonly string[], index: number): TemplateResult {
    const { share, colour, clipped } = shade(this.colouring, this.facts, index) ?? { share: 0, colour: '--medr1-scale', clipped: false };
    return html`<span
      class=${`token${clipped ? ' clipped' : ''}${index === (this.pointed ?? this.token) ? ' at' : ''}`}
      style=${`--share:${share.toFixed(3)};--colour:var(${colour})`}
      data-testid="token"
      @mouseenter=${() => this.#point(index)}
      @click=${() => this.#choose(index)}
      >${parts.map((part, at) => (at % 2 === 1 ? html`<mark>${part}</mark>` : part))}</span
    >`;
  }

  /** All that is stored of the token, whatever it is coloured by. */
  #reading(): TemplateResult | typeof nothing {
    const { texts, facts } = this;
    const at = this.pointed ?? this.token;
    if (at === null || at >= texts.length) return this.bare ? nothing : legend(this.colouring, this.absent);
    const logprob = facts.logprobs[at];
    const ratio = facts.ratio?.[at];
    const fact = (name: string, title: string, value: string): TemplateResult =>
      html`<span class="number" title=${title}><span class="secondary">${name}</span> ${value}</span>`;
    return html`<span class="secondary number">token ${at + 1} of ${texts.length}</span> <code>${visible(texts[at])}</code> ${
        logprob === undefined
          ? nothing
          : html`${fact('log p', 'log-probability when it was sampled, nats', number(logprob))}
            ${fact('p', 'its probability', percent(Math.exp(logprob)))}`
      }
      ${facts.entropy ? fact('H', 'entropy of the distribution it was drawn from, nats', number(facts.entropy[at])) : nothing}
      ${facts.kl ? fact('KL', 'k3 estimate of the divergence to the reference, nats', number(facts.kl[at])) : nothing}
      ${
        facts.ratio
          ? fact(
              'ratio',
              'probability at the last update, as a multiple of that when it was sampled',
              `${number(ratio)}${facts.clipped?.[at] ? ' clipped' : ''}`,
            )
          : nothing
      }
      ${facts.advantage === undefined ? nothing : fact('A', 'advantage of the completion, the same for each of its tokens', signed(facts.advantage))}`;
  }

  /** What could have been said at the token that is looked at, and which policy says so. */
  #instead(): TemplateResult | typeof nothing {
    const { alternatives } = this;
    const at = this.pointed ?? this.token;
    if (alternatives === null || at === null || at >= this.texts.length) return nothing;
    if (alternatives.status === 'loading')
      return html`<p class="instead small secondary" role="status">Asking the model what else it could have said …</p>`;
    if (alternatives.status === 'error')
      return html`<p class="instead small" role="alert" data-testid="alternatives-error">
        <span class="warning" aria-hidden="true">⚠</span> ${told(alternatives.error)}
      </p>`;
    const place = alternatives.value.places[at];
    if (!place) return nothing;
    const own = this.texts[at];
    return html`<div class="instead small" data-testid="alternatives">
      <ol aria-label=${`Likeliest tokens at place ${at + 1}`}>
        ${place.top.map(
          ({ text, logprob }) =>
            html`<li class=${text === own ? 'own' : ''} title=${text === own ? 'the token that was said' : nothing}>
              <code>${visible(text)}</code> <span class="number">${share(Math.exp(logprob))}</span>
            </li>`,
        )}
      </ol>
      <span class="secondary"
        >rank ${integer(place.rank)} of the one said, ${share(Math.exp(place.logprob))} now · ${policyText(alternatives.value)}</span
      >
    </div>`;
  }

  /** A pointer that rests on a token wants to know more of it. */
  #point(index: number | null): void {
    this.pointed = index;
    clearTimeout(this.#rest);
    if (index !== null) this.#rest = setTimeout(() => this.#ponder(), REST_MS);
  }

  #ponder(): void {
    this.dispatchEvent(new CustomEvent('medr1-ponder', { bubbles: true, composed: true }));
  }

  /** The keyboard walks the tokens. */
  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.strip')?.focus();
  }

  #choose(index: number): void {
    this.token = index;
    this.dispatchEvent(new CustomEvent('medr1-token', { detail: index, bubbles: true, composed: true }));
    this.#ponder();
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
    completionStyles,
    heardStyle,
    markStyles,
    css`
      :host {
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
        background: color-mix(in oklab, var(--colour) calc(pow(var(--share), 0.7) * var(--medr1-shade)), transparent);
      }
      /* the colour of the text is left to the shading's contrast */
      .think,
      .outside,
      .answer {
        color: inherit;
      }
      .outside {
        text-decoration: line-through var(--medr1-warn-text);
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
      .instead {
        margin: 2px 0 0;
      }
      .instead ol {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .instead .own code {
        outline: 1px solid var(--medr1-accent);
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
