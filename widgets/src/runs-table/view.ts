/** The table of runs: a row a run, drawn only where it is in sight; columns, order and search are the user's. */
import { stateText } from '@medr1/kernel-bridge/protocol/run-states';
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { RunTableRow, RunSummary } from '../connector.ts';
import { Doing } from '../load.ts';
import { command, define, PageElement } from '../element.ts';
import { integer } from '../format.ts';
import { empty, failed, loading } from '../view-states.ts';
import { stateFacts } from '../runs/model.ts';
import { fieldsOf } from '../form/fields.ts';
import { MOST_COMPARED } from '../store/evaluation-choice.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import { choices, columnOf, type Column } from './columns.ts';
import './detail.ts';
import { RunsTableModel } from './model.ts';
import { ROW, style } from './style.ts';

/** Rows drawn beyond what is in sight, on either side. */
const BEYOND = 8;
const MOST_CHOSEN = 50;

export class RunsTable extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    model: { attribute: false },
    columnsOpen: { state: true },
    detailsOpen: { state: true },
    columnSearch: { state: true },
    keys: { state: true },
    at: { state: true },
    renaming: { state: true },
  };
  declare workbench: IWorkbench;
  /** Given by the host, so that the choice outlives the view. Without a host's the view makes its own. */
  declare model: RunsTableModel | null;
  declare columnsOpen: boolean;
  declare detailsOpen: boolean;
  declare columnSearch: string;
  /** Keys of the configuration, from the schema. */
  declare keys: string[];
  /** Row that has the keyboard. */
  declare at: number;
  /** Run whose name is being typed. */
  declare renaming: string | null;
  readonly #naming = new Doing();
  #own: RunsTableModel | null = null;
  #runs: readonly RunSummary[] | null = null;
  /** Row from which Shift reaches. */
  #anchor = 0;
  #resize: ResizeObserver | null = null;

  constructor() {
    super();
    this.model = null;
    this.columnsOpen = false;
    this.detailsOpen = true;
    this.columnSearch = '';
    this.keys = [];
    this.at = 0;
    this.renaming = null;
  }

  get #model(): RunsTableModel {
    return this.model ?? (this.#own ??= new RunsTableModel(this.workbench.connector));
  }

  protected override identity(): PropertyKey[] {
    return ['workbench', 'model'];
  }

  protected override watched() {
    const { runs, selection, colours } = this.workbench;
    return [this.#model.state, runs.state, selection, colours, this.#naming];
  }

  protected override acquire(): void {
    void this.#model.load();
    void this.#loadKeys();
    this.#resize = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.requestUpdate());
    this.#resize?.observe(this);
  }

  protected override release(): void {
    this.#resize?.disconnect();
    this.#model.dispose();
  }

  async #loadKeys(): Promise<void> {
    try {
      this.keys = fieldsOf(await this.workbench.connector.schema()).map(({ key }) => key);
    } catch {
      // without the schema the keys in which runs differ can be chosen
    }
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    const { runs } = this.workbench.runs.state.value;
    if (this.#runs !== null && this.#runs !== runs) this.#model.stale();
    this.#runs = runs;
  }

  protected override get page(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.line[tabindex="0"]');
  }

  protected override updated(): void {
    super.updated();
    const [from, to] = this.#sight();
    this.#model.see(from, to);
  }

  get #scroller(): HTMLElement | null {
    return this.renderRoot?.querySelector('.scroller') ?? null;
  }

  /** First and last row to draw. */
  #sight(): [number, number] {
    const scroller = this.#scroller;
    const top = Math.floor((scroller?.scrollTop ?? 0) / ROW);
    const shown = Math.ceil((scroller?.clientHeight || 600) / ROW);
    const { total } = this.#model.state.value;
    return [Math.max(0, top - BEYOND), Math.max(0, Math.min(total - 1, top + shown + BEYOND))];
  }

  protected override render(): TemplateResult {
    const { status, error } = this.#model.state.value;
    if (status === 'error') return failed(error!, () => void this.#model.load());
    return html`${this.#toolbar()} ${this.columnsOpen ? this.#columnChooser() : nothing} ${this.#refusal()}
      <div class=${`body ${this.detailsOpen ? 'split' : ''}`}>
        ${status === 'loading' ? loading('the runs') : this.#grid()}
        ${this.detailsOpen ? html`<medr1-run-details .workbench=${this.workbench}></medr1-run-details>` : nothing}
      </div>`;
  }

  #toolbar(): TemplateResult {
    const { search, archived, total, hidden, status } = this.#model.state.value;
    return html`<div class="toolbar">
      <input
        type="search"
        aria-label="Search runs"
        data-testid="search"
        placeholder="name, tag:seed, state:failed, learning_rate<1e-5, best:reward>1.5"
        title="A word is looked for in name, id, tags, notes, variant and state. column:value and comparisons look at one column. A minus in front finds what does not fit: -tag:seed."
        .value=${search}
        @input=${(event: Event) => this.#model.set({ search: (event.target as HTMLInputElement).value })}
      />
      <span class="secondary small" role="status" data-testid="count">
        ${status === 'ready' ? `${integer(total)} ${total === 1 ? 'run' : 'runs'}${hidden > 0 && !archived ? `, ${integer(hidden)} archived` : ''}` : ''}
      </span>
      <label
        ><input
          type="checkbox"
          data-testid="archived"
          .checked=${archived}
          @change=${(event: Event) => this.#model.set({ archived: (event.target as HTMLInputElement).checked })}
        />
        archived</label
      >
      <button aria-expanded=${this.columnsOpen} data-testid="columns" @click=${() => (this.columnsOpen = !this.columnsOpen)}>
        Columns
      </button>
      <button aria-pressed=${this.detailsOpen} data-testid="details" @click=${() => (this.detailsOpen = !this.detailsOpen)}>Details</button>
      <button
        ?disabled=${this.workbench.selection.value.runs.length < 2}
        title="What the chosen runs (the first four) answered in evaluations, side by side"
        data-testid="compare"
        @click=${() => this.#compare()}
      >
        Compare
      </button>
    </div>`;
  }

  /** The server takes the evaluations of the runs that meet on the same questions. */
  #compare(): void {
    this.workbench.selection.move({ evaluations: this.workbench.selection.value.runs.slice(0, MOST_COMPARED) });
    command(this, 'open-compare');
  }

  #refusal(): TemplateResult | typeof nothing {
    const { refusal } = this.#model.state.value;
    const text = refusal?.message ?? this.#naming.error?.message;
    if (!text) return nothing;
    return html`<p class="refusal" role="alert" data-testid="refusal"><span class="warning" aria-hidden="true">⚠</span> ${text}</p>`;
  }

  #columnChooser(): TemplateResult {
    const model = this.#model;
    const { columns, metrics, differing, last } = model.state.value;
    return html`<section class="columns" aria-label="Columns" data-testid="column-chooser">
      <div class="chosen" role="list" aria-label="Chosen columns">
        ${columns.map((id, place) => {
          const { title } = columnOf(id, last);
          return html`<span class="chip" role="listitem">
            <button
              class="quiet"
              ?disabled=${place === 0}
              aria-label=${`${title} one to the left`}
              @click=${() => model.moveColumn(id, -1)}
            >
              ◂
            </button>
            ${title}
            <button
              class="quiet"
              ?disabled=${place === columns.length - 1}
              aria-label=${`${title} one to the right`}
              @click=${() => model.moveColumn(id, 1)}
            >
              ▸
            </button>
            <button class="quiet" aria-label=${`Leave out ${title}`} @click=${() => model.toggleColumn(id)}>✕</button>
          </span>`;
        })}
      </div>
      <div class="controls">
        <input
          type="search"
          aria-label="Search columns"
          placeholder="search columns"
          data-testid="column-search"
          .value=${this.columnSearch}
          @input=${(event: Event) => (this.columnSearch = (event.target as HTMLInputElement).value)}
        />
        <label
          >mean of the last
          <input
            type="number"
            min="1"
            max="100000"
            style="width: 9ch"
            data-testid="last"
            .value=${String(last)}
            @change=${(event: Event) => this.#setLast(event.target as HTMLInputElement)}
          />
          steps</label
        >
      </div>
      ${choices(metrics, this.keys, differing, this.columnSearch).map(
        ({ group, columns: offered }) =>
          html`<fieldset>
            <legend>${group}</legend>
            <div class="choices">
              ${repeat(
                offered,
                ({ id }) => id,
                ({ id, label }) =>
                  html`<label
                    ><input
                      type="checkbox"
                      data-column=${id}
                      .checked=${columns.includes(id)}
                      @change=${() => model.toggleColumn(id)}
                    /><span>${label}</span></label
                  >`,
              )}
            </div>
          </fieldset>`,
      )}
    </section>`;
  }

  #setLast(input: HTMLInputElement): void {
    const last = Number(input.value);
    if (Number.isInteger(last) && last >= 1 && last <= 100_000) this.#model.set({ last });
    else input.value = String(this.#model.state.value.last);
  }

  #grid(): TemplateResult {
    const { total, columns, last, rows, search, hidden } = this.#model.state.value;
    if (total === 0)
      return search.trim() !== '' || hidden > 0
        ? empty('No run passes', 'Remove a condition from the search, or show archived runs.')
        : empty('No runs yet', 'New run configures one.', html`<button @click=${() => command(this, 'open-new-run')}>New run …</button>`);
    const shown = ['name', ...columns].map((id) => columnOf(id, last));
    const template = shown.map(({ width }, place) => (place === shown.length - 1 ? `minmax(${width}px, 1fr)` : `${width}px`)).join(' ');
    const width = shown.reduce((sum, column) => sum + column.width, 0);
    const [from, to] = this.#sight();
    const places = Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
    if (this.at < total && !places.includes(this.at)) places.push(this.at); // what has the keyboard is never taken away
    return html`<div class="scroller" @scroll=${() => this.requestUpdate()} data-testid="scroller">
      <div
        class="grid"
        role="grid"
        aria-label="Runs"
        aria-rowcount=${total + 1}
        aria-colcount=${shown.length}
        aria-multiselectable="true"
        style=${`--columns:${template};width:max(100%, ${width}px);height:${(total + 1) * ROW}px`}
        @keydown=${this.#onKey}
      >
        <div class="line head" role="row" aria-rowindex="1">${shown.map((column) => this.#head(column))}</div>
        ${repeat(
          places,
          (place) => rows.get(place)?.id ?? place,
          (place) => this.#row(place, rows.get(place), shown),
        )}
      </div>
    </div>`;
  }

  #head({ id, title, hint, numeric }: Column): TemplateResult {
    const { sort } = this.#model.state.value;
    const way = sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : 'none';
    const mark = { ascending: ' ▲', descending: ' ▼', none: '' }[way];
    return html`<div role="columnheader" aria-sort=${way} class=${numeric ? 'numeric' : ''}>
      <button class="quiet" title=${`${hint}. Click to sort.`} data-testid=${`sort-${id}`} @click=${() => this.#model.sortBy(id)}>
        ${title}<span aria-hidden="true">${mark}</span>
      </button>
    </div>`;
  }

  #row(place: number, row: RunTableRow | undefined, shown: Column[]): TemplateResult {
    const run = row && this.workbench.runs.get(row.id);
    const chosen = row !== undefined && this.workbench.selection.value.runs.includes(row.id);
    const series = seriesColours();
    const colour = chosen || (run && run.annotations.colour !== null) ? series[this.workbench.colours.of(row!.id)] : 'transparent';
    return html`<div
      class=${`line data ${chosen ? 'selected' : ''} ${run?.annotations.archived ? 'archived' : ''}`}
      role="row"
      aria-rowindex=${place + 2}
      aria-selected=${chosen}
      tabindex=${place === this.at ? 0 : -1}
      data-testid="run-row"
      data-place=${place}
      data-run=${row?.id ?? nothing}
      style=${`top:${(place + 1) * ROW}px;--colour:${colour}`}
      @click=${(event: MouseEvent) => row && this.#click(event, place, row.id)}
      @dblclick=${() => row && this.#startRename(row.id)}
      @contextmenu=${(event: MouseEvent) => row && this.#menu(event, row.id)}
    >
      ${shown.map((column) => (column.id === 'name' ? this.#nameCell(row, run) : this.#cell(column, row, run)))}
    </div>`;
  }

  #nameCell(row: RunTableRow | undefined, run: RunSummary | undefined): TemplateResult {
    if (!row) return html`<div role="gridcell" class="name secondary">…</div>`;
    const name = run?.name ?? String(row.values.name);
    if (this.renaming === row.id)
      return html`<div role="gridcell" class="name">
        <input
          aria-label="New name of the run"
          data-testid="rename"
          maxlength="200"
          .value=${name}
          @click=${(event: Event) => event.stopPropagation()}
          @keydown=${(event: KeyboardEvent) => this.#onRenameKey(event)}
          @blur=${(event: Event) => void this.#rename(row.id, (event.target as HTMLInputElement).value)}
        />
      </div>`;
    const facts = run && stateFacts(run);
    return html`<div role="gridcell" class="name" title=${name}>
      ${facts ? html`<span class=${`glyph ${facts.tone}`} role="img" aria-label=${facts.label} title=${facts.label}>${facts.glyph}</span>` : nothing}${
        run?.annotations.pinned ? html`<span title="pinned" role="img" aria-label="pinned">⚑ </span>` : nothing
      }${name}
    </div>`;
  }

  /** What changes every step comes from the list of runs, which is newer than the page. */
  #cell({ id, numeric, text }: Column, row: RunTableRow | undefined, run: RunSummary | undefined): TemplateResult {
    if (!row) return html`<div role="gridcell"></div>`;
    const value = id === 'state' && run ? stateText(run) : id === 'step' && run ? run.step : row.values[id];
    if (id === 'tags') {
      const tags = (run?.annotations.tags ?? (value as string[] | undefined)) || [];
      return html`<div role="gridcell" title=${tags.join(', ')}>${tags.map((tag) => html`<span class="chip">${tag}</span>`)}</div>`;
    }
    const shown = text(value);
    return html`<div role="gridcell" class=${numeric ? 'numeric' : ''} title=${shown}>${shown}</div>`;
  }

  // Choosing

  #click(event: MouseEvent, place: number, id: string): void {
    this.at = place;
    if (event.shiftKey) return this.#chooseTo(place);
    this.#anchor = place;
    const { selection } = this.workbench;
    if (event.ctrlKey || event.metaKey) selection.toggleRun(id);
    else selection.move({ runs: [id] });
  }

  /** From the row that was chosen last to this one, as far as rows are here. */
  #chooseTo(place: number): void {
    const { rows } = this.#model.state.value;
    const [from, to] = [Math.min(this.#anchor, place), Math.max(this.#anchor, place)];
    const ids = Array.from({ length: to - from + 1 }, (_, at) => rows.get(from + at)?.id).filter((id): id is string => id !== undefined);
    if (ids.length > 0) this.workbench.selection.move({ runs: ids.slice(0, MOST_CHOSEN) });
  }

  #onKey = (event: KeyboardEvent): void => {
    if ((event.target as Element).closest('.head, input')) return;
    const { total, rows } = this.#model.state.value;
    const page = Math.max(1, Math.floor((this.#scroller?.clientHeight ?? 10 * ROW) / ROW) - 2);
    const ways: Record<string, number> = {
      ArrowDown: this.at + 1,
      ArrowUp: this.at - 1,
      PageDown: this.at + page,
      PageUp: this.at - page,
      Home: 0,
      End: total - 1,
    };
    const id = rows.get(this.at)?.id;
    if (event.key in ways) {
      this.at = Math.max(0, Math.min(total - 1, ways[event.key]));
      if (event.shiftKey) this.#chooseTo(this.at);
      this.#reveal();
      void this.updateComplete.then(() => this.#focusRow());
    } else if (id !== undefined && (event.key === 'Enter' || event.key === ' ')) {
      this.#anchor = this.at;
      if (event.ctrlKey || event.metaKey) this.workbench.selection.toggleRun(id);
      else this.workbench.selection.move({ runs: [id] });
    } else if (id !== undefined && event.key === 'F2') this.#startRename(id);
    else if (id !== undefined && event.key === 'Delete') command(this, 'delete-run', { id, name: this.workbench.runs.get(id)?.name ?? id });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** Scrolls so that the row with the keyboard is whole, under the head. */
  #reveal(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const top = this.at * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + 2 * ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + 2 * ROW - scroller.clientHeight;
  }

  #focusRow(): void {
    this.renderRoot.querySelector<HTMLElement>(`[data-place="${this.at}"]`)?.focus({ preventScroll: true });
  }

  #menu(event: MouseEvent, id: string): void {
    event.preventDefault();
    event.stopPropagation();
    const { left, bottom } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const byMouse = event.clientX !== 0 || event.clientY !== 0;
    command(this, 'run-menu', { id, x: String(byMouse ? event.clientX : left), y: String(byMouse ? event.clientY : bottom) });
  }

  // Names

  #startRename(id: string): void {
    this.renaming = id;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLInputElement>('[data-testid=rename]')?.select());
  }

  #onRenameKey(event: KeyboardEvent): void {
    const input = event.target as HTMLInputElement;
    if (event.key === 'Escape') input.value = '';
    if (event.key === 'Escape' || event.key === 'Enter') {
      input.blur();
      void this.updateComplete.then(() => this.#focusRow());
    }
    event.stopPropagation();
  }

  async #rename(id: string, typed: string): Promise<void> {
    this.renaming = null;
    this.#naming.forgive();
    const name = typed.trim();
    if (name === '' || name === this.workbench.runs.get(id)?.name) return;
    await this.#naming.do(async () => this.workbench.runs.apply({ summary: await this.workbench.connector.annotateRun(id, { name }) }));
  }

  static override styles = [tokens, base, style];
}

define('medr1-runs-table', RunsTable);
