/** Columns of the table of runs: what each is called, how wide it is, and how its values read. */
import { lowerIsBetter } from '@medr1/kernel-bridge/protocol/metrics';
import { RUN_FACTS, RUN_STATISTICS, type RunFact, type RunStatistic } from '@medr1/kernel-bridge/protocol/run-columns';
import { dateTime, duration, integer, MISSING, number } from '../format.ts';

export interface Column {
  /** As the server knows it: `state`, `config:beta`, `best:reward`. */
  id: string;
  title: string;
  /** What it is, in a sentence. */
  hint: string;
  /** Pixels. */
  width: number;
  /** Numbers stand at the right. */
  numeric: boolean;
  text: (value: unknown) => string;
}

export const DEFAULT_COLUMNS = [
  'state',
  'step',
  'last:reward',
  'best:reward',
  'mean:reward',
  'config:learning_rate',
  'variant',
  'created_at',
  'tags',
];

interface FactLook {
  title: string;
  hint: string;
  width: number;
  text?: (value: unknown) => string;
}

const time = (value: unknown): string => (typeof value === 'number' ? dateTime(value) : MISSING);
const whole = (value: unknown): string => integer(value as number | null);
const long = (value: unknown): string => duration(value as number | null);
const FACTS: Record<RunFact, FactLook> = {
  name: { title: 'name', hint: 'name of the run', width: 220 },
  id: { title: 'id', hint: 'id of the run, also the name of its folder', width: 190 },
  state: { title: 'state', hint: 'state of the run', width: 100 },
  step: { title: 'step', hint: 'last optimiser step', width: 80, text: whole },
  total_steps: { title: 'steps in all', hint: 'steps that the run is to take', width: 90, text: whole },
  created_at: { title: 'created', hint: 'when the run was made', width: 120, text: time },
  started_at: { title: 'started', hint: 'when it first started', width: 120, text: time },
  ended_at: { title: 'ended', hint: 'when it ended', width: 120, text: time },
  runtime_s: { title: 'time', hint: 'from its first start to its end or to now, pauses included', width: 100, text: long },
  rollouts_per_s: {
    title: 'rollouts/s',
    hint: 'completions sampled per second at the last step',
    width: 90,
    text: (value) => number(value as number | null),
  },
  eta_s: { title: 'time left', hint: 'from the last steps', width: 100, text: long },
  trainer: { title: 'trainer', hint: 'grpo or sft', width: 80 },
  variant: { title: 'variant', hint: 'think, no-think or think-after', width: 100 },
  device: { title: 'device', hint: 'device that it trained on', width: 100 },
  parent: { title: 'forked from', hint: 'run that it was forked from', width: 190 },
  tags: { title: 'tags', hint: 'tags that people gave it', width: 180 },
  notes: { title: 'notes', hint: 'notes that people wrote', width: 220 },
  pinned: { title: 'pinned', hint: 'shown before the others', width: 80 },
  archived: { title: 'archived', hint: 'left out of lists unless asked for', width: 90 },
};
const NUMERIC_FACTS: readonly string[] = [
  'step',
  'total_steps',
  'runtime_s',
  'rollouts_per_s',
  'eta_s',
  'created_at',
  'started_at',
  'ended_at',
];

/** `last`: values that `mean` takes in. */
export function columnOf(id: string, last: number): Column {
  const [, kind = '', name] = /^(?:(config|last|best|mean):)?(.*)$/.exec(id)!;
  if (kind === 'config') return { id, title: name, hint: `${name} of the configuration`, width: 130, numeric: false, text: plain };
  if (kind !== '')
    return {
      id,
      title: statisticTitle(kind as RunStatistic, name, last),
      hint: hintOf(kind as RunStatistic, name, last),
      width: kind === 'last' ? 110 : 150,
      numeric: true,
      text: (value) => number(value as number | null),
    };
  const look = FACTS[name as RunFact] ?? { title: name, hint: name, width: 120 };
  return { text: plain, ...look, id, numeric: NUMERIC_FACTS.includes(name) };
}

const statisticTitle = (kind: RunStatistic, name: string, last: number): string =>
  kind === 'last' ? name : kind === 'best' ? `${name} best` : `${name} mean of ${last}`;

function hintOf(kind: RunStatistic, name: string, last: number): string {
  if (kind === 'last') return `${name} at the last step that logged it`;
  if (kind === 'best') return `${lowerIsBetter(name) ? 'lowest' : 'highest'} ${name} over the run's own steps`;
  return `mean of ${name} over the last ${last} steps that logged it`;
}

/** A value of a configuration, or of what has no form of its own. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return MISSING;
  // 1e-6, not 0.000001: learning rates are read by their exponent
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential().replace('e+', 'e');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? MISSING : value.map(plain).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export interface ColumnChoice {
  group: string;
  columns: { id: string; label: string }[];
}

/** What can be chosen, by group; keys in which the runs differ come first. */
export function choices(metrics: readonly string[], keys: readonly string[], differing: readonly string[], search: string): ColumnChoice[] {
  const facts = RUN_FACTS.filter((name) => name !== 'name').map((name) => ({ id: name as string, label: FACTS[name].title }));
  const config = [...differing, ...keys.filter((key) => !differing.includes(key))].map((key) => ({ id: `config:${key}`, label: key }));
  const statistics = metrics.flatMap((name) => RUN_STATISTICS.map((kind) => ({ id: `${kind}:${name}`, label: `${name} ${kind}` })));
  const wanted = search.trim().toLowerCase();
  const matching = (all: { id: string; label: string }[]) => all.filter(({ label }) => label.toLowerCase().includes(wanted));
  return [
    { group: 'Run', columns: matching(facts) },
    { group: 'Configuration', columns: matching(config) },
    { group: 'Metrics', columns: matching(statistics) },
  ].filter(({ columns }) => columns.length > 0);
}
