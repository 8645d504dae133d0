/** The state of a Curves view: how the charts are drawn, how they are laid out, which are shown, and the cursor they share. */
import { Observable } from '../observable.ts';
import { AXES } from './axis.ts';
import { arranged, EMPTY_BOARD, movedTo, newId, readBoard, sizeOf, withinSizes, type Board, type ChartSize, type YRange } from './board.ts';
import { explain, type ChartSpec } from './charts.ts';
import type { ChartSettings } from './figure.ts';
import { SavedLayouts } from './layouts.ts';
import { SMOOTHERS } from './smoothing.ts';

export interface CurvesState extends ChartSettings, Board {
  search: string;
  /** Runs of the selection that are not drawn. */
  hidden: string[];
  /** Groups of charts folded away. */
  folded: string[];
}

export const CURVES_DEFAULTS: CurvesState = {
  ...EMPTY_BOARD,
  axis: 'step',
  smoother: 'ema',
  smoothing: 0.6,
  window: 20,
  logY: false,
  ignoreOutliers: false,
  groupBy: null,
  heatRun: null,
  range: null,
  search: '',
  hidden: [],
  folded: [],
};

export const MAX_SMOOTHING = 0.99;
export const MAX_WINDOW = 200;

export class CurvesModel {
  readonly state: Observable<CurvesState>;
  /** x under the pointer in any chart; null when it is in none. */
  readonly cursor = new Observable<number | null>(null);
  readonly layouts = new SavedLayouts();

  constructor(defaults: Partial<CurvesState> = {}) {
    this.state = new Observable({ ...CURVES_DEFAULTS, ...defaults });
  }

  set(change: Partial<CurvesState>): void {
    const axisChanged = change.axis !== undefined && change.axis !== this.state.value.axis;
    if (axisChanged) this.cursor.set(null); // its value was of the other axis
    this.state.update((state) => ({ ...state, ...(axisChanged ? { range: null } : {}), ...change }));
  }

  toggle(key: 'hidden' | 'folded' | 'pinned', value: string): void {
    const list = this.state.value[key];
    this.set({ [key]: list.includes(value) ? list.filter((one) => one !== value) : [...list, value] });
  }

  /** Charts of these metrics and those put together, whose title or metrics hold the search words, as they are laid out; pinned ones first. */
  shown(charts: readonly ChartSpec[]): ChartSpec[] {
    const { search, pinned } = this.state.value;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = arranged(charts, this.state.value).filter((chart) => {
      const text = `${chart.title} ${chart.group} ${chart.metrics.join(' ')} ${explain(chart)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    return [...hits.filter(({ id }) => pinned.includes(id)), ...hits.filter(({ id }) => !pinned.includes(id))];
  }

  /** Puts a chart where `target` stands; `shown` are all charts as they stand. */
  move(shown: readonly ChartSpec[], id: string, target: string): void {
    this.set({
      order: movedTo(
        shown.map((chart) => chart.id),
        id,
        target,
      ),
    });
  }

  resize(id: string, change: Partial<ChartSize>): void {
    const { sizes } = this.state.value;
    this.set({ sizes: { ...sizes, [id]: withinSizes({ ...sizeOf({ sizes, expanded: null }, id), ...change }) } });
  }

  /** Ends of y of a chart; both null gives them back to the values. */
  setRange(id: string, range: YRange): void {
    const { [id]: _, ...others } = this.state.value.ranges;
    this.set({ ranges: range.every((end) => end === null) ? others : { ...others, [id]: range } });
  }

  /** A chart of chosen metrics; one with this id is replaced. */
  putOwn(title: string, metrics: readonly string[], id = newId(this.state.value.own)): void {
    const { own } = this.state.value;
    const chart = { id, title, metrics: [...metrics] };
    this.set({ own: own.some((one) => one.id === id) ? own.map((one) => (one.id === id ? chart : one)) : [...own, chart] });
  }

  removeOwn(id: string): void {
    this.set({ own: this.state.value.own.filter((one) => one.id !== id) });
  }

  /** Order, sizes and ranges as at first; what was put together or pinned stays. */
  resetLayout(): void {
    this.set({ order: [], sizes: {}, ranges: {}, expanded: null });
  }

  /** Keeps the board as it is drawn under a name; what is searched for and which runs are hidden or chosen is of the moment. */
  saveLayout(name: string): void {
    const { search: _search, hidden: _hidden, heatRun: _run, ...kept } = this.toJSON();
    this.layouts.save(name, kept);
  }

  applyLayout(name: string): void {
    const { search, hidden, heatRun } = this.state.value;
    this.set({ ...CURVES_DEFAULTS, search, hidden, heatRun });
    this.restore(this.layouts.value[name]);
  }

  toJSON(): Omit<CurvesState, 'range'> {
    const { range: _, ...kept } = this.state.value;
    return kept;
  }

  /** Takes what is well formed of a stored state. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const given = json as Record<string, unknown>;
    const next: Partial<CurvesState> = readBoard(given);
    if (AXES.includes(given.axis as never)) next.axis = given.axis as CurvesState['axis'];
    if (SMOOTHERS.includes(given.smoother as never)) next.smoother = given.smoother as CurvesState['smoother'];
    if (typeof given.smoothing === 'number' && given.smoothing >= 0) next.smoothing = Math.min(given.smoothing, MAX_SMOOTHING);
    if (Number.isInteger(given.window) && (given.window as number) >= 1) next.window = Math.min(given.window as number, MAX_WINDOW);
    if (typeof given.logY === 'boolean') next.logY = given.logY;
    if (typeof given.ignoreOutliers === 'boolean') next.ignoreOutliers = given.ignoreOutliers;
    if (given.heatRun === null || typeof given.heatRun === 'string') next.heatRun = given.heatRun;
    if (given.groupBy === null || typeof given.groupBy === 'string') next.groupBy = given.groupBy;
    if (typeof given.search === 'string') next.search = given.search;
    for (const key of ['hidden', 'folded'] as const)
      if (Array.isArray(given[key])) next[key] = given[key].filter((one): one is string => typeof one === 'string');
    this.set(next);
  }
}
