/** The Lineage view: the family of the run that is looked at as a tree over steps, and of the chosen run what it changed and what happened to it. */
import { stateText } from '@medr1/kernel-bridge/protocol/run-states';
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { command, define, PageElement } from '../element.ts';
import { EvaluationModel } from '../evaluation/model.ts';
import { inSentence, integer } from '../format.ts';
import { Latest } from '../load.ts';
import { readRunLog } from '../store/run-log.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import { failed, loading, noRunChosen } from '../view-states.ts';
import { detailsStyle, differencesView, happenedView } from './details.ts';
import { familyOf, happenings, type Happening, type Relative, type Way } from './model.ts';
import { treeStyle, treeView } from './tree.ts';

/** Runs of a family of which more than the summary is read: the others have no marks until they are chosen. */
const MOST_READ = 60;
/** Steps after which a run that trains is read anew. */
const EVERY = 10;
/** Runs whose curves one click lays over each other: as many as there are colours. */
const MOST_OVERLAID = 7;

export class LineageView extends PageElement {
  static override properties = {
    workbench: { attribute: false },
    at: { state: true },
  };
  declare workbench: IWorkbench;
  /** Id of the run that the keyboard is at; the chosen one where it is no relative. */
  declare at: string | null;
  readonly #ways = new Map<string, Latest<Way>>();
  #evaluations: EvaluationModel | null = null;
  #family: Relative[] = [];

  constructor() {
    super();
    this.at = null;
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override acquire(): void {
    this.#ways.clear();
    this.#evaluations = new EvaluationModel(this.workbench.connector, this.workbench.selection);
    void this.#evaluations.start();
  }

  protected override release(): void {
    this.#evaluations?.dispose();
    for (const way of this.#ways.values()) way.stop();
  }

  protected override watched() {
    const { runs, selection, colours } = this.workbench;
    return [runs.state, selection, colours, this.#evaluations!.state];
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (!this.isConnected) return;
    const { run } = this.workbench.selection;
    this.#family = run === null ? [] : familyOf(this.workbench.runs.state.value.runs, run);
    const first = this.#family.slice(0, MOST_READ);
    for (const relative of this.#family) if (first.includes(relative) || relative.id === run) this.#read(relative);
  }

  /** Reads what a summary does not hold: configuration, revisions, checkpoints, roll-backs, evaluations of its training. */
  #read({ id, run }: Relative): void {
    if (!run) return;
    let way = this.#ways.get(id);
    if (!way) {
      this.#ways.set(id, (way = new Latest()));
      way.subscribe(() => this.requestUpdate());
    }
    const { connector } = this.workbench;
    const key = run.state === 'running' ? `step ${Math.floor(run.step / EVERY)}` : `${run.state} ${run.seq}`;
    void way.askOnce(
      key,
      async (signal) => {
        const [detail, events] = await Promise.all([connector.run(id, signal), readRunLog(connector, id, ['alert', 'evaluation'], signal)]);
        return { detail, events };
      },
      { keep: true },
    );
  }

  protected override render(): TemplateResult {
    const { status, error } = this.workbench.runs.state.value;
    if (status === 'error') return failed(error!, () => this.workbench.runs.retry());
    if (status === 'loading') return loading('runs');
    const { value, run } = this.workbench.selection;
    const chosen = this.#family.find(({ id }) => id === run);
    if (!chosen)
      return noRunChosen(
        this,
        this.workbench.runs.state.value.runs,
        'This view shows the forks of a run, and the run that it was forked from.',
      );
    const series = seriesColours();
    return html`<div class="parts">
      <div class="family" @keydown=${this.#onKey}>
        ${this.#toolbar(chosen)}
        ${treeView({
          family: this.#family,
          chosen: value.runs,
          at: this.#keyboardAt(),
          colourOf: ({ id, run: one }) =>
            value.runs.includes(id) || (one && one.annotations.colour !== null) ? series[this.workbench.colours.of(id)] : null,
          happened: (relative) => this.#happened(relative),
          choose: (relative, add) => this.#choose(relative, add),
          open: (relative, one) => this.#open(relative, one),
        })}
      </div>
      <div class="chosen" tabindex="0" role="region" aria-label=${`About ${chosen.name}`}>${this.#about(chosen)}</div>
    </div>`;
  }

  #toolbar(chosen: Relative): TemplateResult {
    const count = this.#family.length;
    const there = this.#family.filter(({ run }) => run !== null).length;
    return html`<div class="toolbar" role="toolbar" aria-label="Family">
      <span class="secondary small">
        ${count === 1 ? 'No run was forked from this one' : `${integer(count)} runs`}${count > MOST_READ ? `; marks for the first ${MOST_READ}` : ''}
      </span>
      <button data-testid="overlay" ?disabled=${there < 2} @click=${() => this.#overlay(chosen)}>
        Curves of ${there > MOST_OVERLAID ? `${MOST_OVERLAID} of them` : 'all'}
      </button>
      <button
        data-testid="side-by-side"
        title="Configurations of the chosen run and its parent in full"
        ?disabled=${!this.#parentOf(chosen)?.run}
        @click=${() => this.#sideBySide(chosen)}
      >
        Configurations side by side
      </button>
    </div>`;
  }

  #about(chosen: Relative): TemplateResult {
    const { id, name, run, from } = chosen;
    const parent = this.#parentOf(chosen);
    const way = this.#ways.get(id);
    if (way?.error) return failed(way.error, () => void way.retry());
    return html`<div class="head">
        <strong class="ellipsis" title=${name}>${name}</strong>
        <span class="secondary small">
          ${run ? stateText(run) : ''}${
            parent
              ? html`, forked from
                ${
                  parent.run
                    ? html`<button class="quiet link" data-testid="parent" @click=${() => this.#choose(parent, false)}>
                        ${parent.name}
                      </button>`
                    : html`${inSentence(parent.name)}, which was removed,`
                }
                at step ${integer(from)}`
              : nothing
          }
        </span>
      </div>
      ${way?.answer ? this.#found(chosen, way.answer, parent) : loading('the run')}`;
  }

  #found(chosen: Relative, way: Way, parent: Relative | undefined): TemplateResult {
    const before = parent && this.#ways.get(parent.id)?.answer;
    return html`
      ${parent && before ? differencesView(chosen, way, parent, before) : nothing}
      ${happenedView(
        chosen,
        this.#happened(chosen) ?? [],
        (one) => this.#open(chosen, one),
        (step) => command(this, 'fork-run', { id: chosen.id, step: String(step) }),
      )}
    `;
  }

