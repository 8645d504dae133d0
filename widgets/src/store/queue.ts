/** What a queued run waits for. */
import type { RunSummary } from '../connector.ts';
import { integer } from '../format.ts';

/** Runs that hold the device. A paused one has lent it. */
const HOLDS = new Set(['starting', 'running', 'pausing', 'stopping']);

export interface Waiting {
  /** The run that has to end, pause or start first; null where nothing is in the way. */
  behind: RunSummary | null;
  /** 1 = next. */
  place: number;
  text: string;
}

/** Null for a run that is not queued. */
export function waitingOf(run: RunSummary, runs: readonly RunSummary[]): Waiting | null {
  if (run.state !== 'queued') return null;
  if (run.waits_since === null) return { behind: null, place: 0, text: 'not started yet' };
  const others = runs.filter(({ id }) => id !== run.id && id !== run.pair?.with); // the two of a pair start together
  const before = others
    .filter((one) => one.state === 'queued' && one.waits_since !== null && one.waits_since < run.waits_since!)
    .sort((a, b) => b.waits_since! - a.waits_since!);
  const holder = others.find(({ state }) => HOLDS.has(state)) ?? null;
  const place = new Set(before.map(({ id, pair }) => pair?.id ?? id)).size + 1;
  if (!holder && before.length === 0) return { behind: null, place, text: 'starts in a moment' };
  const steps = holder ? ` (${holder.state} at ${integer(holder.step)}/${integer(holder.total_steps)})` : '';
  const text = before.length > 0 ? `waits for ${before[0].name}, number ${place} in the queue` : `waits for ${holder!.name}${steps}`;
  return { behind: before[0] ?? holder, place, text };
}
