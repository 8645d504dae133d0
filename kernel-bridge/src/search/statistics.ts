/**
 * Statistics of a run's rollouts by step, from its index and what the index does not hold: entropies and right answers. Each step is read once: a
 * reader keeps what it found, goes on with new steps, and reads a step again where another rollout took its place.
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  DISTRIBUTIONS,
  STATISTIC_FACETS,
  type DistributionName,
  type FacetMeans,
  type RolloutStatistics,
  type StatisticFacet,
} from '../protocol/statistics.ts';
import { Bins } from './bins.ts';
import { CORRECT, type StepBlock } from './block.ts';
import { IndexReader } from './index-reader.ts';

/** Width of the finest bin: a token, and small parts of a reward. */
const FINEST: Record<DistributionName, number> = { reward: 2 ** -10, advantage: 2 ** -10, length: 1, entropy: 2 ** -12 };
/** Values of a facet that are told: lines that a chart can show. */
const MOST_VALUES = 12;

interface Sums {
  completions: number;
  reward: number;
  rewarded: number;
  right: number;
  judged: number;
}

/** What is kept of a step beside its bins. */
interface StepStatistics {
  step: number;
  /** Number of its first completion in the index: no two steps ever have the same. */
  first: number;
  completions: number;
  facets: Record<StatisticFacet, Map<string, Sums>>;
  functions: Map<string, number>;
}

export class StatisticsReader {
  readonly #steps: StepStatistics[] = [];
  readonly #bins: Record<DistributionName, Bins>;

  constructor() {
    this.#bins = Object.fromEntries(DISTRIBUTIONS.map((name) => [name, new Bins(FINEST[name])])) as Record<DistributionName, Bins>;
  }

  /** Reads what is new until `overdue` says that it has taken long enough; true when all was read. */
  read(db: DatabaseSync, overdue: () => boolean): boolean {
    const reader = new IndexReader(db);
    const steps = reader.steps();
    this.#forget(steps);
    if (this.#steps.length === steps.length) return true;
    const items = new Map(reader.items().map((item) => [item.code, item]));
    const functions = new Map([...reader.functions()].map(([name, code]) => [code, name]));
    const rest = restOf(db);
    for (const { step, first } of steps.slice(this.#steps.length)) {
      if (overdue()) return false;
      const facts = reader.facts(step);
      const { entropies, answers } = rest(step);
      this.#bins.reward.push(facts.reward);
      this.#bins.advantage.push(facts.advantage);
      this.#bins.length.push(Array.from(facts.tokens, (tokens) => tokens || NaN)); // none: a log of another trainer, which has texts alone
      this.#bins.entropy.push(entropies);
      const valuesOf = (group: number): Record<StatisticFacet, string> => {
        const item = items.get(facts.items[group]);
        return {
          modality: item?.modality ?? '',
          question_type: item?.question_type ?? '',
          answer: answers.get(facts.groups[group]) ?? 'none',
        };
      };
      this.#steps.push({
        step,
        first,
        completions: facts.reward.length,
        facets: facetsOf(facts, valuesOf),
        functions: sumsOf(facts, functions),
      });
    }
    return true;
  }

