/** The Rollouts view: one step's questions, each with its group of completions. */
import { trainedBy } from '@medr1/kernel-bridge/protocol/run';
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Group } from '../connector.ts';
import { define, PageElement } from '../element.ts';
import { integer } from '../format.ts';
import { isTyping, walkOf } from '../keys.ts';
import { Doing } from '../load.ts';
import { readable } from '../marked.ts';
import { empty, failed, loading, noRunChosen } from '../view-states.ts';
import { saveFile } from '../save-file.ts';
import type { Selection } from '../selection.ts';
import { waitingOf } from '../store/queue.ts';
import { HeldRuns } from '../store/held-runs.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { base, scrolling, tokens } from '../theme.ts';
import { keepUncovered } from '../uncovered.ts';
import type { IWorkbench } from '../store/workbench.ts';
import type { RolloutGroup } from './group.ts';
import { menuChoices } from '../menu.ts';
import './group.ts';
import { laterUpdates, missing, type TokenQuantity } from '../store/rollouts/colouring.ts';
import { colouringSwitch, legend, legendStyles } from './legend.ts';
import { imagesOf, pageOf } from './page.ts';
import { stepChoice, stepChoiceStyles, valueChoice } from './toolbar.ts';
import { rolloutOf } from '../store/rollouts/alternatives.ts';
import {
  hasTokens,
  LAYOUTS,
  samplerName,
  SHOWN,
  SORTS,
  visibleGroups,
  type Layout,
  type Shown,
  type Sort,
} from '../store/rollouts/model.ts';

const THUMB = 96; // pixels asked for, twice what is shown, for sharp screens
const LARGE = 768;
const NOBODY_ASKED = (): null => null;
/** What the popover holds, as long as nothing was chosen there. */
const AS_AT_FIRST = { sort: 'order', shown: 'all', modality: null, type: null, fold: false, layout: 'list', colouring: 'off' } as const;

export class RolloutsView extends PageElement {
  static override properties = { workbench: { attribute: false }, open: { state: true }, enlarged: { state: true } };
  declare workbench: IWorkbench;
  /** Groups unfolded by hand, beside the selected one. */
  declare open: ReadonlySet<number>;
  declare enlarged: Group | null;

  readonly #saving = new Doing();
  readonly #held = new HeldRuns(this);

  constructor() {
    super();
    keepUncovered(this, { part: '.pinned' });
    this.open = new Set();
    this.enlarged = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [
      this.workbench.selection,
      this.workbench.runs.state,
      this.workbench.tokenTexts.changed,
      this.workbench.alternatives.changed,
      this.#model.state,
      this.#saving,
    ];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const { runs: source, selection } = this.workbench;
    this.#held.hold(source, selection.run === null ? [] : [selection.run]);
    const { run: shown, step: onScreen } = this.#model.state.value;
    if (this.#openOf !== `${shown} ${onScreen}`) {
      this.#openOf = `${shown} ${onScreen}`;
      if (this.open.size > 0) this.open = new Set(); // other questions than those that were unfolded
    }
    const { step } = this.workbench.selection.value;
    const run = this.#run;
    if (!run || run.lastStep === 0) return;
    this.workbench.datasetOf(run); // known before the first click
    if (step === null) return void this.#model.follow(run.id, run.lastStep, this.#iterations);
    this.#model.unfollow();
    this.#show(run, step);
  }

