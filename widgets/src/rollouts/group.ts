/** One question and its group of completions. All text here comes from data sets and models: it is only ever put in text nodes. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { choicesOf, opensThink } from '@medr1/kernel-bridge/answers';
import type { ColumnMark } from '../charts/geometry.ts';
import { inlineChart, smallChartStyle } from '../charts/small-chart.ts';
import type { Completion, Group } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number } from '../format.ts';
import { base, tokens } from '../theme.ts';
import { marked } from '../marked.ts';
import { completionNumbers, completionStyles, completionText, isAnswerAlone, readingLabel, verdictChip, type Said } from './completion.ts';
import type { GroupTexts } from '../store/rollouts/token-texts.ts';
import './tokens.ts';
import type { Colouring } from '../store/rollouts/colouring.ts';
import { goldText, hitsOf, summarise, termOf, type GroupSummary } from '../store/rollouts/model.ts';

const BARS = { width: 64, height: 20 };

export class RolloutGroup extends WatchingElement {
  static override properties = {
    group: { attribute: false },
    open: { type: Boolean, reflect: true },
    completion: { attribute: false },
    token: { attribute: false },
    thumb: { attribute: false },
    colouring: { attribute: false },
    texts: { attribute: false },
    search: { attribute: false },
    broken: { state: true },
    others: { state: true },
  };
  static override shadowRootOptions = { ...WatchingElement.shadowRootOptions, delegatesFocus: true };
  declare group: Group;
  declare open: boolean;
  /** Index of the selected completion. */
  declare completion: number | null;
  /** Index of the selected token of that completion. */
  declare token: number | null;
  declare thumb: string | null;
  declare colouring: Colouring;
  /** Of the tokens; null while they are not shown. */
  declare texts: GroupTexts | null;
  /** What was searched for. */
  declare search: string;
  /** Address of an image that did not load. */
  declare broken: string | null;
  /** Completions without what was searched for are shown too. */
  declare others: boolean;

  constructor() {
    super();
    this.open = false;
    this.completion = null;
    this.token = null;
    this.thumb = null;
    this.colouring = 'off';
    this.texts = null;
    this.search = '';
    this.broken = null;
    this.others = false;
  }

  protected override render(): TemplateResult {
    const { group } = this;
    const summary = summarise(group);
    const term = termOf(this.search);
    const hits = hitsOf(group, this.search);
    return html`<article @keydown=${this.#onKey}>
      <header>
        ${this.#thumb()}
        <button class="quiet title" aria-expanded=${this.open} @click=${() => this.#emit('medr1-toggle')}>
          <span class="question">${marked(group.question, term)}</span>
          <span class="options small secondary">
            ${choicesOf(group.options).map(
              ({ letter, text }) => html`<span class=${letter === group.answer ? 'gold' : ''}>${letter}) ${marked(text, term)}</span>`,
            )}
          </span>
          <span class="facts small">
            <span class="chip" title="right answer">gold ${goldText(group)}</span>
            <span class="chip">${group.modality}</span>
            ${bars(summary, group.completions)}
            <span class="number" title="completions that answer right"
              >${summary.right}/${summary.judged} right ${readingLabel(group.reading)}</span
            >
            <span class="number"
              ><span title="mean reward of the group">mean ${number(summary.mean)}</span> ${
                summary.spread === 0
                  ? html`<span class="warning" title="All rewards are equal: this group teaches nothing">⚠ no spread</span>`
                  : html`<span class="secondary" title="standard deviation of the reward in the group">± ${number(summary.spread)}</span>`
              }</span
            >
            ${
              hits === null
                ? nothing
                : html`<span class="found" data-testid="group-found"
                    >found in ${integer(hits.size)} of ${integer(group.completions.length)}</span
                  >`
            }
          </span>
        </button>
      </header>
      ${
        this.open
          ? html`${this.#trouble()}
              <ol>
                ${group.completions.filter(({ index }) => hits === null || this.others || hits.has(index) || index === this.completion).map((one) => this.#completion(one, term))}
              </ol>
              ${hits === null || hits.size === group.completions.length ? nothing : this.#without(group.completions.length - hits.size)}`
          : nothing
      }
    </article>`;
  }

  #thumb(): TemplateResult {
    const { thumb } = this;
    if (thumb === null || thumb === this.broken)
      return html`<span class="thumb none small secondary">${thumb === null ? 'no image' : 'image missing'}</span>`;
    return html`<button class="quiet thumb" aria-label="Enlarge the image" @click=${() => this.#emit('medr1-enlarge')}>
      <img src=${thumb} alt="" loading="lazy" decoding="async" @error=${() => (this.broken = thumb)} />
    </button>`;
  }

  /** The search is of completions: those without it are said to be there, and shown when they are asked for. */
  #without(count: number): TemplateResult {
    return html`<p class="note small secondary" data-testid="without">
      ${integer(count)} ${count === 1 ? 'completion does' : 'completions do'} not hold it.
      <button class="quiet link" aria-pressed=${this.others} @click=${() => (this.others = !this.others)}>
        ${this.others ? 'Hide' : 'Show'} ${count === 1 ? 'it' : 'them'}
      </button>
    </p>`;
  }

  #completion(one: Completion, term: RegExp | null): TemplateResult {
    const { group, colouring } = this;
    const said: Said = { ...one, reading: group.reading, thinkOpen: opensThink(group.prompt) };
    const tokens = colouring === 'off' || this.texts?.status !== 'ready' ? undefined : this.texts.value[one.index];
    // where there is nothing but the answer, it stands in place of the verdict, which would say the same
    const alone = tokens === undefined && isAnswerAlone(said);
    return html`<li
      tabindex="-1"
      class=${one.index === this.completion ? 'chosen' : ''}
      data-testid="completion"
      data-index=${one.index}
      @click=${() => this.#choose(one.index, null)}
    >
      ${completionNumbers(one, alone ? html`<span class="text">${completionText(said, term)}</span>` : verdictChip(one, group.reading))}
      ${alone ? nothing : tokens === undefined ? html`<div class="text">${completionText(said, term)}</div>` : this.#tokens(one, said, tokens)}
    </li>`;
  }

  #tokens(one: Completion, said: Said, texts: readonly string[]): TemplateResult {
    return html`<medr1-tokens
      bare
      .texts=${texts}
      .facts=${one}
      .said=${said}
      .colouring=${this.colouring}
      .token=${one.index === this.completion ? this.token : null}
      @medr1-token=${(event: CustomEvent<number>) => {
        event.stopPropagation();
        this.#choose(one.index, event.detail);
      }}
      @click=${(event: Event) => event.stopPropagation()}
    ></medr1-tokens>`;
  }

  #choose(completion: number, token: number | null): void {
    this.dispatchEvent(new CustomEvent('medr1-completion', { detail: { completion, token }, bubbles: true, composed: true }));
  }

  #trouble(): TemplateResult | typeof nothing {
    const { colouring, texts } = this;
    if (colouring === 'off' || texts === null || texts.status === 'ready') return nothing;
    if (texts.status === 'loading') return html`<p class="note small secondary" role="status">Reading the tokens …</p>`;
    return html`<p class="note small" role="alert" data-testid="tokens-error">
      <span class="warning" aria-hidden="true">⚠</span> ${texts.error.message} <span class="secondary">${texts.error.remedy}</span>
      <button class="quiet" @click=${() => this.#emit('medr1-tokens-retry')}>Try again</button>
    </p>`;
  }

  /** The keyboard goes to the title: Enter there opens the group. */
  override focus(): void {
    this.#rows[0]?.focus();
  }

  /** It comes from below. */
  focusLast(): void {
    this.#rows.at(-1)?.focus();
  }

  /** What up and down walk: the title, then the completions; of one whose tokens are shown, these, so that left and right walk them. */
  get #rows(): HTMLElement[] {
    const title = this.renderRoot.querySelector<HTMLElement>('.title');
    const completions = [...this.renderRoot.querySelectorAll<HTMLElement>('ol > li')];
    return [...(title ? [title] : []), ...completions.map((row) => row.querySelector<HTMLElement>('medr1-tokens') ?? row)];
  }

  /** What is above the first row and below the last is the view's. */
  #onKey = (event: KeyboardEvent): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>('li');
    if (event.key === 'Enter' && row && event.target === row) return void this.#choose(Number(row.dataset.index), null);
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    const rows = this.#rows;
    const at = rows.findIndex((one) => one === event.target || (row?.contains(one) ?? false));
    const next = rows[Math.max(0, at) + way];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  };

  /** Brings a completion into view, or the group where it is null. */
  show(completion: number | null): void {
    const row = completion === null ? null : this.renderRoot.querySelector<HTMLElement>(`ol > li[data-index="${completion}"]`);
    (row ?? this).scrollIntoView?.({ block: 'nearest' });
  }

  #emit(type: string): void {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true }));
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    smallChartStyle,
    css`
      :host {
        display: block;
        border-bottom: 1px solid var(--medr1-border);
        content-visibility: auto;
        contain-intrinsic-size: auto 76px;
      }
      header {
        display: grid;
        grid-template-columns: 56px minmax(0, 1fr);
        align-items: start;
        padding: 4px;
      }
      .thumb {
        width: 48px;
        height: 48px;
        padding: 0;
        margin: 4px;
        overflow: hidden;
        cursor: zoom-in;
      }
      .thumb.none {
        display: grid;
        place-items: center;
        text-align: center;
        line-height: 1.1;
        font-size: 10px;
        border: 1px dashed var(--medr1-border);
        cursor: default;
      }
      .thumb img {
        width: 100%;
        height: 100%;
        object-fit: cover;
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
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        align-items: center;
      }
      .facts .chip {
        white-space: normal;
      }
      .found {
        color: var(--medr1-link);
      }
      li:focus-visible {
        outline-offset: -2px;
      }
      .note {
        margin: 0;
        padding: 0 12px 4px;
      }
      ol {
        margin: 0;
        padding: 0 8px 8px;
        list-style: none;
      }
      li {
        padding: 4px 8px;
        border-left: 2px solid var(--medr1-border);
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

/** A bar for each completion's reward, filled when it answers right, outlined when not. */
function bars({ rewards }: GroupSummary, completions: readonly Completion[]): TemplateResult {
  const marks = rewards.map((reward, at): ColumnMark => {
    const right = completions[at].correct;
    const colour = right ? 'var(--medr1-right)' : 'var(--medr1-wrong)';
    return { kind: 'column', from: at + 0.06, to: at + 0.88, value: reward, colour, hollow: !right };
  });
  return inlineChart(
    { marks, size: BARS, x: [0, Math.max(1, rewards.length)] },
    `Rewards: ${rewards.map((one) => number(one)).join(', ')}`,
  );
}

define('medr1-group', RolloutGroup);
