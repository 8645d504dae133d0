/** Starts an evaluation: a run's checkpoint or a model directory, a split, and the controls beside it. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { CONTROLS, VARIANTS } from '@medr1/kernel-bridge/protocol';
import { errorBody, type Checkpoint, type Control, type CreateEval, type DatasetSummary, type ErrorBody } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { integer } from '../format.ts';
import { failed } from '../parts.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';

/** The test sets that Med-R1's Splits folder has. */
const SPLITS = ['modality/test', 'question_type/test'];
const CONTROL_NAMES = Object.keys(CONTROLS) as Control[];

export class EvaluationForm extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    request: { state: true },
    checkpoints: { state: true },
    datasets: { state: true },
    splits: { state: true },
    problem: { state: true },
    sending: { state: true },
  };
  declare workbench: IWorkbench;
  declare request: Partial<CreateEval>;
  /** Of the chosen run; null while they are read. */
  declare checkpoints: Checkpoint[] | null;
  declare datasets: DatasetSummary[];
  declare splits: string[];
  declare problem: ErrorBody | null;
  declare sending: boolean;

  constructor() {
    super();
    this.request = { variant: 'think', controls: ['blank-image', 'option-prior'], split: SPLITS[0], max_new_tokens: 256, batch_size: 16 };
    this.checkpoints = null;
    this.datasets = [];
    this.splits = SPLITS;
    this.problem = null;
    this.sending = false;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.workbench.runs.state];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (changed.has('workbench')) void this.#begin();
  }

  /** The selected run and the data it was trained on are what is meant most often. */
  async #begin(): Promise<void> {
    const { connector, selection, runs } = this.workbench;
    const { server } = runs.state.value;
    this.#change({ dataset: selection.value.dataset ?? server?.sample?.dataset ?? '' });
    if (selection.run) await this.#chooseRun(selection.run);
    else if (server?.sample) this.#change({ model: Object.values(server.sample.models)[0] });
    try {
      this.datasets = (await connector.data.list()).datasets;
      await this.#chooseDataset(this.request.dataset ?? '');
    } catch {
      // Names can be typed all the same.
    }
  }

  protected override render(): TemplateResult {
    const { request, workbench, checkpoints } = this;
    const { runs, server } = workbench.runs.state.value;
    const models = Object.values(server?.sample?.models ?? {});
    return html`<form
        @submit=${(event: Event) => {
          event.preventDefault();
          void this.#send();
        }}
      >
        <label for="run">Model</label>
        <span>
          <select
            id="run"
            data-testid="eval-run"
            @change=${(event: Event) => void this.#chooseRun((event.target as HTMLSelectElement).value)}
          >
            <option value="" ?selected=${!request.run}>a directory</option>
            ${repeat(
              runs,
              ({ id }) => id,
              (run) => html`<option value=${run.id} ?selected=${run.id === request.run}>run: ${run.name}</option>`,
            )}
          </select>
          ${
            request.run
              ? html`<select
                  aria-label="Checkpoint"
                  data-testid="eval-step"
                  @change=${(event: Event) => this.#change({ step: Number((event.target as HTMLSelectElement).value) })}
                >
                  ${(checkpoints ?? []).map(({ step }) => html`<option value=${step} ?selected=${step === request.step}>step ${integer(step)}</option>`)}
                </select>`
              : html`<input
                  aria-label="Model directory"
                  data-testid="eval-model"
                  list="models"
                  placeholder="Hugging Face directory"
                  .value=${request.model ?? ''}
                  @input=${this.#typed('model')}
                />`
          }
          ${request.run && checkpoints?.length === 0 ? html`<span class="warning small">⚠ this run has no checkpoint yet</span>` : nothing}
          <datalist id="models">${models.map((model) => html`<option value=${model}></option>`)}</datalist>
        </span>
        <label for="dataset">Data set</label>
        <span>
          <input
            id="dataset"
            list="datasets"
            data-testid="eval-dataset"
            required
            .value=${request.dataset ?? ''}
            @change=${(event: Event) => void this.#chooseDataset((event.target as HTMLInputElement).value)}
          />
          <datalist id="datasets">
            ${[...this.datasets.map(({ name }) => name), ...(server?.sample ? [server.sample.dataset] : [])].map((name) => html`<option value=${name}></option>`)}
          </datalist>
        </span>
        <label for="split">Split</label>
        <span>
          <input id="split" list="splits" required data-testid="eval-split" .value=${request.split ?? ''} @input=${this.#typed('split')} />
          <datalist id="splits">${this.splits.map((name) => html`<option value=${name}></option>`)}</datalist>
        </span>
        <label for="variant">Prompt</label>
        <select id="variant" data-testid="eval-variant" @change=${this.#typed('variant')}>
          ${VARIANTS.map((variant) => html`<option value=${variant} ?selected=${variant === request.variant}>${variant}</option>`)}
        </select>
        <span>Controls</span>
        <span class="controls">
          ${CONTROL_NAMES.map(
            (control) =>
              html`<label title=${CONTROLS[control]}>
                <input
                  type="checkbox"
                  data-control=${control}
                  .checked=${request.controls?.includes(control) ?? false}
                  @change=${() => this.#toggle(control)}
                />
                ${control}
              </label>`,
          )}
        </span>
        <label for="limit">Questions</label>
        <span>
          <input
            id="limit"
            type="number"
            min="1"
            placeholder="all"
            class="number"
            data-testid="eval-limit"
            .value=${String(request.limit ?? '')}
            @input=${this.#count('limit')}
          />
          <span class="small secondary">drawn by the seed</span>
          <label
            >seed <input type="number" min="0" class="number" .value=${String(request.seed ?? 42)} @input=${this.#count('seed')}
          /></label>
        </span>
        <label for="longest">Longest answer</label>
        <span>
          <input
            id="longest"
            type="number"
            min="1"
            max="8192"
            class="number"
            .value=${String(request.max_new_tokens ?? 256)}
            @input=${this.#count('max_new_tokens')}
          />
          <span class="small secondary">tokens</span>
          <label
            >batch
            <input
              type="number"
              min="1"
              max="1024"
              class="number"
              .value=${String(request.batch_size ?? 16)}
              @input=${this.#count('batch_size')}
          /></label>
        </span>
        <span></span>
        <span>
          <button type="submit" class="primary" ?disabled=${this.sending} data-testid="eval-start">Evaluate</button>
          <label title="Otherwise a stored evaluation of the same weights, questions and settings is taken up again">
            <input type="checkbox" .checked=${request.anew ?? false} @change=${() => this.#change({ anew: !this.request.anew })} /> evaluate
            anew
          </label>
        </span>
      </form>
      ${this.problem ? failed(this.problem) : nothing}`;
  }

  #change(change: Partial<CreateEval>): void {
    this.request = { ...this.request, ...change };
    this.problem = null;
  }

  #typed(key: 'model' | 'split' | 'variant'): (event: Event) => void {
    return (event) => this.#change({ [key]: (event.target as HTMLInputElement).value });
  }

  #count(key: 'limit' | 'seed' | 'max_new_tokens' | 'batch_size'): (event: Event) => void {
    return (event) => {
      const { valueAsNumber } = event.target as HTMLInputElement;
      this.#change({ [key]: Number.isFinite(valueAsNumber) ? valueAsNumber : undefined });
    };
  }

  #toggle(control: Control): void {
    const { controls = [] } = this.request;
    this.#change({ controls: controls.includes(control) ? controls.filter((one) => one !== control) : [...controls, control] });
  }

  /** The run's newest checkpoint, its prompt and its data come along. */
  async #chooseRun(id: string): Promise<void> {
    if (id === '') {
      this.checkpoints = null;
      return this.#change({ run: undefined, step: undefined });
    }
    this.#change({ run: id, model: undefined, step: undefined });
    try {
      const { checkpoints, config } = await this.workbench.connector.run(id);
      if (this.request.run !== id) return;
      this.checkpoints = checkpoints;
      this.#change({
        step: checkpoints.at(-1)?.step,
        variant: config.variant,
        ...(config.dataset_name && { dataset: config.dataset_name }),
      });
    } catch (error) {
      this.problem = errorBody(error);
    }
  }

  async #chooseDataset(dataset: string): Promise<void> {
    this.#change({ dataset });
    const known = this.datasets.find(({ name }) => name === dataset);
    if (!known) return void (this.splits = SPLITS);
    const { splits } = await this.workbench.connector.data.get(known.name);
    if (this.request.dataset === dataset) this.splits = [...SPLITS, ...Object.keys(splits).filter((name) => !SPLITS.includes(name))];
  }

  async #send(): Promise<void> {
    this.sending = true;
    this.problem = null;
    try {
      const request = JSON.parse(JSON.stringify(this.request)) as CreateEval; // what is not given is left out
      const { id } = await this.workbench.connector.evals.start(request);
      this.dispatchEvent(new CustomEvent('medr1-open-evaluation', { detail: id, bubbles: true, composed: true }));
    } catch (error) {
      this.problem = errorBody(error);
    }
    this.sending = false;
  }

  static override styles = [
    tokens,
    base,
    css`
      form {
        display: grid;
        grid-template-columns: minmax(84px, max-content) minmax(0, 1fr);
        gap: 8px 12px;
        align-items: baseline;
        max-width: 72ch;
        padding: 12px 8px;
      }
      form > span {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
        min-width: 0;
      }
      input:not([type='checkbox'], [type='number']),
      select {
        flex: 1 1 160px;
        min-width: 0;
        max-width: 100%;
      }
      form > select {
        justify-self: start;
      }
      input[type='number'] {
        width: 9ch;
      }
      .controls label {
        display: inline-flex;
        gap: 4px;
        align-items: center;
        white-space: nowrap;
      }
    `,
  ];
}

define('medr1-evaluation-form', EvaluationForm);
