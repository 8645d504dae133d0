/** What the Inspector shows of the shared selection: a completion with its group, a question, or a step; whichever was chosen last. */
import { valueAt } from '@medr1/kernel-bridge/protocol/scheduled';
import type { Completion, Connector, Group, ItemQuery, RewardRevision } from '../connector.ts';
import { Latest, type Load } from '../load.ts';
import { Observable } from '../observable.ts';
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

/** Runs are compared by the first alone: a run that is drawn over it was not chosen. */
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
  group: Load<Group>;
}

export class InspectorModel {
  readonly state = new Observable<InspectorState>({ subject: 'nothing', group: { status: 'idle' } });
  /** The question in its data set, also of a rollout where the data set is indexed. */
  readonly sample: SampleModel;
  readonly #connector: Connector;
  #before: Selection | null = null;
  readonly #group = new Latest<Group>();
  /** The group that was asked for last. */
  #of = '';
  /** The group was selected when this began. */
  #restored = false;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.sample = new SampleModel(connector);
    this.#group.subscribe(() => this.state.update((state) => ({ ...state, group: this.#group.value })));
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
    void this.#group.retry();
  }

  #showGroup(run: string, step: number, group: number, updates: number): void {
    const of = `${run}:${step}:${group}`;
    const keep = of === this.#of;
    this.#of = of;
    const read = async (signal: AbortSignal): Promise<Group> => {
      // Groups of a step are dense from 0, so that the place in the list is the number.
      const { groups } = await this.#connector.groups(run, { step, offset: group, limit: 1 }, signal);
      if (groups[0]?.group !== group) throw gone(step, group);
      return groups[0];
    };
    void this.#group.askOnce(`${of}:${updates}`, read, { keep }).then((found) => {
      if (found?.status === 'ready') this.#came(found.value);
    });
  }

  /** Of a restored selection it is not known which part was chosen last: a question that is not the group's was chosen after it. */
  #came(value: Group): void {
    const { item = null, dataset = null } = this.#before ?? {};
    if (this.#restored && dataset !== null && item !== null && item !== value.item_id)
      this.state.update((state) => ({ ...state, subject: 'question' }));
  }
}

const gone = (step: number, group: number) => ({
  code: 'GROUP_UNKNOWN',
  message: `The run holds no group ${group} of step ${step}.`,
  remedy: 'Choose one in the Rollouts view.',
});

/** Weights that the rewards of a step were summed with. */
export function weightsAt(revisions: readonly RewardRevision[], step: number): Record<string, number> {
  const { weights = {}, weight_schedules = {} } = revisions.findLast((revision) => revision.step !== null && revision.step <= step) ?? {};
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [name, name in weight_schedules ? valueAt(weight_schedules[name], step) : weight]),
  );
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
