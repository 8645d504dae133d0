/** How the charts of a board are laid out: which ones stand on it, in what order, how large, over what range of y. No DOM here. */
import { describeMetric } from '@medr1/kernel-bridge/protocol/metrics';
import { OWN_GROUP, type ChartSpec } from './charts.ts';

/** Columns of the grid that a chart takes, and the height of its drawing in pixels. */
export interface ChartSize {
  columns: number;
  height: number;
}

export const USUAL_SIZE: ChartSize = { columns: 1, height: 190 };
const LARGE_HEIGHT = 420;
const LEAST = { columns: 1, height: 120 };
const MOST = { columns: 4, height: 900 };

/** A chart that somebody put together. */
export interface OwnChart {
  id: string;
  title: string;
  metrics: string[];
}

/** Ends of y; null is left to the values. */
export type YRange = [low: number | null, high: number | null];

export interface Board {
  /** Charts that were moved, in their order; those that were not follow in reading order. */
  order: string[];
  sizes: Record<string, ChartSize>;
  ranges: Record<string, YRange>;
  own: OwnChart[];
  pinned: string[];
  /** Chart drawn over the whole width. */
  expanded: string | null;
}

export const EMPTY_BOARD: Board = { order: [], sizes: {}, ranges: {}, own: [], pinned: [], expanded: null };

/** The charts of a board in their order: those put together, those of the metrics, each among its group as it was moved. */
export function arranged(charts: readonly ChartSpec[], { own, order }: Board): ChartSpec[] {
  const all = [...own.map(specOf), ...charts];
  const place = new Map(order.map((id, at) => [id, at]));
  return all
    .map((chart, at) => ({ chart, at: place.get(chart.id) ?? order.length + at }))
    .sort((a, b) => a.at - b.at)
    .map(({ chart }) => chart);
}

function specOf({ id, title, metrics }: OwnChart): ChartSpec {
  const units = new Set(metrics.map((name) => describeMetric(name)?.unit ?? ''));
  return { id, title, group: OWN_GROUP, metrics, unit: units.size === 1 ? [...units][0] : '' };
}

/** The order after `id` took the place of `target`, both among the charts as they stand. */
export function movedTo(shown: readonly string[], id: string, target: string): string[] {
  const to = shown.indexOf(target);
  const others = shown.filter((one) => one !== id);
  return to < 0 || !shown.includes(id) ? [...shown] : [...others.slice(0, to), id, ...others.slice(to)];
}

/** The neighbour of a chart, `way` places on, among those that stand in one group; null at the end. */
export function neighbour(group: readonly string[], id: string, way: 1 | -1): string | null {
  const at = group.indexOf(id);
  return at < 0 ? null : (group[at + way] ?? null);
}

/** As it is drawn where the grid has so many columns. */
export function sizeOf({ sizes, expanded }: Pick<Board, 'sizes' | 'expanded'>, id: string, columns = Infinity): ChartSize {
  const own = sizes[id] ?? USUAL_SIZE;
  if (expanded === id) return { columns, height: Math.max(LARGE_HEIGHT, own.height) };
  return { columns: Math.min(own.columns, columns), height: own.height };
}

/** What can be drawn, nearest to what is wanted. */
export const withinSizes = ({ columns, height }: ChartSize): ChartSize => ({
  columns: Math.min(MOST.columns, Math.max(LEAST.columns, Math.round(columns))),
  height: Math.min(MOST.height, Math.max(LEAST.height, Math.round(height))),
});

/** An id that no chart of the board has. */
export function newId(own: readonly OwnChart[]): string {
  const taken = new Set(own.map(({ id }) => id));
  for (let number = 1; ; number++) if (!taken.has(`own:${number}`)) return `own:${number}`;
}

/** Text of a field that holds an end of y; undefined where it is no number. */
export function endOf(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  const value = Number(text.replace('−', '-'));
  return Number.isFinite(value) ? value : undefined;
}

/** What is well formed of a stored board. */
export function readBoard(json: Record<string, unknown>): Partial<Board> {
  const board: Partial<Board> = {};
  if (Array.isArray(json.order)) board.order = texts(json.order);
  if (Array.isArray(json.pinned)) board.pinned = texts(json.pinned);
  if (typeof json.expanded === 'string') board.expanded = json.expanded;
  if (Array.isArray(json.own)) board.own = json.own.flatMap(ownOf);
  if (isRecord(json.sizes)) board.sizes = entries(json.sizes, (size) => (isSize(size) ? withinSizes(size) : null));
  if (isRecord(json.ranges)) board.ranges = entries(json.ranges, (range) => (isRange(range) ? range : null));
  return board;
}

const isRecord = (json: unknown): json is Record<string, unknown> => typeof json === 'object' && json !== null && !Array.isArray(json);
const texts = (list: unknown[]): string[] => list.filter((one): one is string => typeof one === 'string');
const isSize = (json: unknown): json is ChartSize =>
  isRecord(json) && [json.columns, json.height].every((value) => typeof value === 'number' && Number.isFinite(value));
const isRange = (json: unknown): json is YRange =>
  Array.isArray(json) && json.length === 2 && json.every((end) => end === null || (typeof end === 'number' && Number.isFinite(end)));

function ownOf(json: unknown): OwnChart[] {
  if (!isRecord(json) || typeof json.id !== 'string' || typeof json.title !== 'string' || !Array.isArray(json.metrics)) return [];
  const metrics = texts(json.metrics);
  return metrics.length === 0 ? [] : [{ id: json.id, title: json.title, metrics }];
}

function entries<T>(json: Record<string, unknown>, read: (value: unknown) => T | null): Record<string, T> {
  return Object.fromEntries(
    Object.entries(json).flatMap(([key, value]): [string, T][] => {
      const one = read(value);
      return one === null ? [] : [[key, one]];
    }),
  );
}
