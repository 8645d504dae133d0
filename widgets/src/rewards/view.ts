/** The Rewards view: weights of a run's reward functions, tried on stored rollouts and applied between two steps. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { errorBody, type ErrorBody, type RewardRevision } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { integer, number, percent, timeOfDay } from '../format.ts';
import { empty, failed, loading } from '../parts.ts';
import { STATES } from '../runs/model.ts';
import type { RunSeries } from '../store/run-series.ts';
import { base, SERIES, theme, tokens } from '../theme.ts';
import type { Workbench } from '../workbench.ts';
import { changed, inForce, preview, saturatedSince, SLIDER, varianceShares, type Preview, type Weights } from './model.ts';

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
  };
  declare workbench: Workbench;
  /** Weights as edited; null = as in force. */
  declare draft: Weights | null;
  declare reason: string;
  declare sending: boolean;
  declare problem: ErrorBody | null;
  declare shares: Record<string, number>;
  declare outcome: Preview | null;

  #series: RunSeries | null = null;
  #stopSeries: () => void = () => {};
  #shares = { step: 0, at: 0 };
  /** Weight that a function switched off had, to switch it on again with. */
  readonly #before = new Map<string, number>();

  constructor() {
    super();
    this.sending = false;
    this.#clear();
  }

  #clear(): void {
    this.draft = null;
    this.reason = '';
    this.problem = null;
    this.shares = {};
    this.outcome = null;
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
    this.#hold(this.workbench.selection.run);
    const last = this.#series?.lastStep ?? 0;
    const fresh = this.#shares.step > 0 && (last < this.#shares.step + SHARES.steps || Date.now() < this.#shares.at + SHARES.ms);
    if (last === 0 || fresh) return;
    this.#shares = { step: last, at: Date.now() };
    void this.#lookAtShares();
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
    const current = inForce(series.revisions);
    const weights = this.draft ?? current;
    const active = STATES[this.workbench.runs.get(series.id)?.state ?? 'finished'].active;
    return html`
      ${this.#head(series, active)}
      <ul aria-label="Reward functions">
        ${Object.keys(weights).map((name, index) => this.#row(series, name, index, weights, current))}
      </ul>
      ${this.#actions(series, weights, current, active)} ${this.problem ? failed(this.problem) : nothing}
      ${this.outcome ? this.#preview(this.outcome) : nothing} ${this.#history(series.revisions)}
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

  #row(series: RunSeries, name: string, index: number, weights: Weights, current: Weights): TemplateResult {
    const weight = weights[name];
    const colours = theme.value.dark ? SERIES.dark : SERIES.light;
    const saturated = saturatedSince(series, name);
    const share = this.shares[name];
    const edited = weight !== current[name];
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
        ${edited ? html`<span title="weight in force">was ${number(current[name])}</span>` : nothing}
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
      </span>
    </li>`;
  }

  #actions(series: RunSeries, weights: Weights, current: Weights, active: boolean): TemplateResult {
    const dirty = changed(weights, current);
    const none = Object.values(weights).every((weight) => weight === 0);
    return html`<div class="actions">
      <input
        type="text"
        placeholder="reason (optional, kept with the revision)"
        aria-label="Reason"
        maxlength="2000"
        .value=${this.reason}
        @input=${(event: Event) => (this.reason = (event.target as HTMLInputElement).value)}
      />
      <button ?disabled=${!dirty} @click=${() => void this.#tryOut(series, current, weights)} data-testid="reward-preview">
        Preview on last ${LOOK_BACK} steps
      </button>
      <button
        class="primary"
        ?disabled=${!dirty || !active || none || this.sending}
        data-testid="reward-apply"
        title=${none ? 'At least one reward must count' : 'In force from the next step'}
        @click=${() => void this.#apply(series, weights)}
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
        The last ${integer(outcome.groups)} groups under the new weights
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
          (one) =>
            html`<li data-testid="revision-entry">
              <span class="number">${one.revision}</span>
              <span class="secondary">${one.step === null ? 'waits' : `step ${integer(one.step)}`}</span>
              <span class="weights"
                >${Object.entries(one.weights).map(([name, weight]) => html`<span>${name} <b>${number(weight)}</b></span>`)}</span
              >
              <span class="secondary small">${timeOfDay(one.created_at)}${one.reason ? ` · ${one.reason}` : ''}</span>
              <button class="quiet" title="Edit from these weights" @click=${() => this.#take(one.weights)}>use</button>
            </li>`,
        )}
      </ol>
    </section>`;
  }

  #edit(name: string, weight: number): void {
    if (!Number.isFinite(weight)) return this.requestUpdate();
    this.#take({ ...(this.draft ?? inForce(this.#series!.revisions)), [name]: weight });
  }

  #take(weights: Weights): void {
    this.draft = { ...weights };
    this.outcome = null;
    this.problem = null;
  }

  #switch(name: string, weight: number): void {
    if (weight !== 0) this.#before.set(name, weight);
    this.#edit(name, weight !== 0 ? 0 : (this.#before.get(name) ?? 1));
  }

  #clearDraft(): void {
    this.draft = null;
    this.outcome = null;
    this.problem = null;
    this.reason = '';
  }

  async #apply(series: RunSeries, weights: Weights): Promise<void> {
    this.sending = true;
    this.problem = null;
    try {
      const revision = await this.workbench.connector.editRewards(series.id, {
        weights,
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

  async #tryOut(series: RunSeries, before: Weights, after: Weights): Promise<void> {
    try {
      const to = series.lastStep;
      const groups = await this.workbench.connector.groups(series.id, { from: Math.max(1, to - LOOK_BACK + 1), to, limit: LOOK_GROUPS });
      if (series === this.#series) this.outcome = preview(groups, before, after);
    } catch (error) {
      this.problem = errorBody(error);
    }
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

  static override styles = [
    tokens,
    base,
    css`
      :host {
        height: 100%;
        overflow: auto;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        padding: 6px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      ul,
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      ul > li {
        display: grid;
        grid-template-columns: minmax(80px, 1fr) minmax(60px, 2fr) 7ch;
        gap: 2px 8px;
        align-items: center;
        padding: 6px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .name {
        display: inline-flex;
        gap: 4px;
        align-items: center;
        min-width: 0;
      }
      input[type='number'] {
        width: 100%;
      }
      input[data-edited='true'] {
        border-color: var(--medr1-accent);
      }
      .facts {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
        padding-left: 20px;
        color: var(--medr1-text-2);
      }
      .facts b {
        color: var(--medr1-text);
        font-weight: 600;
      }
      .share {
        display: inline-flex;
        gap: 4px;
        align-items: center;
      }
      .meter {
        display: inline-block;
        width: 56px;
        height: 8px;
        border: 1px solid var(--medr1-border);
      }
      .meter i {
        display: block;
        height: 100%;
        background: var(--medr1-accent);
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        padding: 8px;
      }
      .actions input {
        flex: 1 1 160px;
      }
      table {
        margin: 0 8px 8px;
        border-collapse: collapse;
      }
      caption {
        padding: 4px 0;
        text-align: left;
        color: var(--medr1-text-2);
      }
      th {
        font-weight: 400;
        text-align: left;
      }
      th.number {
        text-align: right;
      }
      td,
      th {
        padding: 2px 8px 2px 0;
      }
      section {
        padding: 0 8px 8px;
      }
      h4 {
        margin: 8px 0 4px;
        font-size: inherit;
      }
      ol > li {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        align-items: center;
      }
      .weights {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 0 8px;
      }
      .weights b {
        font-weight: 600;
      }
    `,
  ];
}

define('medr1-rewards', RewardsView);
