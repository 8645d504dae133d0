/** Room for what a run grows to: longer or more completions take more memory than it was started with. For the server, and for commands without one. */
import type { TrainConfig } from '../protocol/config.ts';
import type { Estimate } from '../protocol/rest.ts';
import { isActive } from '../protocol/run.ts';
import { completeConfig } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { revisions, settingsInForce } from '../runs/rewards.ts';
import type { RunStore } from '../runs/store.ts';

const GROWING = ['max_completion_length', 'num_generations'] as const;

type EstimateOf = (config: TrainConfig) => Promise<Pick<Estimate, 'total_bytes' | 'available_bytes'>>;

/**
 * Throws CONFIG_INVALID where, by the planner, the run would need more than it holds and is free, or a value is none. What the planner cannot
 * tell, as of a model that is gone, is no reason to refuse.
 */
export async function requireRoom(run: RunStore, changes: Readonly<Record<string, unknown>>, estimateOf: EstimateOf): Promise<void> {
  const { config, state } = run.row();
  const { settings } = settingsInForce(run);
  const grown = GROWING.find((key) => typeof changes[key] === 'number' && changes[key] > (settings[key] ?? 0));
  if (grown === undefined || config.trainer !== 'grpo') return;
  const plans = await Promise.all([{}, changes].map((change) => estimateOf(completeConfig({ ...config, ...settings, ...change })))).catch(
    () => null,
  );
  if (plans === null) return;
  const [before, after] = plans;
  const holds = isActive(state) && state !== 'queued' ? before.total_bytes : 0;
  const more = after.total_bytes - holds;
  if (more > after.available_bytes)
    throw errors.badValue(
      grown,
      changes[grown],
      `takes ${gib(after.total_bytes)} by the memory plan, ${gib(more)} more than the run holds, and ${gib(after.available_bytes)} are free`,
    );
}

/** The same of the settings that an earlier revision had, before the run goes back to it. */
export async function requireRoomFor(run: RunStore, revision: number, estimateOf: EstimateOf): Promise<void> {
  const { settings = {} } = revisions(run.db).find((one) => one.revision === revision) ?? {};
  await requireRoom(run, Object.fromEntries(Object.entries(settings).filter(([key]) => GROWING.some((one) => one === key))), estimateOf);
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
