/** What runs said to questions while they trained: the newest answer by question, and everything said to one question. */
import { realpathSync } from 'node:fs';
import { opensThink } from '../answers/index.ts';
import type { ItemAnswers, RunAnswer } from '../protocol/data.ts';
import { lastInherited, trainedBy } from '../protocol/run.ts';
import { countedGroups, judgeOf, type Judged } from './groups.ts';
import { listRuns, openRun } from './runs.ts';
import type { RunStore } from './store.ts';

/** A data set, as runs know it. */
export interface DatasetPlace {
  name: string;
  /** Folder that image paths are relative to. */
  root: string;
}

/** A run's newest groups. Steps are only read once: a run that goes on adds to what is known. */
interface Known {
  epoch: string;
  /** Last step that is in `byItem`. */
  step: number;
  /** The step of each question's newest group, and how it was answered. */
  byItem: Map<string, RunAnswer>;
  steps: Map<string, number>;
}

/** Groups of one question that are told; the newest. */
const MOST_GROUPS = 50;

export class RolloutAnswers {
  readonly #home: string;
  readonly #known = new Map<string, Known>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Of the run's own steps: what a fork took over was answered by another policy. `steps`: at which step each question was asked last. Nothing for a run on other data. Throws RUN_UNKNOWN, RUN_DAMAGED. */
  newest(run: string, dataset: DatasetPlace): Pick<Known, 'byItem' | 'steps'> & { stamp: string } {
    using store = openRun(this.#home, run);
    if (!isOn(store, dataset)) return { stamp: 'other data', byItem: new Map(), steps: new Map() };
    const known = this.#read(run, store);
    return { ...known, stamp: `${known.epoch} ${known.step}` };
  }

  /**
   * Groups that answer the question, newest first; of these runs, or of all. Runs that cannot be read are left out where none is named. What a fork
   * took over is told once, by the run that sampled it, where that one is asked too.
   */
  toItem(item: string, dataset: DatasetPlace, runs?: readonly string[]): ItemAnswers[] {
    const asked = runs ?? listRuns(this.#home);
    const told = this.#toItem(item, dataset, asked, runs !== undefined);
    const own = new Set(told.filter(({ sampled_by }) => sampled_by === null).map(({ run, step, group }) => `${run} ${step} ${group}`));
    return told.filter(({ sampled_by, step, group }) => sampled_by === null || !own.has(`${sampled_by.run} ${step} ${group}`));
  }

  #toItem(item: string, dataset: DatasetPlace, runs: readonly string[], named: boolean): ItemAnswers[] {
    return runs.flatMap((id) => {
      try {
        using store = openRun(this.#home, id);
        return isOn(store, dataset) ? groupsOf(store, item) : [];
      } catch (error) {
        if (named) throw error;
        return [];
      }
    });
  }

  #read(run: string, store: RunStore): Known {
    const { epoch, step } = store;
    let known = this.#known.get(run);
    if (known?.epoch !== epoch) {
      known = { epoch, step: lastInherited(store.row().inherited), byItem: new Map(), steps: new Map() };
      this.#known.set(run, known);
    }
    if (known.step >= step) return known;
    const groups = countedGroups(store.db, 'g.step > ? AND g.step <= ?', known.step, step);
    for (const group of groups) {
      if (group.judged === 0) continue; // nobody knows the right answer
      known.byItem.set(group.item_id, outcome(group.right, group.judged));
      known.steps.set(group.item_id, group.step);
    }
    known.step = step;
    return known;
  }
}

export const outcome = (right: number, judged: number): RunAnswer => (right === judged ? 'right' : right === 0 ? 'wrong' : 'mixed');

/** Runs keep the folder of their images; an index knows its own. They may name it through a link. */
function isOn(store: RunStore, { name, root }: DatasetPlace): boolean {
  const row = store.row();
  return row.config.dataset_name === name || isSamePlace(row.root, root);
}

export const isSamePlace = (a: string, b: string): boolean => a === b || real(a) === real(b);

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // moved away: the names still tell
  }
}

function groupsOf(store: RunStore, item: string): ItemAnswers[] {
  const { id, name, config, inherited } = store.row();
  const judge = judgeOf(store.db);
  const groups = store.db
    .prepare(
      'SELECT step, "group", reading, options, answer, prompt FROM rollout_group WHERE item_id = ? ORDER BY step DESC, "group" DESC LIMIT ?',
    )
    .all(item, MOST_GROUPS) as unknown as (Omit<Judged, 'options'> & { step: number; group: number; options: string; prompt: string })[];
  const completions = store.db.prepare('SELECT text, prediction, correct FROM completion WHERE step = ? AND "group" = ? ORDER BY "index"');
  return groups.map(({ step, group, prompt, options, ...known }) => {
    const by = trainedBy(inherited, step);
    const { reading, judged } = judge({ ...known, options: JSON.parse(options) as string[] });
    return {
      run: id,
      run_name: name,
      variant: by ? (by.variant ?? 'unknown') : config.variant,
      sampled_by: by && { run: by.run, name: by.name },
      step,
      source: 'rollouts',
      group,
      reading,
      think_open: opensThink(prompt),
      completions: (completions.all(step, group) as { text: string; prediction: string | null; correct: number | null }[]).map(
        ({ text, prediction, correct }) => judged({ text, prediction, correct: correct === null ? null : correct === 1 }),
      ),
    };
  });
}
