/**
 * Questions about one completion, in the Inspector and under an answer of Try it: where the model looked for a token, and when it decided. Nothing is
 * asked before somebody presses a button, for an answer takes a pass through the model. All text is untrusted: text nodes only.
 */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { heardStyle, smallChartStyle } from '../charts/small-chart.ts';
import type { Attribution, Connector, MapCheck, MapMethod } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number, percent, signed } from '../format.ts';
import { readable } from '../marked.ts';
import type { Load } from '../load.ts';
import { policyText, share, visible } from '../rollouts/tokens.ts';
import { base, tokens } from '../theme.ts';
import { failed } from '../view-states.ts';
import { comparison, decisionStyles, decisionView } from './decision.ts';
import { fullAt, heatMap, heatMapStyle, peakOf, SCALES, type Scale } from './heat-map.ts';
import { ExplainModel, METHODS, type Change, type Subject } from './model.ts';

export class ExplainPanel extends WatchingElement {
  static override properties = { connector: { attribute: false }, subject: { attribute: false }, token: { attribute: false } };
  declare connector: Connector;
  declare subject: Subject | null;
  /** The chosen token of the completion; null = the letter of its answer. */
  declare token: number | null;

  #model: ExplainModel | null = null;

  constructor() {
    super();
    this.subject = null;
    this.token = null;
  }

  protected override identity(): PropertyKey[] {
    return ['connector', 'subject', 'token'];
  }

  protected override acquire(): void {
    this.#model ??= new ExplainModel(this.connector.explain);
  }

  protected override watched() {
    return [this.#model!.state];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (this.isConnected) this.#model!.show(this.subject);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#model?.cancel();
  }

  protected override render(): TemplateResult {
    if (!this.subject) return html`<p class="small secondary">Choose a completion to ask about it.</p>`;
    return html`${this.subject.target.rollout ? this.#policy() : nothing}
      <details data-testid="explain-where">
        <summary>Where it looked</summary>
        ${this.#where()}
      </details>
      <details data-testid="explain-when">
        <summary>When it decided</summary>
        ${this.#when()}
      </details>`;
  }

  #policy(): TemplateResult {
    const { policy } = this.#model!.state.value;
    return html`<label class="small"
      >asked of
      <select
        data-testid="explain-policy"
        title="The policy of each step is a checkpoint or the one in training; the nearest is the one closest to the step of the completion"
        @change=${(event: Event) => this.#model!.choose({ policy: (event.target as HTMLSelectElement).value as 'nearest' | 'newest' })}
      >
        <option value="nearest" .selected=${policy === 'nearest'}>the nearest policy</option>
        <option value="newest" .selected=${policy === 'newest'}>the newest policy</option>
      </select></label
    >`;
  }

  /* Where it looked */

