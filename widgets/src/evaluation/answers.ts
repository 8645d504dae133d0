/** Answers of one evaluation, a page at a time, filtered; in a comparison, a column for each evaluation. Text is untrusted. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { choicesOf, letterOf, opensThink } from '@medr1/kernel-bridge/answers';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import { errorBody, type AnswerFilter, type AnswerPage, type EvalAnswer, type EvalSummary, type Reading } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { empty, failed, loading, type Load } from '../parts.ts';
import { completionStyles, completionText, readingLabel, verdictChip } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { columnOf, modelName, variantTag } from './model.ts';

const PAGE = 20;
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
    filter: { attribute: false },
    reading: { attribute: false },
    sight: { state: true },
    page: { state: true },
    place: { state: true },
  };
  declare workbench: IWorkbench;
  declare evaluation: EvalSummary;
  /** The evaluation that flips are looked at with. */
  declare against: EvalSummary | null;
  /** All that are compared, in their order; none where one is looked at alone. */
  declare columns: readonly EvalSummary[];
  declare filter: AnswerFilter;
  declare reading: Reading;
  declare sight: EvalAnswer['sight'];
  declare page: Load<AnswerPage>;
  /** Name of the indexed data set that the questions are of; null where there is none. */
  declare place: string | null;
  #asked = 0;

  constructor() {
    super();
    this.against = null;
    this.columns = [];
    this.filter = 'all';
    this.reading = 'strict';
    this.sight = 'image';
    this.page = { status: 'loading' };
    this.place = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'evaluation', 'against', 'columns', 'filter', 'reading', 'sight'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const before = changed.get('evaluation') as EvalSummary | undefined;
    const another = changed.has('evaluation') && (before?.id !== this.evaluation.id || before.done !== this.evaluation.done);
    const others = ['against', 'columns', 'filter', 'reading', 'sight'].some((key) => changed.has(key));
    // one that goes on keeps as many answers on the page as there are
    const shown = before?.id === this.evaluation.id && !others && this.page.status === 'ready' ? this.page.value.answers.length : 0;
    if (another || others) void this.#load(0, Math.max(PAGE, shown));
    if (changed.has('evaluation') && before?.id !== this.evaluation.id) void this.#findPlace();
  }

  protected override render(): TemplateResult {
    return html`${this.#toolbar()} ${this.#body()}`;
  }

  #toolbar(): TemplateResult {
    const choose = <T extends string>(label: string, value: T, values: readonly T[], text: (one: T) => string, set: (one: T) => void) =>
      html`<label
        >${label}
        <select
          aria-label=${label}
          data-testid=${`answers-${label}`}
          @change=${(event: Event) => set((event.target as HTMLSelectElement).value as T)}
        >
          ${values.map((one) => html`<option value=${one} ?selected=${one === value}>${text(one)}</option>`)}
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
              'sight',
              this.sight,
              sights,
              (one) => (one === 'image' ? 'its image' : one),
              (one) => (this.sight = one),
            )
          : nothing
      }
      <span class="secondary" data-testid="answers-total"
        >${this.page.status === 'ready' ? `${integer(this.page.value.total)} answers` : ''}</span
      >
    </div>`;
  }

  /** In a comparison, by the letters of the two that are looked at. */
  #label(filter: AnswerFilter): string {
    const [one, other] = [this.evaluation, this.against].map((each) => letterOf(this.columns.findIndex(({ id }) => id === each?.id)));
    if (filter === 'flips') return `${one} and ${other} differ`;
    if (filter === 'gained' || filter === 'lost') return `right only in ${filter === 'gained' ? one : other}`;
    return LABELS[filter];
  }

  #body(): TemplateResult {
    const { page } = this;
    if (page.status === 'loading') return loading('answers');
    if (page.status === 'error') return failed(page.error, () => void this.#load(0));
    const { answers, total } = page.value;
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
          ? html`<button class="more" @click=${() => void this.#load(answers.length)} data-testid="answers-more">
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
        title=${this.place === null ? 'Index the data set (Data) to open its questions' : 'Open the question'}
        @click=${() => this.#open(item.id)}
      >
        <span>${item.question}</span>
        <span class="small secondary">
          ${choicesOf(options).map(
            ({ letter, text }) => html`<span class=${letter === one.answer ? 'gold' : ''}>${letter}) ${text}</span> `,
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
    return html`<div data-testid="said">
      ${who} ${chip('strict')} ${one.strict === one.tolerant ? nothing : chip('tolerant')}
      <span class="small secondary number">${one.sight === 'option-prior' ? '' : `${integer(one.tokens)} tok`}</span>
      ${one.sight === 'option-prior' ? nothing : html`<div class="text">${completionText(said)}</div>`}
    </div>`;
  }

  #open(item: string): void {
    this.workbench.selection.move({ dataset: this.place, item });
    command(this, 'open-sample');
  }

  async #load(offset: number, limit = PAGE): Promise<void> {
    const asked = ++this.#asked;
    const { evaluation, against, columns, filter, reading, sight } = this;
    const beside = columns.map(({ id }) => id).filter((id) => id !== evaluation.id && id !== against?.id);
    const before = offset > 0 && this.page.status === 'ready' ? this.page.value.answers : [];
    if (offset === 0 && this.page.status !== 'ready') this.page = { status: 'loading' };
    try {
      const more = await this.workbench.connector.evals.answers(evaluation.id, {
        ...{ filter, reading, sight, offset, limit },
        ...(against && { against: against.id }),
        ...(beside.length > 0 && { beside }),
      });
      if (asked === this.#asked) this.page = { status: 'ready', value: { ...more, answers: [...before, ...more.answers] } };
    } catch (error) {
      if (asked === this.#asked) this.page = { status: 'error', error: errorBody(error) };
    }
  }

  /** Questions open in the browser when their data set is indexed: under whatever name, its folder is the same. */
  async #findPlace(): Promise<void> {
    const { settings } = this.evaluation;
    try {
      const { datasets } = await this.workbench.connector.data.list();
      this.place = datasets.find(({ name, root }) => root === settings.root || name === settings.dataset)?.name ?? null;
    } catch {
      this.place = null; // the answers stand without it
    }
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
