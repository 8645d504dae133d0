/** The New run view: presets, the form, what the run would need, and the start. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { meter, meterStyle } from '../charts/meter.ts';
import { isLive, type Estimate, type Subscription } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { bytes, duration, integer } from '../format.ts';
import type { HostFiles } from '../host-files.ts';
import { failed, loading } from '../view-states.ts';
import { saveFile } from '../save-file.ts';
import { yamlOf } from '../yaml.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import type { TypedRun } from '../store/new-run-draft.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { fieldView, formStyle, groupView } from '../form/controls.ts';
import { groupsOfFields, type Field, type Typed } from '../form/fields.ts';
import { forkHead, forkStyle, ofFork } from './fork-view.ts';
import { NewRunModel } from './model.ts';
import { presets } from './presets.ts';
import { parametersStyle } from '../rewards/parameters-form.ts';
import { rewardsField, rewardsFieldStyle } from './rewards-field.ts';

/** Keys that have a control in common. */
const REWARDS = ['reward_funcs', 'reward_weights'];

export class NewRunView extends WatchingElement {
  static override properties = { workbench: { attribute: false }, files: { attribute: false } };
  declare workbench: IWorkbench;
  /** The host's; null where it has none. */
  declare files: HostFiles | null;
  #model: NewRunModel | null = null;
  #saved: Subscription | null = null;
  #stopWaiting: () => void = () => {};
  /** What this view put into the store, or took up from there. */
  #kept: TypedRun | null = null;

