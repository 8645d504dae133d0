/** Answers of one evaluation, a page at a time, filtered; with another evaluation's beside them where flips are looked at. Text is untrusted. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import { errorBody, type AnswerFilter, type AnswerPage, type EvalAnswer, type EvalSummary, type Reading } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { empty, failed, loading, type Load } from '../parts.ts';
import { completionStyles, completionText, glyph } from '../rollouts/completion.ts';
import { base, tokens } from '../theme.ts';
import type { Workbench } from '../workbench.ts';
import { shortName } from './model.ts';

const PAGE = 20;
const ALONE: AnswerFilter[] = ['all', 'right', 'wrong', 'differing'];
const AGAINST: AnswerFilter[] = ['flips', 'gained', 'lost', ...ALONE];
const LABELS: Record<AnswerFilter, string> = {
  all: 'all',
  right: 'right',
  wrong: 'wrong',
  differing: 'read differently',
  flips: 'flips',
  gained: 'right only here',
  lost: 'right only there',
};

export class EvaluationAnswers extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    evaluation: { attribute: false },
    against: { attribute: false },
    filter: { attribute: false },
    reading: { attribute: false },
    sight: { state: true },
    page: { state: true },
    place: { state: true },
  };
  declare workbench: Workbench;
  declare evaluation: EvalSummary;
  /** The evaluation that flips are looked at with. */
  declare against: EvalSummary | null;
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
    this.filter = 'all';
    this.reading = 'strict';
    this.sight = 'image';
    this.page = { status: 'loading' };
    this.place = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'evaluation', 'against', 'filter', 'reading', 'sight'];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const before = changed.get('evaluation') as EvalSummary | undefined;
    const another = changed.has('evaluation') && (before?.id !== this.evaluation.id || before.done !== this.evaluation.done);
    if (another || ['against', 'filter', 'reading', 'sight'].some((key) => changed.has(key))) void this.#load(0);
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
        this.against ? AGAINST : ALONE,
        (one) => LABELS[one],
        (one) => (this.filter = one),
      )}
      ${choose(
        'reading',
        this.reading,
        READINGS,
        (one) => one,
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

  #body(): TemplateResult {
    const { page } = this;
    if (page.status === 'loading') return loading('answers');
    if (page.status === 'error') return failed(page.error, () => void this.#load(0));
    const { answers, total } = page.value;
    if (answers.length === 0) return empty('No such answer', 'Choose another filter.');
    return html`<ol>
        ${answers.map((one) => this.#answer(one))}
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
          ${options.map((option, index) => {
            const letter = String.fromCharCode(65 + index);
            return html`<span class=${letter === one.answer ? 'gold' : ''}>${letter}) ${option}</span> `;
          })}
        </span>
      </button>
      <div class="said">
        ${this.#said(one, this.against ? shortName(this.evaluation) : '')}
        ${one.other ? this.#said(one.other, shortName(this.against!)) : nothing}
      </div>
    </li>`;
  }

  #said(one: EvalAnswer, who: string): TemplateResult {
    const chip = (reading: Reading): TemplateResult => {
      const right = one.answer === null ? null : one[reading] === one.answer;
      return html`<span
        class=${`chip ${right === null ? '' : right ? 'right' : 'wrong'}`}
        title=${`read ${reading === 'strict' ? 'strictly' : 'tolerantly'}`}
        >${glyph(right)} ${one[reading] ?? '–'}</span
      >`;
    };
    return html`<div>
      <span class="small secondary">${who}</span>
      ${chip('strict')} ${one.strict === one.tolerant ? nothing : html`<span class="small secondary">tolerant</span> ${chip('tolerant')}`}
      <span class="small secondary number">${one.sight === 'option-prior' ? '' : `${integer(one.tokens)} tok`}</span>
      ${one.sight === 'option-prior' ? nothing : html`<div class="text">${completionText(one.text, one.answer === null ? null : one[this.reading] === one.answer)}</div>`}
    </div>`;
  }

  #open(item: string): void {
    this.workbench.selection.move({ dataset: this.place, item });
    command(this, 'open-sample');
  }

  async #load(offset: number): Promise<void> {
    const asked = ++this.#asked;
    const { evaluation, against, filter, reading, sight } = this;
    const before = offset > 0 && this.page.status === 'ready' ? this.page.value.answers : [];
    if (offset === 0 && this.page.status !== 'ready') this.page = { status: 'loading' };
    try {
      const more = await this.workbench.connector.evals.answers(evaluation.id, {
        ...{ filter, reading, sight, offset, limit: PAGE },
        ...(against && { against: against.id }),
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
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 280px), 1fr));
        gap: 4px 16px;
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
