/** The Rewards view: a run's reward functions, their sources and weights, tried on stored rollouts and applied between two steps. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import {
  errorBody,
  type BuiltInReward,
  type ErrorBody,
  type Group,
  type RewardReport,
  type RewardRevision,
  type TriedRewards,
} from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer, number, percent, timeOfDay } from '../format.ts';
import { empty, failed, loading } from '../parts.ts';
import { STATES } from '../runs/model.ts';
import type { RunSeries } from '../store/run-series.ts';
import { base, SERIES, theme, tokens } from '../theme.ts';
import type { Workbench } from '../workbench.ts';
import './editor.ts';
import {
  draftOf,
  draftTo,
  editOf,
  freshName,
  inForce,
  isDirty,
  preview,
  rewardChanges,
  saturatedSince,
  SLIDER,
  sourceOf,
  TEMPLATE,
  toTry,
  varianceShares,
  withValues,
  type Draft,
  type Preview,
} from './model.ts';
import { style } from './style.ts';

/** Steps whose rollouts a preview is told from. */
const LOOK_BACK = 20;
const LOOK_GROUPS = 640;
/** Variance shares move slowly: looked at on the newest step, this many steps and milliseconds apart at least. */
const SHARES = { steps: 5, ms: 5000, groups: 64 };

export class RewardsView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    draft: { state: true },
    reason: { state: true },
    sending: { state: true },
    problem: { state: true },
    shares: { state: true },
    outcome: { state: true },
    reports: { state: true },
    trying: { state: true },
    editing: { state: true },
    builtIn: { state: true },
  };
  declare workbench: Workbench;
  /** Rewards as edited; null = as in force. */
  declare draft: Draft | null;
  declare reason: string;
  declare sending: boolean;
  declare problem: ErrorBody | null;
  declare shares: Record<string, number>;
  declare outcome: Preview | null;
  /** Of the functions that a preview had to try. */
  declare reports: RewardReport[];
  declare trying: boolean;
  /** Function whose source is open. */
  declare editing: string | null;
  declare builtIn: BuiltInReward[];

  #series: RunSeries | null = null;
  #stopSeries: () => void = () => {};
  #shares = { step: 0, at: 0 };
  /** Weight that a function switched off had, to switch it on again with. */
  readonly #before = new Map<string, number>();

  constructor() {
    super();
    this.sending = false;
    this.trying = false;
    this.builtIn = [];
    this.#clear();
  }

  #clear(): void {
    this.draft = null;
    this.reason = '';
    this.problem = null;
    this.shares = {};
    this.outcome = null;
    this.reports = [];
    this.editing = null;
    this.#shares = { step: 0, at: 0 };
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.workbench.selection, this.workbench.runs.state];
  }

  protected override release(): void {
    this.#hold(null);
  }

  protected override willUpdate(changedProperties: PropertyValues): void {
    super.willUpdate(changedProperties);
    if (!this.isConnected) return;
    if (changedProperties.has('workbench')) void this.#loadBuiltIn();
    this.#hold(this.workbench.selection.run);
    const last = this.#series?.lastStep ?? 0;
    const fresh = this.#shares.step > 0 && (last < this.#shares.step + SHARES.steps || Date.now() < this.#shares.at + SHARES.ms);
    if (last === 0 || fresh) return;
    this.#shares = { step: last, at: Date.now() };
    void this.#lookAtShares();
  }

  async #loadBuiltIn(): Promise<void> {
    try {
      this.builtIn = await this.workbench.connector.builtInRewards();
    } catch {
      // Without the list, functions are added from files alone.
    }
  }

  #hold(run: string | null): void {
    if (this.#series?.id === run || (!this.#series && !run)) return;
    this.#stopSeries();
    if (this.#series) this.workbench.runs.release(this.#series.id);
    this.#clear();
    this.#series = run ? this.workbench.runs.acquire(run) : null;
    this.#stopSeries = this.#series?.changed.subscribe(() => this.requestUpdate()) ?? (() => {});
  }

  protected override render(): TemplateResult {
    const series = this.#series;
    if (!series)
      return empty(
        'No run chosen',
        'Rewards decide what a run learns; their weights can be changed while it trains. Choose a run.',
        html`<button @click=${() => command(this, 'open-runs')}>Show runs</button>`,
      );
    if (series.status === 'error') return failed(series.error!, () => void series.load());
    if (series.status === 'loading') return loading('rewards');
    if (series.revisions.length === 0) return empty('No rewards', 'Supervised fine-tuning has none; choose a GRPO run.');
    const current = series.revisions.at(-1)!;
    const draft = this.draft ?? draftOf(current);
    const active = STATES[this.workbench.runs.get(series.id)?.state ?? 'finished'].active;
    return html`
      ${this.#head(series, active)}
      <ul aria-label="Reward functions">
        ${Object.keys(draft.weights).map((name, index) => this.#row(series, name, index, draft, current))}
      </ul>
      ${this.#add(draft)} ${this.#actions(series, draft, current, active)} ${this.problem ? failed(this.problem) : nothing}
      ${this.reports.map((report) => this.#report(report))} ${this.outcome ? this.#preview(this.outcome) : nothing}
      ${this.#history(series.revisions)}
    `;
  }

  #head(series: RunSeries, active: boolean): TemplateResult {
    const newest = series.revisions.at(-1)!;
    return html`<header>
      <b class="ellipsis">${this.workbench.runs.get(series.id)?.name ?? series.name}</b>
      <span class="secondary" data-testid="revision">
        revision ${newest.revision}
        ${newest.step === null ? html`<span class="warning">⧗ from the next step</span>` : `(since step ${integer(newest.step)})`}
      </span>
      ${active ? nothing : html`<span class="secondary">The run is not active; weights cannot change.</span>`}
    </header>`;
  }

  #row(series: RunSeries, name: string, index: number, draft: Draft, current: RewardRevision): TemplateResult {
    const weight = draft.weights[name];
    const before = current.weights[name];
    const own = sourceOf(name, draft, current.sources);
    const colours = theme.value.dark ? SERIES.dark : SERIES.light;
    const saturated = saturatedSince(series, name);
    const share = this.shares[name];
    const edited = weight !== before;
    return html`<li data-testid="reward" data-reward=${name}>
      <label class="name">
        <input type="checkbox" .checked=${weight !== 0} aria-label=${`${name} counts`} @change=${() => this.#switch(name, weight)} />
        <span class="ellipsis" style=${`border-bottom:2px solid ${colours[index % colours.length]}`}>${name}</span>
      </label>
      <input
        type="range"
        min=${SLIDER.min}
        max=${Math.max(SLIDER.max, weight)}
        step=${SLIDER.step}
        .value=${String(weight)}
        aria-label=${`Weight of ${name}`}
        data-testid="reward-slider"
        @input=${(event: Event) => this.#edit(name, Number((event.target as HTMLInputElement).value))}
      />
      <input
        type="number"
        step=${SLIDER.step}
        class="number"
        .value=${String(weight)}
        aria-label=${`Weight of ${name} as a number`}
        data-testid="reward-weight"
        data-edited=${edited}
        @change=${(event: Event) => this.#edit(name, (event.target as HTMLInputElement).valueAsNumber)}
      />
      <span class="facts small">
        ${before === undefined ? html`<span class="new">new</span>` : edited ? html`<span title="weight in force">was ${number(before)}</span>` : nothing}
        ${name in draft.files && before !== undefined ? html`<span class="new">new source</span>` : nothing}
        <span title="mean of the last step, unweighted">mean <b class="number">${number(series.last(`rewards/${name}/mean`))}</b></span>
        ${
          share === undefined
            ? nothing
            : html`<span class="share" title="Share of the variance of the weighted reward within groups: what the advantages are made of">
                variance <span class="meter"><i style=${`width:${Math.round(share * 100)}%`}></i></span>
                <b class="number">${percent(share)}</b>
              </span>`
        }
        ${
          saturated === null
            ? nothing
            : html`<span class="warning" title="All completions get about the same: this function teaches nothing now"
                >⚠ saturated since step ${integer(saturated)}</span
              >`
        }
        ${
          own === null
            ? nothing
            : html`<button
                class="quiet"
                aria-expanded=${this.editing === name}
                data-testid="edit-source"
                @click=${() => (this.editing = this.editing === name ? null : name)}
              >
                ${this.editing === name ? 'close code' : 'edit code'}
              </button>`
        }
        <button class="quiet" title="Leave this function out" data-testid="remove-reward" @click=${() => this.#remove(name)}>remove</button>
      </span>
      ${own !== null && this.editing === name ? this.#editor(name, own, before === undefined) : nothing}
    </li>`;
  }

  #editor(name: string, { file, source }: { file: string; source: string }, isNew: boolean): TemplateResult {
    return html`<div class="editor">
      ${
        isNew
          ? html`<label
              >file
              <input
                type="text"
                data-testid="reward-file"
                .value=${file}
                @change=${(event: Event) => this.#rename(name, (event.target as HTMLInputElement).value.trim())}
            /></label>`
          : html`<span class="secondary small">${file}, kept with the run</span>`
      }
      <medr1-reward-editor
        .source=${source}
        .label=${`Source of ${name}`}
        @source-change=${(event: CustomEvent<string>) => this.#write(name, file, event.detail)}
      ></medr1-reward-editor>
    </div>`;
  }

  #add(draft: Draft): TemplateResult {
    const left = this.builtIn.filter(({ name }) => !(name in draft.weights));
    return html`<div class="actions">
      <select
        aria-label="Add a built-in function"
        data-testid="add-built-in"
        .value=${''}
        @change=${(event: Event) => {
          const select = event.target as HTMLSelectElement;
          if (select.value) this.#take({ ...draft, weights: { ...draft.weights, [select.value]: 1 } });
          select.value = '';
        }}
      >
        <option value="">+ built in</option>
        ${left.map(({ name, description }) => html`<option value=${name} title=${description}>${name}</option>`)}
      </select>
      <button data-testid="add-typescript" @click=${() => this.#begin(draft)}>+ new TypeScript</button>
    </div>`;
  }

  #report(report: RewardReport): TemplateResult {
    const { name, error, tests, completions, not_applicable, log } = report;
    if (error) return html`<div data-testid="reward-report">${failed(error)}</div>`;
    return html`<p class="report" data-testid="reward-report">
      <b>${name}</b>
      ${tests ? html`<span>✓ tests ${tests.passed}/${tests.total}</span>` : html`<span class="secondary">no tests</span>`}
      <span>mean <b class="number">${number(report.mean)}</b></span>
      <span>from <b class="number">${number(report.min)}</b> to <b class="number">${number(report.max)}</b></span>
      <span>not applicable <b class="number">${percent(completions ? not_applicable / completions : 0)}</b></span>
      <span><b class="number">${number(report.ms_per_completion)}</b> ms a completion</span>
      ${log.length > 0 ? html`<span class="secondary small ellipsis">${log[0]}</span>` : nothing}
    </p>`;
  }

  #actions(series: RunSeries, draft: Draft, current: RewardRevision, active: boolean): TemplateResult {
    const dirty = isDirty(draft, current);
    const none = Object.values(draft.weights).every((weight) => weight === 0);
    return html`<div class="actions">
      <input
        type="text"
        placeholder="reason (optional, kept with the revision)"
        aria-label="Reason"
        maxlength="2000"
        .value=${this.reason}
        @input=${(event: Event) => (this.reason = (event.target as HTMLInputElement).value)}
      />
      <button ?disabled=${!dirty || this.trying} @click=${() => void this.#tryOut(series, current, draft)} data-testid="reward-preview">
        ${this.trying ? 'Trying …' : `Preview on last ${LOOK_BACK} steps`}
      </button>
      <button
        class="primary"
        ?disabled=${!dirty || !active || none || this.sending}
        data-testid="reward-apply"
        title=${none ? 'At least one reward must count' : 'In force from the next step'}
        @click=${() => void this.#apply(series, draft)}
      >
        Apply at next step
      </button>
      <button ?disabled=${!dirty} @click=${() => this.#clearDraft()} data-testid="reward-revert">Revert</button>
    </div>`;
  }

  #preview(outcome: Preview): TemplateResult {
    const row = (title: string, before: string, after: string, note = ''): TemplateResult =>
      html`<tr>
        <th scope="row">${title}</th>
        <td class="number">${before}</td>
        <td class="number">${after}</td>
        <td class="secondary">${note}</td>
      </tr>`;
    return html`<table data-testid="preview-result">
      <caption>
        The last ${integer(outcome.groups)} groups under the new rewards
      </caption>
      <thead>
        <tr>
          <th></th>
          <th class="number">now</th>
          <th class="number">new</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${row('mean reward', number(outcome.meanBefore), number(outcome.meanAfter))}
        ${row('groups that teach', integer(outcome.teachingBefore), integer(outcome.teachingAfter), `${outcome.gained} gained, ${outcome.lost} lost`)}
        ${row('advantages that change sign', '', integer(outcome.flipped), `of ${integer(outcome.completions)} completions`)}
      </tbody>
    </table>`;
  }

  #history(revisions: readonly RewardRevision[]): TemplateResult {
    return html`<section aria-label="Revisions">
      <h4>Revisions</h4>
      <ol reversed>
        ${revisions.toReversed().map(
          (one, back) =>
            html`<li data-testid="revision-entry">
              <span class="number">${one.revision}</span>
              <span class="secondary">${one.step === null ? 'waits' : `step ${integer(one.step)}`}</span>
              <span class="weights"
                >${Object.entries(one.weights).map(([name, weight]) => html`<span>${name} <b>${number(weight)}</b></span>`)}</span
              >
              ${Object.values(one.sources).map(
                ({ file, sha256 }) => html`<span class="secondary small" title=${`sha256 ${sha256}`}>${file} ${sha256.slice(0, 8)}</span>`,
              )}
              <span class="secondary small"
                >${[timeOfDay(one.created_at), ...changesOf(revisions, revisions.length - 1 - back), one.reason].filter(Boolean).join(' · ')}</span
              >
              <button class="quiet" title="Edit from these rewards" @click=${() => this.#take(draftTo(one, revisions.at(-1)!))}>use</button>
            </li>`,
        )}
      </ol>
    </section>`;
  }

  #edit(name: string, weight: number): void {
    if (!Number.isFinite(weight)) return this.requestUpdate();
    const draft = this.#current;
    this.#take({ ...draft, weights: { ...draft.weights, [name]: weight } });
  }

  get #current(): Draft {
    return this.draft ?? draftOf(this.#series!.revisions.at(-1)!);
  }

  #take(draft: Draft): void {
    this.draft = draft;
    this.outcome = null;
    this.reports = [];
    this.problem = null;
  }

  #begin(draft: Draft): void {
    const name = freshName([...Object.keys(draft.weights), ...this.builtIn.map((one) => one.name)]);
    this.#take({ weights: { ...draft.weights, [name]: 1 }, files: { ...draft.files, [name]: { file: `${name}.ts`, source: TEMPLATE } } });
    this.editing = name;
  }

  #write(name: string, file: string, source: string): void {
    const draft = this.#current;
    this.#take({ ...draft, files: { ...draft.files, [name]: { file, source } } });
  }

  /** A new function goes by its file; a name that is none, or is taken, leaves the old one. */
  #rename(name: string, file: string): void {
    const draft = this.#current;
    const next = /^([A-Za-z_][\w-]*)\.(ts|js)$/.exec(file)?.[1];
    if (next === undefined || (next !== name && next in draft.weights)) return this.requestUpdate();
    const { [name]: own, ...files } = draft.files;
    const weights = Object.fromEntries(Object.entries(draft.weights).map(([one, weight]) => [one === name ? next : one, weight]));
    this.#take({ weights, files: { ...files, [next]: { ...own, file } } });
    this.editing = next;
  }

  #remove(name: string): void {
    const { weights, files } = this.#current;
    const without = <T>(all: Record<string, T>) => Object.fromEntries(Object.entries(all).filter(([one]) => one !== name));
    this.#take({ weights: without(weights), files: without(files) });
  }

  #switch(name: string, weight: number): void {
    if (weight !== 0) this.#before.set(name, weight);
    this.#edit(name, weight !== 0 ? 0 : (this.#before.get(name) ?? 1));
  }

  #clearDraft(): void {
    this.draft = null;
    this.outcome = null;
    this.reports = [];
    this.problem = null;
    this.reason = '';
  }

  async #apply(series: RunSeries, draft: Draft): Promise<void> {
    this.sending = true;
    this.problem = null;
    try {
      const revision = await this.workbench.connector.editRewards(series.id, {
        ...editOf(draft, series.revisions.at(-1)!),
        ...(this.reason ? { reason: this.reason } : {}),
        base_revision: series.revisions.at(-1)!.revision,
      });
      series.revise(revision);
      this.#clearDraft();
    } catch (error) {
      this.problem = errorBody(error);
    }
    this.sending = false;
  }

  async #tryOut(series: RunSeries, current: RewardRevision, draft: Draft): Promise<void> {
    this.trying = true;
    try {
      const to = series.lastStep;
      const groups = await this.workbench.connector.groups(series.id, { from: Math.max(1, to - LOOK_BACK + 1), to, limit: LOOK_GROUPS });
      const asked = toTry(draft, current);
      const tried = asked && (await this.workbench.connector.tryRewards(series.id, { ...asked, steps: LOOK_BACK }));
      if (series === this.#series && this.#current === draft) this.#show(groups, current, draft, tried);
    } catch (error) {
      this.problem = errorBody(error);
    }
    this.trying = false;
  }

  #show(groups: readonly Group[], current: RewardRevision, draft: Draft, tried: TriedRewards | null): void {
    this.reports = tried?.reports ?? [];
    if (this.reports.some(({ error }) => error !== null)) return void (this.outcome = null);
    const rescored = tried ? withValues(groups, tried) : groups;
    const known = new Set(rescored.map(({ step, group }) => `${step} ${group}`));
    const same = groups.filter(({ step, group }) => known.has(`${step} ${group}`));
    this.outcome = preview(same, current.weights, draft.weights, rescored);
  }

  async #lookAtShares(): Promise<void> {
    const series = this.#series!;
    try {
      const groups = await this.workbench.connector.groups(series.id, { step: this.#shares.step, limit: SHARES.groups });
      if (series === this.#series) this.shares = varianceShares(groups, inForce(series.revisions));
    } catch {
      // Shares are an extra: without them the rows stand as they are.
    }
  }

  static override styles = [tokens, base, style];
}

/** What a revision changed; nothing of the first. */
const changesOf = (revisions: readonly RewardRevision[], at: number): string[] =>
  at > 0 ? rewardChanges(revisions[at - 1], revisions[at]).filter((change) => /added|removed|source/.test(change)) : [];

define('medr1-rewards', RewardsView);
