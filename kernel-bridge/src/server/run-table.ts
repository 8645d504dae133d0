/**
 * Pages of the table of runs. What a run's cells show is kept while the run stays as it is, so that a page of 1,000 runs opens the
 * databases of those alone that changed since the last one, and of all only where all are ordered or searched by a metric for the first time.
 */
import { TrainConfig } from '../protocol/config.ts';
import { lowerIsBetter } from '../protocol/metrics.ts';
import { lastInherited, type RunSummary } from '../protocol/run.ts';
import { numberOf, parseSearch, passes, type CellValue, type Condition } from '../protocol/run-search.ts';
import { MEAN_OF_LAST, RUN_FACTS, RUN_STATISTICS, type RunFact, type RunStatistic } from '../protocol/run-columns.ts';
import type { RunTable, RunTableQuery } from '../protocol/run-table.ts';
import { nearestKey } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { metricStatistic } from '../runs/statistics.ts';
import type { Hub, RunFacts } from './hub.ts';

const MOST_ROWS = 500;
/** How long databases are read before others get their turn. */
const BUSY_MS = 20;
const CONFIG_KEYS = Object.keys(TrainConfig.properties);

type Column = { kind: 'fact'; name: RunFact } | { kind: 'config'; name: string } | { kind: RunStatistic; name: string };

/** What cells show of a run. */
interface RunCells extends RunFacts {
  /** Others once the run has changed. */
  of: RunFacts;
  /** Each value of the configuration as text, for comparing. */
  texts: Record<string, string>;
  statistics: Map<string, number | null>;
}

export class RunTables {
  private readonly hub: Hub;
  private readonly kept = new Map<string, RunCells>();

  constructor(hub: Hub) {
    this.hub = hub;
  }

  /** Throws REQUEST_INVALID for a column that no run has and for what cannot be compared. */
  async page(ids: readonly string[], query: RunTableQuery): Promise<RunTable> {
    const { q = '', columns = [], sort = '', last = MEAN_OF_LAST, archived = false, limit = 100, offset = 0 } = query;
    const conditions = parseSearch(q);
    const sortId = sort.replace(/^-/, '');
    const runs = await this.read(ids, statisticsIn([sortId, ...conditions.map(({ column }) => column ?? '')]), last);
    const metrics = [...new Set(runs.flatMap((run) => run.metrics))].sort();
    const column = (id: string, where: string): Column => columnOf(id, where, metrics);
    const value = (run: RunCells, of: Column): unknown => this.value(run, of, last);

    const shown = columns.map((id) => [id, column(id, 'query columns')] as const);
    const order = sort === '' ? null : column(sortId, 'query sort');
    const looked = new Map(conditions.flatMap((one) => (one.column === null ? [] : [[one.column, lookedAt(one, column)] as const])));
    const found = runs.filter((run) => passes(conditions, run.summary, (id) => comparable(value(run, looked.get(id)!))));
    // who looks for archived runs by name is not told that they are hidden
    const all = archived || [...looked.values()].some(({ name }) => name === 'archived');
    const passed = all ? found : found.filter(({ summary }) => !summary.annotations.archived);
    const sorted = ordered(passed, order && ((run) => value(run, order)), sort.startsWith('-'));
    const page = sorted.slice(offset, offset + Math.min(limit, MOST_ROWS));
    return {
      rows: page.map((run) => ({ id: run.summary.id, values: Object.fromEntries(shown.map(([id, of]) => [id, value(run, of)])) })),
      total: passed.length,
      archived: found.length - passed.length,
      metrics,
      differing: differing(passed),
    };
  }

