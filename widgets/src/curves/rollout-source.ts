/** What a chart of rollouts shows. */
import type { DistributionName, StatisticFacet } from '@medr1/kernel-bridge/protocol/statistics';

export const MEASURES = ['accuracy', 'reward'] as const;
export type Measure = (typeof MEASURES)[number];

export type RolloutSource = { kind: 'distribution'; of: DistributionName } | { kind: 'facet'; facet: StatisticFacet; measure: Measure };
