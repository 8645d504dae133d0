/** Starts an evaluation: the form of its schema, with choices of runs, checkpoints and splits. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, WatchingElement } from '../element.ts';
import { controlId, fieldView, formStyle, groupView, type Shown } from '../form/controls.ts';
import { groupsOfFields, type Field } from '../form/fields.ts';
import { integer } from '../format.ts';
import { failed } from '../view-states.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { EvaluationFormModel } from './form-model.ts';

export class EvaluationForm extends WatchingElement {
  static override properties = { workbench: { attribute: false } };
  declare workbench: IWorkbench;
  #model: EvaluationFormModel | null = null;

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override acquire(): void {
    this.#model ??= new EvaluationFormModel(this.workbench.connector);
  }

  protected override watched() {
    return [this.workbench.runs.state, this.#model!];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!changed.has('workbench')) return;
    const { selection, runs } = this.workbench;
    const sample = runs.state.value.server?.sample;
    void this.#model!.begin({
      dataset: selection.value.dataset ?? sample?.dataset ?? null,
      run: selection.run,
      model: Object.values(sample?.models ?? {})[0] ?? null,
    });
  }

  protected override render(): TemplateResult {
    const model = this.#model!;
    const { typed, problems } = model.state.value;
    const shown = model.fields.filter(({ key }) => (typed.run ? key !== 'model' : key !== 'step'));
    const { error } = model.sending;
    return html`<form novalidate @submit=${this.#submit}>
        ${groupsOfFields(shown).map((group) =>
          groupView(
            group,
            shown.filter((field) => field.group === group),
            problems,
            (field) => this.#field(field),
          ),
        )}
        <footer role="presentation">
          <button type="submit" class="primary" ?disabled=${model.sending.isBusy()} data-testid="eval-start">Evaluate</button>
        </footer>
      </form>
      ${error && Object.keys(problems).length === 0 ? failed(error) : nothing}`;
  }

  #field(field: Field): TemplateResult {
    const model = this.#model!;
    const { typed, problems } = model.state.value;
    const set: Shown['set'] = (value) => model.set(field.key, value);
    return fieldView(field, typed[field.key], { problem: problems[field.key], set, ...this.#own(field) });
  }

  /** Where the schema knows only of a text, the names that there are. */
  #own(field: Field): Partial<Shown> {
    const model = this.#model!;
    const { server } = this.workbench.runs.state.value;
    switch (field.key) {
      case 'run':
        return { control: this.#runs(field), note: this.#noteOfRun() };
      case 'step':
        return { control: this.#checkpoints(field) };
      case 'model':
        return { suggestions: Object.values(server?.sample?.models ?? {}) };
      case 'dataset':
        return {
          suggestions: [...(model.datasets.answer ?? []).map(({ name }) => name), ...(server?.sample ? [server.sample.dataset] : [])],
        };
      case 'split':
        return { suggestions: model.splits };
      default:
        return {};
    }
  }

  #runs(field: Field): TemplateResult {
    const { run } = this.#model!.state.value.typed;
    return html`<select
      id=${controlId(field)}
      @change=${(event: Event) => void this.#model!.chooseRun((event.target as HTMLSelectElement).value)}
    >
      <option value="" .selected=${!run}>none: a model directory</option>
      ${repeat(
        this.workbench.runs.state.value.runs,
        ({ id }) => id,
        ({ id, name }) => html`<option value=${id} .selected=${id === run}>${name}</option>`,
      )}
    </select>`;
  }

  #noteOfRun(): TemplateResult | typeof nothing {
    const { run } = this.#model!;
    if (run.error) return failed(run.error, () => void run.retry());
    return run.answer?.checkpoints.length === 0 ? html`<span class="warning small">⚠ this run has no checkpoint yet</span>` : nothing;
  }

  #checkpoints(field: Field): TemplateResult {
    const { step } = this.#model!.state.value.typed;
    return html`<select
      id=${controlId(field)}
      @change=${(event: Event) => this.#model!.set('step', (event.target as HTMLSelectElement).value)}
    >
      ${(this.#model!.run.answer?.checkpoints ?? []).map((one) => html`<option value=${one.step} .selected=${String(one.step) === step}>step ${integer(one.step)}</option>`)}
    </select>`;
  }

  #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const id = await this.#model!.start();
    if (id !== null) this.dispatchEvent(new CustomEvent('medr1-open-evaluation', { detail: id, bubbles: true, composed: true }));
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  };

  static override styles = [
    tokens,
    base,
    formStyle,
    css`
      footer {
        padding: 8px;
      }
      .control .message {
        padding: 0;
      }
    `,
  ];
}

define('medr1-evaluation-form', EvaluationForm);
