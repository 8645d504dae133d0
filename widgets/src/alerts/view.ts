/** The Alerts view: what the rules see in the run that is looked at, why, where rollouts show it, and what can be done. */
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { CreateCodeEditor } from '../code-editor.ts';
import type { Alert, AlertRemedy, RunAlerts } from '../connector.ts';
import { command, define, PageElement } from '../element.ts';
import { integer } from '../format.ts';
import { Doing, Latest } from '../load.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { HeldRuns } from '../store/held-runs.ts';
import { SHOWN, SORTS, type Shown, type Sort } from '../store/rollouts/model.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, tokens } from '../theme.ts';
import { failed, loading, noRunChosen } from '../view-states.ts';
import { draftOf, LEVELS, linesOf, partsOf, spanOf, typedSettings } from './model.ts';
import './rules.ts';

/** Steps after which the list is looked at anew where nothing was told meanwhile. */
const EVERY = 10;
const SNOOZE_STEPS = 50;

export class AlertsView extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    createEditor: { attribute: false },
    sure: { state: true },
  };
  declare workbench: IWorkbench;
  /** Editor of the host for source texts; null where it has none. */
  declare createEditor: CreateCodeEditor | null;
  /** The remedy that is asked about once more. */
  declare sure: AlertRemedy | null;
  readonly #held = new HeldRuns(this);
  readonly #alerts = new Latest<RunAlerts>();
  readonly #doing = new Doing();

  constructor() {
    super();
    this.createEditor = null;
    this.sure = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { selection, runs } = this.workbench;
    return [selection, runs.state, this.#alerts, this.#doing];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const { run } = this.workbench.selection;
    if (this.#held.hold(this.workbench.runs, run === null ? [] : [run])) {
      this.#alerts.clear();
      this.#doing.forgive();
      this.sure = null;
    }
    const followed = this.#held.first;
    if (followed?.status === 'ready') void this.#look(followed);
  }

  #look(run: FollowedRun): Promise<unknown> {
    const told = run.marks.filter(({ kind }) => kind === 'alert').length;
    const key = `${run.id} ${told} ${Math.floor(run.lastStep / EVERY)}`;
    return this.#alerts.askOnce(key, (signal) => this.workbench.connector.alerts(run.id, signal), { keep: true });
  }

  protected override render(): TemplateResult {
    const run = this.#held.first;
    if (!run)
      return noRunChosen(this, this.workbench.runs.state.value.runs, 'Rules look at the metrics of each run and say what they see.');
    if (run.status === 'error') return failed(run.error!, () => void run.load());
    const { answer, error } = this.#alerts;
    if (!answer) return error ? failed(error, () => void this.#alerts.retry()) : loading('alerts');
    const { now, earlier, snoozed } = partsOf(answer.alerts);
    return html`<div class="page" tabindex="0" aria-label="Alerts">
      <header role="presentation">
        <b class="ellipsis" title=${run.name}>${run.name}</b>
        <span class="secondary small">looked at up to step ${integer(answer.step)}</span>
      </header>
      ${this.#doing.error ? failed(this.#doing.error) : nothing}
      ${
        now.length + earlier.length + snoozed.length === 0
          ? html`<p class="message secondary" data-testid="nothing-seen">
              The rules have seen nothing in
              ${answer.step === 0 ? 'this run, which has no steps yet' : `steps 1 to ${integer(answer.step)}`}.
            </p>`
          : nothing
      }
      ${this.#part('Seen now', now, run, answer)} ${this.#part('Seen earlier', earlier, run, answer)}
      ${this.#part('Snoozed', snoozed, run, answer)}
      <medr1-alert-rules
        .connector=${this.workbench.connector}
        .run=${run.id}
        .settings=${answer.settings}
        .failures=${answer.failures ?? {}}
        .metrics=${[...run.metrics.keys()]}
        .createEditor=${this.createEditor}
        @changed=${() => this.#again(run)}
      ></medr1-alert-rules>
    </div>`;
  }

  #part(title: string, alerts: readonly Alert[], run: FollowedRun, answer: RunAlerts): TemplateResult | typeof nothing {
    if (alerts.length === 0) return nothing;
    return html`<section>
      <h3>${title}</h3>
      <ul aria-label=${title}>
        ${repeat(
          alerts,
          ({ rule, since }) => `${rule} ${since}`,
          (alert) => this.#alert(alert, run, answer),
        )}
      </ul>
    </section>`;
  }

  #alert(alert: Alert, run: FollowedRun, answer: RunAlerts): TemplateResult {
    const { glyph, label } = LEVELS[alert.level];
    const { evidence, remedies } = alert;
    return html`<li data-testid="alert" data-rule=${alert.rule} data-level=${alert.level}>
      <h4>
        <span class=${alert.level === 'info' ? 'secondary' : 'warning'} role="img" aria-label=${label}>${glyph}</span>
        ${alert.title} ${alert.level === 'critical' ? html`<span class="chip small">critical</span>` : nothing}
        <span class="secondary small">${spanOf(alert)}</span>
      </h4>
      <p>${alert.seen}</p>
      ${alert.why ? html`<p class="secondary">${alert.why}</p>` : nothing}
      <div class="actions">
        ${
          evidence
            ? html`<button data-testid="evidence" @click=${() => this.#showEvidence(alert, run)}>
                Rollouts of step ${integer(evidence.step)}
              </button>`
            : nothing
        }
        ${
          alert.metrics.length > 0
            ? html`<button class="quiet" title=${alert.metrics.join(', ')} @click=${() => this.#showCurves(alert, run)}>Curves</button>`
            : nothing
        }
        ${remedies.filter(({ kind }) => kind !== 'look').map((remedy) => this.#remedy(remedy, alert, run))} ${this.#snooze(alert, answer)}
      </div>
      ${remedies
        .filter(({ kind }) => kind === 'look')
        .map(({ text }) => html`<p class="small secondary">What can be done: ${text.charAt(0).toLowerCase() + text.slice(1)}.</p>`)}
    </li>`;
  }

  #remedy(remedy: AlertRemedy, alert: Alert, run: FollowedRun): TemplateResult {
    const active = isActive(this.workbench.runs.get(run.id)?.state ?? 'finished');
    const back = remedy.kind === 'rollback';
    // an ended run has no next step: what would be a revision is a fork, or a roll-back
    const why =
      back && active
        ? 'stop the run first'
        : (remedy.kind === 'settings' || remedy.kind === 'weights') && !active
          ? 'the run is not active: fork it'
          : '';
    if (this.sure === remedy)
      return html`<span class="warning small">The steps after it are dropped.</span>
        <button data-testid="sure" @click=${() => void this.#rollBack(remedy, run)}>Roll back to step ${integer(remedy.step!)}</button>
        <button class="quiet" @click=${() => (this.sure = null)}>Cancel</button>`;
    return html`<button
      data-testid="remedy"
      data-kind=${remedy.kind}
      ?disabled=${why !== '' || this.#doing.isBusy()}
      @click=${() => this.#open(remedy, alert, run)}
    >
      ${remedy.text}${why ? ` (${why})` : back || remedy.kind === 'fork' ? ' …' : ''}
    </button>`;
  }

  #snooze({ rule, snoozed, on }: Alert, { settings, step }: RunAlerts): TemplateResult | typeof nothing {
    const put = (until: number | null | undefined): void => {
      const { [rule]: _, ...others } = settings.snoozed;
      const next = until === undefined ? others : { ...others, [rule]: until };
      void this.#change({ snoozed: next });
    };
    if (snoozed) return html`<button class="quiet" data-testid="wake" @click=${() => put(undefined)}>Tell again</button>`;
    if (!on) return nothing;
    return html`<button class="quiet" data-testid="snooze" @click=${() => put(step + SNOOZE_STEPS)}>Snooze ${SNOOZE_STEPS} steps</button>
      <button class="quiet" @click=${() => put(null)}>Snooze for good</button>`;
  }

  #showEvidence({ evidence }: Alert, run: FollowedRun): void {
    const { step, shown, sort } = evidence!;
    this.workbench.selection.move({ runs: [run.id], step });
    this.workbench.rollouts.set({
      shown: shown !== undefined && shown in SHOWN ? (shown as Shown) : 'all',
      ...(sort !== undefined && sort in SORTS && { sort: sort as Sort }),
    });
    command(this, 'open-rollouts');
  }

  #showCurves({ since }: Alert, run: FollowedRun): void {
    this.workbench.selection.move({ runs: [run.id], step: since });
    command(this, 'open-curves');
  }

  /** Opens what the remedy would change, to be looked at before it is applied. */
  #open(remedy: AlertRemedy, alert: Alert, run: FollowedRun): void {
    const { rewardDrafts, settingDrafts } = this.workbench;
    const { kind } = remedy;
    if (kind === 'rollback') this.sure = remedy;
    else if (kind === 'fork') command(this, 'fork-run', { id: run.id, step: String(remedy.step ?? ''), settings: linesOf(remedy) });
    else if (kind === 'settings') {
      settingDrafts.set({ ...settingDrafts.value, [run.id]: typedSettings(remedy) });
      command(this, 'open-rewards');
    } else {
      const current = run.revisions.at(-1);
      const before = rewardDrafts.of(run.id) ?? { weights: current?.weights ?? {}, files: {}, reason: '' };
      rewardDrafts.put(run.id, draftOf(remedy, alert, before) ?? before);
      command(this, 'open-rewards');
    }
  }

  async #rollBack({ step }: AlertRemedy, run: FollowedRun): Promise<void> {
    this.sure = null;
    await this.#doing.do(() => this.workbench.connector.rollback(run.id, { step: step! }));
  }

  async #change(change: Parameters<IWorkbench['connector']['alertSettings']>[1]): Promise<void> {
    const run = this.#held.first!;
    await this.#doing.do(() => this.workbench.connector.alertSettings(run.id, change));
    this.#again(run);
  }

  #again(run: FollowedRun): void {
    void this.#alerts.ask((signal) => this.workbench.connector.alerts(run.id, signal), { keep: true });
  }

  static override styles = [
    tokens,
    base,
    css`
      :host {
        height: 100%;
        overflow: auto;
      }
      .page {
        min-height: 100%;
        outline-offset: -2px;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: baseline;
        padding: 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      header b {
        min-width: 0;
      }
      h3 {
        margin: 12px 8px 4px;
      }
      h4 {
        margin: 0 0 4px;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 8px;
        border-bottom: 1px solid var(--medr1-border);
        overflow-wrap: anywhere;
      }
      p {
        margin: 0 0 4px;
        max-width: 100ch;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
        margin: 4px 0;
      }
      .actions button {
        white-space: normal; /* a remedy is a sentence */
        text-align: start;
      }
    `,
  ];
}

define('medr1-alerts', AlertsView);
