/** What a run's rollouts were like through its steps: distributions, and means by what the questions are. */
import Type from 'typebox';

/** Of a completion: weighted reward, advantage, tokens, and the mean entropy of its tokens in nats. */
export const DISTRIBUTIONS = ['reward', 'advantage', 'length', 'entropy'] as const;
export type DistributionName = (typeof DISTRIBUTIONS)[number];
/** Of a question; `answer` is the letter of its right option. */
export const STATISTIC_FACETS = ['modality', 'question_type', 'answer'] as const;
export type StatisticFacet = (typeof STATISTIC_FACETS)[number];

/** Most columns of an answer, and how many there are when nobody says. */
export const STATISTIC_COLUMNS = { most: 1000, usual: 240 } as const;

const Whole = Type.Integer({ minimum: 0 });
const Means = Type.Array(Type.Union([Type.Number(), Type.Null()]));

export const Distribution = Type.Object({
  /** Where the first bin begins; each spans `width`, its lower end included. */
  low: Type.Number(),
  width: Type.Number(),
  /** [column][bin]: completions. */
  counts: Type.Array(Type.Array(Whole)),
});
export type Distribution = Type.Static<typeof Distribution>;

export const FacetMeans = Type.Object({
  completions: Type.Array(Whole),
  /** Mean over the completions of a column; null where it has none. */
  reward: Means,
  /** Share of right ones, of those whose answer could be judged. */
  accuracy: Means,
});
export type FacetMeans = Type.Static<typeof FacetMeans>;

/** Columns of neighbouring steps, all as many but for the last. */
export const RolloutStatistics = Type.Object({
  run: Type.String(),
  /** First and last step of each column. */
  columns: Type.Array(Type.Tuple([Whole, Whole])),
  completions: Type.Array(Whole),
  distributions: Type.Record(Type.String(), Distribution),
  /** Facet -> value -> means; of a facet the values with the most completions. */
  facets: Type.Record(Type.String(), Type.Record(Type.String(), FacetMeans)),
  /** Reward function -> sum of its raw values over all completions of a column, divided by their number; one that does not apply counts as 0, as in the weighted sum. */
  functions: Type.Record(Type.String(), Means),
  /** False while steps are being read: ask again. */
  complete: Type.Boolean(),
});
export type RolloutStatistics = Type.Static<typeof RolloutStatistics>;
