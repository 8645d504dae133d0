/** Revisions of rewards and settings as a reader of a terminal wants them: what is in force, and what an edit made another than before. */
import type { RewardRevision } from '../protocol/run.ts';
import { scheduleText } from '../protocol/schedule-text.ts';
import { table } from './output.ts';

/** A row a function: its weight, or how that follows the step; where it comes from; its parameters. */
export function rewardLines(revision: RewardRevision): string[] {
  const { weights, sources = {}, parameters = {} } = revision;
  const rows = Object.keys(weights).map((name) => [
    name,
    weightText(revision, name),
    sources[name] ? `your own (sha256 ${sources[name].sha256.slice(0, 12)})` : 'built-in',
    Object.entries(parameters[name] ?? {})
      .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
      .join(', '),
  ]);
  return table([['FUNCTION', 'WEIGHT', 'SOURCE', 'PARAMETERS'], ...rows]);
}

/** The revision, and a row for each thing that was another before: `beta  0.04 -> 0.1`. */
export function editLines(run: string, made: RewardRevision, before: RewardRevision | undefined): string[] {
  const [then, now] = [before ? factsOf(before) : {}, factsOf(made)];
  const changed = [...new Set([...Object.keys(then), ...Object.keys(now)])].filter((key) => then[key] !== now[key]);
  const rows = changed.map((key) => [`  ${key}`, `${then[key] ?? 'not there'} -> ${now[key] ?? 'left out'}`]);
  return [`revision ${made.revision} of ${run}, from its next step${rows.length === 0 ? '; nothing differs' : ''}`, ...table(rows)];
}

/** All that an edit can change, each under one name. */
function factsOf(revision: RewardRevision): Record<string, string> {
  const { weights, sources = {}, parameters = {}, settings = {} } = revision;
  return {
    ...Object.fromEntries(Object.keys(weights).map((name) => [`weight of ${name}`, weightText(revision, name)])),
    ...Object.fromEntries(Object.entries(sources).map(([name, { sha256 }]) => [`source of ${name}`, sha256.slice(0, 12)])),
    ...Object.fromEntries(
      Object.entries(parameters).flatMap(([name, values]) =>
        Object.entries(values).map(([key, value]) => [`${name}.${key}`, JSON.stringify(value)]),
      ),
    ),
    ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, JSON.stringify(value)])),
  };
}

const weightText = ({ weights, weight_schedules = {} }: RewardRevision, name: string): string =>
  weight_schedules[name] ? scheduleText(weight_schedules[name]) : String(weights[name]);
