/**
 * "Try it": the question, as it stands or in other words, put to models now, thinking and not thinking side by side. What was tried before stays
 * below, with the models and settings that it was tried with. Answers are untrusted text: text nodes only.
 */
import { css, html, nothing, type TemplateResult } from 'lit';
import { choicesOf, letterOf, opensThink, optionsIn } from '@medr1/kernel-bridge/answers';
import { repeat } from 'lit/directives/repeat.js';
import type { Connector, Crop, DataItem, ExplainTarget, Generation } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number } from '../format.ts';
import { failed } from '../view-states.ts';
import { completionStyles, completionText, isAnswerAlone, readingLabel, verdictChip } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import { BOUNDS, editOf, MOST_POLICIES, VARIANTS, type AskModel } from './ask.ts';
import { policyChoice } from './policy.ts';
import type { Edit, Look, Try, TryAnswer, Variant } from '../store/tries.ts';
import type { AlternativesStore } from '../store/rollouts/alternatives.ts';
import type { Subject } from '../explain/model.ts';
import '../explain/view.ts';
import '../rollouts/tokens.ts';

const FIELDS: [key: keyof typeof BOUNDS, label: string, title: string][] = [
  ['num', 'answers', 'Answers to each variant'],
  ['temperature', 'temperature', '0 = greedy: the likeliest token each time'],
  ['max_new_tokens', 'max tokens', 'Longest answer in tokens'],
  ['seed', 'seed', 'Same seed, same answers; empty = a random one'],
];

export class SampleTry extends WatchingElement {
  static override properties = {
    model: { attribute: false },
    item: { attribute: false },
    connector: { attribute: false },
    image: { attribute: false },
    alternatives: { attribute: false },
    tokenOf: { state: true },
    asTokens: { state: true },
    wrong: { state: true },
  };
  declare model: AskModel;
  /** The question as it stands; null where it cannot be put in other words. */
  declare item: DataItem | null;
  /** Where questions about answers go; null where none can be asked. */
  declare connector: Connector | null;
  /** Address of the question's image. */
  declare image: (path: string) => string | null;
  declare alternatives: Pick<AlternativesStore, 'of' | 'ask' | 'changed'> | null;
  /** Chosen tokens, by answer. */
  declare tokenOf: ReadonlyMap<string, number>;
  /** Answers are shown as tokens with their log-probabilities. */
  declare asTokens: boolean;
  /** Fields that hold no number within bounds. */
  declare wrong: ReadonlySet<string>;

  constructor() {
    super();
    this.item = null;
    this.connector = null;
    this.image = () => null;
    this.alternatives = null;
    this.tokenOf = new Map();
    this.asTokens = false;
    this.wrong = new Set();
  }

  protected override identity(): PropertyKey[] {
    return ['model', 'alternatives'];
  }

  protected override watched() {
    return [this.model.state, ...(this.alternatives ? [this.alternatives.changed] : [])];
  }

  protected override render(): TemplateResult {
    const { tries } = this.model.state.value;
    return html`${this.#form()}
      <div aria-live="polite" aria-busy=${this.model.isRunning}>
        ${repeat(
          tries,
          ({ id }) => id,
          (one, at) => this.#try(one, at === 0),
        )}
      </div>`;
  }

