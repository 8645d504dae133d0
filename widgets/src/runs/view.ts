/** The Runs panel: server and device on top, one row per run, its actions at hand. */
import { isActive } from '@medr1/kernel-bridge/protocol/run-states';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { inlineChart, smallChartStyle } from '../charts/small-chart.ts';
import {
  isLive,
  POLLING,
  type ErrorBody,
  type QueueMove,
  type Rollback,
  type RunAction,
  type RunSummary,
  type ServerInfo,
} from '../connector.ts';
import { command, define, PageElement } from '../element.ts';
import { bytes, dateTime, ended, inSentence, integer, told } from '../format.ts';
import { icon, type IconName } from '../icons.ts';
import { demoConfig } from '@medr1/kernel-bridge/protocol/presets';
import { Doing } from '../load.ts';
import { empty, failed, loading } from '../view-states.ts';
import { Slices } from '../slices.ts';
import { base, seriesColours, theme, tokens } from '../theme.ts';
import { TOUR } from '../store/tour.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { ACTION_LABELS, found, grouped, GROUPINGS, rows, slots, STATES, type Grouping, type RunRow } from './model.ts';
import { placesBeside, waitingOf, type Waiting } from '../store/queue.ts';
import { devicesPart, devicesStyle, type DeviceActions } from './devices.ts';
import { style } from './style.ts';

const ACTION_ICONS: Record<RunAction, IconName> = { start: 'play', pause: 'pause', resume: 'play', stop: 'stop', checkpoint: 'checkpoint' };
const VIEWS = [
  ['open-curves', 'curves', 'Curves'],
  ['open-rollouts', 'rollouts', 'Rollouts'],
  ['open-rewards', 'rewards', 'Rewards'],
] as const;
/** Of a run that waits. */
const QUEUE_LABELS: Partial<Record<RunAction, string>> = { start: 'Go first in the queue', stop: 'Cancel: leave the queue' };
/** What the start of the demo is called among the actions on runs. */
const DEMO = 'demo';
/** Fewer runs are seen at a glance. */
const SEARCHED_FROM = 6;
const SPARK = { width: 64, height: 16 };

/** The machine that trains the run, where it is another one. */
function reportedPart({ state, reported }: RunSummary): TemplateResult | typeof nothing {
  if (!reported) return nothing;
  const { host, directory, away } = reported;
  const isAway = away && isActive(state);
  return html`<span
    class=${`chip ${isAway ? 'warning' : ''}`}
    title=${`trained by ${host} in ${directory}${isAway ? '; nothing is heard of it at the moment' : ''}`}
    data-testid="run-host"
    >${isAway ? `${host} is away` : `on ${host}`}</span
  >`;
}

