/** One evaluation: accuracy by modality, type and data set with intervals, the controls beside every figure, and its answers. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { CONTROLS, READINGS } from '@medr1/kernel-bridge/protocol';
import {
  type Accuracy,
  type Control,
  type EvalDetail,
  type EvalReport,
  type Evaluation,
  type EvalSummary,
  type Share,
} from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer, MISSING, number } from '../format.ts';
import { Latest } from '../load.ts';
import { loaded } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import './answers.ts';
import './reasoning.ts';
import { columnOf } from './model.ts';
import { percentage, shareStyles, shareTitle, shareView } from './shares.ts';

const GROUPS = [
  ['by_modality', 'Modality'],
  ['by_question_type', 'Question type'],
  ['by_dataset', 'Data set'],
] as const;

export class EvaluationReport extends WatchingElement {
  static override properties = { workbench: { attribute: false }, summary: { attribute: false } };
  declare workbench: IWorkbench;
  declare summary: EvalSummary;
  readonly #detail = new Latest<EvalDetail>();

  protected override identity(): PropertyKey[] {
    return ['workbench', 'summary'];
  }

  protected override watched() {
    return [this.#detail];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const before = changed.get('summary') as EvalSummary | undefined;
    const { id, done, state } = this.summary;
    if (!changed.has('summary') || (before?.id === id && before.done === done && before.state === state)) return;
    // the tables of one that goes on stay until the new ones are there
    void this.#detail.ask((signal) => this.workbench.connector.evals.get(id, signal), { keep: before?.id === id });
  }

  protected override render(): TemplateResult {
    const { summary } = this;
    return html`${this.#head(summary)}
    ${loaded(
      this.#detail,
      'the evaluation',
      ({ report }) =>
        html`${this.#tables(report)} ${this.#follows(report)}
          <medr1-evaluation-reasoning .workbench=${this.workbench} .evaluations=${[summary]}></medr1-evaluation-reasoning>
          <section aria-label="Answers"><h3>Answers</h3></section>
          <medr1-evaluation-answers .workbench=${this.workbench} .evaluation=${summary} .tables=${report}></medr1-evaluation-answers>`,
    )}`;
  }

  #head({ settings, reading, items, left_out, mean_tokens, tokens_per_correct, error }: EvalSummary): TemplateResult {
    const fact = (name: string, value: string, title = ''): TemplateResult =>
      html`<span title=${title}><span class="secondary">${name}</span> ${value}</span>`;
    return html`<section class="facts" aria-label="What was evaluated">
      ${fact('model', settings.model)} ${fact('split', settings.split)} ${fact('data', settings.dataset)}
      ${fact('prompt', settings.prompt_template === null ? settings.variant : 'own template', settings.prompt_template ?? '')}
      ${fact('questions', settings.limit === null ? integer(items) : `${integer(items)} drawn by seed ${settings.seed}`)}
      ${
        left_out === 0
          ? nothing
          : html`<span
              data-testid="left-out"
              title="These questions have a problem, for example a missing image. The audit of the data set names it."
            >
              <span class="warning" aria-hidden="true">⚠</span> ${integer(left_out)} of the split left out
            </span>`
      }
      ${fact('tokens an answer', number(mean_tokens))}
      ${fact('tokens a right answer', number(tokens_per_correct), `all tokens over the answers right by the reading ${reading}`)}
      ${fact('dtype', settings.dtype)}
      ${error ? html`<span class="warning" data-testid="evaluation-error">⚠ ${error.message} ${error.remedy}</span>` : nothing}
    </section>`;
  }

  #tables(report: Evaluation): TemplateResult {
    const controls = Object.keys(report.controls) as Control[];
    const seen = (control: Control): EvalReport | null => {
      const made = report.controls[control];
      return made && 'strict' in made ? made : null;
    };
    const whole = (control: Control): Share | undefined => seen(control)?.strict ?? (report.controls['option-prior'] as Share | undefined);
    const row = (name: string, accuracy: Accuracy, of: (control: Control) => Share | undefined): TemplateResult =>
      html`<tr data-testid="accuracy" data-name=${name}>
        <th scope="row">${name}</th>
        <td class="number">${integer(accuracy.strict.total)}</td>
        <td class="number">${shareView(accuracy.strict)}</td>
        <td class="number">${shareView(accuracy.tolerant)}</td>
        ${controls.map((control) => {
          const share = of(control);
          return html`<td class="number control" title=${share ? shareTitle(share) : 'only known as a whole'}>
            ${share ? percentage(share.rate) : MISSING}
            ${share && share.total !== accuracy.strict.total ? html`<span class="small" data-testid="control-n">of ${integer(share.total)}</span>` : nothing}
          </td>`;
        })}
      </tr>`;
    return html`<section aria-label="Accuracy">
      <div class="scroll" tabindex="0" role="group" aria-label="Accuracy by modality, question type and data set">
        <table>
          <thead>
            <tr>
              <td></td>
              <th class="number">questions</th>
              ${READINGS.map((reading) => {
                const { name, title } = columnOf(reading, [this.summary]);
                return html`<th class="number" title=${title}>${name}, %</th>`;
              })}
              ${controls.map((control) => html`<th class="number" title=${CONTROLS[control]}>${control}, %</th>`)}
            </tr>
          </thead>
          <tbody>
            ${row('All', report, whole)}
            ${GROUPS.map(
              ([key, title]) =>
                html`<tr class="head">
                    <th colspan=${4 + controls.length}>${title}</th>
                  </tr>
                  ${Object.entries(report[key]).map(([name, accuracy]) => row(name, accuracy, (control) => seen(control)?.[key][name]?.strict))}`,
            )}
          </tbody>
        </table>
      </div>
      <p class="small secondary">
        Bars are 95 % Wilson intervals.
        <span data-testid="controls-note">${this.#controlsNote(controls)}</span>
        ${integer(report.differing.length)} answers are read differently.
      </p>
    </section>`;
  }

  #controlsNote(made: readonly Control[]): string {
    const { controls: asked } = this.summary;
    const waiting = asked.filter((control) => !made.includes(control));
    return [
      asked.length === 0 ? ['No controls were asked for.'] : [],
      made.length > 0 ? [`Controls are by the reading ${this.summary.reading}.`] : [],
      waiting.length > 0 ? [`No answers yet under ${waiting.join(', ')}.`] : [],
    ]
      .flat()
      .join(' ');
  }

  #follows({ controls }: Evaluation): TemplateResult | typeof nothing {
    const permuted = controls['options-permuted'];
    if (!permuted) return nothing;
    const { text, letter } = permuted.follows.strict;
    return html`<section aria-label="Options permuted" data-testid="follows">
      <h3>With the options in another order</h3>
      <table>
        <tbody>
          <tr>
            <th scope="row">the answer stays with the option's text</th>
            <td class="number">${shareView(text)}</td>
          </tr>
          <tr>
            <th scope="row">it stays with the letter</th>
            <td class="number">${shareView(letter)}</td>
          </tr>
        </tbody>
      </table>
      <p class="small secondary">
        Of the questions whose answer the reading ${this.summary.reading} finds in both orders. Every option stands under another letter.
      </p>
    </section>`;
  }

  static override styles = [
    tokens,
    base,
    shareStyles,
    css`
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        overflow-wrap: anywhere;
      }
      :host {
        container-type: inline-size;
      }
      @container (max-width: 640px) {
        th[scope='row'] {
          max-width: 96px;
          white-space: normal;
        }
      }
      .control {
        color: var(--medr1-text-2);
      }
    `,
  ];
}

define('medr1-evaluation-report', EvaluationReport);
