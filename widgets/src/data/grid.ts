/** The justified grid: only rows that are near the window are on the page, whatever the number of questions. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { DataItem } from '../connector.ts';
import { command, define, WatchingElement } from '../element.ts';
import { itemPicture } from '../item-picture.ts';
import { base, seriesColours, tokens } from '../theme.ts';
import type { IWorkbench } from '../store/workbench.ts';
import { termsOf, type Terms } from './highlight.ts';
import { clampAspect, GridLayout, type PlacedRow, type Sizes } from './layout.ts';
import { PAGE, type Pages } from '../store/data/pages.ts';
import { BADGES, CAPTION, emptyTile, tile, tileStyles, type Box, type TileView } from './tile.ts';
import { THUMB_SIZES } from '../store/data/model.ts';
import { thumbSize } from './thumb.ts';

const GAP = 8;
const PADDING = 8;
/** Rows are made this far beyond the window. */
const OVERSCAN = 400;
/** After the last leap of the scroll bar, before what lies beyond the window is drawn. */
const REST_MS = 150;
/** Before the element has a size, and where nothing has one. */
const UNMEASURED = { width: 900, height: 600 };

export class DataGrid extends WatchingElement {
  static override properties = { workbench: { attribute: false } };
  declare workbench: IWorkbench;
  #layout: GridLayout | null = null;
  #pages: Pages | null = null;
  #query = '';
  /** Height of captions that the layout has. */
  #laidOutFor = '';
  #top = 0;
  #size = UNMEASURED;
  #frame = 0;
  /** The scroll position is set once the new heights are drawn. */
  #scrollTo: number | null = null;
  #watcher: ResizeObserver | null = null;
  #stopPages: () => void = () => {};
  /** Pages of `#pages` that the layout has taken over. */
  readonly #learnt = new Set<number>();
  readonly #broken = new Set<string>();
  #drawn = '';
  /** Set while the scroll bar is dragged so fast that each frame shows other tiles. */
  #rushing: ReturnType<typeof setTimeout> | undefined;

  protected override identity(): PropertyKey[] {
    return ['workbench'];
  }