  #show({ id, config, lastStep }: FollowedRun, step: number): void {
    const updates = laterUpdates(step, config, lastStep);
    void this.#model.show(id, step, { updates, iterations: this.#iterations });
  }

  /** Updates on the same rollouts. */
  get #iterations(): number {
    return this.#run?.config?.num_iterations ?? 1;
  }

  get #model(): IWorkbench['rollouts'] {
    return this.workbench.rollouts;
  }

  get #run(): FollowedRun | null {
    return this.#held.first;
  }

  /** The chosen step; while following, the one on screen. */
  get #step(): number {
    return this.workbench.selection.value.step ?? this.#model.state.value.step ?? this.#run?.lastStep ?? 0;
  }

  /** What was chosen elsewhere comes into view, once for each choice. */
  protected override updated(): void {
    super.updated();
    this.#keepPlace();
    const { runs, step, group, completion } = this.workbench.selection.value;
    const chosen = group === null ? '' : `${runs[0]} ${step} ${group} ${completion}`;
    if (chosen === this.#brought || !this.#isOnScreen) return;
    const element = [...this.renderRoot.querySelectorAll<RolloutGroup>('medr1-group')].find((one) => one.group.group === group);
    if (group !== null && !element) return; // filters hide it
    if (element?.texts?.status !== 'loading') this.#brought = chosen; // tokens that come make the group longer
    void element?.updateComplete.then(() => element.show(completion));
  }
  #brought = '';

  /** Whoever walks the steps by keys stays at the same place among the groups. */
  #keepPlace(): void {
    if (this.#walkedAt === null || !this.#isOnScreen) return;
    const groups = [...this.renderRoot.querySelectorAll<RolloutGroup>('medr1-group')];
    groups[Math.min(this.#walkedAt, groups.length - 1)]?.focus();
    this.#walkedAt = null;
  }
  #walkedAt: number | null = null;

  /** The chosen step is the one that is drawn. */
  get #isOnScreen(): boolean {
    const { status, step } = this.#model.state.value;
    return status === 'ready' && step === (this.workbench.selection.value.step ?? this.#step);
  }

  /** Run and step whose groups were unfolded. */
  #openOf = '';

  protected override render(): TemplateResult {
    const run = this.#run;
    if (!run)
      return noRunChosen(
        this,
        this.workbench.runs.state.value.runs,
        'Rollouts are the completions sampled at each step, with their rewards.',
      );
    if (run.status === 'error') return failed(run.error!, () => void run.load());
    if (run.status === 'loading') return loading('rollouts');
    if (run.config?.trainer === 'sft') return empty('No rollouts', 'Supervised fine-tuning samples no completions; choose a GRPO run.');
    if (run.lastStep === 0) {
      const summary = this.workbench.runs.get(run.id);
      const waiting = summary && waitingOf(summary, this.workbench.runs.state.value.runs);
      return empty(
        'No step yet',
        `The first group appears when the first optimiser step is done.${waiting ? ` ${summary.name}: ${waiting.text}.` : ''}`,
      );
    }
    return html`<div class="page" tabindex="-1" @keydown=${this.#onKey}>${this.#toolbar(run)} ${this.#body()}</div>
      ${this.#dialog()}`;
  }

  #toolbar(run: FollowedRun): TemplateResult {
    const model = this.#model;
    const { groups, sort, shown, modality, type, fold, layout, colouring } = model.state.value;
    const seen = visibleGroups(model.state.value).length;
    const step = this.#step;
    const live = this.workbench.selection.value.step === null;
    const chosen = Object.entries(AS_AT_FIRST).filter(
      ([key, value]) => model.state.value[key as keyof typeof AS_AT_FIRST] !== value,
    ).length;
    const choose = <T extends string>(event: Event): T => (event.target as HTMLSelectElement).value as T;
    return html`<div class="pinned">
      <div class="toolbar" role="toolbar" aria-label="Rollouts">
        ${this.#whose(run)}
        ${stepChoice({
          ...{ step, last: run.lastStep, live, newest: 'Follow the newest step', testid: 'rollouts-step' },
          go: (to) => this.#goTo(to),
          follow: (follow) => this.workbench.selection.move({ step: follow ? null : step }),
        })}
        ${this.#search('wide', 'rollouts-search')}
        <span class=${`secondary number${seen < groups.length ? '' : ' word'}`} data-testid="rollouts-count"
          >${seen < groups.length ? `${integer(seen)} of ` : ''}${integer(groups.length)}<span class="word"> groups</span></span
        >
        <medr1-menu label=${chosen > 0 ? `View (${chosen})` : 'View'} data-testid="rollouts-view">
          <div class="choices">
            <label class="narrow">search ${this.#search('narrow', 'rollouts-search-narrow')}</label>
            <label
              >sort
              <select aria-label="Sort" @change=${(event: Event) => model.set({ sort: choose<Sort>(event) })}>
                ${Object.entries(SORTS).map(([key, title]) => html`<option value=${key} .selected=${key === sort}>${title}</option>`)}
              </select></label
            >
            <label
              >show
              <select aria-label="Show" @change=${(event: Event) => model.set({ shown: choose<Shown>(event) })}>
                ${Object.entries(SHOWN).map(([key, title]) => html`<option value=${key} .selected=${key === shown}>${title}</option>`)}
              </select></label
            >
            ${valueChoice(
              'modality',
              groups.map((group) => group.modality),
              modality,
              (value) => model.set({ modality: value }),
            )}
            ${valueChoice(
              'question type',
              groups.map((group) => group.question_type),
              type,
              (value) => model.set({ type: value }),
            )}
            <label title="Side by side with the chosen completion, or as a tree of what they have in common"
              >completions
              <select
                aria-label="Completions"
                data-testid="layout"
                @change=${(event: Event) => model.set({ layout: choose<Layout>(event) })}
              >
                ${Object.entries(LAYOUTS).map(([key, title]) => html`<option value=${key} .selected=${key === layout}>${title}</option>`)}
              </select></label
            >
            <label title="Completions with the same text and the same rewards are shown once, with their number"
              >identical
              <span
                ><input type="checkbox" data-testid="fold" .checked=${fold} @change=${() => model.set({ fold: !fold })} /> shown once</span
              ></label
            >
            <label title="Colours each token by a value that is stored for it"
              >tokens ${colouringSwitch(colouring, this.#missing, (quantity) => model.set({ colouring: quantity }))}</label
            >
            <button
              title="One file with text and images, which anyone can open: the groups that pass the filters, or the chosen one"
              data-testid="export-page"
              ?disabled=${this.#saving.isBusy() || seen === 0}
              @click=${() => void this.#export(run)}
            >
              ${this.#saving.isBusy() ? 'Reading the images …' : this.#chosenGroup ? 'Save the chosen group as HTML' : 'Save as HTML'}
            </button>
            <button ?disabled=${chosen === 0} @click=${() => model.set(AS_AT_FIRST)}>As at first</button>
          </div>
        </medr1-menu>
      </div>
      ${colouring === 'off' ? nothing : html`<div class="colours">${legend(colouring, this.#missing(colouring))}</div>`}
    </div>`;
  }

  /** In the toolbar where it is wide enough (`wide`), else in the menu (`narrow`). */
  #search(place: 'wide' | 'narrow', testid: string): TemplateResult {
    const model = this.#model;
    return html`<input
      class=${place}
      type="search"
      placeholder="search in text"
      aria-label="Search in text"
      data-testid=${testid}
      .value=${model.state.value.search}
      @input=${(event: Event) => model.set({ search: (event.target as HTMLInputElement).value })}
    />`;
  }

  /** Whose rollouts these are; of several chosen runs, which. */
  #whose(run: FollowedRun): TemplateResult {
    const { selection, runs } = this.workbench;
    const chosen = selection.value.runs;
    const nameOf = (id: string): string => runs.get(id)?.name ?? (id === run.id ? run.name : id);
    if (chosen.length < 2) return html`<b class="whose ellipsis" data-testid="rollouts-run" title=${nameOf(run.id)}>${nameOf(run.id)}</b>`;
    return html`<select
      class="whose"
      aria-label="Run"
      title=${nameOf(run.id)}
      data-testid="rollouts-run"
      @change=${(event: Event) => {
        const id = (event.target as HTMLSelectElement).value;
        selection.move({ runs: [id, ...chosen.filter((one) => one !== id)] });
      }}
    >
      ${[...chosen].sort().map((id) => html`<option value=${id} .selected=${id === run.id}>${nameOf(id)}</option>`)}
    </select>`;
  }

  #body(): TemplateResult {
    const state = this.#model.state.value;
    const run = this.#run!;
    if (state.run !== null && state.run !== run.id) return loading('rollouts'); // what is there is another run's, with images of its own
    if (state.status === 'error') return failed(state.error!, () => this.#show(run, this.#step));
    if (state.status !== 'ready') return loading('rollouts');
    if (state.groups.length === 0)
      return state.step !== null && state.step > run.lastStep
        ? empty(`No step ${integer(state.step)} yet`, `The newest step of this run is ${integer(run.lastStep)}.`)
        : empty('No rollouts kept for this step', 'Choose another step with ← and →.');
    const groups = visibleGroups(state);
    if (groups.length === 0)
      return empty(
        'No group passes the filters',
        'Widen them to see the groups of this step.',
        html`<button @click=${this.#clearFilters}>Clear filters</button>`,
      );
    const chosen = this.workbench.selection.value;
    const { colouring } = state;
    const isOpen = (group: Group): boolean => this.open.has(group.group) || chosen.group === group.group;
    const [{ step: from }] = state.groups;
    const before = state.step === null ? null : trainedBy(run.detail?.summary.inherited ?? [], state.step);
    const hidden = this.#chosenGroup !== null && !groups.includes(this.#chosenGroup);
    const absent = this.#notThere(chosen);
    return html`${
        before
          ? html`<p class="again small secondary" data-testid="inherited">
              These are rollouts of ${samplerName(before)}, whose steps up to ${integer(before.to)} this run began with.
            </p>`
          : nothing
      }
      ${
        hidden
          ? html`<p class="again small" role="status" data-testid="chosen-hidden">
              The chosen group does not pass the filters. <button class="quiet link" @click=${this.#clearFilters}>Clear filters</button>
            </p>`
          : nothing
      }
      ${absent ? html`<p class="again small" role="status" data-testid="chosen-missing">${absent}</p>` : nothing}
      ${
        from === state.step
          ? nothing
          : html`<p class="again small secondary" data-testid="used-again">
              Step ${integer(state.step)} learnt from the rollouts of step ${integer(from)} again: these.
            </p>`
      }
      <div class="list" role="list" aria-label=${`Groups of step ${state.step}`} @pointerdown=${this.#hold} @focusin=${this.#hold}>
        ${repeat(
          groups,
          ({ group }) => group, // by place, not by step: what is under the pointer or has the focus stays when a newer step comes
          (group) =>
            html`<medr1-group
              role="listitem"
              data-testid="group"
              .group=${group}
              .open=${isOpen(group)}
              .completion=${chosen.group === group.group ? chosen.completion : null}
              .token=${chosen.group === group.group ? chosen.token : null}
              .colouring=${colouring}
              .search=${state.search}
              .fold=${state.fold}
              .layout=${state.layout}
              .texts=${(colouring !== 'off' || state.layout === 'tree') && isOpen(group) && hasTokens(group) ? this.workbench.tokenTexts.of(run.id, group.step, group.group) : null}
              .thumb=${group.image ? this.workbench.connector.imageUrl(run.id, group.image, THUMB) : null}
              @medr1-toggle=${() => this.#toggle(group)}
              @medr1-completion=${(event: CustomEvent<{ completion: number; token: number | null }>) => this.#select(group, event.detail)}
              @medr1-tokens-retry=${() => this.workbench.tokenTexts.retry(run.id, group.step, group.group)}
              .alternatives=${isOpen(group) && colouring !== 'off' ? (completion: number) => this.workbench.alternatives.of(rolloutOf(run.id, group, completion)) : NOBODY_ASKED}
              @medr1-ponder=${(event: CustomEvent<number>) => void this.workbench.alternatives.ask(rolloutOf(run.id, group, event.detail))}
              @medr1-enlarge=${() => this.#enlarge(group)}
            ></medr1-group>`,
        )}
      </div>`;
  }

  #clearFilters = (): void => this.#model.set({ shown: 'all', modality: null, type: null, search: '' });

  /** Why the groups on screen cannot be coloured so. */
  #missing = (quantity: TokenQuantity): string | null => {
    const { config, lastStep } = this.#run!;
    return missing(quantity, this.#model.state.value.groups, config, lastStep);
  };

  /** The selected group of the step on screen. */
  get #chosenGroup(): Group | null {
    const { group } = this.workbench.selection.value;
    return (group !== null && this.#model.state.value.groups.find((one) => one.group === group)) || null;
  }

  /** What was chosen by a link or a notebook and is not among the groups on screen; null where all of it is. */
  #notThere({ step, group, completion }: Selection): string | null {
    if (group === null || step !== this.#model.state.value.step) return null;
    const chosen = this.#chosenGroup;
    if (!chosen) return `Step ${integer(step)} has no group ${integer(group)}. Choose one of these.`;
    if (completion === null || chosen.completions.some(({ index }) => index === completion)) return null;
    return `Group ${integer(group)} of step ${integer(step)} has no completion ${integer(completion)}. Choose one of these.`;
  }

  async #export(run: FollowedRun): Promise<void> {
    const chosen = this.#chosenGroup;
    const { state } = this.#model;
    const groups = chosen ? [chosen] : visibleGroups(state.value);
    const { step } = groups[0];
    await this.#saving.do(async () => {
      const images = await imagesOf(groups, (path) => this.workbench.connector.imageUrl(run.id, path, LARGE));
      const page = pageOf({ run: run.name, step, groups, images });
      const name = `${run.name.replaceAll(/[^\w.-]+/g, '-')}-step-${step}${chosen ? `-group-${chosen.group}` : ''}.html`;
      saveFile(name, new Blob([page], { type: 'text/html' }));
    });
  }

  #dialog(): TemplateResult {
    const group = this.enlarged;
    return html`<dialog
      aria-label="Image"
      @close=${() => (this.enlarged = null)}
      @click=${(event: Event) => (event.currentTarget as HTMLDialogElement).close()}
    >
      ${
        group?.image
          ? html`<img
                src=${this.workbench.connector.imageUrl(this.#run!.id, group.image, LARGE)}
                alt=${`Image of the question: ${group.question}`}
              />
              <p>${readable(group.question)}</p>
              <p class="secondary small">${group.dataset} · ${group.modality} · ${group.image}</p>`
          : nothing
      }
    </dialog>`;
  }

  #enlarge(group: Group): void {
    this.enlarged = group;
    void this.updateComplete.then(() => this.renderRoot.querySelector('dialog')?.showModal());
  }

  #toggle(group: Group): void {
    const { selection } = this.workbench;
    const isOpen = this.open.has(group.group) || selection.value.group === group.group;
    const next = new Set(this.open);
    if (isOpen) next.delete(group.group);
    else next.add(group.group);
    this.open = next;
    this.#select(group, { group: isOpen ? null : group.group });
  }

  /** Reading holds the step: the newest must not slip in under the reader's eyes, nor between a press and its release. */
  #hold = (): void => {
    if (this.workbench.selection.value.step === null) this.workbench.selection.move({ step: this.#step });
  };

  /** Moves the selection to this question, in the data set it is of. */
  #select(group: Group, at: Partial<Selection>): void {
    const dataset = this.workbench.datasetOf(this.#run!);
    this.workbench.selection.move({ ...(dataset && { dataset }), item: group.item_id, step: group.step, group: group.group, ...at });
  }

  #go(way: number): void {
    this.#goTo(this.#step + way);
  }

  #goTo(step: number): void {
    const last = this.#run?.lastStep ?? 1;
    if (!Number.isFinite(step)) return this.requestUpdate();
    this.workbench.selection.move({ step: Math.min(last, Math.max(1, Math.round(step))) });
  }

  /** Up and down walk the groups with their completions, left and right the steps, from wherever in the view no text is typed. */
  #onKey = (event: KeyboardEvent): void => {
    if (isTyping(event) || (event.target as Element).closest('medr1-menu[open]')) return;
    const groups = [...this.renderRoot.querySelectorAll<RolloutGroup>('medr1-group')];
    const at = groups.findIndex((group) => group === event.target);
    const { step, row } = walkOf(event);
    if (step !== 0) {
      const before = this.#step;
      this.#go(step);
      if (at >= 0 && this.#step !== before) this.#walkedAt = at;
    } else if (row === 0) return;
    else if (at < 0) this.#firstGroup(groups)?.focus();
    else if (row > 0) groups[at + 1]?.focus();
    else groups[at - 1]?.focusLast();
    event.preventDefault();
  };

  /** Where the walk begins: the chosen group, or the first that the reader sees. */
  #firstGroup(groups: readonly RolloutGroup[]): RolloutGroup | undefined {
    const chosen = groups.find(({ group }) => group.group === this.workbench.selection.value.group);
    const top = this.renderRoot.querySelector('.pinned')!.getBoundingClientRect().bottom;
    return chosen ?? groups.find((group) => group.getBoundingClientRect().top >= top) ?? groups[0];
  }

  static override styles = [
    tokens,
    base,
    legendStyles,
    menuChoices,
    scrolling,
    stepChoiceStyles,
    css`
      :host {
        container-type: inline-size;
      }
      .page {
        min-height: 100%;
        outline-offset: -2px;
      }
      .page:focus-visible {
        outline-width: 1px;
      }
      .whose {
        flex: 0 1 auto;
        min-width: 14ch;
        max-width: 180px;
      }
      .toolbar input[type='search'] {
        flex: 1 1 80px;
        min-width: 48px;
        max-width: 300px;
      }
      @container (max-width: 700px) {
        .toolbar {
          gap: 4px 6px;
        }
        .word {
          display: none;
        }
        .whose {
          min-width: 8ch;
        }
      }
      @container (min-width: 340px) {
        .toolbar {
          flex-wrap: nowrap;
        }
      }
      @container (max-width: 479px) {
        .wide {
          display: none;
        }
        .whose {
          min-width: 0;
        }
      }
      @container (min-width: 480px) {
        .choices .narrow {
          display: none;
        }
      }
      medr1-menu {
        margin-left: auto;
      }
      .again {
        margin: 0;
        padding: 4px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      .colours {
        padding: 2px 8px;
        border-bottom: 1px solid var(--medr1-border);
      }
      dialog {
        max-width: min(90vw, 800px);
        color: inherit;
        background: var(--medr1-surface);
        border: 1px solid var(--medr1-border);
      }
      dialog img {
        display: block;
        width: min(100%, 768px);
        min-width: min(60vw, 384px);
        image-rendering: auto;
      }
      dialog p {
        margin: 8px 0 0;
        overflow-wrap: anywhere;
      }
    `,
  ];
}

define('medr1-rollouts', RolloutsView);
