/** The device between two runs of a pair: a worker asks its supervisor for a turn before each step (server/turns.ts gives them). */
import type { ToWorker } from '../protocol/channel.ts';
import { tell } from './frame.ts';

export interface Turn {
  /** Resolves when the turn is this run's (true) or something may have been asked for meanwhile (false): look, and ask again. */
  take(): Promise<boolean>;
  /** The step is made, or none is wanted any more. */
  give(): void;
}

/** Of a run that has its device for itself. */
export const ALWAYS: Turn = { take: () => Promise.resolve(true), give: () => {} };

/** `nudge` resolves at the next message, and now and then. */
export function sharedTurn(nudge: () => Promise<void>): Turn {
  let state: 'none' | 'asked' | 'mine' = 'none';
  process.on('message', (message: ToWorker) => {
    if (message === 'turn' && state === 'asked') state = 'mine';
  });
  return {
    async take() {
      if (state === 'none') {
        state = 'asked';
        tell('turn?');
      }
      if (state === 'asked') await nudge();
      return state === ('mine' as typeof state);
    },
    give() {
      if (state === 'none') return;
      state = 'none';
      tell('turn-done');
    },
  };
}