  constructor() {
    super();
    keepUncovered(this, { part: 'footer', edge: 'bottom' });
    this.files = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { runs, data, draft, newRunDraft } = this.workbench;
    return [this.#model!.state, runs.state, data.datasets.state, draft, newRunDraft];
  }

  protected override acquire(): void {
    if (!this.#model) {
      this.#model = new NewRunModel(this.workbench.connector, this.files);
      this.#model.state.subscribe(() => this.#keep());
      void this.#model.load();
    }
    const model = this.#model;
    const { connection } = this.workbench.connector;
    this.#stopWaiting = connection.subscribe(() => {
      if (isLive(connection.value)) model.reconnected();
    });
    const { datasets } = this.workbench.data;
    if (datasets.state.value.status === 'loading') void datasets.load();
    this.#saved = this.files?.onSaved((path) => void model.reread(path)) ?? null;
  }

  protected override release(): void {
    this.#saved?.close();
    this.#stopWaiting();
    this.#model?.dispose();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const { draft, newRunDraft } = this.workbench;
    if (this.#model?.state.value.status !== 'ready') return;
    if (newRunDraft.value !== this.#kept) {
      this.#kept = newRunDraft.value;
      if (this.#kept && this.#model.draft === null) this.#model.takeUp(this.#kept);
    }
    if (draft.value === null) return;
    const { config, like, files, fork } = draft.value;
    draft.set(null);
    if (fork) this.#model.fork(fork, config);
    else if (like === undefined) this.#model.take(config);
    else this.#model.fill({ config, like, files });
  }

  #keep(): void {
    const { status, fork } = this.#model!.state.value;
    if (status !== 'ready' || fork) return;
    const now = this.#model!.draft;
    if (JSON.stringify(now) === JSON.stringify(this.#kept)) return;
    this.#kept = now;
    this.workbench.newRunDraft.set(now);
  }

  protected override render(): TemplateResult {
    const model = this.#model!;
    const { status, error, fields, fork } = model.state.value;
    if (status === 'loading') return loading('the form');
    if (status === 'error') return failed(error!, () => void model.load());
    return html`
      ${fork ? forkHead(model, fork) : this.#presets()}
      <form @submit=${this.#submit} novalidate>
        ${groupsOfFields(fields).map((group) =>
          this.#group(
            group,
            fields.filter((field) => field.group === group),
          ),
        )}
        ${this.#footer()}
      </form>
    `;
  }

  #presets(): TemplateResult {
    const model = this.#model!;
    const { preset: chosen, carried, like } = model.state.value;
    return html`<div class="presets" role="group" aria-label="Start from">
      <span class="secondary">Start from</span>
      ${presets(this.workbench.runs.state.value.server).map(
        (preset) =>
          html`<button
            aria-pressed=${chosen === preset.id}
            title=${preset.text}
            data-testid=${`preset-${preset.id}`}
            @click=${() => model.apply(preset)}
          >
            ${preset.title}
          </button>`,
      )}
      ${like === null ? nothing : html`<span class="chip" data-testid="like">like ${like}</span>`}
      <label class="file"
        ><span>YAML …</span
        ><input
          type="file"
          accept=".yaml,.yml,.json"
          aria-label="Fill the form in from a YAML file"
          data-testid="from-yaml"
          @change=${(event: Event) => void this.#fromFile(event.target as HTMLInputElement)}
      /></label>
      <button class="quiet" type="button" data-testid="to-yaml" title="What differs from the defaults" @click=${this.#toFile}>
        Save as YAML
      </button>
      ${
        model.draft === null
          ? nothing
          : html`<button
              class="quiet"
              type="button"
              data-testid="clear-form"
              title="Everything to the defaults"
              @click=${() => model.clear()}
            >
              Clear
            </button>`
      }
      ${
        Object.keys(carried).length === 0
          ? nothing
          : html`<span class="secondary small" data-testid="carried">
              keeps what was chosen: ${Object.keys(carried).join(', ')}
              <button type="button" class="quiet link" @click=${() => model.dropCarried()}>drop</button>
            </span>`
      }
    </div>`;
  }

  async #fromFile(input: HTMLInputElement): Promise<void> {
    const [file] = input.files ?? [];
    if (file) await this.#model!.fillFrom(file.name, await file.text());
    input.value = ''; // the same file again is a change
  }

  #toFile = (): void => {
    const { config } = this.#model!;
    const name = typeof config.run_name === 'string' ? config.run_name.replaceAll(/[^\w.-]+/g, '-') : 'run';
    saveFile(`${name}.yaml`, new Blob([yamlOf(config)], { type: 'application/yaml' }));
  };

  #group(group: string, fields: Field[]): TemplateResult {
    const rewards = fields.some(({ key }) => REWARDS.includes(key)) ? rewardsField(this.#model!, this.files !== null) : nothing;
    const others = fields.filter(({ key }) => !REWARDS.includes(key));
    return groupView(group, others, this.#model!.state.value.problems, (field) => this.#field(field), rewards);
  }

  #field(field: Field): TemplateResult {
    const model = this.#model!;
    const { typed, problems, fork } = model.state.value;
    const set = (value: Typed): void => model.set(field.key, value);
    const suggestions = this.#names(field.key);
    return fieldView(field, typed[field.key], { problem: problems[field.key], set, suggestions, ...(fork && ofFork(model, field)) });
  }

  /** Where the schema knows only of a text, the names that there are. */
  #names(key: string): readonly string[] | undefined {
    const sample = this.workbench.runs.state.value.server?.sample;
    if (key === 'model_name_or_path') return Object.values(sample?.models ?? {});
    const { datasets } = this.workbench.data.datasets.state.value;
    return key === 'dataset_name' ? [...new Set([...datasets.map(({ name }) => name), ...(sample ? [sample.dataset] : [])])] : undefined;
  }

  #footer(): TemplateResult {
    const { estimate, checking, starting, problems, fork, refusal } = this.#model!.state.value;
    const count = Object.keys(problems).length + this.#model!.wrongRewards;
    const next = checking ? 'Checking …' : count ? `${count} to put right` : refusal ? '' : 'Choose a preset, or a model and a data set.';
    return html`<footer role="presentation">
      ${refusal ? failed(refusal) : nothing}
      <div class="need" data-testid="estimate" aria-live="polite">
        ${estimate && count === 0 ? this.#estimate(estimate, checking, fork?.step ?? 0) : html`<span class="secondary">${next}</span>`}
      </div>
      ${fork ? nothing : this.#pairButton(estimate)}
      <button class="primary" type="submit" data-testid="start-run" ?disabled=${starting}>
        ${starting ? 'Starting …' : fork ? 'Fork' : 'Start run'}
      </button>
    </footer>`;
  }

  #pairButton(estimate: Estimate | null): TemplateResult {
    const variants = this.#model!.pairVariants;
    return html`<button
      type="button"
      data-testid="start-pair"
      ?disabled=${this.#model!.state.value.starting}
      title=${`Two runs, ${variants.join(' and ')}, that see the same questions in the same order. On one device they take turns, and both models are held${estimate ? `: about ${bytes(2 * estimate.total_bytes)}` : ''}.`}
      @click=${() => void this.#startPair()}
    >
      Start pair
    </button>`;
  }

  /** `stale`: of what was typed before. `done`: steps that a fork has from its parent. */
  #estimate(estimate: Estimate, stale: boolean, done: number): TemplateResult {
    const steps = Math.max(0, estimate.total_steps - done);
    const colours = seriesColours();
    const whole = Math.max(estimate.total_bytes, estimate.available_bytes, 1);
    const parts = Object.entries(estimate.memory).filter(([, size]) => size > 0);
    let end = 0;
    const pieces = parts.map(([name, size], index) => ({
      ...{ from: end, to: (end += size / whole) },
      ...{ colour: colours[index % colours.length], title: `${name}: ${bytes(size)}` },
    }));
    return html`
      <div class=${stale ? 'sum stale' : 'sum'} aria-busy=${stale}>
        <span
          ><b class="number">${integer(steps)}</b>
          ${steps === 1 ? 'step' : 'steps'}${done > 0 ? `, to ${integer(estimate.total_steps)}` : ''}</span
        >
        <span><b class="number">${integer(estimate.train_items)}</b> questions</span>
        <span
          ><b class="number">${integer(estimate.parameters)}</b>
          parameters${estimate.trainable_parameters === estimate.parameters ? '' : html`, ${integer(estimate.trainable_parameters)} trained`}</span
        >
        <span class=${estimate.fits ? '' : 'problem'}
          >${estimate.fits ? '✓' : '✗'} needs <b>${bytes(estimate.total_bytes)}</b> of
          ${bytes(estimate.available_bytes)}${(estimate.processes ?? 1) > 1 ? ` in each of ${estimate.processes} processes` : ''}</span
        >
        ${estimate.least_devices === undefined ? '' : html`<span class=${estimate.least_devices === null ? 'problem' : ''} title="Devices like those here, with a process on each.">${estimate.least_devices === null ? 'no number of devices like these is enough' : html`<b class="number">${estimate.least_devices}</b> ${estimate.least_devices === 1 ? 'device' : 'devices'} at least`}</span>`}
        ${estimate.seconds_per_step ? html`<span title=${`Measured on ${estimate.seconds_from}; may be out by a factor of two.`}>about <b class="number">${estimate.seconds_per_step < 10 ? `${estimate.seconds_per_step.toPrecision(2)} s` : duration(estimate.seconds_per_step)}</b> a step, <b class="number">${duration(estimate.seconds_per_step * steps)}</b> in all${estimate.rollouts_per_s ? html`, <b class="number">${estimate.rollouts_per_s.toPrecision(2)}</b> rollouts a second` : ''}</span>` : ''}
      </div>
      ${meter(pieces, { says: parts.map(([name, size]) => `${name} ${bytes(size)}`).join(', ') })}
      ${estimate.advice.map((line) => html`<p class="small warning">${line}</p>`)}
    `;
  }

  #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const run = await this.#model!.start();
    if (!run) return this.#showWrong();
    this.workbench.runs.apply({ summary: run });
    this.workbench.selection.move({ runs: run.parent === null ? [run.id] : [run.id, run.parent] }); // a fork is seen beside its parent
    if (run.parent !== null) this.#model!.leaveFork();
    command(this, 'open-curves');
  };

  async #startPair(): Promise<void> {
    const runs = await this.#model!.startPair();
    if (!runs) return this.#showWrong();
    for (const summary of runs) this.workbench.runs.apply({ summary });
    this.workbench.selection.move({ runs: runs.map(({ id }) => id) });
    command(this, 'open-pair');
  }

  async #showWrong(): Promise<void> {
    await this.updateComplete;
    const wrong = this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"], [data-testid=reward-error]');
    wrong?.scrollIntoView?.({ block: 'center' }); // the foot lies over what is at the lower edge
    wrong?.focus({ preventScroll: true });
  }

  static override styles = [
    tokens,
    base,
    meterStyle,
    formStyle,
    css`
      :host {
        height: 100%;
        overflow: auto;
        container-type: inline-size;
      }
      .presets {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
        padding: 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .file {
        position: relative;
        display: inline-flex;
        align-items: center;
        min-height: 24px;
        padding: 2px 8px;
        border: 1px solid var(--medr1-border);
        border-radius: 2px;
        background: var(--medr1-surface-2);
      }
      .file:focus-within {
        outline: 2px solid var(--medr1-accent);
        outline-offset: 1px;
      }
      .file input {
        position: absolute;
        inset: 0;
        width: 100%;
        opacity: 0;
        cursor: pointer;
      }
      .presets button {
        white-space: normal;
        text-align: left;
      }
      footer {
        position: sticky;
        bottom: 0;
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
        padding: 8px;
        border-top: 1px solid var(--medr1-border);
        background: var(--medr1-surface);
      }
      footer .message {
        flex: 1 1 100%;
        padding: 0;
      }
      .need {
        flex: 1 1 280px;
      }
      .need p {
        margin: 2px 0 0;
      }
      .sum {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
      }
      .sum.stale {
        color: var(--medr1-text-2);
      }
      .sum b {
        font-weight: 600;
      }
      .meter {
        margin-top: 4px;
        outline: 1px solid var(--medr1-border);
      }
    `,
    forkStyle,
    rewardsFieldStyle,
    parametersStyle,
  ];
}

define('medr1-new-run', NewRunView);
