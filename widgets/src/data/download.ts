/** Fetches a data set from the Hugging Face hub: its licence first, then progress and stop, until it is unpacked and being indexed. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { DataConnector, Download, DownloadJob } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { bytes, duration } from '../format.ts';
import { Latest } from '../load.ts';
import { failed, loading } from '../view-states.ts';
import { base, tokens } from '../theme.ts';

const POLL_MS = 1000;
const PHASES: Record<DownloadJob['phase'], string> = { download: 'Downloading', check: 'Checking', unpack: 'Unpacking' };

export class DownloadBox extends WatchingElement {
  static override properties = {
    data: { attribute: false },
    reading: { state: true },
    accepted: { state: true },
  };
  declare data: DataConnector;
  /** The licence is on the page. */
  declare reading: boolean;
  declare accepted: boolean;
  /** What can be fetched; null until it is known. */
  #known: Download | null = null;
  /** As it was told last: it stays where a telling fails. */
  #job: DownloadJob | null = null;
  readonly #told = new Latest<DownloadJob | null>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.reading = false;
    this.accepted = false;
  }

  protected override identity(): PropertyKey[] {
    return ['data'];
  }

  protected override watched() {
    return [this.#told];
  }

  protected override acquire(): void {
    void this.#load();
  }

  protected override release(): void {
    clearTimeout(this.#timer);
  }

  protected override render(): TemplateResult {
    const [known, job, { error }] = [this.#known, this.#job, this.#told];
    if (!known) return error ? failed(error, () => void this.#load()) : loading('what can be downloaded');
    return html`${error ? failed(error) : nothing} ${job?.state === 'running' ? this.#progress(job) : this.#offer(known, job)}`;
  }

  #offer(known: Download, job: DownloadJob | null): TemplateResult {
    if (this.reading) return this.#licence(known);
    if (job?.state === 'done')
      return html`<p role="status" data-testid="download-done">
        It is in ${job.dir} and is being indexed as <b>${job.dataset}</b>.
        ${job.files.some((file) => file.endsWith('.zip')) ? `${job.files.join(', ')} is unpacked and may be deleted.` : nothing}
      </p>`;
    return html`${job?.error ? failed(job.error) : nothing}
      <div class="actions">
        <button data-testid="download" @click=${() => (this.reading = true)}>${job ? 'Go on with the download' : 'Download'} …</button>
        <span class="secondary">${known.size}</span>
      </div>`;
  }

  #licence(known: Download): TemplateResult {
    return html`<form @submit=${this.#start}>
      <p class="licence" tabindex="0" aria-label="Licence" data-testid="licence">${known.licence}</p>
      <label>Folder <input class="dir" name="dir" spellcheck="false" placeholder=${known.dir} aria-label="Folder to download to" /></label>
      <label class="accept"
        ><input
          type="checkbox"
          data-testid="accept"
          .checked=${this.accepted}
          @change=${(event: Event) => (this.accepted = (event.target as HTMLInputElement).checked)}
        />
        I have read these terms and follow them</label
      >
      <div class="actions">
        <button class="primary" data-testid="download-start" ?disabled=${!this.accepted}>Download ${known.size}</button>
        <button type="button" class="quiet" @click=${() => (this.reading = false)}>Cancel</button>
      </div>
    </form>`;
  }

  #progress(job: DownloadJob): TemplateResult {
    const share = job.total ? job.done / job.total : 0;
    const left = job.seconds_left === null ? '' : ` · ${duration(job.seconds_left)} left`;
    return html`<div class="running" role="status" data-testid="download-running">
      <span class="ellipsis">${PHASES[job.phase]} ${job.file ?? ''}</span>
      <progress aria-label=${`${PHASES[job.phase]} ${job.name}`} .value=${share}></progress>
      <span class="number">${job.total === null ? '' : `${bytes(job.done)} of ${bytes(job.total)}${left}`}</span>
      <button class="quiet" data-testid="download-stop" @click=${() => void this.#try(() => this.data.stopDownload(job.name))}>Stop</button>
    </div>`;
  }

  #start = (event: Event): void => {
    event.preventDefault();
    const [known, { accepted }] = [this.#known, this];
    if (!known || !accepted) return;
    const dir = this.renderRoot.querySelector<HTMLInputElement>('.dir')!.value.trim();
    void this.#try(async () => {
      const job = await this.data.download({ name: known.name, accept_licence: accepted, ...(dir && { dir }) });
      this.reading = false;
      return job;
    });
  };

  async #load(): Promise<void> {
    await this.#try(async () => {
      const { known, jobs } = await this.data.downloads();
      this.#known = known[0] ?? null;
      return jobs.find(({ name }) => name === this.#known?.name) ?? null;
    });
  }

  /** Takes what `action` says of the job, and asks again while it runs. */
  async #try(action: () => Promise<DownloadJob | null>): Promise<void> {
    clearTimeout(this.#timer);
    const before = this.#job;
    const told = await this.#told.ask(action, { keep: true });
    if (!told) return;
    if (told.status === 'ready') this.#job = told.value;
    this.requestUpdate();
    if (before?.state === 'running' && this.#job?.state === 'done') this.dispatchEvent(new CustomEvent('medr1-downloaded'));
    if (this.#job?.state === 'running' && this.isConnected)
      this.#timer = setTimeout(() => void this.#try(() => this.data.downloadJob(this.#job!.name)), POLL_MS);
  }

  static override styles = [
    tokens,
    base,
    css`
      form {
        display: grid;
        gap: 8px;
      }
      .licence {
        max-height: 160px;
        margin: 0;
        padding: 8px;
        overflow: auto;
        white-space: pre-line;
        border: 1px solid var(--medr1-border);
      }
      label {
        display: flex;
        gap: 6px;
        align-items: center;
      }
      .dir {
        flex: 1;
        min-width: 0;
        font-family: var(--medr1-font-code);
        font-size: var(--medr1-size-small);
      }
      .actions,
      .running {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
      }
      progress {
        flex: 1;
        min-width: 80px;
      }
      p {
        overflow-wrap: anywhere;
      }
    `,
  ];
}

define('medr1-download', DownloadBox);
