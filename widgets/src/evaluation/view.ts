/** The Evaluation view: the list of stored evaluations, one of them, matrices of all, and a form to start one. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { EvalSummary } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { inSentence, integer } from '../format.ts';
import { icon } from '../icons.ts';
import { Doing } from '../load.ts';
import { middle } from '../middle.ts';
import { empty, failed, loading } from '../view-states.ts';
import { readingLabel } from '../rollouts/completion.ts';
import { base, scrolling, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import './form.ts';
import './matrices.ts';
import './report.ts';
import { EvaluationModel, modelName, STATES, variantTag } from './model.ts';
import type { Place } from '../store/evaluation-choice.ts';
import { shareStyles, shareView } from './shares.ts';

export class EvaluationView extends WatchingElement {
  static override properties = { workbench: { attribute: false } };
  declare workbench: IWorkbench;
  readonly #doing = new Doing();
  #model: EvaluationModel | null = null;

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override acquire(): void {
    this.#model = new EvaluationModel(this.workbench.connector, this.workbench.selection, this.workbench.evaluation.place);
    void this.#model.start();
  }

  protected override release(): void {
    this.#model?.dispose();
  }

  protected override watched() {
    const { state, place } = this.#model!;
    return [state, place, this.workbench.selection, this.#doing];
  }

  protected override render(): TemplateResult {
    const model = this.#model;
    if (!model) return loading('evaluations');
    return html`<div @medr1-open-evaluation=${(event: CustomEvent<string>) => model.place.set({ at: 'one', id: event.detail })}>
      ${this.#toolbar(model)} ${this.#doing.error ? failed(this.#doing.error) : nothing} ${this.#body(model)}
    </div>`;
  }

  #toolbar(model: EvaluationModel): TemplateResult {
    const place = model.place.value;
    const go = (to: Place, text: string): TemplateResult =>
      html`<button aria-pressed=${place.at === to.at} data-testid=${`go-${to.at}`} @click=${() => this.#go(to)}>${text}</button>`;
    const { length: picked } = model.picked;
    return html`<div class="toolbar" role="toolbar" aria-label="Evaluations">
      ${go({ at: 'list' }, 'Evaluations')} ${go({ at: 'matrices' }, 'Matrices')} ${go({ at: 'new' }, 'New evaluation')}
      <button
        title="The ticked evaluations side by side, on the questions that all of them answered"
        data-testid="go-compare"
        @click=${() => command(this, 'open-compare')}
      >
        Compare${picked > 0 ? ` (${picked})` : ''}
      </button>
      <button class="quiet link trash" data-testid="open-trash" @click=${() => command(this, 'open-trash')}>Trash</button>
    </div>`;
  }

  #go(place: Place): void {
    this.#doing.forgive();
    this.#model!.place.set(place);
  }

  #body(model: EvaluationModel): TemplateResult {
    const { status, error, evaluations } = model.state.value;
    const place = model.place.value;
    if (place.at === 'new') return html`<medr1-evaluation-form .workbench=${this.workbench}></medr1-evaluation-form>`;
    if (status === 'error') return failed(error!, () => void model.start());
    if (status === 'loading') return loading('evaluations');
    if (place.at === 'one') {
      const summary = model.get(place.id);
      // started a moment ago: the list will tell
      return summary
        ? html`${this.#row(model, summary)}
            <medr1-evaluation-report .workbench=${this.workbench} .summary=${summary}></medr1-evaluation-report>`
        : loading('the evaluation');
    }
    if (place.at === 'matrices') {
      const revision = evaluations.filter(({ state }) => state === 'finished').map(({ id }) => id);
      return html`<medr1-evaluation-matrices .workbench=${this.workbench} .revision=${revision.join(' ')}></medr1-evaluation-matrices>`;
    }
    const asked = place.at === 'list' && place.of !== undefined ? this.workbench.runs.get(place.of) : undefined;
    const none = asked && !evaluations.some(({ settings }) => settings.run === asked.id) ? this.#without(asked) : nothing;
    if (evaluations.length === 0 && none === nothing)
      return empty(
        'No evaluation yet',
        'An evaluation asks a model every question of a split and keeps the answers. Start one here, or with `medr1 eval` in a terminal.',
        html`<button class="primary" @click=${() => this.#go({ at: 'new' })} data-testid="first-evaluation">New evaluation</button>`,
      );
    return html`${none}
      <ul aria-label="Evaluations">
        ${repeat(
          evaluations,
          ({ id }) => id,
          (one) => html`<li>${this.#row(model, one)}</li>`,
        )}
      </ul>`;
  }

  #without({ id, name }: { id: string; name: string }): TemplateResult {
    const evaluate = (): void => {
      const { runs } = this.workbench.selection.value;
      this.workbench.selection.move({ runs: [id, ...runs.filter((one) => one !== id)] });
      this.#go({ at: 'new' });
    };
    return html`<div data-testid="no-evaluation-of">
      ${empty(`${inSentence(name)} has no evaluation yet`, 'Evaluate it on a split that others were evaluated on, and they can be compared question by question.', html`<button class="primary" @click=${evaluate}>Evaluate ${name} …</button>`)}
    </div>`;
  }

  #row(model: EvaluationModel, one: EvalSummary): TemplateResult {
    const state = STATES[one.state];
    const { settings } = one;
    return html`<article data-testid="evaluation" data-id=${one.id} data-state=${one.state}>
      <input
        type="checkbox"
        aria-label=${`Compare ${one.name}`}
        title="Choose for a comparison"
        data-testid="pick"
        .checked=${model.picked.includes(one.id)}
        @change=${() => model.pick(one.id)}
      />
      <button class="quiet name" title=${one.name} @click=${() => this.#go({ at: 'one', id: one.id })} data-testid="open-evaluation">
        <span class=${one.state === 'failed' ? 'wrong' : one.state === 'interrupted' ? 'warning' : ''} title=${state.text}
          >${state.glyph}</span
        >
        <b>${middle(modelName(one))}</b>
        <span class="chip" title=${settings.variant}>${variantTag(settings.variant)}</span>
        <span class="secondary ellipsis">${settings.split}</span>
      </button>
      <span class="figures">
        <span>${readingLabel(one.reading)} ${shareView(one.strict)}</span>
        <span>${readingLabel('tolerant')} ${shareView(one.tolerant)}</span>
      </span>
      <span class="small secondary progress" data-testid="evaluation-progress">
        ${
          one.state === 'finished'
            ? `${integer(one.items)} questions`
            : html`<progress max=${one.total} value=${one.done}></progress> ${integer(one.done)} of ${integer(one.total)} answers,
                ${state.text}`
        }
        ${one.controls.length > 0 ? html`<span>· controls: ${one.controls.join(', ')}</span>` : nothing}
      </span>
      <span class="actions">
        ${
          state.active
            ? html`<button
                @click=${() => void this.#do(() => this.workbench.connector.evals.action(one.id, { action: 'stop' }))}
                data-testid="stop-evaluation"
              >
                Stop
              </button>`
            : one.done < one.total
              ? html`<button
                  @click=${() => void this.#do(() => this.workbench.connector.evals.action(one.id, { action: 'resume' }))}
                  data-testid="resume-evaluation"
                >
                  Resume
                </button>`
              : nothing
        }
        <a class="small" href=${this.workbench.connector.evals.exportUrl(one.id)} download>JSON</a>
        <button
          class="quiet"
          title="Move to the trash"
          aria-label=${`Move ${inSentence(one.name)} to the trash`}
          ?disabled=${state.active}
          @click=${() => void this.#remove(one)}
          data-testid="delete-evaluation"
        >
          ${icon('trash')}
        </button>
      </span>
    </article>`;
  }

  /** Answers of hours: what was removed can be taken back, here and in the trash. */
  #remove(one: EvalSummary): Promise<void> {
    return this.#do(async () => {
      const { id } = await this.workbench.connector.evals.remove(one.id);
      this.workbench.removed();
      command(this, 'offer-undo', { id, name: modelName(one) });
    });
  }

  async #do(what: () => Promise<unknown>): Promise<void> {
    await this.#doing.do(what);
  }

  static override styles = [
    tokens,
    base,
    scrolling,
    shareStyles,
    css`
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      article {
        display: grid;
        grid-template-columns: auto minmax(120px, 1fr) auto auto;
        grid-template-areas: 'pick name figures actions' '. progress figures actions';
        gap: 2px 8px;
        align-items: center;
        padding: 4px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      article > input {
        grid-area: pick;
      }
      .name {
        grid-area: name;
        display: flex;
        gap: 6px;
        align-items: baseline;
        min-width: 0;
        text-align: left;
      }
      .trash {
        margin-left: auto;
      }
      .name b {
        display: flex;
        flex: 0 1 auto;
        min-width: 0;
        overflow: hidden;
      }
      .name .chip {
        flex: none;
      }
      .wrong {
        color: var(--medr1-wrong);
      }
      .figures {
        grid-area: figures;
        display: flex;
        gap: 4px 16px;
        align-items: baseline;
      }
      .progress {
        grid-area: progress;
        padding-left: 8px;
      }
      .progress progress {
        width: 80px;
        accent-color: var(--medr1-accent);
      }
      .actions {
        grid-area: actions;
        display: flex;
        gap: 6px;
        align-items: center;
        justify-content: flex-end;
        min-width: 136px;
      }
      .actions a {
        color: inherit;
      }
      :host {
        container-type: inline-size;
      }
      @container (max-width: 860px) {
        article {
          grid-template-columns: auto minmax(0, 1fr) auto;
          grid-template-areas: 'pick name actions' '. figures figures' '. progress progress';
        }
        .figures {
          flex-wrap: wrap;
          padding-left: 8px;
        }
        .actions {
          min-width: 0;
        }
      }
      @container (max-width: 340px) {
        article {
          grid-template-columns: auto minmax(0, 1fr);
          grid-template-areas: 'pick name' '. figures' '. progress' '. actions';
        }
        .actions {
          justify-content: flex-start;
        }
      }
    `,
  ];
}

define('medr1-evaluation', EvaluationView);
