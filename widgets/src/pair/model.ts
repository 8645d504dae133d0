/** Two runs of a pair: the same questions at the same step, how each answered them, and how often each was right through training. */
import { VARIANTS } from '@medr1/kernel-bridge/protocol/config';
import type { Connector, Group, QuestionHistory, RunSummary } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import { RolloutsModel, summarise } from '../store/rollouts/model.ts';

/** Left and right of the view: what thinks stands left. */
export interface PairOfRuns {
  left: RunSummary;
  right: RunSummary;
}

/** Null where the run is of no pair, or the other run is not there. */
export function pairOf(run: RunSummary | undefined, runs: readonly RunSummary[]): PairOfRuns | null {
  const other = run?.pair && runs.find(({ id }) => id === run.pair!.with);
  if (!run || !other) return null;
  const [left, right] = [run, other].toSorted((a, b) => placeOf(a) - placeOf(b));
  return { left, right };
}

/** Every pair, newest first. */
export function pairsOf(runs: readonly RunSummary[]): PairOfRuns[] {
  const all = runs.flatMap((run) => pairOf(run, runs) ?? []);
  return all.filter(({ left }, at) => all.findIndex((one) => one.left.id === left.id) === at);
}

const placeOf = ({ variant }: RunSummary): number => (variant === 'no-think' ? VARIANTS.length : VARIANTS.indexOf(variant as never));

/** Which of the two answers a question right: more than half of its completions are. */
export const OUTCOMES = ['all', 'both', 'left', 'right', 'none'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface PairedQuestion {
  left: Group;
  /** Null where the other run has no such group, as while it is a step behind. */
  right: Group | null;
  /** Null while only one has answered, or where nobody knows the right answer. */
  outcome: Exclude<Outcome, 'all'> | null;
}

/** Groups of one step side by side: by their place in the step, and only where both ask the same. */
export function pairedQuestions(left: readonly Group[], right: readonly Group[]): PairedQuestion[] {
  const others = new Map(right.map((group) => [`${group.group} ${group.item_id}`, group]));
  return left.map((group) => {
    const other = others.get(`${group.group} ${group.item_id}`) ?? null;
    return { left: group, right: other, outcome: outcomeOf(group, other) };
  });
}

function outcomeOf(left: Group, right: Group | null): PairedQuestion['outcome'] {
  const [a, b] = [isRight(left), right && isRight(right)];
  if (a === null || b === null) return null;
  return a ? (b ? 'both' : 'left') : b ? 'right' : 'none';
}

function isRight(group: Group): boolean | null {
  const { right, judged } = summarise(group);
  return judged === 0 ? null : right * 2 > judged;
}

export interface PairFilter {
  outcome: Outcome;
  modality: string | null;
  /** Question type. */
  type: string | null;
}

export const passing = (questions: readonly PairedQuestion[], { outcome, modality, type }: PairFilter): PairedQuestion[] =>
  questions.filter(
    (one) =>
      (outcome === 'all' || one.outcome === outcome) &&
      (modality === null || one.left.modality === modality) &&
      (type === null || one.left.question_type === type),
  );

/** The history of both runs for the questions of one step, by question. */
export type Histories = ReadonlyMap<string, { left: QuestionHistory | null; right: QuestionHistory | null }>;

export class PairModel {
  readonly left: RolloutsModel;
  readonly right: RolloutsModel;
  readonly filter = new Observable<PairFilter>({ outcome: 'all', modality: null, type: null });
  readonly histories = new Latest<Histories>();
  readonly #connector: Connector;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.left = new RolloutsModel(connector);
    this.right = new RolloutsModel(connector);
  }

  /** Both at one step; `live` at the pace of one who reads. What is on screen stays until the new groups are there. */
  show({ left, right }: PairOfRuns, step: number, iterations: number, live: boolean): void {
    for (const [model, { id }] of [
      [this.left, left],
      [this.right, right],
    ] as const) {
      if (live) void model.follow(id, step, iterations);
      else {
        model.unfollow();
        void model.show(id, step, { iterations });
      }
    }
  }

  set(change: Partial<PairFilter>): void {
    this.filter.update((now) => ({ ...now, ...change }));
  }

  /** How both answered the questions of this step before and after it. The last call wins; what is there stays until the new answer. */
  async readHistories({ left, right }: PairOfRuns, step: number): Promise<void> {
    const read = async (signal: AbortSignal): Promise<Histories> => {
      const [ofLeft, ofRight] = await Promise.all([left, right].map(({ id }) => this.#connector.questionHistory(id, { step }, signal)));
      const of = (all: readonly QuestionHistory[], item: string) => all.find(({ item_id }) => item_id === item) ?? null;
      const items = [...new Set([...ofLeft, ...ofRight].map(({ item_id }) => item_id))];
      return new Map(items.map((item) => [item, { left: of(ofLeft, item), right: of(ofRight, item) }]));
    };
    await this.histories.askOnce(`${left.id} ${right.id} ${step}`, read, { keep: true });
  }
}
