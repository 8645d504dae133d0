/** The states of a run. Without a schema, so that pages load no more than they need. */

/** In which a process works on the run, or holds it paused. */
export const ACTIVE_STATES = ['starting', 'running', 'pausing', 'paused', 'stopping'] as const;
/** In which no process works on the run any more. `interrupted`: the process died (crash, kill, reboot). All but `finished` can be resumed. */
export const ENDED_STATES = ['stopped', 'finished', 'failed', 'interrupted'] as const;
/** A queued run is not active yet: it waits for a device, or to be started. */
export const RUN_STATES = ['queued', ...ACTIVE_STATES, ...ENDED_STATES] as const;
export type RunState = (typeof RUN_STATES)[number];

/** In words: a run is queued also before anybody has started it, and that one waits for no device. */
export function stateText({ state, waits_since, held }: { state: RunState; waits_since: number | null; held?: boolean }): string {
  if (state !== 'queued') return state;
  return waits_since === null ? 'not started' : held ? 'held' : 'queued';
}

export const isActive = (state: RunState): boolean => (ACTIVE_STATES as readonly RunState[]).includes(state);
export const hasEnded = (state: RunState): boolean => (ENDED_STATES as readonly RunState[]).includes(state);
