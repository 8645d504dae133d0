/** Where a follower of a topic begins, and what it is told when it asks now and then instead of keeping a websocket. */
import { errorBody } from '../protocol/errors.ts';
import type { ServerMessage } from '../protocol/ws.ts';
import type { Hub, Topic } from './hub.ts';

/** Events of a topic in one answer; the asker asks at once for more. */
const MOST = 256;

/** The seq after which events follow. `reset`: what the follower has had is gone or rewritten, and it reads the state anew. */
export function beginning(
  { epoch, head, oldest }: Topic,
  from: { epoch?: string | null; since?: number },
): { cursor: number; reset: boolean } {
  const cursor = from.since ?? head;
  const reset = (from.epoch != null && from.epoch !== epoch) || cursor > head || cursor < oldest;
  return { cursor: reset ? head : cursor, reset };
}

/** `positions`: TOPIC, TOPIC@EPOCH or TOPIC@EPOCH@SINCE, EPOCH empty where it is not known. A topic that cannot be followed is an `error` among the messages. */
export function readTopics(hub: Hub, positions: readonly string[]): ServerMessage[] {
  return positions.flatMap((position): ServerMessage[] => {
    const [topic, epoch = '', since = ''] = position.split('@');
    try {
      const log = hub.topic(topic);
      const asked = /^\d{1,15}$/.test(since) ? Number(since) : undefined;
      const { cursor, reset } = beginning(log, { epoch: epoch || null, since: asked });
      const events = log.read(cursor, MOST).map(({ seq, event }) => ({ type: 'event' as const, topic, epoch: log.epoch, seq, event }));
      return [{ type: 'subscribed', topic, epoch: log.epoch, seq: cursor, reset }, ...events];
    } catch (error) {
      return [{ type: 'error', topic, ...errorBody(error) }];
    }
  });
}
