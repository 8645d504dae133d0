/**
 * What routes refuse for a run that another trainer made, before they look at its state. Forks, roll-backs, its settings, questions and evaluations are
 * refused by the code that would carry them out.
 */
import { requireOwn } from '../runs/imported.ts';
import type { Hub } from './hub.ts';
import type { Handlers, Request } from './mount.ts';

/** What goes on after "it cannot". */
const REFUSED = {
  action: 'be started, paused or stopped',
  moveInQueue: 'be moved in a queue',
  editRewards: 'take other rewards',
  editSettings: 'take other settings',
  revert: 'go back to another revision',
} as const;

type Ask = Pick<Request<'action'>, 'id'>;

/** These handlers, of which some refuse imported runs. */
export function refusingImported(handlers: Handlers, hub: Hub): Handlers {
  const own = handlers as unknown as Record<string, (request: Ask) => unknown>;
  const refusing = Object.entries(REFUSED).map(([name, action]) => [
    name,
    (request: Ask) => {
      requireOwn(hub.store(request.id), action);
      return own[name](request);
    },
  ]);
  return { ...handlers, ...(Object.fromEntries(refusing) as Partial<Handlers>) };
}
