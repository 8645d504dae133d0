/** The Data view: facets at the left, the grid of questions, and what can be done with those that are picked. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { DatasetSummary, ExportFormat } from '../connector.ts';
import { command, define, PageElement } from '../element.ts';
import { integer } from '../format.ts';
import { icon } from '../icons.ts';
import { empty, failed, loading, meantOtherwise } from '../view-states.ts';
import { saveFile } from '../save-file.ts';
import { base, tokens } from '../theme.ts';
import { THUMB_SIZES, type ThumbSize } from '../store/data/model.ts';
import type { IWorkbench } from '../store/workbench.ts';
import './facets.ts';
import './download.ts';
import './folder-picker.ts';
import type { FolderChoice } from './folder-picker.ts';
import './grid.ts';
import type { DataGrid } from './grid.ts';
import { footer, type Actions } from './footer.ts';
import { nameField } from './name-field.ts';
import { jobRows } from './jobs.ts';
import { closeMenu } from '../menu.ts';
import { hintsOf, SEARCH_HELP } from '../store/data/hints.ts';
import { chips, narrows, SORTS, widened } from '../store/data/query.ts';
import { style } from './style.ts';

/** Below this width the facets lie over the grid and are called up. */
const NARROW = 620;
const SEARCH_DELAY_MS = 250;
export class DataView extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    adding: { state: true },
    again: { state: true },
    narrow: { state: true, type: Boolean },
    facetsOpen: { state: true },
    viewName: { state: true },
    renaming: { state: true },
  };
  declare workbench: IWorkbench;
  /** The folder picker is shown. */
  declare adding: boolean;
  /** What it begins with: a data set that is to be read anew. */
  declare again: DatasetSummary | null;
  declare narrow: boolean;
  /** Null as long as the width decides. */
  declare facetsOpen: boolean | null;
  declare viewName: string;
  /** Of the data set that is shown. */
  declare renaming: boolean;
  #watcher: ResizeObserver | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.adding = false;
    this.again = null;
    this.narrow = false;
    this.facetsOpen = null;
    this.viewName = '';
    this.renaming = false;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { data, runs } = this.workbench;
    return [data.state, data.datasets.state, runs.state, this.workbench.selection];
  }

  protected override acquire(): void {
    this.workbench.data.watch();
  }

  protected override release(): void {
    this.workbench.data.unwatch();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (typeof ResizeObserver === 'undefined') return;
    this.#watcher = new ResizeObserver(([entry]) => (this.narrow = entry.contentRect.width < NARROW));
    this.#watcher.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watcher?.disconnect();
    clearTimeout(this.#typing);
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    this.toggleAttribute('narrow', this.narrow);
  }

  protected override render(): TemplateResult {
    const { data } = this.workbench;
    const { datasets } = data;
    const list = datasets.state.value;
    if (list.status === 'loading') return loading('data sets');
    if (list.status === 'error' && list.datasets.length === 0) return failed(list.error!, () => void datasets.load());
    if ((list.datasets.length === 0 && data.state.value.dataset === null) || this.adding)
      return html`${jobRows(datasets)} ${this.#add(list.datasets.length === 0)}`;
    return html`${this.#toolbar()} ${this.#chips()} ${this.#hints()} ${jobRows(datasets)} ${this.#unread()}
    ${list.refusal ? failed(list.refusal, undefined) : nothing} ${this.#body()}`;
  }

  /* Data sets */

  #add(first: boolean): TemplateResult {
    const { datasets } = this.workbench.data;
    const { refusal, jobs } = datasets.state.value;
    const indexing = jobs.some(({ state }) => state === 'running');
    return html`<div class="add" data-testid=${first ? 'empty' : 'add'}>
      <section>
        <h3>${first && indexing ? 'The first data set is being read' : first ? 'No data set yet' : 'Add a data set'}</h3>
        <p class="secondary">
          ${
            this.adding
              ? "A folder in OmniMedVQA's layout, Med-R1's split files, an image folder, or Parquet, JSON, JSON Lines and CSV files. Its files stay as they are; an index is kept beside the runs."
              : 'Questions and images stay where they are; the workbench reads them once and keeps an index.'
          }
        </p>
        ${
          this.adding
            ? html`${refusal ? failed(refusal) : nothing}
                <medr1-folder-picker
                  .start=${this.again}
                  .data=${this.workbench.connector.data}
                  @medr1-folder=${(event: CustomEvent<FolderChoice>) => void this.#addFolder(event.detail)}
                  @medr1-cancel=${() => this.#setAdding(false)}
                ></medr1-folder-picker>`
            : html`<div class="actions">
                <button class="primary" data-testid="add-folder" @click=${() => this.#setAdding(true)}>Add a folder …</button>
              </div>`
        }
        <div class="actions">
          ${this.#sampleButton()} ${this.#runsDataButton()}
          <button class="quiet link" data-testid="open-trash" @click=${() => command(this, 'open-trash')}>Trash</button>
        </div>
      </section>
      ${
        first && this.adding
          ? nothing
          : html`<section>
              <h3>OmniMedVQA</h3>
              <p class="secondary">
                Its open part has 88,996 questions on 8 modalities. After you accept its licence, it is downloaded from the Hugging Face
                hub, unpacked and indexed. A download that broke off goes on where it stopped.
              </p>
              <medr1-download .data=${this.workbench.connector.data} @medr1-downloaded=${this.#onDownloaded}></medr1-download>
              <p class="secondary">The same in a terminal:</p>
              <pre><code>medr1 data get omnimedvqa</code></pre>
            </section>`
      }
    </div>`;
  }

  /** The made sample is a folder like any other. */
  #sampleButton(): TemplateResult | typeof nothing {
    const sample = this.workbench.runs.state.value.server?.sample;
    if (!sample || this.workbench.data.datasets.at(sample.dataset)) return nothing;
    return html`<button data-testid="add-sample" @click=${() => void this.#addFolder({ dir: sample.dataset, name: '', images: null })}>
      Add the made sample
    </button>`;
  }

  /** What the selected run trains on, where it is not here yet. */
  #runsDataButton(): TemplateResult | typeof nothing {
    const run = this.workbench.selection.run;
    const dir = run === null ? null : this.workbench.unindexedOf(run);
    if (dir === null || dir === this.workbench.runs.state.value.server?.sample?.dataset) return nothing;
    return html`<button data-testid="add-runs-data" title=${dir} @click=${() => void this.#addFolder({ dir, name: '', images: null })}>
      Index what ${this.workbench.runs.get(run!)?.name ?? 'the run'} trains on
    </button>`;
  }

  async #addFolder({ dir, name, images }: FolderChoice): Promise<void> {
    const taken = await this.workbench.data.add(dir, name, images);
    if (taken) this.adding = false;
    else this.adding = true; // where the refusal is said
  }

  /** It is being indexed now, like any folder that was added. */
  #onDownloaded = (): void => {
    this.adding = false;
    void this.workbench.data.datasets.load();
  };

  async #removeDataset(name: string): Promise<void> {
    const id = await this.workbench.data.datasets.remove(name);
    if (id === null) return;
    this.workbench.removed();
    command(this, 'offer-undo', { id, name });
  }

  /** A set whose images were left out shows them from their files; one whose images are nowhere needs their folder. */
  #unread(): TemplateResult | typeof nothing {
    const { datasets, state } = this.workbench.data;
    const set = datasets.get(state.value.dataset);
    if (!set || this.#isRead(set) || set.hashed > 0 || set.images === 0) return nothing;
    return html`<div class="unread small" data-testid="unread">
      ${
        set.missing === set.items
          ? html`No image of this data set was found. If they are in another folder, add the data set again and give that folder under
              <i>Images</i>. <button @click=${() => this.#setAdding(true, set)}>Add it again …</button>`
          : html`The images of this data set have not been read, so that duplicates are not known and pictures come slowly.
              <button @click=${() => this.#readAnew(set)}>Read the images</button>`
      }
    </div>`;
  }

  /** It is being read now. */
  #isRead({ name }: DatasetSummary): boolean {
    return this.workbench.data.datasets.state.value.jobs.some((job) => job.name === name && job.state === 'running');
  }

  #readAnew({ dir, name }: DatasetSummary): void {
    void this.workbench.data.datasets.add(dir, name);
  }

  /** Opens the form, of a data set that is here where one is given. */
  #setAdding(adding: boolean, again: DatasetSummary | null = null): void {
    this.adding = adding;
    this.again = again;
    this.workbench.data.datasets.forgive();
  }

  /* Filters */

  #datasetSelect(): TemplateResult {
    const { dataset } = this.workbench.data.state.value;
    const { datasets } = this.workbench.data.datasets.state.value;
    return html`<select aria-label="Data set" data-testid="dataset" @change=${this.#onDataset}>
      ${dataset !== null && !datasets.some(({ name }) => name === dataset) ? html`<option value=${dataset} selected>${dataset}</option>` : nothing}
      ${repeat(
        datasets,
        ({ name }) => name,
        ({ name, items }) => html`<option value=${name} .selected=${name === dataset}>${name} (${integer(items)})</option>`,
      )}
    </select>`;
  }

  /** The field for the name and the list of data sets take each other's place. */
  async #setRenaming(renaming: boolean): Promise<void> {
    this.renaming = renaming;
    await this.updateComplete;
    const field = this.renderRoot.querySelector<HTMLInputElement>('[data-testid=dataset-name]');
    field?.select();
    (field ?? this.renderRoot.querySelector<HTMLElement>('[data-testid=rename-dataset]'))?.focus();
  }

  #toolbar(): TemplateResult {
    const { data } = this.workbench;
    const { filter, dataset, views } = data.state.value;
    const grouped = filter.group === 'image';
    const set = data.datasets.get(dataset);
    return html`<div class="toolbar" role="toolbar" aria-label="Data">
      <button aria-pressed=${this.#facetsShown} title="Show or hide the facets" data-testid="toggle-facets" @click=${this.#toggleFacets}>
        Facets
      </button>
      ${
        this.renaming && dataset !== null
          ? nameField(
              dataset,
              (to) => data.rename(to),
              () => void this.#setRenaming(false),
            )
          : this.#datasetSelect()
      }
      <button
        class="quiet"
        title="Give this data set another name"
        aria-label=${`Rename ${dataset ?? 'the data set'}`}
        data-testid="rename-dataset"
        ?disabled=${dataset === null}
        @click=${() => void this.#setRenaming(!this.renaming)}
      >
        ${icon('pen')}
      </button>
      <button
        class="quiet"
        title="Read this data set anew: what was added to its folder, changed or removed there since"
        aria-label=${`Read ${dataset ?? 'the data set'} anew`}
        data-testid="read-anew"
        ?disabled=${!set || this.#isRead(set)}
        @click=${() => this.#readAnew(set!)}
      >
        ${icon('again')}
      </button>
      <button
        class="quiet"
        title="Remove this data set from the list. Its folder stays as it is"
        aria-label=${`Remove ${dataset ?? 'the data set'} from the list`}
        data-testid="remove-dataset"
        ?disabled=${dataset === null}
        @click=${() => void this.#removeDataset(dataset!)}
      >
        ${icon('trash')}
      </button>
      <button class="quiet" title="Add a data set" aria-label="Add a data set" @click=${() => this.#setAdding(true)}>
        ${icon('plus')}
      </button>
      <input
        type="search"
        class="search"
        placeholder='search: words, "a phrase", -without, modality:CT'
        title='Words, "a phrase", -without; field:value with modality, type, dataset, split, options, answer, problem, id, question or option'
        aria-label="Search"
        data-testid="data-search"
        maxlength="1000"
        .value=${filter.q ?? ''}
        @input=${this.#onSearch}
        @keydown=${this.#onSearchKey}
      />
      <medr1-menu label="?" title="What can be searched for" data-testid="search-help">
        <dl class="help small">
          ${SEARCH_HELP.map(
            ([example, finds]) =>
              html`<dt><code>${example}</code></dt>
                <dd>${finds}</dd>`,
          )}
        </dl>
      </medr1-menu>
      <label
        ><span class="word">sort</span>
        <select class="sort" aria-label="Sort" ?disabled=${grouped} @change=${this.#onSort}>
          ${Object.entries(SORTS).map(
            ([key, title]) =>
              html`<option value=${key} .selected=${key === (grouped ? 'image' : (filter.sort ?? 'file'))}>${title}</option>`,
          )}
        </select>
        <button
          class="quiet"
          aria-pressed=${filter.descending ?? false}
          aria-label="Descending"
          title=${filter.descending ? 'descending' : 'ascending'}
          @click=${() => data.apply({ ...filter, descending: !filter.descending })}
        >
          ${filter.descending ? '↓' : '↑'}
        </button>
      </label>
      <button
        aria-pressed=${grouped}
        title="One tile for each image, with the number of its questions"
        data-testid="group-image"
        @click=${() => data.apply({ ...filter, group: grouped ? undefined : 'image' })}
      >
        Group by image
      </button>
      <label title="Size of the thumbnails"
        ><span class="word">images</span>
        <select
          aria-label="Size of the thumbnails"
          data-testid="thumb-size"
          @change=${(event: Event) => data.setThumbs((event.target as HTMLSelectElement).value as ThumbSize)}
        >
          ${Object.keys(THUMB_SIZES).map((size) => html`<option value=${size} .selected=${size === data.state.value.thumbs}>${size}</option>`)}
        </select>
      </label>
      <medr1-menu label=${views.length > 0 ? `Views (${views.length})` : 'Views'} data-testid="views">${this.#views()}</medr1-menu>
    </div>`;
  }

  #views(): TemplateResult {
    const { data } = this.workbench;
    const { views } = data.state.value;
    return html`<div class="views">
      ${views.length === 0 ? html`<p class="secondary small">A saved view keeps the filter under a name, not its questions.</p>` : nothing}
      ${views.map(
        ({ name, dataset, filter }) =>
          html`<div class="saved">
            <button
              class="quiet apply"
              title=${dataset}
              data-testid="view-apply"
              @click=${(event: Event) => {
                data.apply(filter, dataset);
                closeMenu(event);
              }}
            >
              ${name}
            </button>
            <button class="quiet" aria-label=${`Delete the view ${name}`} title="Delete" @click=${() => data.deleteView(name)}>
              ${icon('trash')}
            </button>
          </div>`,
      )}
      <form
        @submit=${(event: Event) => {
          event.preventDefault();
          data.saveView(this.viewName);
          this.viewName = '';
        }}
      >
        <input
          aria-label="Name of the view"
          placeholder="name of this view"
          data-testid="view-name"
          .value=${this.viewName}
          @input=${(event: Event) => (this.viewName = (event.target as HTMLInputElement).value)}
        />
        <button ?disabled=${this.viewName.trim() === ''} data-testid="view-save">Save</button>
      </form>
    </div>`;
  }

  #chips(): TemplateResult | typeof nothing {
    const { data, runs } = this.workbench;
    const { filter } = data.state.value;
    if (!narrows(filter)) return nothing;
    return html`<div class="chips" aria-label="Filters" role="group">
      ${chips(filter, (run) => runs.get(run)?.name ?? run).map(
        ({ title, text, without }) =>
          html`<button class="chip" title=${`Remove: ${title}`} data-testid="chip" @click=${() => data.apply(without)}>
            <span class="secondary">${title}</span> ${text} <span aria-hidden="true">✕</span>
          </button>`,
      )}
      <button class="quiet small" data-testid="clear-filters" @click=${() => data.apply(widened(filter))}>Clear all</button>
    </div>`;
  }

  /** What in the search was probably meant otherwise; one click away. */
  #hints(): TemplateResult | typeof nothing {
    const { data } = this.workbench;
    const { filter, facets, status, stale, total } = data.state.value;
    const hints = filter.q && status === 'ready' ? hintsOf(filter.q, facets, stale || total > 0) : [];
    return meantOtherwise(
      hints.map(({ text, instead }) => ({ text, instead, take: () => data.apply({ ...filter, q: instead ?? filter.q }) })),
    );
  }

  get #facetsShown(): boolean {
    return this.facetsOpen ?? !this.narrow;
  }

  #toggleFacets = (): void => {
    this.facetsOpen = !this.#facetsShown;
  };

  #onDataset = (event: Event): void => {
    this.workbench.data.open((event.target as HTMLSelectElement).value);
  };

  #onSort = (event: Event): void => {
    const { data } = this.workbench;
    data.apply({ ...data.state.value.filter, sort: (event.target as HTMLSelectElement).value });
  };

  #onSearch = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#search(value), SEARCH_DELAY_MS);
  };

  #onSearchKey = (event: KeyboardEvent): void => {
    const input = event.target as HTMLInputElement;
    if (event.key === 'Enter') {
      clearTimeout(this.#typing);
      this.#search(input.value);
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      this.page?.focus();
    }
  };

  #search(q: string): void {
    const { data } = this.workbench;
    const { filter } = data.state.value;
    if (q !== (filter.q ?? '')) data.apply({ ...filter, q });
  }

  /* Questions */

  #body(): TemplateResult {
    const { data } = this.workbench;
    const { status, error, total, pages, stale, filter } = data.state.value;
    return html`<div class="body">
        ${this.#facetsShown ? html`<medr1-data-facets .workbench=${this.workbench} data-testid="facets"></medr1-data-facets>` : nothing}
        <div class=${`main${stale ? ' stale' : ''}`}>
          ${
            status === 'error'
              ? failed(error!, () => void data.reload())
              : status !== 'ready' || !pages
                ? loading('questions')
                : total === 0
                  ? narrows(filter)
                    ? empty(
                        'No question passes the filters',
                        'Widen them to see more.',
                        html`<button @click=${() => data.apply(widened(filter))}>Clear filters</button>`,
                      )
                    : empty('This data set holds no question', 'Its folder may have changed. The button beside its name reads it anew.')
                  : html`<medr1-data-grid .workbench=${this.workbench}></medr1-data-grid>`
          }
        </div>
      </div>
      ${status === 'ready' ? footer(data, data.state.value.working, this.#actions) : nothing}`;
  }

  protected override get page(): HTMLElement | null {
    return this.#grid?.scroller ?? null;
  }

  get #grid(): DataGrid | null {
    return this.renderRoot.querySelector<DataGrid>('medr1-data-grid');
  }

  #actions: Actions = {
    startRun: () => void this.#startRun(),
    openTrash: () => command(this, 'open-trash'),
    tag: (change) => void this.workbench.data.tag(change),
    toNotebook: () => command(this, 'send-to-notebook', { code: this.workbench.data.python }),
    exportAs: (format) => void this.#export(format),
  };

  async #startRun(): Promise<void> {
    const { data, draft } = this.workbench;
    const config = await data.runConfig();
    if (!config) return;
    draft.set({ config });
    command(this, 'open-new-run');
  }

  async #export(format: ExportFormat): Promise<void> {
    const { data } = this.workbench;
    const blob = await data.export(format);
    if (!blob) return;
    saveFile(`${data.state.value.dataset}.${format === 'medr1' ? 'json' : format}`, blob);
  }

  static override styles = [tokens, base, style];
}

define('medr1-data', DataView);