  #happened(relative: Relative): Happening[] | null {
    const way = this.#ways.get(relative.id)?.answer;
    return way ? happenings(relative, way, this.#evaluations!.state.value.evaluations, this.#family) : null;
  }

  #parentOf({ parent }: Relative): Relative | undefined {
    return this.#family.find(({ id }) => id === parent);
  }

  #keyboardAt(): string {
    const { run } = this.workbench.selection;
    return this.#family.some(({ id }) => id === this.at) ? this.at! : run!;
  }

  // What a click does

  #choose({ id, run }: Relative, add: boolean): void {
    this.at = id;
    if (!run) return; // nothing but its name is left of it
    if (add) this.workbench.selection.toggleRun(id);
    else this.workbench.selection.move({ runs: [id] });
  }

  #open({ id }: Relative, { kind, step, id: other }: Happening): void {
    const { selection, evaluation } = this.workbench;
    if (kind === 'fork') return selection.move({ runs: [other!] });
    if (kind === 'evaluation' && other !== undefined) {
      evaluation.place.set({ at: 'one', id: other });
      return command(this, 'open-evaluation');
    }
    selection.move({ runs: [id], ...(step !== null && step > 0 && { step }) });
    command(this, kind === 'rewards' ? 'open-rewards' : 'open-curves');
  }

  /** The chosen run's curves first, then those of its ancestors, then of the others. A fork has its parent's steps, so that they part where it was forked. */
  #overlay(chosen: Relative): void {
    const line: Relative[] = [];
    for (let one: Relative | undefined = chosen; one && !line.includes(one); one = this.#parentOf(one)) line.push(one);
    const all = [...line, ...this.#family.filter((one) => !line.includes(one))];
    this.workbench.selection.move({ runs: all.flatMap(({ id, run }) => (run ? [id] : [])).slice(0, MOST_OVERLAID) });
    command(this, 'open-curves');
  }

  #sideBySide(chosen: Relative): void {
    this.workbench.selection.move({ runs: [chosen.id, chosen.parent!] });
    command(this, 'open-runs-table');
  }

  /** As in any tree: up and down walk the rows, left goes to the parent, right to the first fork. */
  #onKey = (event: KeyboardEvent): void => {
    if (!(event.target as Element).matches('[role=treeitem]')) return;
    const family = this.#family;
    const here = family.findIndex(({ id }) => id === this.#keyboardAt());
    const ways: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: family.length - 1,
      ArrowLeft: family.findIndex(({ id }) => id === family[here].parent),
      ArrowRight: family.findIndex(({ parent }) => parent === family[here].id),
    };
    if (event.key in ways) {
      const next = family[ways[event.key]];
      if (next) {
        this.at = next.id;
        void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('.row.page')?.focus());
      }
    } else if (event.key === 'Enter' || event.key === ' ') this.#choose(family[here], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  static override styles = [
    tokens,
    base,
    treeStyle,
    detailsStyle,
    css`
      :host {
        height: 100%;
        container-type: inline-size;
      }
      .parts {
        display: flex;
        flex-direction: column;
        height: 100%;
      }
      .family {
        flex: 0 1 auto;
        max-height: 55%;
        overflow: auto;
      }
      .chosen {
        flex: 1 1 45%;
        min-height: 0;
        overflow: auto;
        padding: 0 8px 8px;
        border-top: 1px solid var(--medr1-border);
      }
      .chosen:focus-visible {
        outline-offset: -2px;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
        align-items: baseline;
        padding-top: 8px;
      }
      .head .link {
        max-width: 100%;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .head .secondary,
      .head strong {
        min-width: 0;
      }
    `,
  ];
}

define('medr1-lineage', LineageView);
