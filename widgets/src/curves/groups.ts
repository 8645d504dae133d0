/** Runs that are alike but for one thing, their seeds for example, drawn as one: the mean of their lines and a band of one standard deviation. No DOM here. */
import type { FollowedRun } from '../store/followed-run.ts';
import type { ChartLine } from './line.ts';
import { keptFor, type Value } from './growing.ts';

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
  const columns = (['shown', 'raw', 'x'] as const).flatMap((of) => lines.map((line) => line[of]));
  const settled = keptFor(columns, 'mean', () => new Means(lines.length));
  settled.extend(lines, Math.min(...lines.map(({ x }) => x.at(-1) ?? -Infinity)));
  const all = settled.isWhole(lines) ? settled : settled.copy(); // beyond the end of the shortest line means change as it grows
  all.extend(lines, Infinity);
  const { x, raw, shown, spread } = all;
  return { x, raw, shown, spread, breaks: commonBreaks(x, lines), sparse: lines.some(({ sparse }) => sparse) };
}

/** The means of lines, point after point in the order of x. */
class Means {
  readonly x: number[] = [];
  readonly raw: Value[] = [];
  readonly shown: Value[] = [];
  readonly spread: Value[] = [];
  /** Of each line the place of its next point. */
  readonly #next: number[];
  readonly #values: number[] = [];

  constructor(lines: number) {
    this.#next = new Array<number>(lines).fill(0);
  }

  copy(): Means {
    const copy = new Means(this.#next.length);
    for (const key of ['x', 'raw', 'shown', 'spread'] as const) for (const value of this[key]) (copy[key] as Value[]).push(value);
    this.#next.forEach((at, k) => (copy.#next[k] = at));
    return copy;
  }

  isWhole(lines: readonly ChartLine[]): boolean {
    return lines.every(({ x }, k) => this.#next[k] >= x.length);
  }

  /** Goes on to `end`, as far as there are points. */
  extend(lines: readonly ChartLine[], end: number): void {
    for (;;) {
      let at = Infinity;
      for (let k = 0; k < lines.length; k++) at = Math.min(at, lines[k].x[this.#next[k]] ?? Infinity);
      if (at === Infinity || at > end) return;
      this.x.push(at);
      this.raw.push(mean(this.#at(lines, 'raw', at)));
      const shown = this.#at(lines, 'shown', at);
      this.shown.push(mean(shown));
      this.spread.push(deviation(shown));
      for (let k = 0; k < lines.length; k++) while (lines[k].x[this.#next[k]] === at) this.#next[k]++;
    }
  }

  /** The values of the lines at x that are there: of a point, or between two points in a straight line; none beside a gap or in a pause. */
  #at(lines: readonly ChartLine[], of: 'raw' | 'shown', at: number): readonly number[] {
    this.#values.length = 0;
    lines.forEach(({ x, breaks, [of]: values }, k) => {
      const next = this.#next[k];
      const after = values[next] ?? null;
      if (x[next] === at) {
        if (after !== null) this.#values.push(after);
        return;
      }
      const before = values[next - 1] ?? null;
      if (before === null || after === null || breaks.includes(next)) return;
      this.#values.push(before + ((at - x[next - 1]) / (x[next] - x[next - 1])) * (after - before));
    });
    return this.#values;
  }
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

const mean = (values: readonly number[]): Value =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** N - 1; null for fewer than two. */
function deviation(values: readonly number[]): Value {
  if (values.length < 2) return null;
  const middle = mean(values)!;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
