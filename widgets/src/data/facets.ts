/** The facets: what there is under the filter, with a bar for each value that filters when clicked. */
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, WatchingElement } from '../element.ts';
import { meter, meterStyle } from '../charts/meter.ts';
import { integer } from '../format.ts';
import { base, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { facetOrder, facetTitle, facetValues, isChosen, runOfFacet, toggled, valueText } from '../store/data/query.ts';

/** Values shown before "show all". */
const FEW = 8;
const ANSWER_GLYPHS: Record<string, string> = { right: '✓', wrong: '✗', mixed: '◐', unasked: '·' };

export class DataFacets extends WatchingElement {
  static override properties = { workbench: { attribute: false }, unfolded: { state: true }, folded: { state: true } };
  declare workbench: IWorkbench;
  /** Facets whose every value is shown. */
  declare unfolded: ReadonlySet<string>;
  /** Facets of which only the title is shown. */
  declare folded: ReadonlySet<string>;

  constructor() {
    super();
    this.unfolded = new Set();
    this.folded = new Set();
  }

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.workbench.data.state, this.workbench.runs.state];
  }

  protected override render(): TemplateResult {
    const { facets } = this.workbench.data.state.value;
    return html`${repeat(
      facetOrder(Object.keys(facets)),
      (facet) => facet,
      (facet) => this.#facet(facet, facets[facet]),
    )}`;
  }

  #facet(facet: string, counts: Readonly<Record<string, number>>): TemplateResult {
    const { filter } = this.workbench.data.state.value;
    const chosen = filter.facets?.[facet] ?? [];
    const values = facetValues(facet, counts, chosen);
    if (values.length === 0) return html``;
    const all = this.unfolded.has(facet);
    const few = all ? values : values.filter(([value], at) => at < FEW || chosen.includes(value));
    const most = Math.max(1, ...values.map(([, count]) => count));
    const open = !this.folded.has(facet);
    const title = facetTitle(facet, (run) => this.workbench.runs.get(run)?.name ?? run);
    return html`<section data-testid="facet" data-facet=${facet}>
      <h4>
        <button class="quiet" aria-expanded=${open} @click=${() => (this.folded = flipped(this.folded, facet))}>
          <span aria-hidden="true">${open ? '▾' : '▸'}</span> <span class="ellipsis">${title}</span>
        </button>
        ${
          chosen.length > 0
            ? html`<button class="quiet small" title=${`Clear ${title}`} @click=${() => this.#clear(facet)}>clear</button>`
            : nothing
        }
      </h4>
      ${
        open
          ? html`<div role="group" aria-label=${title}>
              ${repeat(
                few,
                ([value]) => value,
                ([value, count]) => this.#value(facet, value, count, most),
              )}
              ${
                few.length < values.length || (all && values.length > FEW)
                  ? html`<button class="quiet small more" @click=${() => (this.unfolded = flipped(this.unfolded, facet))}>
                      ${all ? 'Show fewer' : `Show all ${values.length}`}
                    </button>`
                  : nothing
              }
            </div>`
          : nothing
      }
    </section>`;
  }

  #value(facet: string, value: string, count: number, most: number): TemplateResult {
    const { filter } = this.workbench.data.state.value;
    const text = valueText(facet, value);
    const run = runOfFacet(facet) !== null;
    return html`<button
      class=${`quiet value${run ? ` answer-${value}` : ''}`}
      aria-pressed=${isChosen(filter, facet, value)}
      title=${`${text}: ${integer(count)} questions`}
      data-testid="facet-value"
      data-value=${value}
      @click=${() => this.workbench.data.apply(toggled(filter, facet, value))}
    >
      ${meter([{ from: 0, to: count / most }])}
      <span class="ellipsis text"
        >${run ? html`<span class="glyph" aria-hidden="true">${ANSWER_GLYPHS[value] ?? ''}</span> ` : nothing}${text}</span
      >
      <span class="number">${integer(count)}</span>
    </button>`;
  }

  #clear(facet: string): void {
    const { filter } = this.workbench.data.state.value;
    this.workbench.data.apply({ ...filter, facets: { ...filter.facets, [facet]: [] } });
  }

  static override styles = [
    tokens,
    base,
    meterStyle,
    css`
      :host {
        overflow: hidden auto;
        padding: 4px;
      }
      section {
        padding-bottom: 8px;
      }
      h4 {
        display: flex;
        align-items: center;
        margin: 0;
        font-size: inherit;
      }
      h4 button:first-child {
        display: flex;
        gap: 4px;
        flex: 1;
        min-width: 0;
        padding: 2px 4px;
        font-weight: 600;
        text-align: left;
      }
      .value {
        position: relative;
        display: flex;
        gap: 8px;
        width: 100%;
        padding: 2px 6px;
        text-align: left;
        overflow: hidden;
      }
      .value .text {
        position: relative;
        flex: 1;
        min-width: 0;
      }
      .value .number {
        position: relative;
      }
      .value .meter {
        position: absolute;
        inset: 2px 0;
        height: auto;
        background: none;
      }
      .value .meter i {
        background: var(--medr1-bar);
      }
      .value[aria-pressed='true'] {
        border-color: transparent;
        box-shadow: inset 3px 0 var(--medr1-accent);
        font-weight: 600;
      }
      .value[aria-pressed='true'] .meter i {
        background: var(--medr1-bar-chosen);
      }
      .answer-right .glyph {
        color: var(--medr1-right);
      }
      .answer-wrong .glyph {
        color: var(--medr1-wrong);
      }
      .answer-mixed .glyph {
        color: var(--medr1-warn-text);
      }
      .more {
        color: var(--medr1-text-2);
      }
    `,
  ];
}

function flipped(set: ReadonlySet<string>, one: string): Set<string> {
  const next = new Set(set);
  if (!next.delete(one)) next.add(one);
  return next;
}

define('medr1-data-facets', DataFacets);
