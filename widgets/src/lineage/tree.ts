/** The tree of a family over steps: a row a run, its own steps as a bar that leaves its parent's where it was forked, marks on it. */
import { stateText } from '@medr1/kernel-bridge/protocol/run-states';
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { inSentence, integer } from '../format.ts';
import { stateFacts } from '../runs/model.ts';
import { KINDS, type Happening, type Relative } from './model.ts';

export interface TreeOptions {
  family: readonly Relative[];
  /** Ids of the runs that are chosen. */
  chosen: readonly string[];
  /** Id of the run that the keyboard is at. */
  at: string;
  /** Of a run that is chosen or that people gave a colour, as on the curves; null for the others. */
  colourOf: (relative: Relative) => string | null;
  /** What happened to a run; null until it is read. */
  happened: (relative: Relative) => readonly Happening[] | null;
  choose: (relative: Relative, add: boolean) => void;
  open: (relative: Relative, happening: Happening) => void;
}

/** Kinds that have a mark; forks are seen as lines. */
const MARKED = ['rewards', 'checkpoint', 'evaluation', 'dropped'] as const;

export function treeView({ family, ...options }: TreeOptions): TemplateResult {
  const last = Math.max(1, ...family.map(({ to }) => to));
  return html`<div class="scale small secondary" aria-hidden="true">
      <span class="name">step</span><span class="ticks"><span>0</span><span>${integer(last)}</span></span>
    </div>
    <div role="tree" aria-label="Related runs" class="tree">
      ${repeat(
        family,
        ({ id }) => id,
        (relative) => row(relative, last, family, options),
      )}
    </div>
    <p class="legend small secondary" aria-hidden="true">
      ${MARKED.map((kind) => html`<span><span class=${`glyph ${kind}`}>${KINDS[kind].glyph}</span> ${KINDS[kind].label}</span>`)}
    </p>`;
}

function row(relative: Relative, last: number, family: readonly Relative[], options: Omit<TreeOptions, 'family'>): TemplateResult {
  const { id, name, run, depth, up, from, to } = relative;
  const { chosen, at, colourOf, happened, choose, open } = options;
  const facts = run && stateFacts(run);
  const isChosen = chosen.includes(id);
  const share = (step: number): number => (100 * step) / last;
  const marks = (happened(relative) ?? []).filter(({ kind, step }) => step !== null && (MARKED as readonly string[]).includes(kind));
  // the one that the keyboard is at is what the view's own focus() looks for
  return html`<div
    role="treeitem"
    class=${`row ${at === id ? 'page' : ''} ${isChosen ? 'selected' : ''} ${run ? '' : 'gone'}`}
    aria-level=${depth + 1}
    aria-selected=${isChosen}
    aria-label=${says(relative, family, marks)}
    tabindex=${at === id ? 0 : -1}
    data-testid="relative"
    data-run=${id}
    style=${`--depth:${depth};--up:${up};--from:${share(from)}%;--to:${share(to)}%;--colour:${colourOf(relative) ?? 'var(--medr1-text-2)'}`}
    @click=${(event: MouseEvent) => choose(relative, event.ctrlKey || event.metaKey)}
  >
    <span class="name">
      <span class=${`state ${facts?.tone ?? ''}`} title=${facts?.label ?? 'removed'} aria-hidden="true">${facts?.glyph ?? '·'}</span>
      <span class="ellipsis" title=${name}>${name}</span>
    </span>
    <span class="lane">
      ${depth > 0 ? html`<span class="stem"></span>` : nothing}
      <span class="bar"></span>
      ${marks.map(
        (one) =>
          html`<span
            class=${`glyph ${one.kind}`}
            title=${`step ${integer(one.step)}: ${one.title}${one.text ? `\n${one.text}` : ''}`}
            style=${`left:${share(one.step!)}%`}
            @click=${(event: Event) => {
              event.stopPropagation();
              open(relative, one);
            }}
            >${KINDS[one.kind].glyph}</span
          >`,
      )}
    </span>
  </div>`;
}