  /** With the statistics that all runs are ordered or searched by, while each database is open. Others are served in between. */
  private async read(ids: readonly string[], statistics: readonly Column[], last: number): Promise<RunCells[]> {
    const runs: RunCells[] = [];
    let rested = performance.now();
    for (const id of ids) {
      const facts = this.hub.facts(id);
      const known = this.kept.get(id);
      const run = known?.of === facts ? known : cellsOf(facts);
      this.kept.set(id, run);
      for (const one of statistics) this.value(run, one, last);
      runs.push(run);
      if (performance.now() - rested < BUSY_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      rested = performance.now();
    }
    const there = new Set(ids);
    for (const id of this.kept.keys()) if (!there.has(id)) this.kept.delete(id);
    return runs;
  }

  private value(run: RunCells, { kind, name }: Column, last: number): unknown {
    if (kind === 'fact') return factOf(run.summary, name as RunFact);
    if (kind === 'config') return run.config[name as keyof TrainConfig] ?? null;
    if (!run.metrics.includes(name)) return null;
    const key = kind === 'mean' ? `mean ${last} ${name}` : `${kind} ${name}`;
    const known = run.statistics.get(key);
    if (known !== undefined) return known;
    const after = lastInherited(run.summary.inherited);
    const read = metricStatistic(this.hub.store(run.summary.id).db, name, { of: kind, last, after, lower: lowerIsBetter(name) });
    run.statistics.set(key, read);
    return read;
  }
}

function cellsOf(facts: RunFacts): RunCells {
  const texts = Object.fromEntries(Object.entries(facts.config).map(([key, one]) => [key, JSON.stringify(one)]));
  return { ...facts, of: facts, texts, statistics: new Map() };
}

/** The statistics that these columns may mean, before it is known which metrics there are. */
const statisticsIn = (ids: readonly string[]): Column[] =>
  ids.flatMap((id) => {
    const [, kind = 'last', name] = /^(?:(last|best|mean):)?(.*)$/.exec(id)!;
    return name === '' ? [] : [{ kind: kind as RunStatistic, name }];
  });

function columnOf(id: string, where: string, metrics: readonly string[]): Column {
  const [, kind = '', name] = /^(?:(config|last|best|mean):)?(.*)$/.exec(id)!;
  if (kind === '' && (RUN_FACTS as readonly string[]).includes(name)) return { kind: 'fact', name: name as RunFact };
  if ((kind === '' && CONFIG_KEYS.includes(name)) || kind === 'config') {
    if (CONFIG_KEYS.includes(name)) return { kind: 'config', name };
  } else if (metrics.includes(name) || (kind !== '' && metrics.length === 0)) {
    // before any run has logged anything nobody knows what it will log
    return { kind: kind === '' ? 'last' : (kind as RunStatistic), name };
  }
  const known = kind === 'config' ? CONFIG_KEYS : kind === '' ? [...RUN_FACTS, ...CONFIG_KEYS, ...metrics] : metrics;
  const nearest = nearestKey(name, known);
  const instead = nearest
    ? `did you mean ${kind === '' ? '' : `${kind}:`}${nearest}?`
    : `a column is a fact (${RUN_FACTS.join(', ')}), config:KEY, or ${RUN_STATISTICS.map((one) => `${one}:METRIC`).join(', ')}`;
  throw errors.badRequest(where, `there is no column "${id}"; ${instead}`);
}

/** Words that people use for columns. */
const ALSO: Record<string, string> = {
  tag: 'tags',
  note: 'notes',
  created: 'created_at',
  started: 'started_at',
  ended: 'ended_at',
  steps: 'step',
};

function lookedAt({ column: id, comparison, value }: Condition, column: (id: string, where: string) => Column): Column {
  const found = column(ALSO[id!] ?? id!, 'query q');
  if (/[<>]/.test(comparison) && Number.isNaN(numberOf(value)))
    throw errors.badRequest('query q', `"${id}${comparison}${value}" compares with "${value}", which is neither a number nor a date`);
  return found;
}

function factOf(summary: RunSummary, name: RunFact): unknown {
  switch (name) {
    case 'tags':
    case 'notes':
    case 'pinned':
    case 'archived':
      return summary.annotations[name];
    case 'runtime_s':
      return summary.started_at === null ? null : Math.max(0, (summary.ended_at ?? Date.now()) - summary.started_at) / 1000;
    default:
      return summary[name];
  }
}

/** Lists and objects of a configuration are compared by their JSON. */
function comparable(value: unknown): CellValue {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as CellValue;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  return JSON.stringify(value ?? null);
}

/** Pinned runs first, runs without a value last, newest first among equals. */
function ordered(runs: readonly RunCells[], value: ((run: RunCells) => unknown) | null, descending: boolean): RunCells[] {
  const keyed = runs.map((run) => ({ run, key: value ? sortKey(value(run)) : null }));
  const way = descending ? -1 : 1;
  keyed.sort((a, b) => {
    const pins = Number(b.run.summary.annotations.pinned) - Number(a.run.summary.annotations.pinned);
    return pins || absent(a.key) - absent(b.key) || way * compare(a.key, b.key) || newest(a.run.summary, b.run.summary);
  });
  return keyed.map(({ run }) => run);
}

const sortKey = (value: unknown): string | number | null => {
  const one = comparable(value);
  if (typeof one === 'number' || one === null) return one;
  const text = Array.isArray(one) ? one.join(', ') : String(one);
  return text === '' ? null : text.toLowerCase();
};
const absent = (key: string | number | null): number => Number(key === null);
const compare = (a: string | number | null, b: string | number | null): number => {
  if (a === null || b === null) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
};
const newest = (a: RunSummary, b: RunSummary): number => b.created_at - a.created_at || (a.id < b.id ? 1 : -1);

function differing(runs: readonly RunCells[]): string[] {
  const known = runs.filter(({ texts }) => Object.keys(texts).length > 0);
  return CONFIG_KEYS.filter((key) => known.some(({ texts }) => texts[key] !== known[0].texts[key]));
}
