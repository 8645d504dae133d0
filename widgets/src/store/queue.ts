/** What a queued run waits for. */
import type { Devices, RunSummary } from '../connector.ts';
import { inSentence, integer } from '../format.ts';

/** Runs that hold the device. A paused one has lent it. */
const HOLDS = new Set(['starting', 'running', 'pausing', 'stopping']);

export const HELD = 'held: others go past it';

export interface Waiting {
  /** The run that has to end, pause or start first; null where nothing is in the way. */
  behind: RunSummary | null;
  /** 1 = next. */
  place: number;
  text: string;
}

/** Null for a run that is not queued. `devices`: what the server says of its devices and of who waits for them, where that is known. */
export function waitingOf(run: RunSummary, runs: readonly RunSummary[], devices: Devices | null = null): Waiting | null {
  if (run.state !== 'queued') return null;
  if (run.waits_since === null) return { behind: null, place: 0, text: 'not started yet' };
  const place = placesOf(runs).findIndex((one) => one.some(({ id }) => id === run.id)) + 1;
  if (run.held) return { behind: null, place, text: HELD };
  const others = runs.filter(({ id }) => id !== run.id && id !== run.pair?.with); // the two of a pair start together
  const before = others
    .filter((one) => one.state === 'queued' && one.waits_since !== null && !one.held && one.waits_since < run.waits_since!)
    .sort((a, b) => b.waits_since! - a.waits_since!);
  const holder = others.find(({ state }) => HOLDS.has(state)) ?? null;
  const behind = before[0] ?? holder;
  const told = devices?.queue.find(({ id }) => id === run.id)?.reason;
  // With one device it is plain who has it; of several, and of memory, only the server knows.
  if (told !== undefined && (!behind || devices!.devices.length > 1))
    return { behind: null, place, text: `${told} (number ${place} in the queue)` };
  if (!behind) return { behind, place, text: 'starts in a moment' };
  const steps = holder ? ` (${holder.state} at ${integer(holder.step)}/${integer(holder.total_steps)})` : '';
  const text =
    before.length > 0
      ? `waits for ${inSentence(behind.name)}, number ${place} in the queue`
      : `waits for ${inSentence(behind.name)}${steps}`;
  return { behind, place, text };
}

/** Of a list of runs, which is never changed: each of hundreds of runs that wait asks for it. */
const places = new WeakMap<readonly RunSummary[], RunSummary[][]>();

function placesOf(runs: readonly RunSummary[]): RunSummary[][] {
  let known = places.get(runs);
  if (!known) places.set(runs, (known = inOrder(runs)));
  return known;
}

/** Runs that wait, in the order in which they are to start; the two of a pair have one place. */
function inOrder(runs: readonly RunSummary[]): RunSummary[][] {
  const waiting = runs.filter(({ state, waits_since }) => state === 'queued' && waits_since !== null);
  const sorted = waiting.toSorted((a, b) => a.waits_since! - b.waits_since! || (a.id < b.id ? -1 : 1));
  return [...Map.groupBy(sorted, ({ id, pair }) => pair?.id ?? id).values()];
}

/** Before which run one goes that moves a place up or down: null = to the end; undefined where it cannot. */
export function placesBeside(
  run: RunSummary,
  runs: readonly RunSummary[],
): { earlier: string | undefined; later: string | null | undefined } {
  const waiting = placesOf(runs);
  const at = waiting.findIndex((one) => one.some(({ id }) => id === run.id));
  const before = (place: number): string | undefined => waiting[place]?.[0].id;
  return { earlier: before(at - 1), later: at < 0 || at === waiting.length - 1 ? undefined : (before(at + 2) ?? null) };
}
