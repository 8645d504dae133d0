/** The Rewards view: a run's reward functions, their sources and weights, tried on stored rollouts and applied between two steps. */
import { rewardName } from '@medr1/kernel-bridge/protocol/reward-names';
import { builtInName } from '@medr1/kernel-bridge/protocol/reward-names';
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import type { Schedule } from '@medr1/kernel-bridge/protocol/scheduled';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { CHECK_DELAY_MS, type CreateCodeEditor, type EditorProblem } from '../code-editor.ts';
import type { BuiltInReward, CheckedReward, ErrorBody, RewardRevision, RewardSource, TriedRewards } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer, number, percent } from '../format.ts';
import { fileName, type HostFiles } from '../host-files.ts';
import { KeptKeyboard } from '../kept-keyboard.ts';
import { Doing, Latest, outcome } from '../load.ts';
import { empty, failed, loading, noRunChosen } from '../view-states.ts';
import { rewardChanges } from '../store/marks.ts';
import type { RewardDraft } from '../store/reward-drafts.ts';
import { HeldRuns } from '../store/held-runs.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import '../source-editor.ts';
import type { SourceEditor } from '../source-editor.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { addBuiltIn } from './add-built-in.ts';
import { changesBetween } from './changes.ts';
import { diffOf, diffSize, diffStyle, diffView } from './diff.ts';
import { histogramStyle } from './histogram.ts';
import { meter, meterStyle } from '../charts/meter.ts';
import { smallChartStyle } from '../charts/small-chart.ts';
import { historyView, NEVER_COUNTED } from './history.ts';
import {
  draftOf,
  draftTo,
  editOf,
  failuresOf,
  freshName,
  isDirty,
  preview,
  idleSince,
  liveOf,
  scoredGroups,
  SLIDER,
  sourceOf,
  toTry,
  valuesOf,
  varianceShares,
  weightsAt,
  type Draft,
  type Read,
  type Idle,
  type Scored,
  type Weights,
} from './model.ts';
import { bothChoice, bothStyle, inBoth, isAlike, partnerOf } from './partner.ts';
import { outcomeView, type Listing, type Outcome } from './outcome.ts';
import { parametersForm, parametersStyle, type Given } from './parameters-form.ts';
import { freshSchedule, scheduleField, scheduleStyle } from './schedule-field.ts';
import './settings.ts';
import { offersAt, placeOf, TEMPLATE } from './source.ts';
import { style } from './style.ts';

/** Steps whose rollouts a preview is told from. */
const LOOK_BACK = 20;
/** Variance shares move slowly: looked at on the newest step, this many steps and milliseconds apart at least. */
const SHARES = { steps: 5, ms: 5000, groups: 64 };

/** Name of the function whose source is open. */
const FILE = '[data-testid=reward-file]';

