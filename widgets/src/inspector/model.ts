/** What the Inspector shows of the shared selection: a completion with its group, a question, or a step; whichever was chosen last. */
import { errorBody, type Completion, type Connector, type Group, type ItemQuery, type RewardRevision } from '../connector.ts';
import { Observable } from '../observable.ts';
import type { Load } from '../parts.ts';
import { SampleModel } from '../sample/model.ts';
import type { Selection } from '../selection.ts';

export type Subject = 'rollout' | 'question' | 'step' | 'nothing';

/** The parts of a selection that say which subject it has. */
const PARTS: Record<Exclude<Subject, 'nothing'>, (keyof Selection)[]> = {
  rollout: ['runs', 'step', 'group', 'completion', 'token', 'dataset', 'item'], // a question beside a group is that of the group
  question: ['dataset', 'item'],
  step: ['runs', 'step'],
};

function isThere(subject: Subject, { runs, step, group, dataset, item }: Selection): boolean {
  switch (subject) {
    case 'rollout':
      return runs.length > 0 && step !== null && group !== null;
    case 'question':
      return dataset !== null && item !== null;
    case 'step':
      return runs.length > 0 && step !== null;
    case 'nothing':
      return true;
  }
}

/** Of the runs the first counts: overlaying another one chooses nothing. */
const valueOf = (selection: Selection, key: keyof Selection): unknown => (key === 'runs' ? selection.runs[0] : selection[key]);

/** The subject after a move: what was moved, the most special first; else what was shown before, while it is there. */
export function subjectOf(before: Selection | null, now: Selection, shown: Subject): Subject {
  const changed = (key: keyof Selection): boolean => before === null || valueOf(before, key) !== valueOf(now, key);
  const subjects = ['rollout', 'question', 'step'] as const;
  const moved = subjects.find((subject) => isThere(subject, now) && PARTS[subject].some(changed));
  if (moved) return moved;
  if (isThere(shown, now) && shown !== 'nothing') return shown;
  return subjects.find((subject) => isThere(subject, now)) ?? 'nothing';
}

export interface InspectorState {
  subject: Subject;
  /** Of a rollout. */
  group: Load<Group> | null;
}

export class InspectorModel {
  readonly state = new Observable<InspectorState>({ subject: 'nothing', group: null });
  /** The question in its data set, also of a rollout where the data set is indexed. */
  readonly sample: SampleModel;
  readonly #connector: Connector;
  #before: Selection | null = null;
  #wanted = '';
  /** The group was selected when this began. */
  #restored = false;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.sample = new SampleModel(connector);
  }

  /** `filter` decides which question is before and after another; `updates`: later ones on the step's rollouts, each of which adds to what is stored. */
  follow(selection: Selection, filter: ItemQuery, updates = 0): void {
    if (selection !== this.#before) {
      this.#restored = this.#before === null;
      const subject = subjectOf(this.#before, selection, this.state.value.subject);
      this.#before = selection;
      if (subject !== this.state.value.subject) this.state.update((state) => ({ ...state, subject }));
    }
    const { subject } = this.state.value;
    if (subject === 'rollout') this.#showGroup(selection.runs[0], selection.step!, selection.group!, updates);
    if (subject === 'rollout' || subject === 'question') this.sample.show(selection.dataset, selection.item, filter);
  }

  retry(): void {
    this.#wanted = '';
    if (this.#before) this.follow(this.#before, {});
  }

  #showGroup(run: string, step: number, group: number, updates: number): void {
    const [of, key] = [`${run}:${step}:${group}`, `${run}:${step}:${group}:${updates}`];
    if (key === this.#wanted) return;
    const again = this.#wanted.startsWith(`${of}:`);
    this.#wanted = key;
    if (!again) this.#set({ status: 'loading' });
    void this.#loadGroup(key, run, step, group);
  }

  async #loadGroup(key: string, run: string, step: number, group: number): Promise<void> {
    try {
      // Groups of a step are dense from 0, so that the place in the list is the number.
      const {
        groups: [found],
      } = await this.#connector.groups(run, { step, offset: group, limit: 1 });
      if (key !== this.#wanted) return;
      if (found?.group === group) this.#ready(found);
      else this.#set({ status: 'error', error: gone(step, group) });
    } catch (error) {
      if (key === this.#wanted) this.#set({ status: 'error', error: errorBody(error) });
    }
  }

  /** Of a restored selection it is not known which part was chosen last: a question that is not the group's was chosen after it. */
  #ready(value: Group): void {
    this.#set({ status: 'ready', value });
    const { item = null, dataset = null } = this.#before ?? {};
    if (this.#restored && dataset !== null && item !== null && item !== value.item_id)
      this.state.update((state) => ({ ...state, subject: 'question' }));
  }

  #set(group: Load<Group>): void {
    this.state.update((state) => ({ ...state, group }));
  }
}

const gone = (step: number, group: number) => ({
  code: 'GROUP_UNKNOWN',
  message: `The run holds no group ${group} of step ${step}.`,
  remedy: 'Choose one in the Rollouts view.',
});

/** Weights that the rewards of a step were summed with. */
export function weightsAt(revisions: readonly RewardRevision[], step: number): Record<string, number> {
  return revisions.findLast((revision) => revision.step !== null && revision.step <= step)?.weights ?? {};
}

/** Each reward with its weight and what it gives to the sum; null = not applicable. */
export function rewardParts(
  { rewards }: Completion,
  weights: Record<string, number>,
): { name: string; raw: number | null; weight: number | null; part: number | null }[] {
  return Object.entries(rewards).map(([name, raw]) => {
    const weight = weights[name] ?? null;
    return { name, raw, weight, part: raw === null || weight === null ? null : raw * weight };
  });
}

/** Over the values there are. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}