  /** The newest stands open; those before are a line each. */
  #try(one: Try, newest: boolean): TemplateResult {
    const { policy } = this.model;
    const other = newest && one.answers.every(({ policy: { key } }) => key !== policy?.key);
    const models = [...new Set(one.answers.map(({ policy: { heading } }) => heading))];
    return html`<details class="try" ?open=${newest} data-testid="try">
      <summary class="small">
        <b>${models.join(' | ')}</b> <span class="secondary">${settingsText(one)}</span>
        ${other ? html`<span class="warning">Another model is chosen now: these are not its answers.</span>` : nothing}
      </summary>
      ${
        one.running
          ? nothing
          : html`<button
              type="button"
              class="quiet link small"
              aria-label=${`Forget the answers of ${models.join(' and ')}`}
              data-testid="forget-try"
              @click=${() => this.model.forget(one.id)}
            >
              forget
            </button>`
      }
      ${one.edit ? html`<p class="small asked-words" data-testid="asked-words">${one.edit.question} <span class="secondary">${imageText(one.edit)}</span></p>` : nothing}
      <div class=${`answers${other ? ' other' : ''}`}>${one.answers.map((answer) => this.#answer(answer, models.length > 1))}</div>
    </details>`;
  }

  #form(): TemplateResult {
    const { variants, edit } = this.model.state.value;
    const running = this.model.isRunning;
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
      ${this.#beside()} ${edit ? this.#words(edit) : nothing} ${this.#look()}
      <div class="row">
        ${FIELDS.map(([key, label, title]) => this.#field(key, label, title))}
        ${
          running
            ? html`<button type="button" data-testid="try-cancel" @click=${() => this.model.cancel()}>Cancel</button>`
            : html`<button class="primary" ?disabled=${!ready} data-testid="try-run">Ask</button>`
        }
        ${
          this.item && !edit
            ? html`<button type="button" data-testid="edit-question" @click=${() => this.model.edit(editOf(this.item!))}>
                Other words or image …
              </button>`
            : nothing
        }
        ${this.#scored()}
        <label class="switch"
          ><input type="checkbox" .checked=${this.asTokens} data-testid="as-tokens" @change=${() => (this.asTokens = !this.asTokens)} />show
          tokens</label
        >
      </div>
    </form>`;
  }

  /** Further models, asked the same. */
  #beside(): TemplateResult | typeof nothing {
    const { policies, beside } = this.model.state.value;
    const others = policies.filter(({ key }) => key !== this.model.policy?.key);
    if (others.length === 0) return nothing;
    const count = this.model.asked.length - 1;
    return html`<details class="beside" data-testid="try-beside">
      <summary class="small">${count > 0 ? `${count} more beside it` : 'Others beside it'}</summary>
      <div role="group" aria-label="Also ask">
        ${others.map(
          ({ key, label }) =>
            html`<label
              ><input type="checkbox" data-policy=${key} .checked=${beside.includes(key)} @change=${() => this.model.toggleBeside(key)} />
              ${label}</label
            >`,
        )}
      </div>
      <p class="small secondary">At most ${MOST_POLICIES} answer at once; the same question, prompt and settings for all.</p>
    </details>`;
  }

  #scored(): TemplateResult | typeof nothing {
    const { scorer } = this.model;
    const { scored } = this.model.state.value;
    if (!scorer) return nothing;
    return html`<label class="ellipsis" title="The answers are scored by the run's reward functions, as they are in force"
      ><input type="checkbox" .checked=${scored} data-testid="try-scored" @change=${() => this.model.set({ scored: !scored })} />
      <span class="ellipsis">rewards of ${scorer.name}</span></label
    >`;
  }

  /** What of the image the model is shown: drawn on the image, or by numbers here. */
  #look(): TemplateResult | typeof nothing {
    const { look, edit } = this.model.state.value;
    const { blank, crop } = look;
    if ((edit?.image ?? this.item?.image ?? '') === '') return nothing;
    return html`<div class="row" role="group" aria-label="What of the image the model sees">
      <label title="The model sees grey in the image's place, as much of it"
        ><input type="checkbox" .checked=${blank} data-testid="try-blank" @change=${() => this.model.look({ blank: !blank })} />grey in
        place of the image</label
      >
      ${
        crop
          ? html`<span class="small secondary">a part of it, in pixels:</span>
              ${(['left', 'top', 'width', 'height'] as const).map((side) => this.#side(crop, side))}
              <button type="button" data-testid="try-whole" @click=${() => this.model.look({ crop: null })}>All of it</button>`
          : nothing
      }
    </div>`;
  }

  #side(crop: Crop, side: keyof Crop): TemplateResult {
    const least = side === 'left' || side === 'top' ? 0 : 1;
    return html`<label
      >${side}
      <input
        type="number"
        min=${least}
        step="1"
        .value=${String(crop[side])}
        data-testid=${`crop-${side}`}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          const value = Number(input.value);
          if (input.value !== '' && Number.isInteger(value) && value >= least) this.model.look({ crop: { ...crop, [side]: value } });
          else input.value = String(crop[side]);
        }}
    /></label>`;
  }

  #words(edit: Edit): TemplateResult {
    const change = (part: Partial<Edit>): void => this.model.edit({ ...edit, ...part });
    const own = this.item?.image ?? '';
    return html`<div class="words" data-testid="words">
      <label class="block"
        >question and options
        <textarea
          rows="3"
          maxlength="20000"
          data-testid="question-words"
          .value=${edit.question}
          @input=${(event: Event) => change({ question: (event.target as HTMLTextAreaElement).value })}
        ></textarea>
      </label>
      <div class="row">
        <label
          >image
          <input
            class="directory"
            spellcheck="false"
            placeholder="no image"
            title="Path inside the data set"
            data-testid="question-image"
            .value=${edit.image}
            @change=${(event: Event) => change({ image: (event.target as HTMLInputElement).value.trim() })}
        /></label>
        <button type="button" ?disabled=${edit.image === ''} data-testid="no-image" @click=${() => change({ image: '' })}>No image</button>
        <button type="button" ?disabled=${edit.image === own} @click=${() => change({ image: own })}>Its own</button>
        <button type="button" data-testid="as-it-stands" @click=${() => this.model.edit(null)}>As it stands</button>
        <span class="small secondary">Answers to changed words are not judged right or wrong.</span>
      </div>
    </div>`;
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

  #answer({ policy, variant, answer, asked }: TryAnswer, named: boolean): TemplateResult {
    return html`<section data-testid="try-answer" data-variant=${variant}>
      <h4>
        ${named ? html`<span data-testid="asked-of">${policy.heading}</span> · ` : nothing}${variant}
        ${answer.status === 'ready' ? this.#facts(answer.value) : nothing}
      </h4>
      ${
        answer.status === 'loading'
          ? html`<p class="secondary" role="status">The model answers … A model in training answers when its current step is done.</p>`
          : answer.status === 'error'
            ? failed(answer.error, () => void this.model.run())
            : [
                ...Object.entries(answer.value.scored_by?.errors ?? {}).map(
                  ([name, message]) => html`<p class="small" role="note"><span class="warning">⚠ ${name}</span> ${message}</p>`,
                ),
                ...answer.value.completions.map((one, at) => this.#completion(one, answer.value, asked, at)),
              ]
      }
    </section>`;
  }

  #facts({ step, seconds, seed }: Generation): TemplateResult {
    return html`<span class="small secondary number">
      ${step === null ? nothing : html`step ${integer(step)} · `}${number(seconds)} s${seed === undefined ? nothing : html` · seed ${seed}`}
    </span>`;
  }

  /** Questions about an answer, and what could have been said in place of its tokens. */
  #subject(one: Generation['completions'][number], { step, run }: Generation, asked: TryAnswer['asked']): Subject {
    // the policy that gave the answer, as far as it is still there
    const target: ExplainTarget = { ...asked, token_ids: one.token_ids, ...(run !== null && step !== null && { step }) };
    const path = asked.image ?? this.item?.image ?? '';
    const options = asked.item === undefined ? optionsOfWords(asked.question ?? '') : choicesOf(this.item?.options ?? []);
    return { target, text: one.text, options, image: path === '' ? null : this.image(path) };
  }

  #completion(one: Generation['completions'][number], generation: Generation, asked: TryAnswer['asked'], at: number): TemplateResult {
    const { reading, prompt } = generation;
    const subject = this.connector && this.#subject(one, generation, asked);
    const key = JSON.stringify([asked, generation.seed, at]);
    const token = this.tokenOf.get(key) ?? null;
    const said = { ...one, reading, thinkOpen: opensThink(prompt.text) };
    const text = html`<div class="text">${completionText(said)}</div>`;
    // where there is nothing but the answer, it stands in place of the verdict, which would say the same
    const alone = !this.asTokens && isAnswerAlone(said);
    return html`<article data-testid="try-completion">
      <div class="numbers small">
        ${alone ? text : verdictChip(one, reading, 'no answer')} ${readingLabel(reading)} ${rewardsOf(one)}
        <span class="number secondary">${integer(one.token_ids.length)} tokens</span>
        ${one.finish_reason === 'length' ? html`<span class="warning" title="Cut off at max tokens">⚠ cut off</span>` : nothing}
      </div>
      ${
        this.asTokens
          ? html`<medr1-tokens
              .texts=${one.tokens}
              .facts=${one}
              .said=${said}
              .token=${token}
              .alternatives=${subject && this.alternatives ? this.alternatives.of(subject.target) : null}
              @medr1-ponder=${() => subject && void this.alternatives?.ask(subject.target)}
              @medr1-token=${(event: CustomEvent<number>) => (this.tokenOf = new Map(this.tokenOf).set(key, event.detail))}
            ></medr1-tokens>`
          : alone
            ? nothing
            : text
      }
      ${
        subject
          ? html`<details class="about" data-testid="try-about">
              <summary class="small">Ask about this answer</summary>
              <medr1-explain .connector=${this.connector!} .subject=${subject} .token=${token}></medr1-explain>
            </details>`
          : nothing
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
      .row + .row,
      .words + .row {
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
      label.ellipsis {
        max-width: 260px;
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
      .try {
        margin-top: 8px;
        padding-top: 4px;
        border-top: 1px solid var(--medr1-border);
      }
      .try summary {
        cursor: pointer;
      }
      .asked-words {
        margin: 4px 0 0;
        overflow-wrap: anywhere;
      }
      .beside {
        margin: 4px 0 8px;
      }
      .beside summary {
        cursor: pointer;
      }
      .beside div {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr));
        gap: 4px 12px;
        max-height: 240px;
        overflow: auto;
        padding: 4px;
      }
      .words {
        margin-top: 8px;
      }
      .block {
        display: grid;
        width: 100%;
      }
      .words textarea {
        box-sizing: border-box;
        width: 100%;
        font: inherit;
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

/** The weighted sum, then each function's value. */
const rewardsOf = ({ reward, rewards }: Generation['completions'][number]): TemplateResult | typeof nothing =>
  rewards === undefined
    ? nothing
    : html`<span class="number" title="Weighted sum of the rewards" data-testid="try-reward"
          ><span class="secondary">reward</span> <b>${reward === null || reward === undefined ? '–' : number(reward)}</b></span
        >
        ${Object.entries(rewards).map(
          ([name, value]) =>
            html`<span class="number" title=${value === null ? `${name} does not apply` : `reward ${name}, unweighted`}
              ><span class="secondary">${name}</span> ${value === null ? '–' : number(value)}</span
            >`,
        )}`;

/** "temperature 0.7, 4 answers, at most 256 tokens, seed 5". */
function settingsText({ settings: { num, temperature, max_new_tokens, seed }, look }: Pick<Try, 'settings' | 'look'>): string {
  const parts = [temperature === 0 ? 'greedy' : `temperature ${number(temperature)}`, num === 1 ? '' : `${integer(num)} answers`];
  return [...parts, `at most ${integer(max_new_tokens)} tokens`, seed === null ? '' : `seed ${seed}`, lookText(look)]
    .filter(Boolean)
    .join(', ');
}

const lookText = ({ blank, crop }: Look): string =>
  [blank && 'grey in place of the image', crop && `image at ${crop.left}, ${crop.top}: ${crop.width} × ${crop.height} px`]
    .filter(Boolean)
    .join(', ');

const optionsOfWords = (question: string): Subject['options'] =>
  optionsIn(question).map((text, index) => ({ letter: letterOf(index), text, index }));

const imageText = ({ image }: Edit): string => (image === '' ? 'no image' : image);

define('medr1-try', SampleTry);