  #where(): TemplateResult {
    const model = this.#model!;
    const { method, against, map } = model.state.value;
    const { token } = this;
    const letters = this.subject!.options.map(({ letter }) => letter);
    return html`<form
        class="row"
        @submit=${(event: Event) => {
          event.preventDefault();
          void model.look(token);
        }}
      >
        <span class="small">${token === null ? "for the answer's letter" : `for token ${integer(token + 1)}`}</span>
        <label class="small"
          >method
          <select
            data-testid="map-method"
            @change=${(event: Event) => model.choose({ method: (event.target as HTMLSelectElement).value as MapMethod })}
          >
            ${Object.entries(METHODS).map(([key, title]) => html`<option value=${key} .selected=${key === method}>${title}</option>`)}
          </select></label
        >
        ${
          letters.length === 0
            ? nothing
            : html`<label class="small" title="A contrast: why this letter and not that one"
                >against
                <select
                  data-testid="map-against"
                  @change=${(event: Event) => {
                    const { value } = event.target as HTMLSelectElement;
                    model.choose({ against: value === '' ? [] : [value] });
                  }}
                >
                  <option value="" .selected=${against.length === 0}>nothing</option>
                  ${letters.map((letter) => html`<option value=${letter} .selected=${against[0] === letter}>${letter}</option>`)}
                </select></label
              >`
        }
        ${this.#ask(map, 'Show the map', 'map-ask')}
      </form>
      ${this.#answerOf(
        map,
        () => void model.look(token),
        (found) => this.#map(found, isOnItsWay(map)),
      )}`;
  }

  #map(found: Attribution, isBeingChecked: boolean): TemplateResult {
    const { opacity, scale } = this.#model!.state.value;
    const { image, token, against, method, score, gap, words, check } = found;
    const set = this.#model!;
    return html`<div data-testid="map">
      <p class="small">
        <code>${visible(token.text)}</code> token ${integer(token.index + 1)}${against.length > 0 ? ` against ${against.join(', ')}` : ''}:
        ${against.length > 0 ? `contrast ${signed(score)} nats` : `probability ${share(Math.exp(score))}`} ·
        ${METHODS[method]}${
          gap === null
            ? nothing
            : html` · <span title="How far the values are from adding up to what the image changes">gap ${share(gap)}</span>`
        }
        · ${policyText(found)}
      </p>
      ${
        image === null
          ? nothing
          : html`<div class="seen">
                ${this.subject!.image ? html`<img src=${this.subject!.image} alt="Image of the question" />` : nothing}
                ${heatMap({ values: image, scale, opacity })}
              </div>
              <p class="heard">${spoken(image)}</p>
              <div class="row small">
                <label
                  >opacity
                  <input
                    type="range"
                    min="0"
                    max="1"
                    step="0.05"
                    .value=${String(opacity)}
                    data-testid="map-opacity"
                    @input=${(event: Event) => set.set({ opacity: Number((event.target as HTMLInputElement).value) })}
                /></label>
                <label
                  >full colour at
                  <select
                    data-testid="map-scale"
                    @change=${(event: Event) => set.set({ scale: (event.target as HTMLSelectElement).value as Scale })}
                  >
                    ${Object.entries(SCALES).map(([key, title]) => html`<option value=${key} .selected=${key === scale}>${title}</option>`)}
                  </select></label
                >
                <span class="legend"
                  ><i class="less"></i>against it <span class="number">${number(-fullAt(image.flat(), scale))}</span> to
                  <span class="number">${signed(fullAt(image.flat(), scale))}</span> nats, for it<i class="more"></i
                ></span>
              </div>`
      }
      ${image === null ? nothing : check ? verdict(check) : unchecked(isBeingChecked)} ${words ? this.#words(found, words) : nothing}
    </div>`;
  }

  /** Words of the prompt, and of the completion before the token. The image is one of them. */
  #words({ prompt, tokens: said }: Attribution, words: NonNullable<Attribution['words']>): TemplateResult {
    const full = fullAt([...words.prompt.filter((_, i) => prompt.tokens[i].image === undefined), ...words.completion], 'cut');
    const word = (text: string, value: number, isImage = false): TemplateResult =>
      html`<span
        class="word"
        title=${`${text.trim()} ${signed(value)}`}
        style=${`--share:${full === 0 ? 0 : Math.min(1, Math.abs(value) / full).toFixed(3)};--colour:var(${value < 0 ? '--medr1-less' : '--medr1-more'})`}
        >${isImage ? '▣' : text}</span
      >`;
    return html`<div class="words" data-testid="map-words">
      <p class="small secondary">Words of the prompt and of the answer before the token, by gradient × input; ▣ is the image.</p>
      <div class="text">
        ${prompt.tokens.map(({ text, image }, i) => word(text, words.prompt[i], image !== undefined))}${words.completion.map((value, i) => word(said[i], value))}
      </div>
    </div>`;
  }

  /* When it decided */

  #when(): TemplateResult {
    const model = this.#model!;
    const { decision, change } = model.state.value;
    return html`<div class="row">
        ${this.#ask(decision, 'Ask after each sentence', 'decision-ask', () => void model.decide())}
        ${change ? nothing : html`<button type="button" data-testid="change" @click=${() => model.edit({})}>Change something …</button>`}
      </div>
      ${this.#answerOf(
        decision,
        () => void model.decide(),
        (found) => decisionView(found, 'decision'),
      )}
      ${change ? this.#change(change) : nothing}`;
  }

  #change(change: Change): TemplateResult {
    const model = this.#model!;
    const { changed, decision } = model.state.value;
    const { options } = this.subject!;
    const named = (index: number): string => readable(options.find((one) => one.index === index)?.text ?? '');
    const raise = (at: number): void => {
      const order = [...change.order];
      [order[at - 1], order[at]] = [order[at], order[at - 1]];
      model.edit({ order });
    };
    return html`<form
        class="change"
        data-testid="change-form"
        @submit=${(event: Event) => {
          event.preventDefault();
          void model.decideChanged();
        }}
      >
        <label class="block small"
          >what was said
          <textarea
            rows="4"
            maxlength="100000"
            spellcheck="false"
            data-testid="change-text"
            .value=${change.text}
            @input=${(event: Event) => model.edit({ text: (event.target as HTMLTextAreaElement).value })}
          ></textarea>
        </label>
        ${
          options.length < 2
            ? nothing
            : html`<ol class="order small" aria-label="Order of the options">
                ${change.order.map(
                  (index, at) =>
                    html`<li>
                      <span>${letterAt(options, at)}) ${named(index)}</span>
                      <button
                        type="button"
                        class="quiet"
                        ?disabled=${at === 0}
                        aria-label=${`Move ${named(index)} up`}
                        data-testid="option-up"
                        @click=${() => raise(at)}
                      >
                        ↑
                      </button>
                    </li>`,
                )}
              </ol>`
        }
        <div class="row small">
          <label
            >image
            <select
              data-testid="change-image"
              @change=${(event: Event) => model.edit({ image: (event.target as HTMLSelectElement).value as Change['image'] })}
            >
              <option value="own" .selected=${change.image === 'own'}>its own</option>
              <option value="blank" .selected=${change.image === 'blank'}>grey</option>
              <option value="other" .selected=${change.image === 'other'}>another one</option>
            </select></label
          >
          ${
            change.image === 'other'
              ? html`<input
                  aria-label="Path of the other image"
                  placeholder="path inside the data set"
                  spellcheck="false"
                  data-testid="change-path"
                  .value=${change.path}
                  @change=${(event: Event) => model.edit({ path: (event.target as HTMLInputElement).value.trim() })}
                />`
              : nothing
          }
          ${this.#ask(changed, 'Ask with the changes', 'change-ask')}
          <button type="button" class="quiet" @click=${() => model.edit(null)}>As it was</button>
        </div>
      </form>
      ${this.#answerOf(
        changed,
        () => void model.decideChanged(),
        (found) =>
          html`${comparison(decision.status === 'ready' ? decision.value : null, found)}
          ${found.cuts.length > 1 ? decisionView(found, 'changed') : nothing}`,
      )}`;
  }

  /* Parts */

  /** Asks, or, while it is waited for, gives up. */
  #ask(load: Load<unknown>, title: string, testid: string, ask?: () => void): TemplateResult {
    if (isOnItsWay(load))
      return html`<button type="button" data-testid=${`${testid}-cancel`} @click=${() => this.#model!.cancel()}>Cancel</button>`;
    return html`<button type=${ask ? 'button' : 'submit'} class="primary" data-testid=${testid} @click=${ask ?? nothing}>${title}</button>`;
  }

  #answerOf<T>(load: Load<T>, again: () => void, show: (value: T) => TemplateResult): TemplateResult {
    if (load.status === 'idle') return html``;
    if (load.status === 'loading')
      return html`<p class="small secondary" role="status">
        The model runs it again … A model in training does so when its current step is done.
      </p>`;
    return load.status === 'error' ? failed(load.error, again) : show(load.value);
  }

  static override styles = [
    tokens,
    base,
    heatMapStyle,
    smallChartStyle,
    heardStyle,
    decisionStyles,
    css`
      :host {
        background: none;
      }
      details {
        margin-top: 4px;
      }
      summary {
        cursor: pointer;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
        margin: 4px 0;
      }
      label {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 4px;
        align-items: center;
        min-width: 0;
        max-width: 100%;
      }
      select {
        min-width: 0;
        max-width: 100%;
      }
      .block {
        display: grid;
      }
      textarea {
        width: 100%;
        font-family: var(--medr1-font-text);
      }
      p {
        margin: 4px 0;
        overflow-wrap: anywhere;
      }
      code {
        padding: 0 4px;
        font-family: var(--medr1-font-code);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        background: var(--medr1-surface-2);
      }
      .legend i {
        display: inline-block;
        width: 12px;
        height: 12px;
        margin: 0 4px;
        vertical-align: -2px;
      }
      .less {
        background: var(--medr1-less);
      }
      .more {
        background: var(--medr1-more);
      }
      .word {
        white-space: pre-wrap;
        background: color-mix(in oklab, var(--colour) calc(pow(var(--share), 0.7) * var(--medr1-shade)), transparent);
      }
      .text {
        overflow-wrap: anywhere;
      }
      .order {
        margin: 4px 0;
        padding: 0;
        list-style: none;
      }
      .order li {
        display: flex;
        gap: 8px;
        align-items: center;
        overflow-wrap: anywhere;
      }
      .verdict {
        padding: 4px 8px;
        border-left: 2px solid var(--medr1-accent);
      }
      .verdict.doubt {
        border-left-color: var(--medr1-warn-text);
      }
    `,
  ];
}

