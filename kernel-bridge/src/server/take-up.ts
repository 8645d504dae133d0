/** Runs that stand still because no kernel served a reward function, and go on when one does. */
import { existsSync } from 'node:fs';
import { WAITS_FOR_KERNEL } from '../rewards/index.ts';
import { runDirectory } from '../runs/home.ts';
import { revisions } from '../runs/rewards.ts';
import type { Hub } from './hub.ts';
import type { Kernels } from './kernels.ts';
import type { Supervisor } from './supervisor.ts';

/** Resumes a run that waits for kernels, once kernels serve all its functions. A run that a user paused stays paused. */
export function takeUp(id: string, { hub, kernels, supervisor }: { hub: Hub; kernels: Kernels; supervisor: Supervisor }): void {
  if (!supervisor.ids.includes(id) || !existsSync(runDirectory(hub.home, id))) return; // its worker may outlive its directory
  const store = hub.store(id);
  const { state, error } = store.row();
  if (state !== 'paused' || error === null || !WAITS_FOR_KERNEL.has(error.code) || store.pending().length > 0) return;
  const sources = Object.entries(revisions(store.db).at(-1)?.sources ?? {});
  if (!sources.every(([name, { runtime, sha256 }]) => runtime !== 'kernel' || kernels.serves(name, sha256))) return;
  store.command('resume');
  supervisor.nudge(id);
}
