/** How the checkpoints of a run answered in evaluations, by question: right or wrong, read strictly. */
import { join } from 'node:path';
import { Kept } from '../log/kept.ts';
import { evalDirectory, listEvals } from './evals.ts';
import { EvalStore } from './store.ts';

export interface EvaluationOutcome {
  /** Null for a model that is no checkpoint of a run. */
  run: string | null;
  step: number;
  /** Folder of the questions' images. */
  root: string;
  /** Other when there are more answers. */
  stamp: string;
  byItem: ReadonlyMap<string, 'right' | 'wrong'>;
}

export class EvaluationOutcomes {
  readonly #home: string;
  readonly #known = new Kept<EvaluationOutcome>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Of this run, oldest first. Evaluations are read again only when their files changed; those that cannot be read are left out. */
  ofRun(run: string): EvaluationOutcome[] {
    return listEvals(this.#home)
      .toReversed()
      .flatMap((id) => this.#read(id) ?? [])
      .filter((outcome) => outcome.run === run);
  }

  #read(id: string): EvaluationOutcome | null {
    const directory = evalDirectory(this.#home, id);
    try {
      return this.#known.of(id, join(directory, 'eval.db'), (stamp) => {
        using store = EvalStore.open(directory);
        const { run, step, root } = store.row().settings;
        const byItem = run === null ? new Map<string, never>() : outcomesIn(store);
        return { run, step: step ?? 0, root, stamp: `${id} ${stamp}`, byItem };
      });
    } catch {
      return null; // the list of evaluations says what is wrong with it
    }
  }
}

function outcomesIn(store: EvalStore): EvaluationOutcome['byItem'] {
  const rows = store.db
    .prepare(
      `SELECT item.id, strict IS item.answer AS "right" FROM answer JOIN item USING (ix) WHERE sight = 'image' AND item.answer IS NOT NULL`,
    )
    .iterate() as Iterable<{ id: string; right: number }>;
  return new Map(Array.from(rows, ({ id, right }) => [id, right === 1 ? 'right' : 'wrong'] as const));
}
