/** What the Runs panel shows of each run, and what can be done with it in its state. */
import type { RunAction, RunState, RunSummary } from '../connector.ts';
import { isActive, stateText } from '@medr1/kernel-bridge/protocol/run-states';
import { parseSearch, passes, type CellValue } from '@medr1/kernel-bridge/protocol/run-search';
import { day, duration, integer, MISSING, number } from '../format.ts';

export { isActive };

export interface StateFacts {
  /** Shape and word carry the meaning; colour only repeats it. */
  glyph: string;
  label: string;
  tone: 'live' | 'still' | 'right' | 'wrong' | 'warning';
  actions: readonly RunAction[];
}

export const STATES: Record<RunState, StateFacts> = {
  queued: { glyph: '○', label: 'queued', tone: 'still', actions: ['start', 'stop'] },
  starting: { glyph: '◔', label: 'starting', tone: 'live', actions: ['stop'] },
  running: { glyph: '●', label: 'running', tone: 'live', actions: ['pause', 'checkpoint', 'stop'] },
  pausing: { glyph: '◐', label: 'pausing', tone: 'live', actions: ['stop'] },
  paused: { glyph: '◐', label: 'paused', tone: 'warning', actions: ['resume', 'checkpoint', 'stop'] },
  stopping: { glyph: '◌', label: 'stopping', tone: 'live', actions: [] },
  stopped: { glyph: '■', label: 'stopped', tone: 'still', actions: ['resume'] },
  finished: { glyph: '✓', label: 'finished', tone: 'right', actions: [] },
  failed: { glyph: '✗', label: 'failed', tone: 'wrong', actions: ['resume'] },
  interrupted: { glyph: '⚠', label: 'interrupted', tone: 'warning', actions: ['resume'] },
};

export const stateFacts = (run: RunSummary): StateFacts => ({ ...STATES[run.state], label: stateText(run) });

/**
 * Actions as they are laid out. While a run is active each keeps its place, shown or greyed: a change of state between a press and its release
 * must not put another action under the pointer.
 */
export function slots(state: RunState): readonly RunAction[] {
  const { actions } = STATES[state];
  return isActive(state) ? [actions.includes('resume') ? 'resume' : 'pause', 'checkpoint', 'stop'] : actions;
}

export const ACTION_LABELS: Record<RunAction, string> = {
  start: 'Start',
  pause: 'Pause',
  resume: 'Resume',
  stop: 'Stop',
  checkpoint: 'Save a checkpoint now',
};

const VARIANT_TAGS: Record<string, [tag: string, title: string]> = {
  think: ['T', 'thinking: reasons, then answers'],
  'no-think': ['NT', 'no-thinking: answers at once'],
  'think-after': ['TA', 'think-after: answers, then gives reasons'],
};

export interface RunRow {
  run: RunSummary;
  facts: StateFacts;
  /** 0 = not forked from a run that is listed. */
  depth: number;
  tag: string;
  tagTitle: string;
  steps: string;
  speed: string;
  left: string;
  reward: string;
}

/** Runs that pass a search by what the list itself knows of them (the table searches metrics and configurations too), pinned ones first. */
export function found(runs: readonly RunSummary[], search: string, archived: boolean): RunSummary[] {
  const conditions = parseSearch(search);
  const all = archived || conditions.some(({ column }) => column === 'archived');
  const passed = runs.filter((run) => (all || !run.annotations.archived) && passes(conditions, run, (column) => valueOf(run, column)));
  return passed.sort((a, b) => Number(b.annotations.pinned) - Number(a.annotations.pinned));
}

function valueOf(run: RunSummary, column: string): CellValue | undefined {
  const name = { tag: 'tags', note: 'notes' }[column] ?? column;
  if (name in run.annotations) return run.annotations[name as keyof RunSummary['annotations']];
  const value = (run as unknown as Record<string, unknown>)[name];
  return value === null || ['string', 'number'].includes(typeof value) ? (value as CellValue) : undefined;
}

/** What runs are gathered by. */
export const GROUPINGS = { none: 'not grouped', tag: 'by tag', variant: 'by variant', state: 'by state', day: 'by day' } as const;
export type Grouping = keyof typeof GROUPINGS;

export interface RunGroup {
  /** '' where runs are not grouped. */
  title: string;
  runs: RunSummary[];
}

/** Runs in groups, in the order given: a group stands where its first run does. One with several tags is in the group of each, those without come last. */
export function grouped(runs: readonly RunSummary[], by: Grouping): RunGroup[] {
  if (by === 'none') return [{ title: '', runs: [...runs] }];
  const groups = new Map<string, RunSummary[]>();
  const put = (title: string, run: RunSummary): void => void groups.set(title, [...(groups.get(title) ?? []), run]);
  for (const run of runs) for (const title of titlesOf(run, by)) put(title, run);
  if (by === 'tag') for (const run of runs) if (run.annotations.tags.length === 0) put('no tag', run);
  return [...groups].map(([title, list]) => ({ title, runs: list }));
}

function titlesOf(run: RunSummary, by: Exclude<Grouping, 'none'>): readonly string[] {
  if (by === 'tag') return run.annotations.tags;
  if (by === 'day') return [day(run.created_at)];
  return [by === 'state' ? stateText(run) : run.variant || 'imported'];
}

/** In the order given, each fork under the run it came from. A database from elsewhere may name a run as its own parent or ancestor: it is a row, too. */
export function rows(runs: readonly RunSummary[]): RunRow[] {
  const listed = new Set(runs.map((run) => run.id));
  const children = Map.groupBy(runs, (run) => (run.parent && listed.has(run.parent) ? run.parent : null));
  const out = new Map<string, RunRow>();
  const put = (run: RunSummary, depth: number): void => {
    if (out.has(run.id)) return;
    out.set(run.id, row(run, depth));
    for (const fork of children.get(run.id) ?? []) put(fork, depth + 1);
  };
  for (const run of children.get(null) ?? []) put(run, 0);
  for (const run of runs) put(run, 0);
  return [...out.values()];
}

/** A summary is never changed: of a list that is drawn in slices, or again after a step of one run, the rows stay. */
const known = new WeakMap<RunSummary, RunRow>();

function row(run: RunSummary, depth: number): RunRow {
  const before = known.get(run);
  if (before?.depth === depth) return before;
  const made = newRow(run, depth);
  known.set(run, made);
  return made;
}

function newRow(run: RunSummary, depth: number): RunRow {
  const facts = stateFacts(run);
  const [tag, tagTitle] = run.imported
    ? ['imported', `read from ${run.imported.from}`]
    : (VARIANT_TAGS[run.variant] ?? [run.variant, run.variant]);
  const moving = run.state === 'running';
  return {
    run,
    facts,
    depth,
    tag,
    tagTitle,
    steps: `${integer(run.step)} / ${run.total_steps > 0 ? integer(run.total_steps) : MISSING}`,
    speed: moving && run.rollouts_per_s !== null ? `${number(run.rollouts_per_s)} rollouts/s` : '',
    left: moving && run.eta_s !== null ? `${duration(run.eta_s)} left` : '',
    reward: number(run.reward),
  };
}
