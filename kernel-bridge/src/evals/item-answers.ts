/** What evaluations said to one question, for the data views. */
import { existsSync } from 'node:fs';
import { opensThink, publishedReading } from '../answers/index.ts';
import type { ItemAnswers } from '../protocol/data.ts';
import { isRight } from './accuracy.ts';
import { evalDirectory, listEvals } from './evals.ts';
import { EvalStore } from './store.ts';

export interface ItemQuery {
  /** Directory of the data set's images: that is what a data set is known by, whatever name it was evaluated under. */
  root: string;
  item: string;
  /** Runs whose checkpoints count; evaluations of every model when left out. */
  runs?: readonly string[];
}

/**
 * Newest first. The prediction is the strict one, by the evaluation's reading. `run` is the run of the checkpoint, or the evaluation's own id for a plain model
 * directory; `step` is 0 there. Evaluations that cannot be read are left out.
 */
export function evaluationAnswers(home: string, { root, item, runs }: ItemQuery): ItemAnswers[] {
  return listEvals(home).flatMap((id): ItemAnswers[] => {
    const directory = evalDirectory(home, id);
    if (!existsSync(directory)) return [];
    try {
      using store = EvalStore.open(directory);
      const { settings, name, run_name } = store.row();
      if (settings.root !== root || (runs && (settings.run === null || !runs.includes(settings.run)))) return [];
      const answer = store.answersTo(item).find(({ sight }) => sight === 'image');
      if (!answer) return [];
      return [
        {
          run: settings.run ?? id,
          run_name: run_name ?? name,
          sampled_by: null,
          variant: settings.variant,
          step: settings.step ?? 0,
          source: 'evaluation',
          group: null,
          reading: publishedReading(settings.variant, settings.prompt_template),
          think_open: opensThink(settings.prompt_template),
          completions: [
            { text: answer.text, prediction: answer.strict, correct: answer.answer === null ? null : isRight(answer, 'strict') },
          ],
        },
      ];
    } catch {
      return [];
    }
  });
}
