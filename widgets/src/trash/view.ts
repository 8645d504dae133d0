/** The Trash view: what was removed, with a way back and a way out for good. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Subscription, Trashed } from '../connector.ts';
import { define, WatchingElement } from '../element.ts';
import { dateTime, inSentence } from '../format.ts';
import { Doing, Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import { empty, failed, loaded } from '../view-states.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, scrolling, tokens } from '../theme.ts';

const KINDS: Record<Trashed['kind'], string> = { run: 'run', evaluation: 'evaluation', data: 'data set' };

export class TrashView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    sure: { state: true },
  };
  declare workbench: IWorkbench;
  /** Entry that is to go for good, asked once more. */
  declare sure: string | null;
  readonly #entries = new Latest<Trashed[]>();
  readonly #doing = new Doing();

  constructor() {
    super();
    this.sure = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    const { removals, runs, data } = this.workbench;
    return [removals, runs.state, data.datasets.state, this.#evaluations, this.#entries, this.#doing];
  }

  protected override acquire(): void {
    this.tabIndex = -1; // has the keyboard when the last entry is gone
    const look = (): void => this.#evaluations.update((count) => count + 1);
    this.#subscription = this.workbench.connector.subscribeEvals((event) => 'removed' in event && look(), look);
  }

  protected override release(): void {
    this.#subscription?.close();
  }
  #subscription: Subscription | null = null;
  /** Grows when an evaluation was removed, by whomever. */
  readonly #evaluations = new Observable(0);

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    const { removals, runs, data } = this.workbench;
    const there = [runs.state.value.runs.map(({ id }) => id).sort(), data.datasets.state.value.datasets.map(({ name }) => name)];
    const now = JSON.stringify([removals.value, this.#evaluations.value, ...there]);
    if (this.#seen === now) return;
    this.#seen = now;
    void this.#load();
  }
  /** What is there besides the trash, which another page, a notebook or a command may have moved there. */
  #seen = '';

  #load(): Promise<unknown> {
    return this.#entries.ask((signal) => this.workbench.connector.trash(signal), { keep: true });
  }

  protected override render(): TemplateResult {
    return loaded(this.#entries, 'the trash', (entries) => this.#list(entries));
  }

  #list(entries: readonly Trashed[]): TemplateResult {
    const { error } = this.#doing;
    if (entries.length === 0)
      return empty('The trash is empty', 'Runs, evaluations and data sets that you remove come here, and can be put back.');
    return html`${error ? failed(error) : nothing}
      <ul aria-label="Removed">
        ${repeat(
          entries,
          ({ id }) => id,
          (one) => this.#entry(one),
        )}
      </ul>`;
  }

  #entry({ id, kind, name, removed_at }: Trashed): TemplateResult {
    return html`<li data-testid="trashed" data-id=${id}>
      <span class="chip small">${KINDS[kind]}</span>
      <span class="name ellipsis" title=${name}>${name}</span>
      <span class="secondary small">${dateTime(removed_at)}</span>
      <span class="actions">
        ${
          this.sure === id
            ? html`<span class="warning small">${kind === 'data' ? 'Its index and splits are lost.' : 'All of it is lost.'}</span>
                <button data-testid="delete-for-good" @click=${() => void this.#do(id, () => this.workbench.connector.emptyTrash(id))}>
                  Delete for good
                </button>
                <button class="quiet" data-testid="keep" @click=${() => void this.#ask(id, false)}>Cancel</button>`
            : html`<button
                  data-testid="restore"
                  aria-label=${`Restore ${inSentence(name)}`}
                  @click=${() => void this.#do(id, () => this.workbench.restore(id))}
                >
                  Restore
                </button>
                <button
                  class="quiet"
                  aria-label=${`Delete ${inSentence(name)} for good`}
                  data-testid="delete"
                  @click=${() => void this.#ask(id, true)}
                >
                  Delete …
                </button>`
        }
      </span>
    </li>`;
  }

  /** The buttons that ask once more take the place of those that were pressed, and the keyboard with it: on the one that loses nothing. */
  async #ask(id: string, sure: boolean): Promise<void> {
    this.sure = sure ? id : null;
    await this.updateComplete;
    this.#button(id, sure ? 'keep' : 'delete')?.focus();
  }

  async #do(id: string, what: () => Promise<unknown>): Promise<void> {
    const at = this.#ids.indexOf(id);
    if (await this.#doing.do(what)) this.sure = null;
    await this.#load();
    await this.updateComplete;
    const ids = this.#ids;
    if (ids.includes(id)) return;
    const next = ids[Math.min(at, ids.length - 1)]; // the entry that has its place now
    (next === undefined ? this : this.#button(next, 'restore'))?.focus();
  }

  get #ids(): string[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>('li')].map(({ dataset }) => dataset.id!);
  }

  #button(id: string, name: string): HTMLElement | null {
    const entry = [...this.renderRoot.querySelectorAll<HTMLElement>('li')].find(({ dataset }) => dataset.id === id);
    return entry?.querySelector<HTMLElement>(`[data-testid=${name}]`) ?? null;
  }

  static override styles = [
    tokens,
    base,
    scrolling,
    css`
      :host(:focus) {
        outline: none;
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: center;
        padding: 6px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .name {
        flex: 1 1 160px;
        min-width: 0;
      }
      .actions {
        display: inline-flex;
        flex-wrap: wrap;
        gap: 4px;
        align-items: center;
      }
    `,
  ];
}

define('medr1-trash', TrashView);
