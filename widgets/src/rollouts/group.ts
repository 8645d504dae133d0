/** One question and its group of completions. All text here comes from data sets and models: it is only ever put in text nodes. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { ColumnMark } from '../charts/geometry.ts';
import { inlineChart, smallChartStyle } from '../charts/small-chart.ts';
import type { Completion, Group } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { ended, integer, number } from '../format.ts';
import { walkOf } from '../keys.ts';
import { base, tokens } from '../theme.ts';
import { completionStyles, readingLabel } from './completion.ts';
import { completionBody, questionHead, questionStyles, saidOf, thumbnail } from './question.ts';
import type { TokenAlternatives } from '../store/rollouts/alternatives.ts';
import type { GroupTexts } from '../store/rollouts/token-texts.ts';
import { differences, differencesStyle } from './differences.ts';
import { treeOf, treeStyle } from './tree.ts';
import './tokens.ts';
import type { Colouring } from '../store/rollouts/colouring.ts';
import { hasTokens, alike, hitsOf, partsAt, summarise, termOf, type GroupSummary, type Layout } from '../store/rollouts/model.ts';

/** Frames after which what has not moved stays where it is, and after which it is left where it is. */
const STILL = 4;
const LONGEST = 60;
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
    fold: { attribute: false },
    alternatives: { attribute: false },
    layout: { attribute: false },
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
  /** Completions that say the same are shown once. */
  declare fold: boolean;
  declare layout: Layout;
  /** What could have been said in place of the tokens of a completion; null where nobody asked. `medr1-ponder` of a completion asks. */
  declare alternatives: (completion: number) => TokenAlternatives | null;
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
    this.fold = false;
    this.alternatives = () => null;
    this.layout = 'list';
    this.broken = null;
    this.others = false;
  }

  protected override render(): TemplateResult {
    const { group } = this;
    const summary = summarise(group);
    const term = termOf(this.search);
    const hits = hitsOf(group, this.search);
    return html`<article @keydown=${this.#onKey}>
      ${questionHead({
        group,
        term,
        open: this.open,
        toggle: () => this.#emit('medr1-toggle'),
        facts: this.#facts(summary, hits?.size ?? null),
        thumb: thumbnail(
          this.thumb,
          this.broken,
          (address) => (this.broken = address),
          () => this.#emit('medr1-enlarge'),
        ),
      })}
      ${
        this.open
          ? html`${this.#trouble()}
            ${
              this.layout === 'tree' && this.texts?.status === 'ready'
                ? treeOf(group, this.texts.value, this.completion, term, (index) => this.#choose(index, null))
                : html`<ol>
                    ${this.#shown(hits).map(({ one, others }) => this.#completion(one, others, term))}
                  </ol>`
            }
            ${hits === null || hits.size === group.completions.length ? nothing : this.#without(group.completions.length - hits.size)}`
          : nothing
      }
    </article>`;
  }

  /** `found`: completions that the search found; null where nothing is searched for. */
  #facts(summary: GroupSummary, found: number | null): TemplateResult {
    const { group } = this;
    const parts = partsAt(group.completions);
    return html`${bars(summary, group.completions)}
      ${
        summary.judged === 0
          ? nothing
          : html`<span class="number" title="completions that answer right"
              >${summary.right}/${summary.judged} right ${readingLabel(group.reading)}</span
            >`
      }
      <span class="number"
        ><span title="mean reward of the group"><span class="word">mean</span> ${number(summary.mean)}</span> ${
          summary.spread === 0
            ? html`<span class="warning" title="All rewards are equal: this group teaches nothing">⚠ no spread</span>`
            : html`<span class="secondary" title="standard deviation of the reward in the group">± ${number(summary.spread)}</span>`
        }</span
      >
      ${
        hasTokens(group)
          ? html`<span class="secondary" data-testid="parts-at" title="The first token at which not all completions say the same"
              >${
                parts === null
                  ? `all ${group.completions.length} the same`
                  : html`part at <span class="word">token</span> ${integer(parts + 1)}`
              }</span
            >`
          : nothing
      }
      ${
        found === null
          ? nothing
          : html`<span class="found" data-testid="group-found">found in ${integer(found)} of ${integer(group.completions.length)}</span>`
      }`;
  }

  /** The completions to draw; those that one stands for are not drawn. The selected one always is. */
  #shown(hits: ReadonlySet<number> | null): { one: Completion; others: Completion[] }[] {
    const { completions } = this.group;
    const passing = completions.filter(({ index }) => hits === null || this.others || hits.has(index) || index === this.completion);
    // coloured tokens are each their own
    if (!this.fold || this.colouring !== 'off') return passing.map((one) => ({ one, others: [] }));
    return alike(passing).map(({ one, others }) => {
      const chosen = others.find(({ index }) => index === this.completion);
      return chosen ? { one: chosen, others: [one, ...others.filter((other) => other !== chosen)] } : { one, others };
    });
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

  #completion(one: Completion, others: readonly Completion[], term: RegExp | null): TemplateResult {
    const { group, colouring } = this;
    const tokens = colouring === 'off' || this.texts?.status !== 'ready' ? undefined : this.texts.value[one.index];
    return html`<li
      tabindex="-1"
      class=${one.index === this.completion ? 'chosen' : ''}
      data-testid="completion"
      data-index=${one.index}
      @click=${() => this.#choose(one.index, null)}
    >
      ${completionBody(one, group, term, this.#against(one) ?? (tokens === undefined ? null : this.#tokens(one, tokens, term)))}
      ${
        others.length === 0
          ? nothing
          : html`<p
              class="small secondary"
              data-testid="folded"
              title=${`Completions ${[one, ...others].map(({ index }) => index + 1).join(', ')}`}
            >
              ${integer(others.length + 1)} say this
            </p>`
      }
    </li>`;
  }

  /** What it has beside the chosen completion, or the first; null for that one, and where completions stand by themselves. */
  #against(one: Completion): TemplateResult | null {
    if (this.layout !== 'differences') return null;
    const base = this.group.completions[this.completion ?? 0] ?? this.group.completions[0];
    return one === base ? null : differences(base.text, one.text);
  }

  #tokens(one: Completion, texts: readonly string[], term: RegExp | null): TemplateResult {
    return html`<medr1-tokens
      bare
      .texts=${texts}
      .facts=${one}
      .said=${saidOf(one, this.group)}
      .term=${term}
      .colouring=${this.colouring}
      .token=${one.index === this.completion ? this.token : null}
      .alternatives=${this.alternatives(one.index)}
      @medr1-ponder=${(event: Event) => {
        event.stopPropagation();
        this.dispatchEvent(new CustomEvent('medr1-ponder', { detail: one.index, bubbles: true, composed: true }));
      }}
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
    if ((colouring === 'off' && this.layout !== 'tree') || texts === null || texts.status === 'ready') return nothing;
    if (texts.status === 'loading') return html`<p class="note small secondary" role="status">Reading the tokens …</p>`;
    return html`<p class="note small" role="alert" data-testid="tokens-error">
      <span class="warning" aria-hidden="true">⚠</span> ${ended(texts.error.message)} <span class="secondary">${texts.error.remedy}</span>
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

  /** Where the keys up and down go: to the title, then to each completion. In a completion with its tokens shown they go to a token, and left and right go on. */
  get #rows(): HTMLElement[] {
    const title = this.renderRoot.querySelector<HTMLElement>('.title');
    const completions = [...this.renderRoot.querySelectorAll<HTMLElement>('ol > li')];
    return [...(title ? [title] : []), ...completions.map((row) => row.querySelector<HTMLElement>('medr1-tokens') ?? row)];
  }

  /** What is above the first row and below the last is the view's. */
  #onKey = (event: KeyboardEvent): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>('li');
    if (event.key === 'Enter' && row && event.target === row) return void this.#choose(Number(row.dataset.index), null);
    const way = walkOf(event).row;
    if (way === 0) return;
    const rows = this.#rows;
    const at = rows.findIndex((one) => one === event.target || (row?.contains(one) ?? false));
    const next = rows[Math.max(0, at) + way];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  };

  /**
   * Brings a completion into view, or the group where it is null. Groups that come into sight on the way get their real height some frames later, which
   * pushes it on: so again, until it stays.
   */
  async show(completion: number | null): Promise<void> {
    const row = completion === null ? null : this.renderRoot.querySelector<HTMLElement>(`ol > li[data-index="${completion}"]`);
    const target = row ?? this;
    for (let frame = 0, still = 0, before = NaN; frame < LONGEST && still < STILL && target.isConnected; frame++) {
      const { top } = target.getBoundingClientRect();
      still = top === before ? still + 1 : 0;
      if (still === 0) target.scrollIntoView?.({ block: 'nearest' });
      before = target.getBoundingClientRect().top;
      await new Promise(requestAnimationFrame);
    }
  }

  #emit(type: string): void {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true }));
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    questionStyles,
    differencesStyle,
    treeStyle,
    smallChartStyle,
    css`
      :host {
        display: block;
        border-bottom: 1px solid var(--medr1-border);
        background: none; /* a group that begins within a pixel would cover the line of the one before */
        content-visibility: auto;
        contain-intrinsic-size: auto 76px;
      }
      .found {
        color: var(--medr1-link);
      }
      /* beside another view the facts of a group keep to one line; the words stand in their titles too */
      @container (max-width: 660px) {
        .word {
          display: none;
        }
      }
      li:focus-visible {
        outline-offset: -2px;
      }
      .note {
        margin: 0;
        padding: 0 12px 4px;
      }
      ol {
        padding: 0 8px 8px;
      }
    `,
  ];
}

/** A bar for each completion's reward, filled when it answers right, outlined when not, grey where nobody can tell. */
function bars({ rewards }: GroupSummary, completions: readonly Completion[]): TemplateResult {
  const marks = rewards.map((reward, at): ColumnMark => {
    const { correct } = completions[at];
    const colour = correct === null ? 'var(--medr1-text-2)' : correct ? 'var(--medr1-right)' : 'var(--medr1-wrong)';
    return { kind: 'column', from: at + 0.06, to: at + 0.88, value: reward, colour, hollow: correct === false };
  });
  return inlineChart(
    { marks, size: BARS, x: [0, Math.max(1, rewards.length)] },
    `Rewards: ${rewards.map((one) => number(one)).join(', ')}`,
  );
}

define('medr1-group', RolloutGroup);
