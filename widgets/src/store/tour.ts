/** A short tour for who is here for the first time: from nothing to a question tried. It waits for what is done, and can be left at any step. */
import { Observable } from '../observable.ts';

export const TOUR = [
  {
    id: 'run',
    title: 'Start a run',
    text: 'The demo trains a tiny model on drawn images, on this machine: press its button below. A run of your own begins with New run.',
    withoutDemo:
      'New run, below, asks for a model and a data set. `medr1 sample` writes a small made data set and a tiny model to begin with.',
    show: null,
  },
  {
    id: 'curve',
    title: 'Watch the curve',
    text: 'A point is one optimiser step. The reward rises when the answers get better. A click on a point selects its step, in every view.',
    show: { command: 'open-curves', label: 'Show Curves' },
  },
  {
    id: 'rollout',
    title: 'Read a rollout',
    text: 'A group is one question with all answers to it. Open one and choose a completion: its thinking, its answer, its rewards.',
    show: { command: 'open-rollouts', label: 'Show Rollouts' },
  },
  {
    id: 'reward',
    title: 'Move a reward',
    text: 'Change a weight and press Preview: it tells what would change on the last steps. Apply makes it so from the next step on.',
    show: { command: 'open-rewards', label: 'Show Rewards' },
  },
  {
    id: 'question',
    title: 'Try a question',
    text: 'The question of the completion that you chose, with its image. Under "Try it" press Ask: the model answers as it is now.',
    show: { command: 'open-sample', label: 'Show Question' },
  },
] as const;
export type TourStep = (typeof TOUR)[number]['id'];

export interface TourState {
  /** Index of the step; null while no tour is taken. TOUR.length = all done. */
  at: number | null;
  /** The view of the step was asked for: what is seen counts from then on. */
  shown: boolean;
}

export class Tour {
  readonly state = new Observable<TourState>({ at: null, shown: false });

  toJSON(): TourState {
    return this.state.value;
  }

  /** Goes on where it was when the page was left, unless it was begun anew meanwhile. */
  restore(json: unknown): void {
    const { at, shown } = (json ?? {}) as Partial<Record<keyof TourState, unknown>>;
    if (this.state.value.at !== null || typeof at !== 'number' || !Number.isInteger(at) || at < 0 || at > TOUR.length) return;
    this.state.set({ at, shown: shown === true });
  }

  start(): void {
    this.state.set({ at: 0, shown: false });
  }

  end(): void {
    this.state.set({ at: null, shown: false });
  }

  next(): void {
    const { at } = this.state.value;
    if (at !== null) this.state.set({ at: Math.min(at + 1, TOUR.length), shown: false });
  }

  /** The view of the step was opened. */
  show(): void {
    this.state.update((state) => ({ ...state, shown: true }));
  }

  /** What a step waits for was done. Of another step than the present one, or before its view was shown, it means nothing. */
  reached(step: TourStep): void {
    const { at, shown } = this.state.value;
    const now = at === null ? undefined : TOUR[at];
    if (now?.id === step && (shown || now.show === null)) this.next();
  }
}
