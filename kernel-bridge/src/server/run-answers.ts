/** What runs answered, while they trained and in evaluations of their checkpoints, for the data views: filters, badges, and all that was said. */
import type { Outcomes, OutcomesOf } from '../data/index/run-facets.ts';
import { evaluationAnswers } from '../evals/item-answers.ts';
import { EvaluationOutcomes } from '../evals/outcomes.ts';
import type { ItemAnswers, RunAnswer } from '../protocol/data.ts';
import { isSamePlace, RolloutAnswers, type DatasetPlace } from '../runs/answers.ts';

export interface AnswersOfRuns {
  outcomes: OutcomesOf;
  /** Newest first within each run. */
  toItem(item: string, dataset: DatasetPlace, runs?: readonly string[]): ItemAnswers[];
}

export function answersOfRuns(home: string): AnswersOfRuns {
  const rollouts = new RolloutAnswers(home);
  const evaluations = new EvaluationOutcomes(home);
  const merged = new Map<string, Outcomes>();

  return {
    outcomes(run, dataset) {
      const trained = rollouts.newest(run, dataset);
      const evaluated = evaluations.ofRun(run).filter(({ root }) => isSamePlace(root, dataset.root));
      if (evaluated.length === 0) return trained;
      const stamp = [trained.stamp, ...evaluated.map((each) => each.stamp)].join('\n');
      const known = merged.get(run);
      if (known?.stamp === stamp) return known;
      const outcomes = { stamp, byItem: merge(trained, evaluated) };
      merged.set(run, outcomes);
      return outcomes;
    },

    toItem(item, dataset, runs) {
      const said = [...rollouts.toItem(item, dataset, runs), ...evaluationAnswers(home, { root: dataset.root, item, runs })];
      const order = [...new Set(said.map(({ run }) => run))];
      return said.toSorted((a, b) => order.indexOf(a.run) - order.indexOf(b.run) || b.step - a.step);
    },
  };
}

/** The answer of the latest step counts; an evaluation of a checkpoint comes after the step that the checkpoint was written at. */
function merge(
  trained: { byItem: ReadonlyMap<string, RunAnswer>; steps: ReadonlyMap<string, number> },
  evaluated: readonly { step: number; byItem: ReadonlyMap<string, RunAnswer> }[],
): Map<string, RunAnswer> {
  const byItem = new Map(trained.byItem);
  const steps = new Map(trained.steps);
  for (const { step, byItem: answers } of evaluated) {
    for (const [item, answer] of answers) {
      if (step < (steps.get(item) ?? 0)) continue;
      byItem.set(item, answer);
      steps.set(item, step);
    }
  }
  return byItem;
}
