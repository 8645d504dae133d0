/** Details of the chosen runs: what people note of them, their configuration in full or what differs, events and log. */
import { html, nothing, type TemplateResult } from 'lit';
import { previousOf, rewardChanges } from '../store/marks.ts';
import { repeat } from 'lit/directives/repeat.js';
import type { AnnotateRun, RunDetail, RunEvent, RunSummary } from '../connector.ts';
import { copyText } from '../clipboard.ts';
import { command, define, WatchingElement } from '../element.ts';
import { dateTime, inSentence, integer, number, timeOfDay, told } from '../format.ts';
import { Doing, Latest } from '../load.ts';
import { empty, failed, loaded, loading } from '../view-states.ts';
import { saveFile } from '../save-file.ts';
import { readRunLog } from '../store/run-log.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import { plain } from './columns.ts';
import { yamlOf } from '../yaml.ts';
import { configRows, knownConfig } from './configuration.ts';
import { detailStyle } from './style.ts';

/** Configurations that are set side by side. */
const MOST_RUNS = 8;
const LOG_LINES = 500;
const TABS = { notes: 'Notes', configuration: 'Configuration', events: 'Events', log: 'Log' } as const;
type Tab = keyof typeof TABS;

export class RunDetails extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    tab: { state: true },
    all: { state: true },
    search: { state: true },
    said: { state: true },
  };
  declare workbench: IWorkbench;
  declare tab: Tab;
  /** Keys that are the same for all are shown too. */
  declare all: boolean;
  declare search: string;
  /** What was just done, for a moment. */
  declare said: string;
  /** By run, read when it is first shown. */
  readonly #details = new Map<string, Latest<RunDetail>>();
  readonly #events = new Latest<RunEvent[]>();
  readonly #log = new Latest<string[]>();
  readonly #doing = new Doing();
  #shown = '';

  constructor() {
    super();
    this.tab = 'configuration';
    this.all = false;
    this.search = '';
    this.said = '';
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { selection, runs, colours } = this.workbench;
    return [selection, runs.state, colours, this.#events, this.#log, this.#doing];
  }

  get #runs(): RunSummary[] {
    return this.workbench.selection.value.runs.flatMap((id) => this.workbench.runs.get(id) ?? []);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    const runs = this.#runs.slice(0, MOST_RUNS);
    for (const { id } of runs) this.#detailOf(id);
    const shown = `${this.tab} ${runs[0]?.id ?? ''}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#doing.forgive();
    this.said = '';
    if (this.tab === 'events' && runs[0]) this.#readEvents(runs[0].id);
    if (this.tab === 'log' && runs[0]) this.#readLog(runs[0].id);
  }

  #detailOf(id: string): Latest<RunDetail> {
    let detail = this.#details.get(id);
    if (!detail) {
      this.#details.set(id, (detail = new Latest()));
      detail.subscribe(() => this.requestUpdate());
      void detail.ask((signal) => this.workbench.connector.run(id, signal));
    }
    return detail;
  }

  #readEvents(id: string): void {
    const kinds: RunEvent['kind'][] = ['state', 'rewards', 'checkpoint', 'evaluation', 'alert'];
    void this.#events.ask(async (signal) => (await readRunLog(this.workbench.connector, id, kinds, signal)).toReversed());
  }

  #readLog(id: string): void {
    void this.#log.ask((signal) => this.workbench.connector.log(id, { tail: LOG_LINES }, signal));
  }

  protected override render(): TemplateResult {
    const runs = this.#runs;
    if (runs.length === 0)
      return empty(
        'No run is chosen',
        'Choose a run to see its notes, configuration, events and log; several, by Ctrl+click, to see what differs.',
      );
    return html`
      <header role="presentation">
        <strong class="ellipsis" data-testid="detail-title">${runs.length === 1 ? runs[0].name : `${runs.length} runs`}</strong>
        ${this.#actions(runs)}
      </header>
      <div role="tablist" aria-label="Details" @keydown=${this.#onTabKey}>
        ${Object.entries(TABS).map(
          ([id, title]) =>
            html`<button
              role="tab"
              id=${`tab-${id}`}
              class="quiet"
              data-testid=${`tab-${id}`}
              aria-selected=${this.tab === id}
              aria-controls="panel"
              tabindex=${this.tab === id ? 0 : -1}
              @click=${() => (this.tab = id as Tab)}
            >
              ${title}
            </button>`,
        )}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby=${`tab-${this.tab}`} tabindex="0">
        ${this.#doing.error ? failed(this.#doing.error) : nothing} ${this.#panel(runs)}
      </div>
      <p class="small secondary said" role="status">${this.said}</p>
    `;
  }

  #onTabKey = (event: KeyboardEvent): void => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const ids = Object.keys(TABS) as Tab[];
    this.tab = ids[(ids.indexOf(this.tab) + way + ids.length) % ids.length];
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${this.tab}`)?.focus());
    event.preventDefault();
  };

  #panel(runs: RunSummary[]): TemplateResult {
    if (this.tab === 'notes') return runs.length === 1 ? this.#notes(runs[0]) : this.#notesOfMany(runs);
    if (this.tab === 'configuration') return this.#configuration(runs.slice(0, MOST_RUNS), runs.length);
    const ofFirst = runs.length > 1 ? html`<p class="small secondary">of ${inSentence(runs[0].name)}</p>` : nothing;
    return html`${ofFirst}${this.tab === 'events' ? this.#eventList() : this.#logLines()}`;
  }

  #actions(runs: RunSummary[]): TemplateResult {
    const [first] = runs;
    const ready = this.#detailOf(first.id).answer;
    return html`<span class="actions">
      ${
        runs.length === 1
          ? html`<button data-testid="run-like" ?disabled=${!ready} @click=${() => this.#startLike(first, ready!)}>
                New run like this
              </button>
              <button data-testid="save-yaml" ?disabled=${!ready} @click=${() => this.#saveYaml(first, ready!)}>Save as YAML</button>
              <button class="quiet" data-testid="copy-yaml" ?disabled=${!ready} @click=${() => void this.#copyYaml(ready!)}>Copy</button>`
          : nothing
      }
    </span>`;
  }

  /** The form is filled in with everything but the name; reward files come along as they were when the run was made. */
  #startLike({ name }: RunSummary, { config, rewards }: RunDetail): void {
    const { run_name: _, ...rest } = config;
    const sources = Object.values(rewards[0]?.sources ?? {});
    const files = Object.fromEntries(sources.map(({ file, source }) => [file, source]));
    this.workbench.draft.set({ config: rest, like: name, files });
    command(this, 'open-new-run');
  }

  #saveYaml({ name }: RunSummary, { config }: RunDetail): void {
    saveFile(`${name.replaceAll(/[^\w.-]+/g, '-')}.yaml`, new Blob([yamlOf(config)], { type: 'application/yaml' }));
  }

  async #copyYaml({ config }: RunDetail): Promise<void> {
    this.said = (await copyText(yamlOf(config))) ? 'Copied as YAML' : 'The browser does not let the page copy; save it instead.';
  }

  // Notes

  #notes(run: RunSummary): TemplateResult {
    const { tags, notes, pinned, archived, colour } = run.annotations;
    const series = seriesColours();
    const entered = (event: Event): string => (event.target as HTMLInputElement).value;
    return html`<div class="form">
      <label>
        Name
        <input
          data-testid="run-name"
          .value=${run.name}
          maxlength="200"
          @change=${(event: Event) => void this.#rename(run, event.target as HTMLInputElement)}
        />
      </label>
      <label>
        Tags
        <input
          data-testid="run-tags"
          .value=${tags.join(', ')}
          placeholder="seed 1, baseline"
          @change=${(event: Event) => void this.#annotate([run], { tags: tagsOf(entered(event)) })}
        />
      </label>
      <label>
        Notes
        <textarea
          data-testid="run-notes"
          rows="6"
          maxlength="20000"
          .value=${notes}
          @change=${(event: Event) => void this.#annotate([run], { notes: entered(event) })}
        ></textarea>
      </label>
      <div class="row">
        <button aria-pressed=${pinned} data-testid="pin" @click=${() => void this.#annotate([run], { pinned: !pinned })}>Pin</button>
        <button aria-pressed=${archived} data-testid="archive" @click=${() => void this.#annotate([run], { archived: !archived })}>
          Archive
        </button>
        <span role="radiogroup" aria-label="Colour of the run" class="colours">
          <button
            role="radio"
            aria-checked=${colour === null}
            class="quiet"
            data-testid="colour-auto"
            @click=${() => void this.#annotate([run], { colour: null })}
          >
            auto
          </button>
          ${series.map(
            (value, at) =>
              html`<button
                role="radio"
                class="swatch"
                aria-checked=${colour === at}
                aria-label=${`Colour ${at + 1}`}
                title=${`Colour ${at + 1}`}
                style=${`--swatch:${value}`}
                @click=${() => void this.#annotate([run], { colour: at })}
              ></button>`,
          )}
        </span>
      </div>
      <p class="small secondary">Kept with the run; nothing here changes what is trained.</p>
    </div>`;
  }

  #notesOfMany(runs: RunSummary[]): TemplateResult {
    const all = (key: 'pinned' | 'archived'): boolean => runs.every(({ annotations }) => annotations[key]);
    const add = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      const add_tags = tagsOf(input.value);
      input.value = '';
      if (add_tags.length > 0) void this.#annotate(runs, { add_tags });
    };
    const tags = [...new Set(runs.flatMap(({ annotations }) => annotations.tags))];
    return html`<div class="form">
      <label>Add tags to all<input data-testid="add-tags" placeholder="seed 1, baseline" @change=${add} /></label>
      <div class="row">
        ${tags.map(
          (tag) =>
            html`<span class="chip"
              >${tag}
              <button
                class="quiet"
                aria-label=${`Take the tag ${tag} from all`}
                @click=${() => void this.#annotate(runs, { remove_tags: [tag] })}
              >
                ✕
              </button></span
            >`,
        )}
      </div>
      <div class="row">
        <button aria-pressed=${all('pinned')} @click=${() => void this.#annotate(runs, { pinned: !all('pinned') })}>Pin all</button>
        <button
          aria-pressed=${all('archived')}
          data-testid="archive"
          @click=${() => void this.#annotate(runs, { archived: !all('archived') })}
        >
          Archive all
        </button>
      </div>
    </div>`;
  }

  async #rename(run: RunSummary, input: HTMLInputElement): Promise<void> {
    const name = input.value.trim();
    if (name === '' || name === run.name) input.value = run.name;
    else await this.#annotate([run], { name });
  }

  async #annotate(runs: readonly RunSummary[], change: AnnotateRun): Promise<void> {
    const annotate = async (): Promise<void> => {
      for (const { id } of runs) this.workbench.runs.apply({ summary: await this.workbench.connector.annotateRun(id, change) });
    };
    if (await this.#doing.do(annotate)) this.said = 'Saved';
  }

  // Configuration

  #configuration(runs: RunSummary[], chosen: number): TemplateResult {
    const details = runs.map(({ id }) => this.#detailOf(id));
    const broken = details.find(({ error }) => error !== null);
    if (broken) return failed(broken.error!, () => void broken.retry());
    const configs = details.flatMap(({ answer }) => (answer ? [knownConfig(answer)] : []));
    if (configs.length < runs.length) return loading('the configuration');
    const wanted = this.search.trim().toLowerCase();
    const rows = configRows(configs).filter(
      ({ key, differs, values }) =>
        (runs.length === 1 || this.all || differs) &&
        (key.includes(wanted) || values.some((value) => plain(value).toLowerCase().includes(wanted))),
    );
    return html`
      <div class="row filter">
        <input
          type="search"
          aria-label="Search in the configuration"
          placeholder="search keys and values"
          data-testid="config-search"
          .value=${this.search}
          @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        />
        ${
          runs.length > 1
            ? html`<label
                ><input
                  type="checkbox"
                  data-testid="config-all"
                  .checked=${this.all}
                  @change=${(event: Event) => (this.all = (event.target as HTMLInputElement).checked)}
                />
                also what is the same</label
              >`
            : nothing
        }
        ${chosen > runs.length ? html`<span class="small secondary">the first ${runs.length} of ${chosen}</span>` : nothing}
      </div>
      ${
        rows.length === 0
          ? html`<p class="secondary pad" data-testid="config-empty">
              ${wanted ? 'No key or value has this in it.' : 'The configurations are the same.'}
            </p>`
          : this.#configTable(runs, rows)
      }
      ${runs.length === 1 && runs[0].imported ? importedPart(runs[0].imported) : nothing}
    `;
  }

  #configTable(runs: RunSummary[], rows: ReturnType<typeof configRows>): TemplateResult {
    return html`<table data-testid="config">
      <thead>
        <tr>
          <th scope="col">key</th>
          ${runs.map(({ name }) => html`<th scope="col"><span class="clamp" title=${name}>${name}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${repeat(
          rows,
          ({ key }) => key,
          ({ key, values, differs }) =>
            html`<tr class=${differs && runs.length > 1 && this.all ? 'differs' : ''}>
              <th scope="row">${key}</th>
              ${values.map((value) => html`<td>${value === undefined ? html`<span class="secondary">not there</span>` : plain(value)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  // Events and log

  #eventList(): TemplateResult {
    return loaded(
      this.#events,
      'the events',
      (events) =>
        html`<div class="row filter">
            <button class="quiet" @click=${() => void this.#events.retry()}>Read again</button>
            <span class="small secondary">${integer(events.length)} beside the steps, newest first</span>
          </div>
          <ol class="events" data-testid="events">
            ${repeat(
              events,
              ({ seq }) => seq,
              (event) =>
                html`<li>
                  <span class="small secondary number" title=${dateTime(event.time)}>${timeOfDay(event.time)}</span>
                  <span class="small number">step ${integer(event.step)}</span>
                  <span class=${event.kind === 'alert' || (event.kind === 'state' && event.error) ? 'warning' : ''}
                    >${eventText(event)}</span
                  >
                </li>`,
            )}
          </ol>`,
    );
  }

  #logLines(): TemplateResult {
    return loaded(
      this.#log,
      'the log',
      (lines) =>
        html`<div class="row filter">
            <button class="quiet" data-testid="reload-log" @click=${() => void this.#log.retry()}>Read again</button>
            <span class="small secondary">the last ${integer(LOG_LINES)} lines of the worker, newest last</span>
          </div>
          ${lines.length === 0 ? html`<p class="secondary pad">The log is empty: no process has trained this run yet.</p>` : html`<pre data-testid="log">${lines.join('\n')}</pre>`}`,
    );
  }

  static override styles = [tokens, base, detailStyle];
}

/** Where a run of another trainer comes from, and what is not known of it. */
const importedPart = ({ from, lacks }: NonNullable<RunSummary['imported']>): TemplateResult =>
  html`<section class="pad" aria-label="Imported" data-testid="imported">
    <p>Trained by another trainer; read from <code>${from}</code>. Not in its log, or left out:</p>
    <ul>
      ${lacks.map((one) => html`<li>${one}</li>`)}
    </ul>
  </section>`;

const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];

/** One line about what happened. */
export function eventText(event: RunEvent): string {
  switch (event.kind) {
    case 'state':
      return event.error ? `${event.state}: ${told(event.error)}` : event.state;
    case 'alert':
      return `⚠ ${told(event)}`;
    case 'checkpoint':
      return `◆ checkpoint (${event.checkpoint.reason})`;
    case 'rewards': {
      const { revision, previous } = event;
      const reason = revision.reason ? `: ${revision.reason}` : '';
      const begin = Object.entries(revision.weights).map(([name, weight]) => `${name} ${number(weight)}`);
      const changes = previous === null ? begin : rewardChanges(previousOf(event), { ...revision, sources: revision.sources ?? {} });
      return `▼ revision ${revision.revision} (${changes.join(', ')})${reason}`;
    }
    case 'evaluation':
      return `evaluated: ${Object.entries(event.metrics)
        .map(([name, value]) => `${name} ${number(value)}`)
        .join(', ')}`;
    case 'step':
      return `${integer(event.groups)} groups`;
  }
}

define('medr1-run-details', RunDetails);
