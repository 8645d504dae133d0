/** Lines and heat maps of what the rollouts were like: distributions through the steps, means by facet, the reward under another revision. */
import type { Distribution, DistributionName, RolloutStatistics, StatisticFacet } from '@medr1/kernel-bridge/protocol/statistics';
import { DISTRIBUTIONS, STATISTIC_FACETS } from '@medr1/kernel-bridge/protocol/statistics';
import type { RewardRevision } from '../connector.ts';
import type { FollowedRun } from '../store/followed-run.ts';
import { axisValues, xOfSteps, type Axis } from './axis.ts';
import { ROLLOUTS_GROUP, type ChartSpec } from './charts.ts';
import { keptFor, latestFor, type Value } from './growing.ts';
import { MEASURES, type Measure, type RolloutSource } from './rollout-source.ts';

const DISTRIBUTION_TITLES: Record<DistributionName, string> = {
  reward: 'Rewards of completions',
  advantage: 'Advantages of completions',
  length: 'Lengths of completions',
  entropy: 'Entropies of completions',
};
const FACET_TITLES: Record<StatisticFacet, string> = { modality: 'modality', question_type: 'question type', answer: 'right letter' };
const MEASURE_TITLES: Record<Measure, string> = { accuracy: 'Accuracy', reward: 'Reward' };
const UNITS: Record<DistributionName, string> = { reward: '', advantage: '', length: 'tokens', entropy: 'nats' };

/** Charts of what is known of these runs' rollouts. A facet with one value has none: the curve of all says the same. */
export function rolloutCharts(known: readonly RolloutStatistics[]): ChartSpec[] {
  const some = known.filter(({ columns }) => columns.length > 0);
  const distributions = DISTRIBUTIONS.filter((of) => some.some(({ distributions: all }) => (all[of]?.counts[0]?.length ?? 0) > 0));
  const valuesOf = (facet: StatisticFacet): string[] => [...new Set(some.flatMap(({ facets }) => Object.keys(facets[facet] ?? {})))].sort();
  return [
    ...distributions.map((of): ChartSpec => ({
      ...{ id: `rollouts/${of}`, title: DISTRIBUTION_TITLES[of], group: ROLLOUTS_GROUP, metrics: ['median'], unit: UNITS[of] },
      from: { kind: 'distribution', of },
    })),
    ...MEASURES.flatMap((measure) =>
      STATISTIC_FACETS.flatMap((facet): ChartSpec[] => {
        const values = valuesOf(facet);
        if (values.length < 2) return [];
        const title = `${MEASURE_TITLES[measure]} by ${FACET_TITLES[facet]}`;
        return [
          {
            ...{
              id: `rollouts/${facet}/${measure}`,
              title,
              group: ROLLOUTS_GROUP,
              metrics: values,
              unit: measure === 'accuracy' ? 'share' : '',
            },
            from: { kind: 'facet', facet, measure },
          },
        ];
      }),
    ),
  ];
}

/** A point at the last step of each column. */
export function columnPlaces(series: FollowedRun, { columns }: RolloutStatistics, axis: Axis): number[] {
  return latestFor([columns, axisValues(series, axis)], `places ${axis}`, () => {
    const at = xOfSteps(series, axis);
    return columns.map(([, last]) => at(last) ?? 0);
  });
}

/** Values of a line by column; null for a value that the run's questions do not have. */
export function columnOf(source: RolloutSource, metric: string, { distributions, facets }: RolloutStatistics): Value[] | null {
  if (source.kind === 'facet') return facets[source.facet]?.[metric]?.[source.measure] ?? null;
  const distribution = distributions[source.of];
  return distribution
    ? keptFor([distribution.counts], 'medians', () =>
        distribution.counts.map((counts) => median(distribution, counts, source.of === 'entropy')),
      )
    : null;
}

/**
 * Of the bin in which the middle completion lies the lower end: rewards and advantages are few values that many completions share, such as 0, 1 and 2, and
 * bins begin there. Where they are spread over the bin (`continuous`), its middle.
 */
