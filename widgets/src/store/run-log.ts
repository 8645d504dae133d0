/** The log of a run, which comes in pages. */
import type { Connector, RunEvent } from '../connector.ts';

/** Events of these kinds, oldest first. */
export async function readRunLog(
  connector: Pick<Connector, 'events'>,
  id: string,
  kinds: RunEvent['kind'][],
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  let epoch: string | undefined;
  for (;;) {
    const page = await connector.events(id, { kinds, since: events.at(-1)?.seq ?? 0, limit: 10_000 }, signal);
    if (epoch !== undefined && page.epoch !== epoch) return readRunLog(connector, id, kinds, signal); // steps were dropped meanwhile
    epoch = page.epoch;
    events.push(...page.events);
    if (!page.more) return events;
  }
}