export class RunsPanel extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    search: { state: true },
    archived: { state: true },
    grouping: { state: true },
  };
  declare workbench: IWorkbench;
  declare search: string;
  /** Archived runs are listed too. */
  declare archived: boolean;
  declare grouping: Grouping;
  /** Actions on their way, by the run's id. */
  readonly #doing = new Doing();
  readonly #slices = new Slices(this);

  constructor() {
    super();
    this.search = '';
    this.archived = false;
    this.grouping = 'none';
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { runs, selection, colours, connector, tour } = this.workbench;
    return [runs.state, selection, colours, connector.connection, this.#doing, tour.state];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (['workbench', 'search', 'archived', 'grouping'].some((key) => changed.has(key))) this.#slices.restart();
  }

  /** Whoever comes by keys goes on where the tour is, or at the chosen run. */
  protected override get page(): HTMLElement | null {
    const find = (selector: string): HTMLElement | null => this.renderRoot.querySelector<HTMLElement>(selector);
    const tour = find('.tour') && (find('.tour .primary') ?? find('[data-testid=start-demo]') ?? find('.tour button'));
    const pick = find('.pick[aria-pressed=true]') ?? (this.#slices.isWhole ? find('.pick') : null);
    return tour ?? pick ?? find('.message button');
  }

  protected override render(): TemplateResult {
    const { status, error, server, devices, runs } = this.workbench.runs.state.value;
    if (status === 'error' && !server) return failed(error!, () => this.workbench.runs.retry());
    return html`
      ${server ? this.#header(server) : nothing}
      ${devices && devices.devices.length > 0 ? devicesPart(devices, runs, this.#deviceActions) : nothing}
      ${status === 'error' ? failed(error!, () => this.workbench.runs.retry()) : nothing}
      ${this.#doing.error ? this.#problem(this.#doing.error) : nothing} ${this.#tour(server)}
      ${status === 'loading' ? loading('runs') : runs.length === 0 && status === 'ready' ? this.#empty(server) : this.#list()}
    `;
  }

  #header(server: ServerInfo): TemplateResult {
    const { device } = server;
    const connection = this.workbench.connector.connection.value;
    const memory = device.memory_used !== null && device.memory_total !== null;
    return html`<header role="presentation">
      <span class="ellipsis device" title=${`${device.kind}: ${device.name}`} data-testid="device">${device.name}</span>
      ${
        memory
          ? html`<span class="number memory secondary" title="memory used of the device">
              ${bytes(device.memory_used)} / ${bytes(device.memory_total)}
            </span>`
          : nothing
      }
      ${
        device.utilization !== null
          ? html`<span class="number secondary" title="utilisation of the device">${integer(device.utilization)} %</span>`
          : nothing
      }
      <span
        class="secondary"
        data-testid="connection"
        data-state=${connection}
        title=${`backend ${server.version}: ${connection === 'polling' ? POLLING : connection}`}
      >
        <span aria-hidden="true">${isLive(connection) ? '●' : '○'}</span>
        ${connection === 'open' ? 'live' : connection}
      </span>
      <button
        class="quiet"
        title="Table of runs"
        aria-label="Table of runs"
        data-testid="open-table"
        @click=${() => command(this, 'open-runs-table')}
      >
        ${icon('table')}
      </button>
      <button class="quiet" title="New run" aria-label="New run" data-testid="new-run" @click=${() => command(this, 'open-new-run')}>
        ${icon('plus')}
      </button>
    </header>`;
  }

  /** The step of the tour that is taken. */
  #tour(server: ServerInfo | null): TemplateResult | typeof nothing {
    const { tour } = this.workbench;
    const { at } = tour.state.value;
    if (at === null) return nothing;
    const step = TOUR[at];
    if (!step)
      return html`<section class="tour" aria-label="Tour" data-testid="tour">
        <h3>That was the tour</h3>
        <p>What is chosen in one view is chosen in all. "?" lists the keys; the guides are in docs/guides.</p>
        <div class="actions"><button class="primary" data-testid="tour-end" @click=${() => tour.end()}>Close</button></div>
      </section>`;
    const { show } = step;
    return html`<section class="tour" aria-label="Tour" aria-live="polite" data-testid="tour" data-step=${step.id}>
      <h3>${step.title} <span class="secondary small">tour, ${at + 1} of ${TOUR.length}</span></h3>
      <p>${'withoutDemo' in step && !(server && demoConfig(server)) ? step.withoutDemo : step.text}</p>
      <div class="actions">
        ${
          show
            ? html`<button
                class="primary"
                data-testid="tour-show"
                @click=${() => {
                  command(this, show.command);
                  tour.show();
                }}
              >
                ${show.label}
              </button>`
            : nothing
        }
        <button data-testid="tour-next" @click=${() => tour.next()}>Next</button>
        <button class="quiet" data-testid="tour-end" @click=${() => tour.end()}>Leave the tour</button>
      </div>
    </section>`;
  }

  #takeTour = (): void => {
    this.workbench.tour.start();
    this.focus(); // what it speaks of stands above the button that was pressed
  };

  #problem(problem: ErrorBody): TemplateResult {
    return html`<div class="problem" role="alert">
      <span
        ><span class="warning" aria-hidden="true">⚠</span> ${ended(problem.message)} <span class="secondary">${problem.remedy}</span></span
      >
      <button class="quiet" aria-label="Dismiss" @click=${() => this.#doing.forgive()}>✕</button>
    </div>`;
  }

  #empty(server: ServerInfo | null): TemplateResult {
    const demo = server && demoConfig(server);
    return empty(
      'No runs yet',
      demo
        ? 'The demo trains a tiny Qwen2-VL on drawn (synthetic) images; its reward rises within minutes on a laptop.'
        : 'Choose a model and a data set to train on. `medr1 sample` writes a small made data set and a tiny model to begin with.',
      html`${
          demo
            ? html`<button
                class="primary"
                data-testid="start-demo"
                ?disabled=${this.#doing.isBusy(DEMO)}
                @click=${() => this.#startDemo(demo)}
              >
                Start the demo run
              </button>`
            : nothing
        } <button data-testid="open-new-run" @click=${() => command(this, 'open-new-run')}>New run …</button>
        <button class="quiet link" data-testid="take-tour" @click=${this.#takeTour}>Take the tour</button>
        <button class="quiet link" data-testid="open-trash" @click=${() => command(this, 'open-trash')}>Trash</button>`,
    );
  }

  #list(): TemplateResult {
    const { runs } = this.workbench.runs.state.value;
    const listed = found(runs, this.search, this.archived);
    const hidden = this.archived ? 0 : found(runs, this.search, true).length - listed.length;
    const groups = grouped(listed, this.grouping);
    let left = this.#slices.of(groups.reduce((sum, { runs: members }) => sum + members.length, 0));
    const drawn = groups.map(({ title, runs: members }) => {
      const some = rows(members).slice(0, left);
      left -= some.length;
      return { title, count: members.length, some };
    });
    return html`${runs.length >= SEARCHED_FROM || this.search !== '' || this.grouping !== 'none' ? this.#searchBox() : nothing}
      ${listed.length === 0 ? this.#noneFound(hidden) : nothing}
      <div @keydown=${this.#onKey}>
        ${repeat(
          drawn,
          ({ title }) => title,
          ({ title, count, some }) => html`
            ${title === '' ? nothing : html`<h3 class="group" data-testid="run-group">${title} <span class="secondary small">${integer(count)}</span></h3>`}
            <ul aria-label=${title === '' ? 'Runs' : `Runs, ${title}`}>
              ${repeat(
                some,
                ({ run }) => run.id,
                (row) => guard(this.#drawnFrom(row), () => this.#row(row)),
              )}
            </ul>
          `,
        )}
      </div>
      ${this.#foot(hidden)}`;
  }

  #foot(hidden: number): TemplateResult {
    return html`<p class="foot">
      <button
        class="quiet link small"
        title="Runs, evaluations and data sets that were removed"
        data-testid="open-trash"
        @click=${() => command(this, 'open-trash')}
      >
        Trash
      </button>
      <button
        class="quiet link small"
        title="A run of TRL, from the log that it left on the server's machine"
        data-testid="import-run"
        @click=${() => command(this, 'import-run')}
      >
        Import …
      </button>
      <button class="quiet link small" data-testid="take-tour" @click=${this.#takeTour}>Tour</button>
      ${
        hidden > 0 || this.archived
          ? html`<button
              class="quiet link small"
              aria-pressed=${this.archived}
              data-testid="show-archived"
              @click=${() => (this.archived = !this.archived)}
            >
              ${this.archived ? 'Hide archived runs' : `Show ${integer(hidden)} archived`}
            </button>`
          : nothing
      }
    </p>`;
  }

  #searchBox(): TemplateResult {
    return html`<div class="search">
      <input
        type="search"
        aria-label="Search runs"
        placeholder="search: name, tag:seed, state:failed"
        title="The search looks in name, id, tags, notes, variant and state. The search of the table also looks in metrics and configurations"
        data-testid="run-search"
        .value=${this.search}
        @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
      />
      <select
        aria-label="Group runs"
        data-testid="run-grouping"
        @change=${(event: Event) => (this.grouping = (event.target as HTMLSelectElement).value as Grouping)}
      >
        ${Object.entries(GROUPINGS).map(
          ([value, label]) => html`<option value=${value} ?selected=${value === this.grouping}>${label}</option>`,
        )}
      </select>
    </div>`;
  }

  #noneFound(hidden: number): TemplateResult {
    return html`<p class="pad secondary" data-testid="none-found">
      ${hidden > 0 ? 'Only archived runs pass.' : 'No run passes.'}
      ${
        this.search !== ''
          ? html`<button class="quiet link" @click=${() => command(this, 'open-runs-table')}>
              Search metrics and configurations in the table
            </button>`
          : nothing
      }
    </p>`;
  }

  /** All that a row is drawn from: of hundreds of rows a step of one run draws one. */
  #drawnFrom({ run, depth }: RunRow): unknown[] {
    const { runs, devices } = this.workbench.runs.state.value;
    const waiting = waitingOf(run, runs, devices);
    const places = run.waits_since === null ? null : placesBeside(run, runs);
    const isChosen = this.workbench.selection.value.runs.includes(run.id);
    return [
      ...[run, depth, isChosen, this.workbench.colours.of(run.id), theme.value.dark, this.#doing.isBusy(run.id)],
      ...[waiting?.text, waiting?.behind, this.#doing.isBusy(waiting?.behind?.id ?? ''), places?.earlier, places?.later],
    ];
  }

  #row(row: RunRow): TemplateResult {
    const { run, facts } = row;
    const at = this.workbench.selection.value.runs.indexOf(run.id);
    const colour = at < 0 ? 'transparent' : seriesColours()[this.workbench.colours.of(run.id)];
    const { runs, devices } = this.workbench.runs.state.value;
    const waiting = waitingOf(run, runs, devices);
    const points = run.recent_reward.map((value, at) => (value === null ? null : ([at, value] as const)));
    return html`<li
      class=${at >= 0 ? 'selected' : ''}
      style=${`--depth:${row.depth};--colour:${colour}`}
      data-testid="run"
      data-run=${run.id}
      data-state=${run.state}
      @contextmenu=${(event: MouseEvent) => this.#menu(event, run.id)}
    >
      <button
        class="quiet pick"
        aria-pressed=${at >= 0}
        title="Click to show; Ctrl+click to overlay on the curves"
        @click=${(event: MouseEvent) => this.#pick(run.id, event.ctrlKey || event.metaKey || event.shiftKey)}
      >
        <span class=${`glyph ${facts.tone}`} title=${facts.label} role="img" aria-label=${facts.label}>${facts.glyph}</span>
        <span class="ellipsis name" title=${run.annotations.notes || nothing}
          >${run.annotations.pinned ? html`<span role="img" aria-label="pinned">⚑ </span>` : nothing}${run.name}</span
        >
        <span class="chip" title=${row.tagTitle}>${row.tag}</span>
        <span class="number reward" title="reward of the last step" data-testid="run-reward">${row.reward}</span>
        <span class="facts small secondary">
          ${inlineChart({ size: SPARK, marks: [{ kind: 'line', points, colour: 'currentColor' }] })}
          <span class="number" title="steps done / all" data-testid="run-steps">${row.steps}</span>
          ${row.speed ? html`<span class="number">${row.speed}</span>` : html`<span class="waiting" data-testid="run-waiting">${waiting?.text ?? facts.label}</span>`}
          ${row.left ? html`<span class="number">${row.left}</span>` : nothing} ${reportedPart(run)}
          ${run.annotations.tags.map((tag) => html`<span class="chip" data-testid="run-tag">${tag}</span>`)}
        </span>
      </button>
      ${(run.rollbacks ?? []).map((one) => this.#rollback(run, one))}
      ${run.error ? html`<p class="small trouble" role="note"><span class="warning">⚠</span> ${told(run.error)}</p>` : nothing}
      ${
        run.alert && isActive(run.state)
          ? html`<p class="small trouble" role="note" data-testid="run-alert">
              <span class="warning">⚠</span> step ${integer(run.alert.step)}: ${run.alert.message}
              <span class="secondary">${run.alert.remedy}</span>
              <button
                class="link"
                data-testid="open-alerts"
                @click=${(event: Event) => {
                  event.stopPropagation();
                  this.workbench.selection.move({ runs: [run.id] });
                  command(this, 'open-alerts');
                }}
              >
                Why, and what can be done
              </button>
            </p>`
          : nothing
      }
      ${waiting?.behind ? this.#giveWay(waiting) : nothing} ${at >= 0 || isActive(run.state) ? this.#actions(row, at >= 0) : nothing}
    </li>`;
  }

  /** A branch that was cut off: it stands under its run as forks do. */
  #rollback({ id }: RunSummary, { step, from, time }: Rollback): TemplateResult {
    return html`<button
      class="quiet rollback small"
      title=${`${dateTime(time)}: steps ${integer(step + 1)} to ${integer(from)} were dropped. Click for the lineage`}
      data-testid="run-rollback"
      @click=${() => {
        this.workbench.selection.move({ runs: [id] });
        command(this, 'open-lineage');
      }}
    >
      <span aria-hidden="true">↶</span>
      <span class="ellipsis"
        >rolled back to step ${integer(step)}<span class="secondary">, without ${integer(step + 1)} to ${integer(from)}</span></span
      >
    </button>`;
  }

  /** The run that is in the way can lend the device. */
  #giveWay({ behind }: Waiting): TemplateResult | typeof nothing {
    if (!behind || !STATES[behind.state].actions.includes('pause')) return nothing;
    return html`<p class="small trouble">
      <button
        class="quiet link"
        data-testid="give-way"
        title="A paused run lets others use its device. Its own button resumes it"
        ?disabled=${this.#doing.isBusy(behind.id)}
        @click=${() => void this.#act(behind.id, 'pause')}
      >
        Pause ${inSentence(behind.name)} to let it go first
      </button>
    </p>`;
  }

  #actions({ run, facts }: RunRow, selected: boolean): TemplateResult {
    return html`<div class="row-actions" role="toolbar" aria-label=${`Actions on ${inSentence(run.name)}`}>
      ${repeat(
        slots(run.state),
        (action) => action,
        (action) => {
          const label = (run.waits_since === null ? undefined : QUEUE_LABELS[action]) ?? ACTION_LABELS[action];
          return html`<button
            class="quiet"
            title=${label}
            aria-label=${`${label}: ${run.name}`}
            data-testid=${`run-${action}`}
            ?disabled=${this.#doing.isBusy(run.id) || !facts.actions.includes(action)}
            @click=${() => this.#act(run.id, action)}
          >
            ${icon(ACTION_ICONS[action])}
          </button>`;
        },
      )}
      ${run.state === 'queued' && run.waits_since !== null ? this.#queueActions(run) : nothing}
      <span class="spring"></span>
      ${
        selected
          ? VIEWS.map(
              ([id, name, title]) =>
                html`<button
                  class="quiet"
                  title=${title}
                  aria-label=${`${title} of ${inSentence(run.name)}`}
                  @click=${() => command(this, id)}
                >
                  ${icon(name)}
                </button>`,
            )
          : nothing
      }
      <button
        class="quiet"
        title="More actions"
        aria-label=${`More actions: ${run.name}`}
        aria-haspopup="menu"
        data-testid="run-menu"
        @click=${(event: MouseEvent) => this.#menu(event, run.id)}
      >
        ${icon('more')}
      </button>
      ${
        isActive(run.state)
          ? nothing
          : html`<button
              class="quiet"
              title="Move to the trash"
              aria-label=${`Move to the trash: ${run.name}`}
              data-testid="run-delete"
              @click=${() => command(this, 'delete-run', { id: run.id, name: run.name })}
            >
              ${icon('trash')}
            </button>`
      }
    </div>`;
  }

  #queueActions(run: RunSummary): TemplateResult {
    const { earlier, later } = placesBeside(run, this.workbench.runs.state.value.runs);
    const button = (name: IconName, id: string, title: string, move: QueueMove | null): TemplateResult =>
      html`<button
        class="quiet"
        title=${title}
        aria-label=${`${title}: ${run.name}`}
        data-testid=${id}
        ?disabled=${move === null || this.#doing.isBusy(run.id)}
        @click=${(event: Event) => void this.#move(run.id, move!, event.currentTarget as HTMLElement)}
      >
        ${icon(name)}
      </button>`;
    return html`${button('up', 'run-earlier', 'Earlier in the queue', earlier === undefined ? null : { before: earlier })}
    ${button('down', 'run-later', 'Later in the queue', later === undefined ? null : { before: later })}
    ${
      run.held
        ? button('hourglass', 'run-release', 'Release: it starts when its turn comes', { held: false })
        : button('pause', 'run-hold', 'Hold: others go past it', { held: true })
    }`;
  }

  /** A run that got to an end of the queue goes no further that way: the keyboard goes on to the button beside. */
  async #move(id: string, move: QueueMove, button: HTMLElement): Promise<void> {
    await this.#doing.do(async () => this.workbench.runs.apply({ summary: await this.workbench.connector.moveInQueue(id, move) }), id);
    await this.updateComplete;
    const isFree = document.activeElement === document.body || this.shadowRoot!.activeElement === button;
    if (!button.matches(':disabled') || !isFree) return;
    const beside = [button.nextElementSibling, button.previousElementSibling].find((one) => one?.matches('button:enabled'));
    (beside as HTMLElement | undefined)?.focus();
  }

  readonly #deviceActions: DeviceActions = {
    pick: (run) => this.#pick(run, false),
    move: (id, move) => void this.#doing.do(() => this.#thenDevices(this.workbench.connector.evals.moveInQueue(id, move)), id),
    cancel: (id) => void this.#doing.do(() => this.#thenDevices(this.workbench.connector.evals.action(id, { action: 'stop' })), id),
    isBusy: (id) => this.#doing.isBusy(id),
  };

  async #thenDevices(done: Promise<unknown>): Promise<void> {
    await done;
    await this.workbench.runs.lookAtDevices();
  }

  /** The host draws the menu, where its own menus are drawn. By keyboard it opens under the row. */
  #menu(event: MouseEvent, id: string): void {
    event.preventDefault();
    event.stopPropagation();
    const { left, bottom } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const byMouse = event.clientX !== 0 || event.clientY !== 0;
    command(this, 'run-menu', { id, x: String(byMouse ? event.clientX : left), y: String(byMouse ? event.clientY : bottom) });
  }

  #pick(id: string, add: boolean): void {
    const { selection } = this.workbench;
    if (add) selection.toggleRun(id);
    else selection.move({ runs: [id] });
  }

  get #picks(): HTMLButtonElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLButtonElement>('.pick')];
  }

  /** A row that leaves the list gives the keyboard to the one that takes its place. */
  protected override performUpdate(): void {
    const row = this.shadowRoot?.activeElement?.closest('[data-testid=run]');
    const at = row ? this.#picks.findIndex((pick) => row.contains(pick)) : -1;
    super.performUpdate();
    if (!row || row.isConnected) return;
    const next = this.#picks[at] ?? this.#picks.at(-1) ?? this.page;
    next?.focus({ preventScroll: true });
  }

  /** Up and down walk the rows, as in JupyterLab's file browser. */
  #onKey = (event: KeyboardEvent): void => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    const picks = this.#picks;
    const at = picks.findIndex((pick) => pick.closest('li')!.contains(event.target as Node));
    picks[at + way]?.focus();
    event.preventDefault();
  };

  async #act(id: string, action: RunAction): Promise<void> {
    await this.#doing.do(async () => this.workbench.runs.apply({ summary: await this.workbench.connector.action(id, action) }), id);
  }

  async #startDemo(config: Record<string, unknown>): Promise<void> {
    const made = await this.#doing.do(() => this.workbench.connector.createRun(config), DEMO);
    if (!made) return;
    const { value: summary } = made;
    this.workbench.runs.apply({ summary });
    this.workbench.selection.move({ runs: [summary.id] });
    command(this, 'arrange-training');
  }

  static override styles = [tokens, base, smallChartStyle, style, devicesStyle];
}

define('medr1-runs', RunsPanel);
