/** The state of a Curves view: how the charts are drawn, which are shown, and the cursor they share. */
import { Observable } from '../observable.ts';
import { AXES } from './axis.ts';
import { explain, type ChartSpec } from './charts.ts';
import type { ChartSettings } from './figure.ts';

export interface CurvesState extends ChartSettings {
  search: string;
  /** Runs of the selection that are not drawn. */
  hidden: string[];
  /** Groups of charts folded away. */
  folded: string[];
  /** Chart drawn over the whole width. */
  expanded: string | null;
  pinned: string[];
}

export const CURVES_DEFAULTS: CurvesState = {
  axis: 'step',
  smoothing: 0.6,
  logY: false,
  range: null,
  search: '',
  hidden: [],
  folded: [],
  expanded: null,
  pinned: [],
};

export const MAX_SMOOTHING = 0.99;

export class CurvesModel {
  readonly state: Observable<CurvesState>;
  /** x under the pointer in any chart; null when it is in none. */
  readonly cursor = new Observable<number | null>(null);

  constructor(defaults: Partial<CurvesState> = {}) {
    this.state = new Observable({ ...CURVES_DEFAULTS, ...defaults });
  }

  set(change: Partial<CurvesState>): void {
    const axisChanged = change.axis !== undefined && change.axis !== this.state.value.axis;
    this.state.update((state) => ({ ...state, ...(axisChanged ? { range: null } : {}), ...change }));
  }

  toggle(key: 'hidden' | 'folded' | 'pinned', value: string): void {
    const list = this.state.value[key];
    this.set({ [key]: list.includes(value) ? list.filter((one) => one !== value) : [...list, value] });
  }

  /** Charts whose title or metrics hold the search words; pinned ones first. */
  shown(charts: readonly ChartSpec[]): ChartSpec[] {
    const { search, pinned } = this.state.value;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = charts.filter((chart) => {
      const text = `${chart.title} ${chart.group} ${chart.metrics.join(' ')} ${explain(chart)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    return [...hits.filter(({ id }) => pinned.includes(id)), ...hits.filter(({ id }) => !pinned.includes(id))];
  }

  toJSON(): Omit<CurvesState, 'range'> {
    const { range: _, ...kept } = this.state.value;
    return kept;
  }

  /** Takes what is well formed of a stored state. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const given = json as Record<string, unknown>;
    const next: Partial<CurvesState> = {};
    if (AXES.includes(given.axis as never)) next.axis = given.axis as CurvesState['axis'];
    if (typeof given.smoothing === 'number' && given.smoothing >= 0) next.smoothing = Math.min(given.smoothing, MAX_SMOOTHING);
    if (typeof given.logY === 'boolean') next.logY = given.logY;
    if (typeof given.search === 'string') next.search = given.search;
    if (typeof given.expanded === 'string') next.expanded = given.expanded;
    for (const key of ['hidden', 'folded', 'pinned'] as const)
      if (Array.isArray(given[key])) next[key] = given[key].filter((one): one is string => typeof one === 'string');
    this.set(next);
  }
}