  protected override watched() {
    return [this.workbench.data.state, this.workbench.runs.state];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (typeof ResizeObserver === 'undefined') return;
    this.#watcher = new ResizeObserver(() => {
      const { clientWidth: width = 0, clientHeight: height = 0 } = this.scroller ?? {};
      this.resize({ width, height });
    });
    this.#watcher.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watcher?.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rushing);
    this.#rushing = undefined;
    this.#stopPages();
    this.#pages = null;
  }

  /** Scrolls so that an item is in the window. */
  show(index: number): void {
    const row = this.#layout?.rowOf(index);
    if (!row) return;
    const bottom = row.y + row.height + this.#caption;
    const view = this.#size.height - 2 * PADDING;
    if (row.y < this.#top) this.#scrollTo = row.y;
    else if (bottom > this.#top + view) this.#scrollTo = bottom - view;
    else return;
    this.#top = this.#scrollTo;
    this.requestUpdate();
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const { pages, filter, dataset } = this.workbench.data.state.value;
    const before = this.#layout;
    const wanted = `${this.#caption} ${this.#target}`;
    if (before && this.#laidOutFor !== wanted) this.#steady(before, () => before.resize(this.#sizes()));
    this.#laidOutFor = wanted;
    if (pages === this.#pages || !pages) return;
    this.#stopPages();
    this.#stopPages = pages.changed.subscribe(() => this.#learn());
    const query = JSON.stringify([dataset, filter]);
    const layout = new GridLayout(pages.count, PAGE, this.#sizes());
    if (query === this.#query && this.#layout)
      layout.inherit(this.#layout); // the same questions, read anew
    else this.#scrollTo = this.#top = 0;
    this.#query = query;
    this.#layout = layout;
    this.#pages = pages;
    this.#learnt.clear();
    this.#learn();
  }

  protected override render(): TemplateResult {
    const layout = this.#layout;
    const state = this.workbench.data.state.value;
    const rows = layout ? this.#visible(layout) : [];
    // Only a tile that is on the page can be named.
    const drawn = rows.some(({ index, widths }) => state.active !== null && index <= state.active && state.active < index + widths.length);
    const active = drawn && state.pages?.item(state.active!) ? `item-${state.active}` : nothing;
    return html`<div
      class="scroller"
      role="listbox"
      tabindex="0"
      aria-label="Questions"
      aria-multiselectable="true"
      aria-busy=${state.stale}
      aria-activedescendant=${active}
      data-testid="data-grid"
      @scroll=${this.#onScroll}
      @click=${this.#onClick}
      @dblclick=${this.#onOpen}
      @keydown=${this.#onKey}
    >
      <div class="canvas" role="presentation" style=${`height:${layout?.height ?? 0}px`}>${this.#rows(rows)}</div>
    </div>`;
  }

  #rows(rows: PlacedRow[]): unknown {
    this.#drawn = keyOf(rows);
    const { data } = this.workbench;
    const terms = termsOf(data.state.value.filter.q ?? '');
    const colours = seriesColours();
    const runs = (data.query.runs ?? []).map((id) => ({
      id,
      name: this.workbench.runs.get(id)?.name ?? id,
      colour: colours[this.workbench.colours.of(id)],
    }));
    // By item, not by row: when the width changes, a tile moves and keeps its picture.
    return repeat(
      rows.flatMap((row) => this.#placed(row)),
      ({ index, item }) => `${index} ${item?.id}`,
      (place) => this.#tile(place, terms, runs),
    );
  }

  #placed(row: PlacedRow): Place[] {
    const { pages } = this.workbench.data.state.value;
    let x = 0;
    return row.widths.map((width, at) => {
      const left = x;
      x += width + GAP;
      const index = row.index + at;
      return { index, item: pages?.item(index), x: left, y: row.y, width, height: row.height };
    });
  }

  #tile({ index, item, ...box }: Place, terms: Terms, runs: TileView['runs']): TemplateResult {
    if (!item) return emptyTile(box, this.#badged);
    const { workbench } = this;
    const { data } = workbench;
    const { active, dataset, pages } = data.state.value;
    const size = thumbSize(box.width, box.height, globalThis.devicePixelRatio ?? 1);
    const url = itemPicture(workbench.connector.data, dataset!, item, size);
    return tile(item, {
      ...box,
      index,
      count: pages!.count,
      active: index === active,
      picked: data.isPicked(item),
      badged: this.#badged,
      terms,
      runs,
      url,
      broken: url !== null && this.#broken.has(url),
      onBroken: () => this.#onBroken(url!),
    });
  }

  protected override updated(): void {
    if (this.#scrollTo !== null) {
      const scroller = this.scroller;
      if (scroller) scroller.scrollTop = this.#scrollTo;
      this.#scrollTo = null;
    }
    this.#wantVisible();
  }

  get scroller(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.scroller');
  }

  /** Some question has a badge: a split, a problem, the number of questions on its image, what runs answered. */
  get #badged(): boolean {
    const { facets, filter } = this.workbench.data.state.value;
    const values = (facet: string): string[] => Object.keys(facets[facet] ?? {});
    return (
      filter.group === 'image' ||
      (this.workbench.data.query.runs ?? []).length > 0 ||
      values('split').length > 0 ||
      values('tag').length > 0 ||
      values('problem').some((value) => value !== 'none')
    );
  }

  get #target(): number {
    return THUMB_SIZES[this.workbench.data.state.value.thumbs];
  }

  get #caption(): number {
    return CAPTION + (this.#badged ? BADGES : 0);
  }

  #sizes(): Sizes {
    const width = Math.max(80, this.#size.width - 2 * PADDING);
    // A narrow pane keeps two images side by side.
    return { width, target: Math.max(90, Math.min(this.#target, (width - GAP) / 2.4)), gap: GAP, caption: this.#caption };
  }

  #visible(layout: GridLayout): PlacedRow[] {
    const beyond = this.#rushing === undefined ? OVERSCAN : 0;
    return layout.rows(this.#top - beyond, this.#top + this.#size.height + beyond);
  }

  #wantVisible(): void {
    if (!this.#layout || !this.onScreen) return;
    const rows = this.#layout.rows(this.#top, this.#top + this.#size.height);
    if (rows.length > 0) this.#pages?.want(rows[0].section, rows.at(-1)!.section);
  }

  /** Takes over the aspects of pages that came; what is at the top of the window stays there. */
  #learn(): void {
    const layout = this.#layout;
    if (!layout || !this.#pages) return;
    this.#steady(layout, () => {
      for (let page = 0; page < this.#pages!.pageCount; page++) {
        const items = this.#learnt.has(page) ? undefined : this.#pages!.page(page);
        if (!items) continue;
        this.#learnt.add(page);
        layout.learn(
          page,
          items.map((item) => clampAspect(item.width, item.height)),
        );
      }
    });
  }

  /** The window of the grid has this many pixels now. */
  resize({ width, height }: { width: number; height: number }): void {
    if (width === 0) return; // not shown
    const before = this.#size;
    this.#size = { width, height };
    const layout = this.#layout;
    if (layout && width !== before.width) this.#steady(layout, () => layout.resize(this.#sizes()));
    else if (height !== before.height) this.requestUpdate();
  }

  #steady(layout: GridLayout, change: () => void): void {
    const scroller = this.scroller;
    if (scroller && this.#scrollTo === null) this.#top = scroller.scrollTop; // it may have moved since the last frame
    const anchor = layout.anchorAt(this.#top);
    const before = this.#top;
    change();
    if (before > 0) this.#top = Math.max(0, layout.topOf(anchor));
    if (Math.abs(this.#top - before) >= 1) this.#scrollTo = this.#top;
    this.requestUpdate();
  }

  #onScroll = (): void => {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const scroller = this.scroller;
      if (!scroller || !this.#layout || this.#scrollTo !== null) return;
      if (Math.abs(scroller.scrollTop - this.#top) > this.#size.height) this.#rush();
      this.#top = scroller.scrollTop;
      if (keyOf(this.#visible(this.#layout)) !== this.#drawn) this.requestUpdate();
      else this.#wantVisible();
    });
  };

  /** No tile that was seen is seen now, and the next frame will show others again: what lies beyond the window waits until it rests. */
  #rush(): void {
    clearTimeout(this.#rushing);
    this.#rushing = setTimeout(() => {
      this.#rushing = undefined;
      this.requestUpdate();
    }, REST_MS);
  }

  #indexAt(event: Event): number | null {
    const found = (event.target as Element).closest<HTMLElement>('[data-index]');
    return found ? Number(found.dataset.index) : null;
  }

  #onClick = (event: MouseEvent): void => {
    const index = this.#indexAt(event);
    if (index === null) return;
    const how = event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'only';
    void this.workbench.data.pick(index, how);
  };

  #onOpen = (event: Event): void => {
    if (this.#indexAt(event) !== null) command(this, 'open-sample');
  };

  #onBroken(url: string): void {
    this.#broken.add(url);
    this.requestUpdate();
  }

  #onKey = (event: KeyboardEvent): void => {
    const { data } = this.workbench;
    const { active, pages } = data.state.value;
    const layout = this.#layout;
    if (!layout || !pages || pages.count === 0 || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === 'a' && control) data.pickAll();
    else if (control && !event.key.startsWith('Arrow') && event.key !== ' ' && event.key !== 'Home' && event.key !== 'End') return;
    else if (event.key === 'Escape') data.pickNone();
    else if (event.key === ' ' && active !== null) void data.pick(active, 'toggle');
    else if (event.key === 'Enter' && active !== null) {
      data.go(active);
      command(this, 'open-sample');
    } else {
      const next = this.#next(event.key, active, layout, pages.count);
      if (next === null) return;
      if (control) data.go(next);
      else void data.pick(next, event.shiftKey ? 'extend' : 'only');
      this.show(next);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  /** Where a key leads from a place; null for any other key. */
  #next(key: string, active: number | null, layout: GridLayout, count: number): number | null {
    const last = count - 1;
    const at = active ?? -1;
    const walk = (direction: -1 | 1, rows: number): number => {
      let index = Math.max(0, at);
      for (let step = 0; step < rows; step++) index = layout.beside(index, direction);
      return index;
    };
    const page = Math.max(1, Math.floor(this.#size.height / (this.#target + this.#caption)));
    switch (key) {
      case 'ArrowRight':
        return Math.min(last, at + 1);
      case 'ArrowLeft':
        return Math.max(0, at - 1);
      case 'ArrowDown':
        return active === null ? 0 : walk(1, 1);
      case 'ArrowUp':
        return walk(-1, 1);
      case 'PageDown':
        return walk(1, page);
      case 'PageUp':
        return walk(-1, page);
      case 'Home':
        return 0;
      case 'End':
        return last;
      default:
        return null;
    }
  }

  static override styles = [
    tokens,
    base,
    tileStyles,
    css`
      :host {
        position: relative;
        min-height: 0;
        overflow: hidden;
      }
      .scroller {
        position: absolute;
        inset: 0;
        padding: ${PADDING}px;
        overflow: hidden auto;
        /* Heights that become known are allowed for here. */
        overflow-anchor: none;
        scrollbar-gutter: stable;
      }
      .scroller:focus-visible {
        outline-offset: -2px;
      }
      .canvas {
        position: relative;
        contain: layout style;
      }
    `,
  ];
}

interface Place extends Box {
  index: number;
  item: DataItem | undefined;
}

const keyOf = (rows: PlacedRow[]): string => (rows.length > 0 ? `${rows[0].index}-${rows.at(-1)!.index}-${rows[0].y}` : '');

define('medr1-data-grid', DataGrid);
