/** Two to four evaluations of the same questions: figures side by side, McNemar's tests, and the questions that flip. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { letterOf } from '@medr1/kernel-bridge/answers';
import { READINGS } from '@medr1/kernel-bridge/protocol';
import type { EvalComparison, EvalReport, EvalSummary, McNemar, Reading } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, number } from '../format.ts';
import { Latest } from '../load.ts';
import { middle } from '../middle.ts';
import { loaded } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import './answers.ts';
import { columnOf, modelName, variantTag } from './model.ts';
import { points, pValue, shareStyles, shareView } from './shares.ts';

interface Flips {
  /** Indexes of the pair. */
  pair: number;
  filter: 'split' | 'flips' | 'gained' | 'lost';
  reading: Reading;
}

export class EvaluationCompare extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    ids: { attribute: false },
    flips: { state: true },
  };
  declare workbench: IWorkbench;
  declare ids: string[];
  declare flips: Flips;
  readonly #comparison = new Latest<EvalComparison>();

  constructor() {
    super();
    this.flips = { pair: 0, filter: 'flips', reading: 'strict' };
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'ids'];
  }

  protected override watched() {
    return [this.#comparison];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (changed.has('ids') && String(changed.get('ids')) !== String(this.ids)) this.#load();
  }

  #load(): void {
    const { ids } = this;
    this.flips = { pair: 0, filter: ids.length > 2 ? 'split' : 'flips', reading: 'strict' };
    void this.#comparison.ask((signal) => this.workbench.connector.evals.compare({ ids }, signal));
  }

  protected override render(): TemplateResult {
    return loaded(
      this.#comparison,
      'the comparison',
      (comparison) =>
        html`${this.#summary(comparison)} ${this.#tests(comparison)} ${this.#groups(comparison)} ${this.#flipped(comparison)}`,
    );
  }

  #summary({ evaluations, reports, items }: EvalComparison): TemplateResult {
    const row = (name: string, cell: (report: EvalReport, summary: EvalSummary) => unknown): TemplateResult =>
      html`<tr>
        <th scope="row">${name}</th>
        ${reports.map((report, i) => html`<td class="number">${cell(report, evaluations[i])}</td>`)}
      </tr>`;
    return html`<section aria-label="Summary">
      <p class="secondary" data-testid="compared">On the ${integer(items)} questions that all of them answered.</p>
      <div class="scroll" tabindex="0" role="group" aria-label="Figures side by side">
        <table>
          <thead>
            ${this.#head(evaluations)}
          </thead>
          <tbody>
            ${READINGS.map((reading) => row(`${columnOf(reading, evaluations).name}, %`, (report) => shareView(report[reading])))}
            ${row('tokens an answer', ({ mean_tokens }) => number(mean_tokens))}
            ${row('tokens a right answer', ({ tokens_per_correct }) => number(tokens_per_correct))}
            ${row('read differently', ({ differing }) => integer(differing.length))}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #head(evaluations: readonly EvalSummary[]): TemplateResult {
    return html`<tr>
      <th>figure</th>
      ${evaluations.map(
        (one, i) =>
          html`<th class="number name" title=${one.name}>
            <b>${letterOf(i)}</b> ${middle(modelName(one))}
            <span class="chip" title=${one.settings.variant}>${variantTag(one.settings.variant)}</span>
          </th>`,
      )}
    </tr>`;
  }

  #tests({ pairs, evaluations }: EvalComparison): TemplateResult {
    const place = (id: string): string => letterOf(evaluations.findIndex((one) => one.id === id));
    const show = (pair: number, filter: Flips['filter'], reading: Reading, count: number, title: string): TemplateResult => {
      const { flips } = this;
      const pressed = flips.pair === pair && flips.filter === filter && flips.reading === reading;
      return html`<button
        aria-pressed=${pressed}
        title=${title}
        data-testid=${`flips-${filter}`}
        @click=${() => (this.flips = { pair, filter, reading })}
      >
        ${integer(count)}
      </button>`;
    };
    const row = (pair: number, a: string, b: string, reading: Reading, test: McNemar): TemplateResult =>
      html`<tr data-testid="pair">
        <th scope="row">${place(a)} → ${place(b)}</th>
        <td>${columnOf(reading, evaluations).name}</td>
        <td class="number">${points(test.difference)}</td>
        <td class="number">${show(pair, 'gained', reading, test.only_a, `questions that only ${place(a)} answers right`)}</td>
        <td class="number">${show(pair, 'lost', reading, test.only_b, `questions that only ${place(b)} answers right`)}</td>
        <td class="number" data-testid="p">${pValue(test.p)}</td>
      </tr>`;
    return html`<section aria-label="McNemar's test">
      <h3>Each two on the same questions</h3>
      <div class="scroll" tabindex="0" role="group" aria-label="Tests of each pair">
        <table>
          <thead>
            <tr>
              <th>pair</th>
              <th>reading</th>
              <th class="number">points</th>
              <th class="number">right only in the first</th>
              <th class="number">right only in the second</th>
              <th class="number" title="McNemar's exact test, two-sided">McNemar p</th>
            </tr>
          </thead>
          <tbody>
            ${pairs.flatMap(({ a, b, ...tests }, i) => READINGS.map((reading) => row(i, a, b, reading, tests[reading])))}
          </tbody>
        </table>
      </div>
      ${pairs.length > 1 ? html`<p class="small secondary">Each p is for one pair alone. Among many pairs, some p are small by chance.</p>` : nothing}
    </section>`;
  }

  #groups({ evaluations, reports }: EvalComparison): TemplateResult {
    const rows = (['by_modality', 'by_question_type'] as const).map((key) => {
      const names = [...new Set(reports.flatMap((report) => Object.keys(report[key])))];
      return html`<tr class="head">
          <th colspan=${1 + reports.length}>${key === 'by_modality' ? 'Modality' : 'Question type'}</th>
        </tr>
        ${names.map(
          (name) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${reports.map((report) => html`<td class="number">${report[key][name] ? shareView(report[key][name].strict) : nothing}</td>`)}
            </tr>`,
        )}`;
    });
    return html`<section aria-label="By modality and question type">
      <details>
        <summary>By modality and question type, ${columnOf('strict', evaluations).name}</summary>
        <div class="scroll" tabindex="0" role="group" aria-label="By modality and question type">
          <table>
            <thead>
              ${this.#head(evaluations)}
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>
        </div>
      </details>
    </section>`;
  }

  #flipped({ pairs, evaluations }: EvalComparison): TemplateResult {
    const { pair, filter, reading } = this.flips;
    const { a, b } = pairs[pair] ?? pairs[0];
    const of = (id: string): EvalSummary => evaluations.find((one) => one.id === id)!;
    return html`<section aria-label="Questions"><h3>Question by question</h3></section>
      <medr1-evaluation-answers
        .workbench=${this.workbench}
        .evaluation=${of(a)}
        .against=${of(b)}
        .columns=${evaluations}
        .filter=${filter}
        .reading=${reading}
      ></medr1-evaluation-answers>`;
  }

  static override styles = [
    tokens,
    base,
    shareStyles,
    css`
      .name {
        max-width: 28ch;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      summary {
        cursor: pointer;
      }
    `,
  ];
}

define('medr1-evaluation-compare', EvaluationCompare);