/** A row in words: "Fork, forked from Demo at step 40, steps 41 to 100, finished, 2 revisions". */
function says({ name, run, parent, from, to }: Relative, family: readonly Relative[], marks: readonly Happening[]): string {
  const left = parent === null ? '' : `forked from ${inSentence(family.find(({ id }) => id === parent)?.name ?? parent)} at step ${from}`;
  const steps = to > from ? `steps ${from + 1} to ${to}` : 'no steps of its own';
  const counts = MARKED.map((kind) => [marks.filter((one) => one.kind === kind).length, KINDS[kind].label] as const)
    .filter(([count]) => count > 0)
    .map(([count, label]) => `${count} ${label}${count > 1 ? 's' : ''}`);
  return [name, left, steps, run ? stateText(run) : 'removed', ...counts].filter(Boolean).join(', ');
}

export const treeStyle = css`
  .scale,
  .row {
    --row: 36px;
    display: grid;
    grid-template-columns: minmax(140px, 34%) minmax(0, 1fr);
    padding-right: 16px;
  }
  .ticks {
    display: flex;
    justify-content: space-between;
  }
  .scale .name {
    padding-left: 8px;
  }
  .row {
    position: relative;
    height: var(--row);
    align-items: center;
    cursor: pointer;
    border-left: 3px solid transparent;
  }
  .row.selected {
    background: var(--medr1-surface-2);
    border-left-color: var(--colour);
  }
  .row:hover {
    background: var(--medr1-surface-2);
  }
  .row:focus-visible {
    outline-offset: -2px;
  }
  .row .name {
    display: flex;
    gap: 4px;
    min-width: 0;
    padding-left: calc(5px + var(--depth) * 12px);
  }
  .row.selected .name {
    font-weight: 600;
  }
  /* above the lines of forks, which pass there where rows are narrow */
  .row .name .ellipsis {
    position: relative;
    z-index: 3;
    background: var(--medr1-surface);
  }
  .row:is(.selected, :hover) .name .ellipsis {
    background: var(--medr1-surface-2);
  }
  .row.gone .name {
    font-style: italic;
    color: var(--medr1-text-2);
  }
  .state {
    flex: none;
    width: 16px;
    text-align: center;
  }
  .state.live {
    color: var(--medr1-accent);
  }
  .state.right {
    color: var(--medr1-right);
  }
  .state.wrong {
    color: var(--medr1-wrong);
  }
  .state.warning {
    color: var(--medr1-warn-text);
  }
  .lane {
    position: relative;
    height: var(--row);
  }
  .bar,
  .stem {
    position: absolute;
    pointer-events: none;
  }
  .bar {
    left: var(--from);
    width: calc(var(--to) - var(--from));
    min-width: 2px;
    top: calc(50% - 1px);
    border-top: 3px solid var(--colour);
  }
  .gone .bar {
    border-top-style: dotted;
  }
  /* from the middle of its parent's row to the middle of its own; rows are of one height */
  .stem {
    left: var(--from);
    bottom: 50%;
    height: calc(var(--up) * var(--row));
    border-left: 2px solid var(--colour);
    z-index: 1;
  }
  .glyph {
    line-height: 12px;
    font-size: 11px;
    text-align: center;
  }
  .lane .glyph {
    position: absolute;
    z-index: 2;
    width: 12px;
    height: 12px;
    margin-left: -6px;
    top: calc(50% - 5px);
  }
  .lane .glyph.rewards {
    top: calc(50% - 14px);
  }
  .lane .glyph.evaluation {
    top: calc(50% + 4px);
    font-weight: 700;
  }
  .lane .glyph:hover {
    outline: 1px solid var(--medr1-text);
  }
  .glyph.checkpoint {
    color: var(--medr1-text-2);
  }
  .glyph.evaluation {
    color: var(--medr1-right);
  }
  .glyph.dropped {
    color: var(--medr1-warn-text);
    font-size: 13px;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 12px;
    margin: 4px 8px;
  }
  @container (max-width: 560px) {
    .scale,
    .row {
      --row: 56px;
      grid-template: 22px minmax(0, 1fr) / minmax(0, 1fr);
      padding-left: 8px;
    }
    .scale .name {
      display: none;
    }
    .scale {
      grid-template: auto / minmax(0, 1fr);
    }
    .row .name {
      padding-left: calc(var(--depth) * 8px);
    }
    .lane {
      height: 34px;
    }
  }
`;