  /** Drops the steps from the first on that is not what was read. */
  #forget(steps: readonly { step: number; first: number }[]): void {
    const same = this.#steps.findIndex(({ step, first }, at) => steps[at]?.step !== step || steps[at].first !== first);
    if (same < 0) return;
    this.#steps.length = same;
    for (const bins of Object.values(this.#bins)) bins.truncate(same);
  }

  /** What was read so far, in at most `most` columns. */
  statistics(most: number): Omit<RolloutStatistics, 'run' | 'complete'> {
    const size = Math.max(1, Math.ceil(this.#steps.length / most));
    const starts = Array.from({ length: Math.ceil(this.#steps.length / size) }, (_, at) => at * size);
    const columns = starts.map((from) => this.#steps.slice(from, from + size));
    const completions = columns.map((steps) => total(steps.map((one) => one.completions)));
    return {
      columns: columns.map((steps) => [steps[0].step, steps.at(-1)!.step]),
      completions,
      distributions: Object.fromEntries(
        Object.entries(this.#bins).map(([name, bins]) => [
          name,
          { low: bins.low, width: bins.width, counts: starts.map((from) => bins.counts(from, from + size)) },
        ]),
      ),
      facets: Object.fromEntries(STATISTIC_FACETS.map((facet) => [facet, meansOf(columns, facet)])),
      functions: Object.fromEntries(
        [...new Set(this.#steps.flatMap(({ functions }) => [...functions.keys()]))].map((name) => [
          name,
          columns.map((steps, at) =>
            // a function that a step did not have was not part of the reward there: it is not known what it would have given
            steps.every(({ functions }) => functions.has(name))
              ? total(steps.map(({ functions }) => functions.get(name)!)) / completions[at]
              : null,
          ),
        ]),
      ),
    };
  }
}

/** Means by value of a facet, the values with the most completions first. */
function meansOf(columns: readonly StepStatistics[][], facet: StatisticFacet): Record<string, FacetMeans> {
  const counts = new Map<string, number>();
  for (const { facets } of columns.flat())
    for (const [value, { completions }] of facets[facet]) counts.set(value, (counts.get(value) ?? 0) + completions);
  const values = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_VALUES);
  return Object.fromEntries(
    values.map(([value]) => {
      const sums = columns.map((steps) => steps.flatMap(({ facets }) => facets[facet].get(value) ?? []));
      const of = (key: keyof Sums): number[] => sums.map((list) => total(list.map((one) => one[key])));
      const [rewarded, judged] = [of('rewarded'), of('judged')];
      const over = (parts: number[], wholes: number[]): (number | null)[] =>
        parts.map((part, i) => (wholes[i] === 0 ? null : part / wholes[i]));
      return [value, { completions: of('completions'), reward: over(of('reward'), rewarded), accuracy: over(of('right'), judged) }];
    }),
  );
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function facetsOf(facts: StepBlock, valuesOf: (group: number) => Record<StatisticFacet, string>): StepStatistics['facets'] {
  const facets = { modality: new Map(), question_type: new Map(), answer: new Map() } as StepStatistics['facets'];
  let at = 0;
  facts.sizes.forEach((size, group) => {
    const values = valuesOf(group);
    const sums: Sums = { completions: size, reward: 0, rewarded: 0, right: 0, judged: 0 };
    for (const end = at + size; at < end; at++) {
      if (Number.isFinite(facts.reward[at])) {
        sums.reward += facts.reward[at];
        sums.rewarded++;
      }
      if (facts.correct[at] === CORRECT.unknown) continue;
      sums.judged++;
      sums.right += facts.correct[at];
    }
    for (const facet of STATISTIC_FACETS) add(facets[facet], values[facet], sums);
  });
  return facets;
}

function add(map: Map<string, Sums>, value: string, more: Sums): void {
  const sums = map.get(value);
  if (!sums) return void map.set(value, { ...more });
  for (const key of Object.keys(more) as (keyof Sums)[]) sums[key] += more[key];
}

/** Sum of each function's raw values over the completions of a step. */
function sumsOf({ functions, rewards, reward }: StepBlock, names: ReadonlyMap<number, string>): Map<string, number> {
  const rows = reward.length;
  return new Map(
    [...functions].map((code, k) => {
      let sum = 0;
      for (let i = k * rows; i < (k + 1) * rows; i++) if (Number.isFinite(rewards[i])) sum += rewards[i];
      return [names.get(code) ?? String(code), sum];
    }),
  );
}

/** Of a step: mean entropy of each completion, and the letter of the right answer by the group's number. */
function restOf(db: DatabaseSync): (step: number) => { entropies: number[]; answers: Map<number, string> } {
  const entropy = db.prepare('SELECT entropy FROM completion WHERE step = ? AND entropy IS NOT NULL');
  const answer = db.prepare('SELECT "group" AS number, answer FROM rollout_group WHERE step = ? AND answer IS NOT NULL');
  return (step) => ({
    entropies: entropy.all(step).map((row) => meanOf(row.entropy as Uint8Array)),
    answers: new Map(answer.all(step).map((row) => [row.number as number, row.answer as string])),
  });
}

/** A blob may start at any byte. NaN where no token has a value. */
function meanOf(blob: Uint8Array): number {
  const values = new Float32Array(new Uint8Array(blob).buffer);
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}
