/** The Search view: everything that the chosen runs said, by words or a regular expression and by filters. Text nodes only. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { SearchHit } from '../connector.ts';
import { smallChartStyle } from '../charts/small-chart.ts';
import { Doing } from '../load.ts';
import { command, define, WatchingElement } from '../element.ts';
import { inSentence, integer } from '../format.ts';
import { readable } from '../marked.ts';
import { empty, failed, meantOtherwise, noRunChosen } from '../view-states.ts';
import { verdictChip } from '../rollouts/completion.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import './families.ts';
import './phrases.ts';
import { hintsOf } from './hints.ts';
import { questionCurves } from './question-curve.ts';
import {
  EMPTY,
  filtersSet,
  FINISHES,
  formOf,
  FLAGS,
  LETTERS,
  ORDERS,
  pieces,
  placeOf,
  SearchModel,
  told,
  VERDICTS,
  type Choices,
  type SearchForm,
  type SearchState,
} from './model.ts';
import { style } from './style.ts';

const FLAG_CHOICES: Choices = Object.entries(FLAGS);

export class SearchView extends WatchingElement {
  static override properties = {
    workbench: { attribute: false },
    noting: { state: true },
    tab: { state: true },
    naming: { state: true },
  };
  declare workbench: IWorkbench;
  /** Completion whose note is being written. */
  declare noting: string | null;
  declare tab: 'completions' | 'phrases' | 'families';
  /** What is done with the name that is being typed. */
  declare naming: 'save' | 'rename' | null;
  readonly #keeping = new Doing();
  /** The saved search that is shown, as far as it was taken over. */
  #shown: string | null = null;
  #model: SearchModel | null = null;

  constructor() {
    super();
    keepUncovered(this, { part: 'form' });
    this.noting = null;
    this.tab = 'completions';
    this.naming = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  get model(): SearchModel {
    return (this.#model ??= new SearchModel(this.workbench.connector));
  }

  protected override watched() {
    const { state, curves, saved } = this.model;
    return [this.workbench.selection, this.workbench.runs.state, state, curves, saved, this.#keeping];
  }

  protected override acquire(): void {
    void this.model.loadSaved();
  }

  /** A saved search that is chosen, here or by a link, is taken over once it is known. */
  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    super.willUpdate(changed);
    const { search, runs } = this.workbench.selection.value;
    if (search === this.#shown) return;
    if (search === null) return void (this.#shown = null);
    const found = this.model.saved.answer?.find(({ id }) => id === search);
    if (!found || runs.length === 0) return;
    this.#shown = search;
    this.tab = 'completions';
    this.#search(formOf(found.query));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#model?.stop();
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('input[type=search]')?.focus();
  }

  protected override render(): TemplateResult {
    const { runs } = this.workbench.selection.value;
    if (runs.length === 0)
      return noRunChosen(this, this.workbench.runs.state.value.runs, 'Search looks through every completion of the runs that are chosen.');
    const state = this.model.state.value;
    return html`<div
      class="page"
      @medr1-search-text=${(event: CustomEvent<string>) => this.#show({ ...EMPTY, text: event.detail })}
      @medr1-search-near=${(event: CustomEvent<Pick<SearchForm, 'near' | 'similarity'>>) => this.#show({ ...EMPTY, ...event.detail, order: 'oldest' })}
    >
      ${this.#tabs()}
      ${
        this.tab === 'completions'
          ? html`${this.#form(state.form)} ${this.#savedBar()} ${this.#keeping.error ? failed(this.#keeping.error) : nothing}
            ${this.#curves()} ${this.#results(state)}`
          : this.tab === 'phrases'
            ? html`<medr1-search-phrases .workbench=${this.workbench} .run=${runs[0]}></medr1-search-phrases>`
            : html`<medr1-search-families .workbench=${this.workbench} .run=${runs[0]}></medr1-search-families>`
      }
    </div>`;
  }

  #tabs(): TemplateResult {
    const { runs } = this.workbench.selection.value;
    const tab = (name: SearchView['tab'], text: string): TemplateResult =>
      html`<button aria-pressed=${this.tab === name} data-testid=${`tab-${name}`} @click=${() => (this.tab = name)}>${text}</button>`;
    return html`<div class="toolbar tabs" role="toolbar" aria-label="Search">
      ${tab('completions', 'Completions')} ${tab('phrases', 'Phrases that came and went')} ${tab('families', 'Near-duplicates')}
      ${
        this.tab === 'completions'
          ? nothing
          : html`<span class="secondary small ellipsis">of ${this.workbench.runs.get(runs[0])?.name ?? runs[0]}</span>`
      }
    </div>`;
  }

  /** Searches that were saved, and what can be done with the one that is shown. */
  #savedBar(): TemplateResult {
    const { search } = this.workbench.selection.value;
    const saved = this.model.saved.answer ?? [];
    const chosen = saved.find(({ id }) => id === search);
    const choose = (id: string): void => this.workbench.selection.move({ search: id === '' ? null : id });
    const button = (text: string, testid: string, act: () => void): TemplateResult =>
      html`<button type="button" class="quiet link small" data-testid=${testid} @click=${act}>${text}</button>`;
    return html`<div class="saved small" role="group" aria-label="Saved searches">
      ${
        saved.length === 0
          ? nothing
          : html`<select
              aria-label="Saved search"
              data-testid="saved-search"
              @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}
            >
              <option value="" .selected=${!chosen}>saved searches …</option>
              ${saved.map(({ id, name }) => html`<option value=${id} .selected=${id === search}>${name}</option>`)}
            </select>`
      }
      ${search !== null && !chosen && this.model.saved.value.status === 'ready' ? html`<span class="warning" data-testid="saved-gone">That saved search was removed.</span>` : nothing}
      ${button('Save …', 'save-search', () => (this.naming = this.naming === 'save' ? null : 'save'))}
      ${
        chosen
          ? html`${button('Save over it', 'save-over', () => void this.#keeping.do(() => this.model.save(chosen.name, chosen.id)))}
            ${button('Rename …', 'rename-search', () => (this.naming = this.naming === 'rename' ? null : 'rename'))}
            ${button('Remove', 'forget-search', () => void this.#forget(chosen.id))}
            ${button('Copy link', 'copy-search', () => command(this, 'copy-link'))}`
          : nothing
      }
      ${
        this.naming === null
          ? nothing
          : html`<form
              class="note"
              @submit=${(event: Event) => void this.#name(event, this.naming === 'rename' ? (chosen?.id ?? null) : null)}
            >
              <input
                name="name"
                maxlength="120"
                required
                aria-label="Name"
                placeholder="name"
                .value=${this.naming === 'rename' ? (chosen?.name ?? '') : ''}
              />
              <button type="submit">${this.naming === 'rename' ? 'Rename' : 'Save'}</button>
            </form>`
      }
    </div>`;
  }

  async #name(event: Event, id: string | null): Promise<void> {
    event.preventDefault();
    const name = (event.target as HTMLFormElement).querySelector<HTMLInputElement>('[name=name]')!.value;
    const rename = id === null ? null : this.model.saved.answer?.find((one) => one.id === id);
    const done = await this.#keeping.do(() => (rename ? this.model.rename(rename.id, name) : this.model.save(name)));
    if (!done) return;
    this.naming = null;
    this.#shown = done.value.id; // it is what is shown already
    this.workbench.selection.move({ search: done.value.id });
  }

  async #forget(id: string): Promise<void> {
    if (await this.#keeping.do(() => this.model.forget(id))) this.workbench.selection.move({ search: null });
  }

  #curves(): TemplateResult | typeof nothing {
    const { curves } = this.model;
    if (curves.error) return failed(curves.error, () => void curves.retry());
    if (!curves.answer || curves.answer.length === 0) return nothing;
    const nameOf = (run: string): string => this.workbench.runs.get(run)?.name ?? run;
    return questionCurves(curves.answer, nameOf, (run, step, group) => {
      const { runs } = this.workbench.selection.value;
      this.workbench.selection.move({ runs: [run, ...runs.filter((one) => one !== run)], step, group });
      command(this, 'open-rollouts');
    });
  }

  #form(form: SearchForm): TemplateResult {
    const count = filtersSet(form);
    return html`<form role="search" aria-label="Search what runs said" @submit=${this.#submit}>
      <div class="toolbar">
        <input
          type="search"
          aria-label="Look for"
          placeholder=${form.mode === 'words' ? 'cell "optic disc" -glioma hemorr*' : 'lesion (is|looks) \\w+er'}
          .value=${form.text}
          @input=${(event: Event) => this.model.set({ text: (event.target as HTMLInputElement).value })}
        />
        <select aria-label="As" .value=${form.mode} @change=${(event: Event) => this.#set('mode', event)}>
          <option value="words" .selected=${form.mode === 'words'}>words</option>
          <option value="regexp" .selected=${form.mode === 'regexp'}>regular expression</option>
        </select>
        ${
          form.mode === 'regexp'
            ? html`<label
                ><input
                  type="checkbox"
                  .checked=${form.case}
                  @change=${(event: Event) => this.model.set({ case: (event.target as HTMLInputElement).checked })}
                />
                Aa</label
              >`
            : nothing
        }
        ${this.#choice(
          'order',
          'Order',
          Object.entries(ORDERS).map(([value, [label]]) => [value, label] as const),
          form,
          null,
        )}
        <button class="primary" type="submit" data-testid="search">Search</button>
      </div>
      <details ?open=${count > 0}>
        <summary class="small">Filters${count > 0 ? `: ${count} set` : ''}</summary>
        <div class="filters small">
          ${this.#pair('from', 'to', 'Steps', form)} ${this.#choice('verdict', 'Answer', VERDICTS, form)}
          ${this.#choice('letter', 'Letter', LETTERS, form)} ${this.#choice('flag', 'Flag', FLAG_CHOICES, form)}
          ${this.#choice('finish', 'Finish', FINISHES, form)} ${this.#pair('least_reward', 'most_reward', 'Reward', form)}
          ${this.#pair('least_advantage', 'most_advantage', 'Advantage', form)} ${this.#pair('least_tokens', 'most_tokens', 'Tokens', form)}
          ${this.#field('question', 'Words of the question', form)} ${this.#field('modality', 'Modality', form)}
          ${this.#field('question_type', 'Type', form)} ${this.#field('tag', 'Tag', form)} ${this.#field('item', 'Question id', form)}
        </div>
        ${
          count > 0
            ? html`<button
                type="button"
                class="quiet link small clear"
                @click=${() => this.model.set({ ...EMPTY, text: form.text, mode: form.mode })}
              >
                Clear filters
              </button>`
            : nothing
        }
        ${form.near ? html`<span class="chip small">alike to step ${form.near.step}, group ${form.near.group + 1}</span>` : nothing}
      </details>
    </form>`;
  }

  #submit = (event: Event): void => {
    event.preventDefault();
    this.#search({});
  };

  #search(change: Partial<SearchForm>): void {
    this.model.set(change);
    void this.model.search(this.workbench.selection.value.runs.slice(0, 16));
  }

  /** As a search in place of the tab that asked for it. */
  #show(form: SearchForm): void {
    this.tab = 'completions';
    this.#search(form);
  }

  #set(key: keyof SearchForm, event: Event): void {
    this.model.set({ [key]: (event.target as HTMLInputElement).value });
  }

  #field(key: keyof SearchForm, label: string, form: SearchForm): TemplateResult {
    return html`<label>${label}<input .value=${String(form[key] ?? '')} @input=${(event: Event) => this.#set(key, event)} /></label>`;
  }

  #pair(least: keyof SearchForm, most: keyof SearchForm, label: string, form: SearchForm): TemplateResult {
    const one = (key: keyof SearchForm, name: string) =>
      html`<input
        inputmode="decimal"
        aria-label=${`${label}, ${name}`}
        placeholder=${name}
        .value=${String(form[key] ?? '')}
        @input=${(event: Event) => this.#set(key, event)}
      />`;
    return html`<div>${label}<span class="pair">${one(least, 'from')}${one(most, 'to')}</span></div>`;
  }

  /** `any`: what no choice is called; null where there is always one. */
  #choice(key: keyof SearchForm, label: string, choices: Choices, form: SearchForm, any: string | null = 'any'): TemplateResult {
    const all = any === null ? choices : [['', any] as const, ...choices];
    return html`<label
      >${any === null ? nothing : label}<select aria-label=${label} @change=${(event: Event) => this.#set(key, event)}>
        ${all.map(([value, text]) => html`<option value=${value} .selected=${form[key] === value}>${text}</option>`)}
      </select></label
    >`;
  }

  #results(state: SearchState): TemplateResult {
    const { status, hits, page, error } = state;
    if (status === 'error' && error) return failed(error);
    if (status === 'idle') return empty('Nothing searched yet', 'Leave the box empty to list every completion that passes the filters.');
    const reading = [...new Set(page?.runs.map((run) => run.reading))].join(', ');
    return html`<div class="summary small secondary" role="status" data-testid="told">
        ${
          status === 'searching'
            ? html`Searching … <button class="quiet link small" @click=${() => this.model.stop()}>Stop</button>`
            : html`<span>${told(state)}</span>${reading ? html`<span>right and wrong by the reading ${reading}</span>` : nothing}`
        }
        ${(page?.runs ?? [])
          .filter((run) => run.indexed < run.steps)
          .map(
            (run) =>
              html`<span class="warning"
                >${inSentence(run.name)}: ${integer(run.indexed)} of ${integer(run.steps)} steps are indexed so far; the rest is not
                searched yet</span
              >`,
          )}
        ${
          status === 'ready' && page && page.stopped_at !== null
            ? html`<span class="warning"
                >The time for one page ended at step
                ${integer(page.stopped_at)}${page.next === null ? ': narrow the steps to search the rest.' : '.'}</span
              >`
            : nothing
        }
      </div>
      ${
        status === 'ready' && hits.length === 0 && page?.next === null
          ? html`${meantOtherwise(
              hintsOf(state.asked ?? {}).map(({ text, label, instead }) => ({ text, instead: label, take: () => this.#search(instead) })),
            )}${empty('Nothing found', 'No completion passes. Try fewer words or filters.')}`
          : html`<ol aria-label="Completions">
              ${repeat(hits, placeOf, (hit) => this.#hit(hit))}
            </ol>`
      }
      ${
        page?.next && status === 'ready'
          ? html`<div class="more"><button data-testid="more" @click=${() => void this.model.more()}>Go on</button></div>`
          : nothing
      }`;
  }

  #hit(hit: SearchHit): TemplateResult {
    const key = placeOf(hit);
    const several = this.workbench.selection.value.runs.length > 1;
    const shown = (value: number | null): string => (value === null ? '–' : value.toFixed(2).replace('-', '−'));
    return html`<li data-testid="hit">
      <div class="facts small">
        <button class="quiet link small" title="Show it in Rollouts" @click=${() => this.#open(hit)} data-testid="open">
          step ${integer(hit.step)} · group ${hit.group + 1} · ${hit.index + 1}
        </button>
        ${several ? html`<span class="secondary">${this.workbench.runs.get(hit.run)?.name ?? hit.run}</span>` : nothing}
        ${hit.sampled_by === null ? nothing : html`<span class="secondary">sampled by ${hit.sampled_by}</span>`}
        ${verdictChip(hit, hit.reading)}
        <span>reward ${shown(hit.reward)}</span><span>advantage ${shown(hit.advantage)}</span>
        <span>${integer(hit.tokens)} tokens${hit.finish_reason === 'stop' ? '' : `, ended by ${hit.finish_reason}`}</span>
        <span class="secondary">${hit.modality} · ${hit.question_type}</span>
        ${hit.flags.map((flag) => html`<span class="warning">⚠ ${FLAGS[flag as keyof typeof FLAGS] ?? flag}</span>`)}
        ${hit.similarity === null ? nothing : html`<span>${Math.round(100 * hit.similarity)} % alike</span>`}
        ${hit.tags.map((tag) => html`<span class="chip small">${readable(tag)}</span>`)}
      </div>
      <div class="question small secondary">${readable(hit.question)}</div>
      <div class="text" tabindex="0" role="group" aria-label="Completion">${textOf(hit)}</div>
      ${hit.note ? html`<div class="said small">${readable(hit.note)}</div>` : nothing}
      <div class="actions">
        <button class="quiet link small" @click=${() => this.#search({ ...EMPTY, item: hit.item_id, order: 'oldest' })}>
          Follow this question
        </button>
        <button class="quiet link small" @click=${() => this.#alike(hit)}>Alike</button>
        <button
          class="quiet link small"
          aria-expanded=${this.noting === key}
          @click=${() => (this.noting = this.noting === key ? null : key)}
        >
          ${hit.note || hit.tags.length > 0 ? 'Edit note' : 'Note'}
        </button>
      </div>
      ${this.noting === key ? this.#noteForm(hit) : nothing}
    </li>`;
  }

  #alike({ run, step, group, index }: SearchHit): void {
    this.#search({ ...EMPTY, near: { run, step, group, index } });
  }

  #noteForm(hit: SearchHit): TemplateResult {
    return html`<form class="note" @submit=${(event: Event) => void this.#keep(event, hit)}>
      <input name="tags" aria-label="Tags, apart by commas" placeholder="tags, apart by commas" .value=${hit.tags.join(', ')} />
      <input name="note" aria-label="Note" placeholder="note" .value=${hit.note} />
      <button type="submit">Keep</button>
    </form>`;
  }

  async #keep(event: Event, hit: SearchHit): Promise<void> {
    event.preventDefault();
    const value = (name: string): string => (event.target as HTMLFormElement).querySelector<HTMLInputElement>(`[name=${name}]`)!.value;
    if (await this.#keeping.do(() => this.model.note(hit, value('tags'), value('note')))) this.noting = null;
  }

  #open({ run, step, group, index }: SearchHit): void {
    const { runs } = this.workbench.selection.value;
    this.workbench.selection.move({ runs: [run, ...runs.filter((one) => one !== run)], step, group, completion: index });
    command(this, 'open-rollouts');
  }

  static override styles = [tokens, base, style, smallChartStyle];
}

/** In one piece: spaces between parts would be seen. */
const textOf = (hit: SearchHit): (TemplateResult | string)[] => [
  hit.text_from > 0 ? '… ' : '',
  ...pieces(hit).map(({ text, marked }) => (marked ? html`<mark>${readable(text)}</mark>` : readable(text))),
  hit.text_from + hit.text.length < hit.text_length ? ' …' : '',
];

define('medr1-search', SearchView);
