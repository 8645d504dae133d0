/** Looks at runs that other processes train (medr1 train): their commits reach this server only by their files. */
import { isActive } from '../protocol/run.ts';
import { listRuns } from '../runs/runs.ts';
import type { Hub } from './hub.ts';
import type { Supervisor } from './supervisor.ts';

const EVERY_MS = 500;

export function watchOthers(home: string, hub: Hub, supervisor: Supervisor): () => void {
  // What is here when the server starts is in the list that a page reads first, and no news
  const seen = new Map(listRuns(home).map((id) => [id, hub.stamp(id)]));
  const look = (): void => {
    const own = new Set(supervisor.ids);
    const ids = listRuns(home);
    for (const id of seen.keys()) {
      if (ids.includes(id)) continue;
      seen.delete(id);
      hub.forget(id);
      hub.removed(id);
    }
    supervisor.markUnwritten();
    supervisor.look();
    for (const id of ids) {
      const stamp = hub.stamp(id);
      const known = seen.get(id);
      seen.set(id, stamp);
      if (own.has(id)) continue;
      if (known !== stamp) hub.changed(id);
      if (isActive(hub.summary(id).state)) supervisor.markIfDead(id);
    }
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return () => clearInterval(timer);
}
