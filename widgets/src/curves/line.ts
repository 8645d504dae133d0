/** What a chart draws: lines, each a metric of a run or of a group of runs. */
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import type { FollowedRun } from '../store/followed-run.ts';
import type { RewardTrial } from '../store/reward-trial.ts';
import type { Value } from './growing.ts';

export interface ChartRun {
  series: FollowedRun;
  /** Of its rollouts; left out or null where they are not known. */
  statistics?: RolloutStatistics | null;
  /** Of its rewards as they are edited and not applied; left out or null where nothing is. */
  trial?: RewardTrial | null;
  /** Place of its colour in the palette. */
  colour: number;
}

/** A line of a chart: one metric of one run. */
export interface ChartLine {
  run: ChartRun;
  metric: string;
  /** Name of the run, or of the group of runs whose mean it is. */
  who: string;
  /** Of run and metric, as far as either tells it from the chart's other lines. */
  label: string;
  /** What tells it from the run's other lines in the chart; '' where the run has one. */
  name: string;
  colour: string;
  dash: string;
  /** A setting that holds until it is changed is drawn as steps. */
  shape: 'linear' | 'hv';
  /** Logged now and then: its points are joined, and each holds until the next. */
  sparse: boolean;
  x: number[];
  /** Places before which the line breaks: there the run stood still. */
  breaks: number[];
  raw: Value[];
  shown: Value[];
  /** Standard deviation at each point, smoothed alike, where the chart has a band. */
  spread: Value[] | null;
}