const letterAt = (options: Subject['options'], at: number): string => options[at]?.letter ?? '';

const isOnItsWay = (load: Load<unknown>): boolean => load.status === 'loading' || (load.status === 'ready' && load.stale === true);

/** Until it is known whether a map says anything. */
const unchecked = (isBeingChecked: boolean): TemplateResult =>
  html`<div class="verdict doubt small" data-testid="map-verdict" data-verdict="none" role="status">
    ${
      isBeingChecked
        ? html`<progress aria-label="The map is checked"></progress> The map is held against ten random orders …`
        : 'Not checked: nothing says that this map is better than chance.'
    }
  </div>`;

/** What deletion and insertion say of a map, printed on each. */
function verdict({ seen, grey, deletion, insertion, random, beaten, verdict: found }: MapCheck): TemplateResult {
  const mean = (key: 'deletion' | 'insertion'): number => random.reduce((sum, one) => sum + one[key], 0) / Math.max(1, random.length);
  const words = {
    better: `Better than ${beaten} of ${random.length} random orders.`,
    chance: `No better than chance: it beats ${beaten} of ${random.length} random orders. The map says little.`,
    'no-image': 'A grey image hardly changes this token: it follows from what was written before, and no map of the image explains it.',
  }[found];
  return html`<div class=${`verdict small ${found === 'better' ? '' : 'doubt'}`} data-testid="map-verdict" data-verdict=${found}>
    <b>${found === 'better' ? nothing : html`<span class="warning" aria-hidden="true">⚠</span> `}${words}</b>
    <span class="secondary">
      Probability ${percent(seen)} with the image, ${percent(grey)} with a grey one. Area of deletion ${number(deletion)} (random
      ${number(mean('deletion'))}, lower is better), of insertion ${number(insertion)} (random ${number(mean('insertion'))}, higher is
      better).
    </span>
  </div>`;
}

/** The map for those who hear it. */
function spoken(image: readonly (readonly number[])[]): string {
  const { row, column, value } = peakOf(image);
  return `Map of ${image.length} rows and ${image[0].length} columns; the largest value, ${signed(value)}, is in row ${row}, column ${column}.`;
}

define('medr1-explain', ExplainPanel);
