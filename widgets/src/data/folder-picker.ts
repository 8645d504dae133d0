/** Chooses a folder, or a file in it, on the machine that the backend runs on, and tells it by `medr1-folder` ({dir, name, images}). */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { DataConnector, DatasetSummary, Folder } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { icon } from '../icons.ts';
import { Latest } from '../load.ts';
import { failed, loaded } from '../view-states.ts';
import { base, tokens } from '../theme.ts';

const LAYOUTS: Record<string, string> = {
  omnimedvqa: 'OmniMedVQA',
  medr1: 'Med-R1 splits',
  imagefolder: 'image folder',
  parquet: 'Parquet',
};

export interface FolderChoice {
  dir: string;
  /** What the data set shall be called; the folder's name when empty. */
  name: string;
  /** The folder that image paths begin in; null where that is the folder itself. */
  images: string | null;
}

export class FolderPicker extends WatchingElement {
  static override properties = {
    data: { attribute: false },
    start: { attribute: false },
    name: { state: true },
    images: { state: true },
    typed: { state: true },
  };
  declare data: DataConnector;
  /** A data set that is to be added again; null where a new one is looked for. */
  declare start: Pick<DatasetSummary, 'name' | 'dir'> | null;
  declare name: string;
  declare images: string;
  /** In the field, until the folder of that name is shown; null while it is. A file stays in the field, over the folder that it is in. */
  declare typed: string | null;
  readonly #browsed = new Latest<Folder>();
  /** The folder that is shown: it stays while another one is read, and where that one cannot be. */
  #folder: Folder | null = null;

  constructor() {
    super();
    this.start = null;
    this.name = '';
    this.images = '';
    this.typed = null;
  }

  protected override identity(): PropertyKey[] {
    return ['data'];
  }

  protected override watched() {
    return [this.#browsed];
  }

  protected override acquire(): void {
    this.name = this.start?.name ?? '';
    void this.#go(this.start?.dir);
  }

  protected override render(): TemplateResult {
    this.#folder = this.#browsed.answer ?? this.#folder;
    const folder = this.#folder;
    return folder ? this.#form(folder) : loaded(this.#browsed, 'folders', (first) => this.#form(first));
  }

  #form(folder: Folder): TemplateResult {
    const { error } = this.#browsed;
    const path = this.typed || folder.dir;
    return html`<form @submit=${this.#choose}>
      <div class="path">
        <button
          type="button"
          class="quiet"
          aria-label="Folder above"
          title="Folder above"
          ?disabled=${folder.parent === null}
          @click=${() => void this.#go(folder.parent!)}
        >
          ↑
        </button>
        <input
          aria-label="Folder or file"
          title="Folder or file on the machine that the backend runs on"
          spellcheck="false"
          data-testid="folder-path"
          .value=${this.typed ?? folder.dir}
          @input=${(event: Event) => (this.typed = (event.target as HTMLInputElement).value)}
          @keydown=${this.#onPathKey}
          @change=${(event: Event) => void this.#go((event.target as HTMLInputElement).value)}
        />
      </div>
      ${error ? failed(error) : nothing}
      <ul aria-label=${`Folders and files in ${folder.dir}`}>
        ${
          folder.folders.length + folder.files.length === 0
            ? html`<li class="secondary none">No folder in here, and no file of questions.</li>`
            : nothing
        }
        ${folder.folders.map(
          ({ name, dir, layout }) =>
            html`<li>
              <button type="button" class="quiet" data-testid="folder" @click=${() => void this.#go(dir)}>
                <span aria-hidden="true">▸</span> <span class="ellipsis">${name}</span>
                ${layout ? html`<span class="chip" title="Its files look like this layout">${LAYOUTS[layout] ?? layout}</span>` : nothing}
              </button>
            </li>`,
        )}
        ${folder.files.map(
          ({ name, path: file }) =>
            html`<li>
              <button type="button" class="quiet" aria-pressed=${file === path} data-testid="file" @click=${() => (this.typed = file)}>
                <span class="ellipsis">${name}</span>
              </button>
            </li>`,
        )}
      </ul>
      <div class="actions">
        <label
          >Name
          <input
            .value=${this.name}
            placeholder="as the folder"
            spellcheck="false"
            @input=${(event: Event) => (this.name = (event.target as HTMLInputElement).value)}
        /></label>
        <label
          >Images
          <input
            data-testid="folder-images"
            .value=${this.images}
            placeholder="in the folder"
            title="The folder from which the image paths of the records start, for example /data/images or ~/images. Images in ${baseName(folder.dir)} and in its folders images/, imgs/ and figures/ are found without it."
            spellcheck="false"
            @input=${(event: Event) => (this.images = (event.target as HTMLInputElement).value)}
        /></label>
        <button class="primary" data-testid="folder-add" ?disabled=${error !== null && this.typed !== null}>
          ${icon('plus')} Add ${baseName(path)}
        </button>
        <button type="button" class="quiet" @click=${() => this.dispatchEvent(new CustomEvent('medr1-cancel'))}>Cancel</button>
      </div>
    </form>`;
  }

  /** Enter looks into a folder; only the button adds it. */
  #onPathKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    void this.#go((event.target as HTMLInputElement).value);
  };

  #choose = (event: Event): void => {
    event.preventDefault();
    const detail: FolderChoice = { dir: this.typed || this.#folder!.dir, name: this.name.trim(), images: this.images.trim() || null };
    this.dispatchEvent(new CustomEvent('medr1-folder', { detail }));
  };

  async #go(dir: string | undefined): Promise<void> {
    const found = await this.#browsed.ask((signal) => this.data.browse({ dir }, signal), { keep: true });
    if (found?.status !== 'ready') return;
    this.typed = found.value.files.find(({ path }) => path === dir)?.path ?? null;
  }

  static override styles = [
    tokens,
    base,
    css`
      form {
        display: grid;
        gap: 8px;
      }
      .path {
        display: flex;
        gap: 4px;
      }
      .path input {
        flex: 1;
        min-width: 0;
        font-family: var(--medr1-font-code);
        font-size: var(--medr1-size-small);
      }
      ul {
        height: 240px;
        margin: 0;
        padding: 4px;
        overflow: auto;
        list-style: none;
        border: 1px solid var(--medr1-border);
      }
      li button {
        display: flex;
        gap: 6px;
        align-items: center;
        width: 100%;
        text-align: left;
      }
      .none {
        padding: 4px 8px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
      }
      .actions label {
        display: inline-flex;
        gap: 4px;
        align-items: center;
        flex: 1 1 180px;
      }
      .actions input {
        min-width: 0;
        width: 100%;
      }
      .primary .icon {
        vertical-align: -3px;
      }
    `,
  ];
}

const baseName = (dir: string): string =>
  dir
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1) || dir;

define('medr1-folder-picker', FolderPicker);