function median({ low, width }: Distribution, counts: readonly number[], continuous: boolean): Value {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let before = 0;
  const bin = counts.findIndex((count) => (before += count) * 2 >= all);
  return low + (bin + (continuous ? 0.5 : 0)) * width;
}

/** The newest revision that has been in force, where one before it gave other rewards; null where none did: a fork or a change of settings alone. */
export function lastRevision({ revisions }: Pick<FollowedRun, 'revisions'>): RewardRevision | null {
  const inForce = revisions.filter(({ step }) => step !== null);
  const last = inForce.at(-1);
  return last && inForce.some((one) => rewardsOf(one) !== rewardsOf(last)) ? last : null;
}

/** All that the rewards of a revision follow from. */
function rewardsOf({ weights, weight_schedules, sources, parameters }: RewardRevision): string {
  const names = Object.keys(weights)
    .filter((name) => weights[name] !== 0 || weight_schedules?.[name])
    .sort();
  return JSON.stringify(names.map((name) => [name, weights[name], weight_schedules?.[name], sources[name]?.sha256, parameters?.[name]]));
}

/**
 * Mean reward by column as `revision` would have given it: its weights on the raw values that were stored. Null where a function that it weighs
 * was not there, or was there with another source: nobody knows what it would have given.
 */
export function rewardUnder(revision: RewardRevision, all: readonly RewardRevision[], { columns, functions }: RolloutStatistics): Value[] {
  const weighed = Object.entries(revision.weights).filter(([, weight]) => weight !== 0);
  const sourceOf = ({ sources }: RewardRevision, name: string): string => sources[name]?.sha256 ?? '';
  const inForce = all.filter(({ step }) => step !== null).sort((a, b) => a.step! - b.step!);
  return columns.map(([first, last], at) => {
    const during = inForce.filter(({ step }, i) => step! <= last && (inForce[i + 1]?.step ?? Infinity) > first);
    let sum = 0;
    for (const [name, weight] of weighed) {
      const mean = functions[name]?.[at] ?? null;
      if (mean === null || during.some((one) => !(name in one.weights) || sourceOf(one, name) !== sourceOf(revision, name))) return null;
      sum += weight * mean;
    }
    return sum;
  });
}

/** A heat map: a cell for each column and bin, stronger the more of the column's completions it holds. */
export interface HeatTrace {
  /** Edges of the columns and of the bins. */
  x: number[];
  y: number[];
  /** [bin][column], 0 to 1; null where there is no completion. */
  z: (number | null)[][];
  /** Of a cell of strength 1; one of strength 0 is not seen. */
  colour: string;
}

export function heatTrace(
  series: FollowedRun,
  statistics: RolloutStatistics,
  of: DistributionName,
  axis: Axis,
  colour: string,
): HeatTrace | null {
  const { low, width, counts } = statistics.distributions[of] ?? { low: 0, width: 1, counts: [] };
  const bins = counts[0]?.length ?? 0;
  if (bins === 0) return null;
  const { columns } = statistics;
  return {
    x: latestFor([columns, axisValues(series, axis)], `edges ${axis}`, () => edgesOf(series, columns, axis)),
    y: Array.from({ length: bins + 1 }, (_, bin) => low + bin * width),
    z: keptFor([counts], 'strengths', () => strengthsOf(counts, bins)),
    colour,
  };
}

function edgesOf(series: FollowedRun, columns: RolloutStatistics['columns'], axis: Axis): number[] {
  const half = axis === 'step' ? 0.5 : 0;
  const at = xOfSteps(series, axis);
  const edge = (step: number, way: number): number => (at(step) ?? 0) + way * half;
  return [...columns.map(([first]) => edge(first, -1)), edge(columns.at(-1)![1], 1)];
}

/** The root of each share, so that what a few completions do is seen beside what most do. */
function strengthsOf(counts: Distribution['counts'], bins: number): HeatTrace['z'] {
  const most = counts.map((column) => Math.max(1, ...column));
  return Array.from({ length: bins }, (_, bin) =>
    counts.map((column, at) => (column[bin] === 0 ? null : Math.sqrt(column[bin] / most[at]))),
  );
}
