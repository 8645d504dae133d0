/** "Try it": the question put to a model now, thinking and not thinking side by side. Answers are untrusted text: text nodes only. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { opensThink } from '@medr1/kernel-bridge/answers';
import type { Generation } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number } from '../format.ts';
import { failed } from '../parts.ts';
import { completionStyles, completionText, readingLabel, verdictChip } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import { BOUNDS, VARIANTS, type Answer, type AskModel, type Variant } from './ask.ts';
import { policyChoice } from './policy.ts';
import '../rollouts/tokens.ts';

const FIELDS: [key: keyof typeof BOUNDS, label: string, title: string][] = [
  ['num', 'answers', 'Answers to each variant'],
  ['temperature', 'temperature', '0 = greedy: the likeliest token each time'],
  ['max_new_tokens', 'max tokens', 'Longest answer in tokens'],
  ['seed', 'seed', 'Same seed, same answers; empty = a random one'],
];

export class SampleTry extends WatchingElement {
  static override properties = { model: { attribute: false }, asTokens: { state: true }, wrong: { state: true } };
  declare model: AskModel;
  /** Answers are shown as tokens with their log-probabilities. */
  declare asTokens: boolean;
  /** Fields that hold no number within bounds. */
  declare wrong: ReadonlySet<string>;

  constructor() {
    super();
    this.asTokens = false;
    this.wrong = new Set();
  }

  protected override identity(): PropertyKey[] {
    return ['model'];
  }

  protected override watched() {
    return [this.model.state];
  }

  protected override render(): TemplateResult {
    const { answers, running, askedOf } = this.model.state.value;
    const other = askedOf !== null && askedOf.key !== this.model.policy?.key;
    const shown = (Object.keys(VARIANTS) as Variant[]).filter((variant) => answers[variant]);
    return html`${this.#form()}
    ${
      shown.length > 0
        ? html`<p class="asked small" data-testid="asked-of">
              <b>${askedOf?.label}</b>
              ${other ? html`<span class="warning">Another model is chosen now: these are not its answers.</span>` : nothing}
            </p>
            <div class=${`answers${other ? ' other' : ''}`} aria-live="polite" aria-busy=${running}>
              ${shown.map((variant) => this.#answer(variant, answers[variant]!))}
            </div>`
        : nothing
    }`;
  }

  #form(): TemplateResult {
    const { variants, running } = this.model.state.value;
    const toggle = (variant: Variant): void =>
      this.model.set({ variants: variants.includes(variant) ? variants.filter((one) => one !== variant) : [...variants, variant] });
    const ready = this.model.policy !== null && variants.length > 0 && this.wrong.size === 0;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        if (ready && !running) void this.model.run();
      }}
    >
      <div class="row">
        ${policyChoice(this.model)}
        <span class="variants" role="group" aria-label="Variants">
          ${(Object.keys(VARIANTS) as Variant[]).map(
            (variant) =>
              html`<label
                ><input type="checkbox" .checked=${variants.includes(variant)} @change=${() => toggle(variant)} />${variant}</label
              >`,
          )}
        </span>
      </div>
      <div class="row">
        ${FIELDS.map(([key, label, title]) => this.#field(key, label, title))}
        ${
          running
            ? html`<button type="button" data-testid="try-cancel" @click=${() => this.model.cancel()}>Cancel</button>`
            : html`<button class="primary" ?disabled=${!ready} data-testid="try-run">Ask</button>`
        }
        <label class="switch"
          ><input type="checkbox" .checked=${this.asTokens} data-testid="as-tokens" @change=${() => (this.asTokens = !this.asTokens)} />show
          tokens</label
        >
      </div>
    </form>`;
  }

  #field(key: keyof typeof BOUNDS, label: string, title: string): TemplateResult {
    const value = this.model.state.value[key];
    const [least, most] = BOUNDS[key];
    return html`<label title=${`${title} (${least} to ${integer(most)})`}
      >${label}
      <input
        inputmode="decimal"
        class=${key}
        .value=${value === null ? '' : String(value)}
        placeholder=${key === 'seed' ? 'random' : ''}
        aria-invalid=${this.wrong.has(key)}
        data-testid=${`try-${key}`}
        @input=${(event: Event) => {
          const taken = this.model.setNumber(key, (event.target as HTMLInputElement).value);
          const next = new Set(this.wrong);
          if (taken) next.delete(key);
          else next.add(key);
          this.wrong = next;
        }}
    /></label>`;
  }

  #answer(variant: Variant, answer: Answer): TemplateResult {
    return html`<section data-testid="try-answer" data-variant=${variant}>
      <h4>${variant} ${answer.status === 'ready' ? this.#facts(answer.value) : nothing}</h4>
      ${
        answer.status === 'loading'
          ? html`<p class="secondary" role="status">The model answers; while it trains, after the step it is in …</p>`
          : answer.status === 'error'
            ? failed(answer.error, () => void this.model.run())
            : answer.value.completions.map((one) => this.#completion(one, answer.value))
      }
    </section>`;
  }

  #facts({ step, seconds, seed }: Generation): TemplateResult {
    return html`<span class="small secondary number">
      ${step === null ? nothing : html`step ${integer(step)} · `}${number(seconds)} s${seed === undefined ? nothing : html` · seed ${seed}`}
    </span>`;
  }

  #completion(one: Generation['completions'][number], { reading, prompt }: Generation): TemplateResult {
    return html`<article data-testid="try-completion">
      <div class="numbers small">
        ${verdictChip(one, reading, 'no answer')} ${readingLabel(reading)}
        <span class="number secondary">${integer(one.token_ids.length)} tokens</span>
        ${one.finish_reason === 'length' ? html`<span class="warning" title="Cut off at max tokens">⚠ cut off</span>` : nothing}
      </div>
      ${
        this.asTokens
          ? html`<medr1-tokens .texts=${one.tokens} .facts=${one}></medr1-tokens>`
          : html`<div class="text">${completionText({ ...one, reading, thinkOpen: opensThink(prompt.text) })}</div>`
      }
    </article>`;
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    css`
      .row,
      .variants {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
      }
      .row + .row {
        margin-top: 8px;
      }
      label {
        display: inline-flex;
        gap: 4px;
        align-items: center;
        min-width: 0;
      }
      .who select {
        min-width: 0;
        max-width: min(100%, 340px);
      }
      .directory {
        flex: 1 1 200px;
      }
      .row input:not([type='checkbox'], .directory) {
        width: 7ch;
        text-align: right;
      }
      .row input.seed {
        width: 11ch;
      }
      .switch {
        margin-left: auto;
      }
      .answers {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(240px, 100%), 1fr));
        gap: 12px;
        margin-top: 8px;
      }
      .asked {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        margin: 8px 0 0;
      }
      .answers.other {
        border-left: 3px solid var(--medr1-warn-text);
        padding-left: 4px;
      }
      .answers section {
        min-width: 0;
        padding-left: 8px;
        border-left: 2px solid var(--medr1-border);
      }
      h4 {
        margin: 0 0 4px;
        font-size: inherit;
        font-weight: 600;
      }
      h4 .small {
        font-weight: 400;
      }
      article + article {
        margin-top: 8px;
        padding-top: 8px;
        border-top: 1px solid var(--medr1-border);
      }
      .numbers {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        align-items: center;
        margin-bottom: 2px;
      }
      .message {
        padding: 0;
      }
    `,
  ];
}

define('medr1-try', SampleTry);