export class RewardsView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    files: { attribute: false },
    createEditor: { attribute: false },
    discarded: { state: true },
    typing: { state: true },
    outcome: { state: true },
    listing: { state: true },
    editing: { state: true },
    opened: { state: true },
    builtIn: { state: true },
    both: { state: true },
  };
  declare workbench: IWorkbench;
  /** The host's files and editor; null where it has none. */
  declare files: HostFiles | null;
  declare createEditor: CreateCodeEditor | null;
  /** What Revert took back, until something else is done. */
  declare discarded: RewardDraft | null;
  /** A weight as it is being typed. */
  declare typing: { name: string; text: string } | null;
  declare outcome: Outcome | null;
  /** Completions of the outcome that are listed. */
  declare listing: Listing | null;
  /** Function whose source is open. */
  declare editing: string | null;
  /** Built-in function whose parameters are open. */
  declare opened: string | null;
  declare builtIn: BuiltInReward[];
  /** Of a pair: an edit is made in the other run too. */
  declare both: boolean;

  readonly #held = new HeldRuns(this);
  /** What a check of the source that is written found; one that fails is no news. */
  readonly #checked = new Latest<CheckedReward[]>();
  #toCheck: ReturnType<typeof setTimeout> | undefined;
  /** What the user had done: a file read, a draft applied. */
  readonly #doing = new Doing();
  readonly #keyboard = new KeptKeyboard();
  readonly #tried = new Latest<TriedRewards>();
  /** The newest groups that were scored, for the shares of the variance. An extra: without them the rows stand as they are. */
  readonly #scored = new Latest<Scored[]>();
  #shares = { step: 0, at: 0 };
  /** Weight that a function switched off had, to switch it on again with. */
  readonly #before = new Map<string, number>();

  constructor() {
    super();
    this.files = null;
    this.createEditor = null;
    this.builtIn = [];
    this.both = true;
    this.#clear();
  }

  #clear(): void {
    this.discarded = null;
    this.#doing.forgive();
    clearTimeout(this.#toCheck);
    this.#checked.clear();
    this.#tried.clear();
    this.#scored.clear();
    this.typing = null;
    this.outcome = null;
    this.listing = null;
    this.editing = null;
    this.opened = null;
    this.#shares = { step: 0, at: 0 };
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { selection, runs, rewardDrafts, settingDrafts } = this.workbench;
    return [selection, runs.state, rewardDrafts, settingDrafts, this.#doing, this.#tried, this.#checked, this.#scored];
  }

  protected override willUpdate(changedProperties: PropertyValues): void {
    super.willUpdate(changedProperties);
    if (!this.isConnected) return;
    if (changedProperties.has('workbench')) void this.#loadBuiltIn();
    if (changedProperties.has('editing')) this.#checkOpened();
    const { run } = this.workbench.selection;
    if (this.#held.hold(this.workbench.runs, run === null ? [] : [run])) this.#clear();
    const last = this.#run?.lastStep ?? 0;
    const fresh = this.#shares.step > 0 && (last < this.#shares.step + SHARES.steps || Date.now() < this.#shares.at + SHARES.ms);
    if (last === 0 || fresh) return;
    this.#shares = { step: last, at: Date.now() };
    void this.#lookAtShares();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    this.#tell();
    if (changed.has('listing') && this.listing)
      this.renderRoot.querySelector('[data-testid=listing]')?.scrollIntoView?.({ block: 'nearest' });
  }

  protected override release(): void {
    this.#forget();
  }

  /** The run's curves show what the preview tells, as long as it tells of the edit that stands. */
  #tell(): void {
    const { rewardTrial } = this.workbench;
    const steps = this.draft && this.outcome?.preview?.steps;
    if (!steps) return this.#forget();
    if (rewardTrial.value?.steps !== steps) rewardTrial.set({ run: this.#run!.id, steps });
  }

  #forget(): void {
    if (this.workbench.rewardTrial.value) this.workbench.rewardTrial.set(null);
  }

  async #loadBuiltIn(): Promise<void> {
    const read = await outcome(() => this.workbench.connector.builtInRewards());
    if (read.status === 'ready') this.builtIn = read.value; // without the list, functions are added from files alone
  }

  get #run(): FollowedRun | null {
    return this.#held.first;
  }

  protected override render(): TemplateResult {
    const run = this.#run;
    if (!run)
      return noRunChosen(
        this,
        this.workbench.runs.state.value.runs,
        'Rewards decide what a run learns; their weights can be changed while it trains.',
      );
    if (run.status === 'error') return failed(run.error!, () => void run.load());
    if (run.status === 'loading') return loading('rewards');
    const active = isActive(this.workbench.runs.get(run.id)?.state ?? 'finished');
    if (run.detail?.summary.imported)
      return empty(
        'Rewards of another trainer',
        'Of this run only the log is here. Curves has its rewards; they are changed where it was trained.',
      );
    if (run.revisions.length === 0 || run.config?.trainer === 'sft')
      return html`${empty('No rewards', 'Supervised fine-tuning has none; its settings can be changed.')} ${this.#settings(run, active)}`;
    const current = run.revisions.at(-1)!;
    const draft = this.draft ?? draftOf(current);
    const shares = varianceShares(this.#scored.answer ?? [], draft.weights);
    const removed = Object.keys(current.weights).filter((name) => !(name in draft.weights));
    return html`
      ${this.#head(run, active, isDirty(draft, current))}
      <ul aria-label="Reward functions">
        ${Object.keys(draft.weights).map((name) => this.#row(run, name, draft, current, shares[name]))}
        ${removed.map((name) => this.#removedRow(name, draft, current))}
      </ul>
      ${this.#add(draft)} ${this.#actions(run, draft, current, active)} ${this.#trouble()} ${this.#outcomeOf(draft)}
      ${this.#settings(run, active)}
      ${historyView(run.revisions, this.#isOver(run), (one) => this.#take(draftTo(one, current)), active ? (one) => void this.#goBack(run, one) : null)}
    `;
  }

  #settings(run: FollowedRun, active: boolean): TemplateResult {
    return html`<medr1-run-settings
      .connector=${this.workbench.connector}
      .run=${run.id}
      .active=${active}
      .revision=${run.revisions.at(-1)?.revision ?? 0}
      .proposed=${this.workbench.settingDrafts.value[run.id] ?? null}
      .partner=${partnerOf(this.workbench.runs, run.id)}
      @taken=${() => this.#taken(run)}
      @revised=${(event: CustomEvent<RewardRevision>) => run.revise(event.detail)}
    ></medr1-run-settings>`;
  }

  /** What was proposed stands in the form now. */
  #taken({ id }: FollowedRun): void {
    const { [id]: _, ...others } = this.workbench.settingDrafts.value;
    queueMicrotask(() => this.workbench.settingDrafts.set(others)); // the form is being drawn just now
  }

  /** Rewards and settings of an earlier revision, from the next step on. */
  async #goBack(run: FollowedRun, wanted: RewardRevision): Promise<void> {
    this.#forgive();
    const { connector, runs } = this.workbench;
    const here = async (): Promise<void> => run.revise(await connector.revert(run.id, { revision: wanted.revision }));
    const there = async (id: string): Promise<void> => {
      const same = (await connector.run(id)).rewards.findLast((one) => isAlike(one, wanted));
      if (!same) throw { code: 'REQUEST_INVALID', message: 'it never had these rewards and settings.', remedy: 'Apply them there.' };
      await connector.revert(id, { revision: same.revision });
    };
    await this.#doing.do(() => inBoth(here, this.both ? partnerOf(runs, run.id) : null, there), 'go back');
  }

  protected override performUpdate(): void {
    this.#keyboard.note(this.shadowRoot);
    super.performUpdate();
    this.#keyboard.keep(this.shadowRoot, this.#tried.isPending || this.#doing.isBusy());
  }

  #outcomeOf(draft: Draft): TemplateResult | typeof nothing {
    if (!this.outcome) return nothing;
    const colour = (name: string): string => this.#colour(name, draft);
    return outcomeView(this.outcome, colour, this.#read, this.#toLine, this.listing, (listing) => (this.listing = listing));
  }

  /** As edited; null = as in force. Kept for the run, whatever becomes of this view. */
  get draft(): RewardDraft | null {
    return this.#run && this.workbench.rewardDrafts.of(this.#run.id);
  }

  get reason(): string {
    return this.draft?.reason ?? '';
  }

  /** What went wrong, unless the preview says it already. */
  #trouble(): TemplateResult | typeof nothing {
    const { outcome } = this;
    const problem = this.#problem;
    if (!problem || outcome?.reports.some(({ error }) => error?.message === problem.message)) return nothing;
    return html`${failed(problem)} ${this.#jump(problem)}`;
  }

  get #problem(): ErrorBody | null {
    return this.#doing.error ?? this.#tried.error;
  }

  #jump(error: ErrorBody): TemplateResult | typeof nothing {
    const place = placeOf(error.message);
    if (!place || !this.#functionOf(place.file)) return nothing;
    return html`<button class="quiet link" data-testid="to-line" @click=${() => this.#toLine(error)}>
      ${place.file}, line ${place.line}
    </button>`;
  }

  /** Errors at their lines of a source: of its check while it is written, of a preview, of Apply. */
  #problemsOf(file: string): readonly EditorProblem[] {
    const checked = this.#checked.answer?.flatMap(({ error }) => error ?? []) ?? [];
    const reported = this.outcome?.reports.flatMap(({ error }) => error ?? []) ?? [];
    const messages = new Set([...checked, ...reported, this.#problem].flatMap((error) => error?.message ?? []));
    return [...messages].flatMap((message) => {
      const place = placeOf(message);
      return place?.file === file ? [{ line: place.line, message }] : [];
    });
  }

  /** Once nothing was typed for a while, so that what cannot be read shows at its line before anything is tried. */
  #checkSoon(file: string, source: string): void {
    clearTimeout(this.#toCheck);
    this.#checked.clear();
    const { variant, max_completion_length } = this.#run?.config ?? {};
    const request = { reward_funcs: [file], reward_files: { [file]: source }, variant, max_completion_length };
    this.#toCheck = setTimeout(
      () => void this.#checked.ask((signal) => this.workbench.connector.checkRewards(request, signal)),
      CHECK_DELAY_MS,
    );
  }

  /** A draft that was kept is checked when it is opened, as when it is written. */
  #checkOpened(): void {
    const opened = this.editing === null ? undefined : this.draft?.files[this.editing];
    if (opened && opened.served === undefined) this.#checkSoon(opened.file, opened.source);
  }

  #functionOf(file: string): string | null {
    const { files } = this.#current;
    const sources = { ...this.#run?.revisions.at(-1)?.sources, ...files };
    return Object.entries(sources).find(([, one]) => one.file === file)?.[0] ?? null;
  }

  /** Opens the editor at the line that an error names. */
  readonly #toLine = async (error: ErrorBody): Promise<void> => {
    const place = placeOf(error.message);
    const name = place && this.#functionOf(place.file);
    if (!place || !name) return;
    this.editing = name;
    await this.updateComplete;
    const editor = this.renderRoot.querySelector<SourceEditor>('medr1-source-editor');
    await editor?.updateComplete;
    editor?.showLine(place.line);
  };

  #isOver(run: FollowedRun): boolean {
    return this.workbench.runs.get(run.id)?.state === 'finished';
  }

  #head(run: FollowedRun, active: boolean, dirty: boolean): TemplateResult {
    const newest = run.revisions.at(-1)!;
    return html`<header role="presentation">
      <b class="ellipsis">${this.workbench.runs.get(run.id)?.name ?? run.name}</b>
      <span class="secondary" data-testid="revision">
        revision ${newest.revision}
        ${
          newest.step !== null
            ? `(since step ${integer(newest.step)})`
            : html`<span class="warning">${this.#isOver(run) ? NEVER_COUNTED : '◔ from the next step'}</span>`
        }
      </span>
      ${dirty ? html`<span class="new" data-testid="dirty">● edited, not applied</span>` : nothing}
      ${active ? nothing : html`<span class="secondary">The run is not active: an edit can be tried on its rollouts, but not applied.</span>`}
    </header>`;
  }

  #row(run: FollowedRun, name: string, draft: Draft, current: RewardRevision, share: number | undefined): TemplateResult {
    const weight = draft.weights[name];
    const before = current.weights[name];
    const own = sourceOf(name, draft, current.sources);
    const idle = idleSince(run, name);
    const edited = weight !== before;
    const { parameters, weight_schedules } = liveOf(draft, current);
    const moves = weight_schedules[name];
    const builtIn = own === null ? this.builtIn.find((one) => one.name === builtInName(name)) : undefined;
    const steps = { next: run.lastStep + 1, total: this.workbench.runs.get(run.id)?.total_steps ?? 0 };
    return html`<li data-testid="reward" data-reward=${name}>
      <label class="name">
        <input type="checkbox" .checked=${weight !== 0} aria-label=${`${name} counts`} @change=${() => this.#switch(name, weight)} />
        <span class="ellipsis" style=${`border-bottom:2px solid ${this.#colour(name, draft)}`}>${name}</span>
      </label>
      <input
        type="range"
        min=${SLIDER.min}
        max=${Math.max(SLIDER.max, weight)}
        step=${SLIDER.step}
        .value=${String(weight)}
        ?disabled=${moves !== undefined}
        aria-label=${`Weight of ${name}`}
        data-testid="reward-slider"
        @input=${(event: Event) => this.#edit(name, Number((event.target as HTMLInputElement).value))}
      />
      <input
        type="number"
        step=${SLIDER.step}
        class="number"
        .value=${live(this.typing?.name === name ? this.typing.text : String(weight))}
        ?disabled=${moves !== undefined}
        aria-label=${`Weight of ${name} as a number`}
        data-testid="reward-weight"
        data-edited=${edited}
        @input=${(event: Event) => this.#type(name, event.target as HTMLInputElement)}
        @change=${(event: Event) => this.#typed(name, event.target as HTMLInputElement)}
      />
      <span class="facts small">
        ${before === undefined ? html`<span class="new">new</span>` : edited ? html`<span title="weight in force">was ${number(before)}</span>` : nothing}
        ${name in draft.files && before !== undefined ? html`<span class="new">new source</span>` : nothing}
        <span title="mean of the last step, unweighted">mean <b class="number">${number(run.last(`rewards/${name}/mean`))}</b></span>
        ${
          share === undefined
            ? nothing
            : html`<span class="share" title="Share of the variance of the weighted reward within groups: what the advantages are made of">
                variance ${meter([{ from: 0, to: share }])}
                <b class="number">${percent(share)}</b>
              </span>`
        }
        ${idle === null ? nothing : idleView(idle)}
        ${
          own === null
            ? nothing
            : html`<button
                class="quiet link"
                aria-expanded=${this.editing === name}
                data-testid="edit-source"
                @click=${() => (this.editing = this.editing === name ? null : name)}
              >
                ${this.editing === name ? 'close code' : isServed(name, draft, current) ? 'show code' : 'edit code'}
              </button>`
        }
        <button
          class="quiet link"
          data-testid="follow-step"
          title="Let the weight move with the step"
          @click=${() => this.#follow(name, moves ? null : freshSchedule(weight, steps.next, steps.total))}
        >
          ${moves ? 'hold still' : 'follow the step'}
        </button>
        ${
          builtIn
            ? html`<button
                class="quiet link"
                aria-expanded=${this.opened === name}
                data-testid="open-parameters"
                @click=${() => (this.opened = this.opened === name ? null : name)}
              >
                ${this.opened === name ? 'close' : Object.keys(builtIn.parameters.properties).length > 0 ? 'parameters' : 'about'}
              </button>`
            : nothing
        }
        <button class="quiet link" title="Leave this function out" data-testid="remove-reward" @click=${() => this.#remove(name)}>
          remove
        </button>
      </span>
      ${moves ? html`<div class="editor">${scheduleField(moves, `Weight of ${name}`, steps.next, (next) => this.#follow(name, next))}</div>` : nothing}
      ${
        builtIn && this.opened === name
          ? parametersForm(builtIn, parameters[name] ?? {}, (given) => this.#parametrise(name, given), steps)
          : nothing
      }
      ${
        own === null || this.editing !== name
          ? nothing
          : isServed(name, draft, current)
            ? servedView(own, current.sources[name] ?? null)
            : this.#editor(name, own, current.sources[name] ?? null)
      }
    </li>`;
  }

  /** A function that Apply would take away. */
  #removedRow(name: string, draft: Draft, { weights }: RewardRevision): TemplateResult {
    return html`<li data-testid="reward-removed" data-reward=${name}>
      <span class="name"><s class="ellipsis">${name}</s></span>
      <span class="secondary small">will be removed; its weight is ${number(weights[name])}</span>
      <button
        class="quiet link"
        data-testid="keep-reward"
        @click=${() => this.#take({ ...draft, weights: { ...draft.weights, [name]: weights[name] } })}
      >
        keep
      </button>
    </li>`;
  }

  /** `running`: what the run has by that name. */
  #editor(name: string, { file, source }: { file: string; source: string }, running: RewardSource | null): TemplateResult {
    return html`<div class="editor">
      ${
        running
          ? html`<span class="secondary small">${file}, kept with the run</span>`
          : html`<label
              >file
              <input
                type="text"
                data-testid="reward-file"
                .value=${file}
                @change=${(event: Event) => this.#rename(name, (event.target as HTMLInputElement).value.trim())}
            /></label>`
      }
      <medr1-source-editor
        .source=${source}
        .file=${file}
        .label=${`Source of ${name}`}
        .create=${this.createEditor}
        .problems=${this.#problemsOf(file)}
        .offersAt=${offersAt}
        @source-change=${(event: CustomEvent<string>) => this.#write(name, file, event.detail)}
      ></medr1-source-editor>
    </div>`;
  }

  #add(draft: Draft): TemplateResult {
    return html`<div class="actions">
      ${addBuiltIn(
        this.builtIn,
        (name) => name in draft.weights,
        (name) => this.#take({ ...draft, weights: { ...draft.weights, [name]: 1 } }),
      )}
      <button data-testid="add-typescript" @click=${() => void this.#begin(draft)}>+ new TypeScript</button>
      ${
        this.files
          ? html`<button
              data-testid="add-files"
              title="TypeScript or JavaScript; the run keeps the source as it is now"
              @click=${() => void this.#addFiles(this.files!)}
            >
              + from files …
            </button>`
          : nothing
      }
    </div>`;
  }

  #actions(run: FollowedRun, draft: Draft, current: RewardRevision, active: boolean): TemplateResult {
    const dirty = isDirty(draft, current);
    const none = Object.values(draft.weights).every((weight) => weight === 0);
    const changes = dirty ? changesOf(draft, current) : [];
    const lines = dirty ? changesBetween(current, draft) : [];
    return html`${changes.length === 0 ? nothing : html`<p class="changes small" data-testid="changes"><b>Apply will change</b> ${changes.join('; ')}</p>`}
      ${
        lines.length === 0
          ? nothing
          : html`<details open class="against" data-testid="source-changes">
              <summary class="small">Against what runs: ${diffSize(lines)}</summary>
              ${diffView(lines, 'What Apply will change, line by line')}
            </details>`
      }
      <div class="actions">
        <input
          type="text"
          placeholder="reason (optional)"
          title="Kept with the revision"
          aria-label="Reason"
          maxlength="2000"
          .value=${this.reason}
          @input=${(event: Event) => this.#keep({ ...draft, reason: (event.target as HTMLInputElement).value })}
        />
        <button
          ?disabled=${run.lastStep === 0 || this.#tried.isPending}
          @click=${() => void this.#tryOut(run, current, draft)}
          data-testid="reward-preview"
        >
          ${this.#tried.isPending ? 'Trying …' : `Preview on last ${LOOK_BACK} steps`}
        </button>
        <button
          class="primary"
          ?disabled=${!dirty || !active || none || this.#doing.isBusy('apply')}
          data-testid="reward-apply"
          title=${none ? 'At least one reward must count' : 'In force from the next step'}
          @click=${() => void this.#apply(run, draft)}
        >
          Apply at next step
        </button>
        ${bothChoice(partnerOf(this.workbench.runs, run.id), this.both, (both) => (this.both = both))}
        <button ?disabled=${!dirty} @click=${() => this.#revert()} data-testid="reward-revert">Revert</button>
        ${
          this.discarded
            ? html`<span class="secondary" role="status">The edit was discarded.</span>
                <button class="quiet link" data-testid="undo-revert" @click=${() => this.#take(this.discarded!)}>Undo</button>`
            : nothing
        }
      </div>`;
  }

  #colour(name: string, draft: Draft): string {
    const colours = seriesColours();
    return colours[Object.keys(draft.weights).indexOf(name) % colours.length];
  }

  readonly #read = ({ step, group, completion }: Pick<Read, 'step' | 'group' | 'completion'>): void => {
    this.workbench.selection.move({ step, group, completion, token: null });
    command(this, 'open-rollouts');
  };

  #edit(name: string, weight: number): void {
    if (!Number.isFinite(weight)) return this.requestUpdate();
    const draft = this.#current;
    this.#take({ ...draft, weights: { ...draft.weights, [name]: weight } });
  }

  /** Lets a weight follow the step; null holds it where it began. */
  #follow(name: string, schedule: Schedule | null): void {
    const draft = this.#current;
    const { [name]: moved, ...others } = liveOf(draft, this.#run!.revisions.at(-1)!).weight_schedules;
    const weight = schedule?.from ?? moved.from;
    const weight_schedules = schedule ? { ...others, [name]: schedule } : others;
    this.#take({ ...draft, weights: { ...draft.weights, [name]: weight }, weight_schedules });
  }

  #parametrise(name: string, given: Given): void {
    const draft = this.#current;
    const { parameters } = liveOf(draft, this.#run!.revisions.at(-1)!);
    this.#take({ ...draft, parameters: { ...parameters, [name]: given } });
  }

  get #current(): Draft {
    return this.draft ?? draftOf(this.#run!.revisions.at(-1)!);
  }

  /** A new edit: what was found about the one before holds no longer. */
  #take(draft: Draft & { reason?: string }): void {
    this.#keep({ reason: this.reason, ...draft });
    this.outcome = null;
    this.listing = null;
    this.#forgive();
    this.discarded = null;
  }

  #forgive(): void {
    this.#doing.forgive();
    if (this.#tried.error) this.#tried.clear();
  }

  /** Kept while it says something: an edit back to what is in force, without a reason, is none. */
  #keep(draft: RewardDraft): void {
    const run = this.#run!;
    const says = draft.reason !== '' || isDirty(draft, run.revisions.at(-1)!);
    this.workbench.rewardDrafts.put(run.id, says ? draft : null);
  }

  /** Each key counts, as on the slider; the text stays as it is typed. */
  #type(name: string, field: HTMLInputElement): void {
    this.typing = { name, text: field.value };
    if (Number.isFinite(field.valueAsNumber)) this.#edit(name, field.valueAsNumber);
  }

  /** What is no number when the field is left goes back to the weight. */
  #typed(name: string, field: HTMLInputElement): void {
    this.typing = null;
    this.#edit(name, field.valueAsNumber);
  }

  /** The keyboard goes to its name, and to its source from there. */
  async #begin(draft: Draft): Promise<void> {
    const name = freshName([...Object.keys(draft.weights), ...this.builtIn.map((one) => one.name)]);
    this.#take({
      ...draft,
      weights: { ...draft.weights, [name]: 1 },
      files: { ...draft.files, [name]: { file: `${name}.ts`, source: TEMPLATE } },
    });
    this.editing = name;
    await this.updateComplete;
    const field = this.renderRoot.querySelector<HTMLInputElement>(FILE);
    field?.focus();
    field?.select();
  }

  /** Each by the name of its file; one that the run has by that name gets the file's text. */
  async #addFiles(files: HostFiles): Promise<void> {
    const run = this.#run;
    await this.#doing.do(async () => {
      for (const path of await files.chooseRewards()) {
        const source = await files.read(path);
        if (run !== this.#run) return;
        const [file, draft] = [fileName(path), this.#current];
        const { weights, files: sources } = draft;
        const name = rewardName(file);
        this.#take({ ...draft, weights: { ...weights, [name]: weights[name] ?? 1 }, files: { ...sources, [name]: { file, source } } });
        this.editing = name;
      }
    });
  }

  #write(name: string, file: string, source: string): void {
    const draft = this.#current;
    this.#take({ ...draft, files: { ...draft.files, [name]: { file, source } } });
    this.#checkSoon(file, source);
  }

  /** Renames a new function by its file name. A name that is not valid or is taken changes nothing. */
  #rename(name: string, file: string): void {
    const draft = this.#current;
    const next = /^([A-Za-z_][\w-]*)\.(ts|js)$/.exec(file)?.[1];
    if (next === undefined || (next !== name && next in draft.weights)) return this.requestUpdate();
    const { [name]: own, ...files } = draft.files;
    const weights = Object.fromEntries(Object.entries(draft.weights).map(([one, weight]) => [one === name ? next : one, weight]));
    this.#take({ ...draft, weights, files: { ...files, [next]: { ...own, file } } });
    this.editing = next;
    this.#keyboard.prefer(FILE);
  }

  #remove(name: string): void {
    const draft = this.#current;
    const { weights, files } = draft;
    const without = <T>(all: Record<string, T>) => Object.fromEntries(Object.entries(all).filter(([one]) => one !== name));
    this.#take({ ...draft, weights: without(weights), files: without(files) });
  }

  #switch(name: string, weight: number): void {
    if (weight !== 0) this.#before.set(name, weight);
    this.#edit(name, weight !== 0 ? 0 : (this.#before.get(name) ?? 1));
  }

  #revert(): void {
    this.discarded = this.draft;
    this.workbench.rewardDrafts.put(this.#run!.id, null);
    this.outcome = null;
    this.listing = null;
    this.#forgive();
    this.typing = null;
  }

  async #apply(run: FollowedRun, draft: Draft): Promise<void> {
    this.#forgive();
    const newest = run.revisions.at(-1)!;
    const edit = { ...editOf(draft, newest), ...(this.reason && { reason: this.reason }) };
    const { connector, rewardDrafts, runs } = this.workbench;
    const here = async (): Promise<void> => {
      run.revise(await connector.editRewards(run.id, { ...edit, base_revision: newest.revision }));
      rewardDrafts.put(run.id, null); // what the preview found stays to be read beside the curves
      this.discarded = null;
    };
    const there = async (id: string): Promise<void> => {
      const { rewards } = await connector.run(id);
      await connector.editRewards(id, { ...edit, base_revision: rewards.at(-1)!.revision });
    };
    await this.#doing.do(() => inBoth(here, this.both ? partnerOf(runs, run.id) : null, there), 'apply');
  }

  async #tryOut(run: FollowedRun, current: RewardRevision, draft: Draft): Promise<void> {
    const edited = this.draft;
    this.#doing.forgive();
    const asked = { ...toTry(draft, current), steps: LOOK_BACK, to: run.lastStep };
    const tried = await this.#tried.ask((signal) => this.workbench.connector.tryRewards(run.id, asked, signal));
    if (tried?.status !== 'ready' || this.draft !== edited) return;
    this.listing = null;
    this.outcome = this.#outcome(current, draft, tried.value);
    await this.updateComplete;
    this.renderRoot.querySelector('[data-testid=outcome]')?.scrollIntoView?.({ block: 'nearest' });
  }

  #outcome(current: RewardRevision, draft: Draft, found: TriedRewards): Outcome {
    const { reports, groups } = found;
    const { stored, tried } = scoredGroups(found);
    const { scale_rewards, multi_objective_aggregation } = this.#run!.config ?? {};
    const scaled = scale_rewards !== 'none' && scale_rewards !== 'batch' && multi_objective_aggregation !== 'normalize_then_sum';
    const untold = reports.some(({ error }) => error !== null) || !isDirty(draft, current);
    return {
      reports,
      values: valuesOf(Object.keys(draft.weights), tried, reports),
      groups: groups.length,
      failures: Object.fromEntries(reports.map(({ name }) => [name, failuresOf(name, groups)])),
      tried,
      steps: [groups[0]?.step ?? 0, groups.at(-1)?.step ?? 0],
      preview: untold ? null : preview(stored, ...this.#weights(current, draft), tried, scaled),
      scaled,
    };
  }

  /** As they count for the next step, before and after an edit. */
  #weights(current: RewardRevision, draft: Draft): [before: Weights, after: Weights] {
    const next = (this.#run?.lastStep ?? 0) + 1;
    return [
      weightsAt(current.weights, current.weight_schedules, next),
      weightsAt(draft.weights, liveOf(draft, current).weight_schedules, next),
    ];
  }

  async #lookAtShares(): Promise<void> {
    const run = this.#run!;
    const { step } = this.#shares;
    const read = async (signal: AbortSignal): Promise<Scored[]> =>
      (await this.workbench.connector.groups(run.id, { step, limit: SHARES.groups }, signal)).groups;
    await this.#scored.ask(read, { keep: true });
  }

  static override styles = [
    tokens,
    base,
    smallChartStyle,
    meterStyle,
    style,
    histogramStyle,
    diffStyle,
    scheduleStyle,
    parametersStyle,
    bothStyle,
  ];
}

/** A Python function, which a kernel evaluates and its notebook edits. */
const isServed = (name: string, { files }: Draft, { sources }: RewardRevision): boolean =>
  name in files ? files[name].served !== undefined : sources[name]?.runtime === 'kernel';

/** `own`: the source as it is chosen; `running`: what the run has by that name. */
function servedView(own: { file: string; source: string }, running: RewardSource | null): TemplateResult {
  const waits =
    running?.timeout_s === undefined
      ? ''
      : ` A step waits ${running.timeout_s} s for it, then ${running.on_timeout === 'skip' ? 'goes on without it' : 'the run pauses'}.`;
  const changes = running ? diffOf(running.source, own.source) : [];
  return html`<div class="editor" data-testid="served-source">
    <span class="secondary small">${own.file}, evaluated in the kernel of its notebook: edit the cell there and run it again.${waits}</span>
    ${diffView(changes.length > 0 ? changes : diffOf('', own.source), `Source of ${own.file}`)}
  </div>`;
}

/** What Apply will do, a phrase each. A source is new where it is edited, whatever its hash. */
function changesOf(draft: Draft, current: RewardRevision): string[] {
  const { weights, files } = draft;
  const sources = Object.fromEntries(Object.entries(files).map(([name, one]) => [name, { ...one, sha256: '' }]));
  const kept = Object.fromEntries(Object.entries(current.sources).filter(([name]) => name in weights));
  return rewardChanges({ ...current, settings: undefined }, { weights, sources: { ...kept, ...sources }, ...liveOf(draft, current) });
}

function idleView({ why, since }: Idle): TemplateResult {
  const step = integer(since);
  return why === 'saturated'
    ? html`<span class="warning" title="All completions get about the same value, so the run learns nothing from this function now"
        >⚠ saturated since step ${step}</span
      >`
    : html`<span class="warning" title="The function gave null for every completion, so it adds nothing to the reward"
        >⚠ never applied since step ${step}</span
      >`;
}

define('medr1-rewards', RewardsView);
