/** What runs answered, for the data views: one source for filters, badges and the answers of a question. */
import type { OutcomesOf } from '../data/index/run-facets.ts';
import type { ItemAnswers } from '../protocol/data.ts';
import { RolloutAnswers, type DatasetPlace } from '../runs/answers.ts';

export interface AnswersOfRuns {
  outcomes: OutcomesOf;
  /** Newest first within each run. */
  toItem(item: string, dataset: DatasetPlace, runs?: readonly string[]): ItemAnswers[];
}

export function answersOfRuns(home: string): AnswersOfRuns {
  const rollouts = new RolloutAnswers(home);
  return {
    outcomes: (run, dataset) => rollouts.newest(run, dataset),
    toItem: (item, dataset, runs) => rollouts.toItem(item, dataset, runs),
  };
}
