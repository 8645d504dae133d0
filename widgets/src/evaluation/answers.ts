/** Answers of one evaluation, a page at a time, filtered; in a comparison, a column for each evaluation. Text is untrusted. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { choicesOf, letterOf, opensThink } from '@medr1/kernel-bridge/answers';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import type { AnswerFilter, AnswerPage, EvalAnswer, EvalReport, EvalSummary, Reading } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { progressOf } from '../store/data/datasets.ts';
import { Latest } from '../load.ts';
import { readable } from '../marked.ts';
import { empty, failed, loaded } from '../view-states.ts';
import { completionStyles, completionText, isAnswerAlone, readingLabel, verdictChip } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { columnOf, modelName, variantTag } from './model.ts';

const PAGE = 20;
/** Longest side asked for, twice what is shown, for sharp screens. */
const THUMB = 128;
const ALONE: AnswerFilter[] = ['all', 'right', 'wrong', 'differing'];
const AGAINST: AnswerFilter[] = ['flips', 'gained', 'lost', ...ALONE];
const AMONG: AnswerFilter[] = ['split', ...AGAINST];
const LABELS: Record<Exclude<AnswerFilter, 'flips' | 'gained' | 'lost'>, string> = {
  all: 'all',
  right: 'right',
  wrong: 'wrong',
  differing: 'read differently',
  split: 'some right, some wrong',
};

