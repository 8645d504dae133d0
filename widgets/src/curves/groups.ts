/** Runs that are alike but for one thing, their seeds for example, drawn as one: the mean of their lines and a band of one standard deviation. No DOM here. */
import type { FollowedRun } from '../store/followed-run.ts';
import type { ChartLine } from './line.ts';
import type { Value } from './growing.ts';

/** Groups runs whose configurations are the same but for the seed and what names a run. */
export const BY_SEED = 'seed';
/** Keys that tell runs apart without making them different. */
const OWN_KEYS = new Set(['seed', 'run_name', 'output_dir']);

type Grouped = Pick<FollowedRun, 'id' | 'config'>;

const valueOf = ({ config }: Grouped, key: string): string => JSON.stringify((config as Record<string, unknown> | null)?.[key] ?? null);

/** Keys of their configurations in which these runs differ. */
export function differingKeys(runs: readonly Grouped[]): string[] {
  const keys = new Set(runs.flatMap(({ config }) => Object.keys(config ?? {})));
  return [...keys].filter((key) => !OWN_KEYS.has(key) && new Set(runs.map((run) => valueOf(run, key))).size > 1).sort();
}

export interface RunGroup {
  label: string;
  runs: string[];
}

/** Groups by the value of a key, or by all keys but the seed; in the order of their first runs. */
export function groupsBy(runs: readonly Grouped[], key: string): RunGroup[] {
  const differing = differingKeys(runs);
  const keys = key === BY_SEED ? differing : [key];
  const groups = Map.groupBy(runs, (run) => keys.map((one) => valueOf(run, one)).join('\n'));
  return [...groups.values()].map((members) => {
    const said = keys.map((one) => `${one} ${valueOf(members[0], one).replace(/^"(.*)"$/, '$1')}`);
    return { label: [...said, `${members.length} ${members.length === 1 ? 'run' : 'runs'}`].join(', '), runs: members.map(({ id }) => id) };
  });
}

/** One line for each group and metric, in place of those of its runs. */
export function meansOf(lines: readonly ChartLine[], groups: readonly RunGroup[]): ChartLine[] {
  return groups.flatMap(({ label, runs }) => {
    const own = lines.filter(({ run }) => runs.includes(run.series.id));
    return [...Map.groupBy(own, ({ metric }) => metric).values()].map((parts): ChartLine => {
      const [first] = parts;
      const who = parts.length > 1 ? label : first.who;
      const head = { ...first, who, label: [who, first.name].filter(Boolean).join(' · ') };
      return parts.length > 1 ? { ...head, ...meanOf(parts) } : head;
    });
  });
}

/** Mean and standard deviation at every x that one of the lines has a point at; a line counts between its first and its last point. */
function meanOf(lines: readonly ChartLine[]): Pick<ChartLine, 'x' | 'breaks' | 'raw' | 'shown' | 'spread' | 'sparse'> {
  const x = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const columns = (of: 'raw' | 'shown'): Value[][] => lines.map((line) => onto(x, line, line[of]));
  const [raw, shown] = [columns('raw'), columns('shown')];
  return {
    x,
    breaks: commonBreaks(x, lines),
    sparse: lines.some(({ sparse }) => sparse),
    raw: x.map((_, i) => mean(raw.map((column) => column[i]))),
    shown: x.map((_, i) => mean(shown.map((column) => column[i]))),
    spread: x.map((_, i) => deviation(shown.map((column) => column[i]))),
  };
}

/** Places where every line that goes on there breaks: between two points of `x` none of them has a stretch. */
function commonBreaks(x: readonly number[], lines: readonly ChartLine[]): number[] {
  const pauses = lines.map((line) => line.breaks.map((at): [number, number] => [line.x[at - 1], line.x[at]]));
  const candidates = new Set(pauses.flatMap((own) => own.map(([, end]) => x.indexOf(end))));
  const goesOn = (line: ChartLine, from: number, to: number): boolean => line.x.length > 0 && line.x[0] <= from && line.x.at(-1)! >= to;
  return [...candidates]
    .filter((at) => at > 0)
    .filter((at) => {
      const [from, to] = [x[at - 1], x[at]];
      const pausing = (own: [number, number][]): boolean => own.some(([start, end]) => start <= from && to <= end);
      return lines.every((line, k) => !goesOn(line, from, to) || pausing(pauses[k]));
    })
    .sort((a, b) => a - b);
}

/** Values of a line at other places, between two of its points in a straight line; null beside a gap, in a pause and beyond its ends. */
function onto(places: readonly number[], { x, breaks }: ChartLine, values: readonly Value[]): Value[] {
  let at = 0;
  const pauses = new Set(breaks);
  return places.map((place) => {
    while (at < x.length && x[at] < place) at++;
    if (x[at] === place) return values[at];
    const [before, after] = [values[at - 1] ?? null, values[at] ?? null];
    if (before === null || after === null || pauses.has(at)) return null;
    return before + ((place - x[at - 1]) / (x[at] - x[at - 1])) * (after - before);
  });
}

const there = (values: readonly Value[]): number[] => values.filter((value): value is number => value !== null);

function mean(values: readonly Value[]): Value {
  const known = there(values);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** N - 1; null for fewer than two. */
function deviation(values: readonly Value[]): Value {
  const known = there(values);
  if (known.length < 2) return null;
  const middle = mean(known)!;
  return Math.sqrt(known.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (known.length - 1));
}