export class EvaluationAnswers extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    evaluation: { attribute: false },
    against: { attribute: false },
    columns: { attribute: false },
    tables: { attribute: false },
    filter: { attribute: false },
    reading: { attribute: false },
    sight: { state: true },
    modality: { state: true },
    type: { state: true },
    broken: { state: true },
  };
  declare workbench: IWorkbench;
  declare evaluation: EvalSummary;
  /** The evaluation that flips are looked at with. */
  declare against: EvalSummary | null;
  /** All that are compared, in their order; none where one is looked at alone. */
  declare columns: readonly EvalSummary[];
  /** Names the modalities and question types that there are to choose from. */
  declare tables: Pick<EvalReport, 'by_modality' | 'by_question_type'> | null;
  declare filter: AnswerFilter;
  declare reading: Reading;
  declare sight: EvalAnswer['sight'];
  /** The one that is shown; all where it is empty. */
  declare modality: string;
  declare type: string;
  /** Images that did not load. */
  declare broken: ReadonlySet<string>;
  readonly #page = new Latest<AnswerPage>();

  constructor() {
    super();
    this.against = null;
    this.columns = [];
    this.tables = null;
    this.filter = 'all';
    this.reading = 'strict';
    this.sight = 'image';
    this.modality = '';
    this.type = '';
    this.broken = new Set();
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'evaluation', 'against', 'columns', 'filter', 'reading', 'sight', 'modality', 'type'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const before = changed.get('evaluation') as EvalSummary | undefined;
    const another = changed.has('evaluation') && (before?.id !== this.evaluation.id || before.done !== this.evaluation.done);
    const others = ['against', 'columns', 'filter', 'reading', 'sight', 'modality', 'type'].some((key) => changed.has(key));
    // one that goes on keeps as many answers on the page as there are
    const shown = before?.id === this.evaluation.id && !others ? (this.#page.answer?.answers.length ?? 0) : 0;
    if (another || others) this.#load(0, Math.max(PAGE, shown));
  }

  protected override watched() {
    return [this.workbench.data.datasets.state, this.#page];
  }

  protected override acquire(): void {
    if (this.place === null) void this.workbench.data.datasets.load(); // it may have been indexed elsewhere since
  }

  /** Name of the indexed data set that the questions are of, under whatever name its folder is indexed; null where it is not. */
  get place(): string | null {
    const { datasets } = this.workbench.data;
    const { root, dataset } = this.evaluation.settings;
    return (datasets.at(root) ?? datasets.get(dataset))?.name ?? null;
  }

  protected override render(): TemplateResult {
    return html`${this.#toolbar()} ${this.#unindexed()} ${loaded(this.#page, 'answers', (page) => this.#list(page))}`;
  }

  #toolbar(): TemplateResult {
    const choose = <T extends string>(label: string, value: T, values: readonly T[], text: (one: T) => string, set: (one: T) => void) =>
      html`<label
        >${label}
        <select
          aria-label=${label}
          data-testid=${`answers-${label.replace(' ', '-')}`}
          @change=${(event: Event) => set((event.target as HTMLSelectElement).value as T)}
        >
          ${values.map((one) => html`<option value=${one} .selected=${one === value}>${text(one)}</option>`)}
        </select></label
      >`;
    const sights: EvalAnswer['sight'][] = ['image', ...this.evaluation.controls];
    return html`<div class="toolbar">
      ${choose(
        'show',
        this.filter,
        this.columns.length > 2 ? AMONG : this.against ? AGAINST : ALONE,
        (one) => this.#label(one),
        (one) => (this.filter = one),
      )}
      ${choose(
        'reading',
        this.reading,
        READINGS,
        (one) => columnOf(one, this.columns.length > 0 ? this.columns : [this.evaluation]).name,
        (one) => (this.reading = one),
      )}
      ${
        sights.length > 1
          ? choose(
              'asked with',
              this.sight,
              sights,
              (one) => (one === 'image' ? 'the image' : one),
              (one) => (this.sight = one),
            )
          : nothing
      }
      ${this.#only('modality', Object.keys(this.tables?.by_modality ?? {}), this.modality, (one) => (this.modality = one))}
      ${this.#only('question type', Object.keys(this.tables?.by_question_type ?? {}), this.type, (one) => (this.type = one))}
      <span class="secondary" data-testid="answers-total"
        >${this.#page.answer ? `${integer(this.#page.answer.total)} ${this.columns.length > 0 ? 'questions' : 'answers'}` : ''}</span
      >
    </div>`;
  }

  /** A choice of one part of the questions; none where there is one part alone. */
  #only(label: string, names: readonly string[], value: string, set: (one: string) => void): TemplateResult | typeof nothing {
    if (names.length < 2) return nothing;
    return html`<select
      aria-label=${label}
      data-testid=${`answers-${label.replace(' ', '-')}`}
      @change=${(event: Event) => set((event.target as HTMLSelectElement).value)}
    >
      <option value="" .selected=${value === ''}>every ${label}</option>
      ${names.map((name) => html`<option value=${name} .selected=${name === value}>${name}</option>`)}
    </select>`;
  }

  #unindexed(): TemplateResult | typeof nothing {
    const { datasets } = this.workbench.data;
    const { root } = this.evaluation.settings;
    if (this.place !== null || datasets.state.value.status === 'loading') return nothing;
    const job = datasets.state.value.jobs.find(({ state }) => state === 'running');
    return html`<p class="unindexed small" data-testid="unindexed">
      ${
        job
          ? html`<span role="status">The data set is being indexed: ${progressOf(job)}</span>`
          : html`The data set is not indexed yet. Once it is, its questions open with their images.
              <button data-testid="index-evaluated" title=${root} @click=${() => void datasets.add(root)}>Index it</button>`
      }
      ${datasets.state.value.refusal ? failed(datasets.state.value.refusal) : nothing}
    </p>`;
  }

  /** In a comparison, by the letters of the two that are looked at. */
  #label(filter: AnswerFilter): string {
    const [one, other] = [this.evaluation, this.against].map((each) => letterOf(this.columns.findIndex(({ id }) => id === each?.id)));
    if (filter === 'flips') return `${one} and ${other} differ`;
    if (filter === 'gained' || filter === 'lost') return `right only in ${filter === 'gained' ? one : other}`;
    return LABELS[filter];
  }

  #list({ answers, total }: AnswerPage): TemplateResult {
    if (answers.length === 0) return empty('No such answer', 'Choose another filter.');
    return html`<ol>
        ${repeat(
          answers,
          ({ item, sight }) => `${sight} ${item.id}`,
          (one) => this.#answer(one),
        )}
      </ol>
      ${
        answers.length < total
          ? html`<button class="more" @click=${() => this.#load(answers.length)} data-testid="answers-more">
              ${integer(Math.min(PAGE, total - answers.length))} more of ${integer(total - answers.length)}
            </button>`
          : nothing
      }`;
  }

  #answer(one: AnswerPage['answers'][number]): TemplateResult {
    const { item, options } = one;
    return html`<li data-testid="answer" data-item=${item.id}>
      <button
        class="quiet question"
        ?disabled=${this.place === null}
        title=${this.place === null ? 'Opens once the data set is indexed' : 'Open the question'}
        @click=${() => this.#open(item.id)}
      >
        ${this.#image(item.image)}
        <span>${readable(item.question)}</span>
        <span class="small secondary">
          ${choicesOf(options).map(
            ({ letter, text }) => html`<span class=${letter === one.answer ? 'gold' : ''}>${letter}) ${readable(text)}</span> `,
          )}
        </span>
      </button>
      <div class="said" style=${`--columns:${Math.max(1, this.columns.length)}`}>
        ${
          this.columns.length === 0
            ? this.#said(one, this.evaluation)
            : this.columns.map((column, index) =>
                this.#column(column, index, column.id === this.evaluation.id ? one : one.others[column.id]),
              )
        }
      </div>
    </li>`;
  }

  #image(path: string): TemplateResult | typeof nothing {
    const { place } = this;
    if (place === null || path === '' || this.broken.has(path)) return nothing;
    const url = this.workbench.connector.data.imageUrl(place, path, { size: THUMB });
    return html`<img src=${url} alt="" loading="lazy" decoding="async" @error=${() => (this.broken = new Set([...this.broken, path]))} />`;
  }

  #column(column: EvalSummary, index: number, said: EvalAnswer | undefined): TemplateResult {
    const who = html`<span class="small secondary" title=${column.name}
      ><b>${letterOf(index)}</b> ${modelName(column)} <span class="chip">${variantTag(column.settings.variant)}</span></span
    >`;
    return said
      ? this.#said(said, column, who)
      : html`<div data-testid="said">${who} <span class="small secondary">not answered yet</span></div>`;
  }

  #said(one: EvalAnswer, of: EvalSummary, who: TemplateResult | typeof nothing = nothing): TemplateResult {
    const readings = { strict: of.reading, tolerant: 'tolerant' } as const;
    const right = (reading: Reading): boolean | null => (one.answer === null ? null : one[reading] === one.answer);
    const chip = (reading: Reading): TemplateResult =>
      html`${readingLabel(readings[reading])} ${verdictChip({ prediction: one[reading], correct: right(reading) }, readings[reading])}`;
    const said = {
      text: one.text,
      correct: right(this.reading),
      reading: readings[this.reading],
      thinkOpen: opensThink(of.settings.prompt_template),
    };
    // where there is nothing but the answer, it stands in place of the verdict, which would say the same
    const alone = one.sight !== 'option-prior' && one.strict === one.tolerant && isAnswerAlone(said);
    return html`<div data-testid="said">
      ${who} ${alone ? html`${readingLabel(said.reading)} <span class="text">${completionText(said)}</span>` : chip('strict')}
      ${one.strict === one.tolerant ? nothing : chip('tolerant')}
      <span class="small secondary number">${one.sight === 'option-prior' ? '' : `${integer(one.tokens)} tok`}</span>
      ${one.sight === 'option-prior' || alone ? nothing : html`<div class="text">${completionText(said)}</div>`}
    </div>`;
  }

  #open(item: string): void {
    this.workbench.selection.move({ dataset: this.place, item });
    command(this, 'open-sample');
  }

  #load(offset: number, limit = PAGE): void {
    const { evaluation, against, columns, filter, reading, sight, modality, type } = this;
    const beside = columns.map(({ id }) => id).filter((id) => id !== evaluation.id && id !== against?.id);
    const before = offset > 0 ? (this.#page.answer?.answers ?? []) : [];
    const query = {
      ...{ filter, reading, sight, offset, limit },
      ...(columns.length > 0 && { shared: true }), // the figures above are over these
      ...(modality && { modality }),
      ...(type && { question_type: type }),
      ...(against && { against: against.id }),
      ...(beside.length > 0 && { beside }),
    };
    const read = async (signal: AbortSignal): Promise<AnswerPage> => {
      const more = await this.workbench.connector.evals.answers(evaluation.id, query, signal);
      return { ...more, answers: [...before, ...more.answers] };
    };
    void this.#page.ask(read, { keep: true });
  }

  static override styles = [
    tokens,
    base,
    completionStyles,
    css`
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 6px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .question {
        display: grid;
        width: 100%;
        padding: 2px 0;
        text-align: left;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      .question:has(img) {
        grid-template-columns: 64px minmax(0, 1fr);
        column-gap: 8px;
      }
      .question img {
        grid-row: span 2;
        width: 64px;
        height: 64px;
        object-fit: contain;
        background: var(--medr1-behind);
      }
      .unindexed {
        padding: 4px 8px;
      }
      .question:disabled {
        opacity: 1;
      }
      .gold {
        color: var(--medr1-right);
        font-weight: 600;
      }
      .said {
        display: grid;
        grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
        gap: 4px 16px;
      }
      :host {
        container-type: inline-size;
      }
      @container (max-width: 640px) {
        .said {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      .text {
        overflow-wrap: anywhere;
      }
      .more {
        margin: 8px;
      }
    `,
  ];
}

define('medr1-evaluation-answers', EvaluationAnswers);
