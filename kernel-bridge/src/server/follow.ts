/** Where a follower of a topic begins, and what it is told when it asks now and then instead of keeping a websocket. */
import { Json } from '../files/json-parts.ts';
import { errorBody } from '../protocol/errors.ts';
import type { RunEvent } from '../protocol/run.ts';
import type { ServerMessage } from '../protocol/ws.ts';
import type { RunStore } from '../runs/store.ts';
import type { Hub, Topic } from './hub.ts';

/** Events of a topic, and characters of all events, in one answer; the asker asks at once for more. */
const MOST_ENTRIES = 256;
const MOST_BYTES = 64 << 10;

/** The seq after which events follow. `reset`: what the follower has had is gone or rewritten, and it reads the state anew. */
export function beginning(
  { epoch, head, oldest }: Topic,
  from: { epoch?: string | null; since?: number },
): { cursor: number; reset: boolean } {
  const cursor = from.since ?? head;
  const reset = (from.epoch != null && from.epoch !== epoch) || cursor > head || cursor < oldest;
  return { cursor: reset ? head : cursor, reset };
}

/** A page of a run's log. */
export function readLog(run: RunStore, { since, limit, kinds }: { since: number; limit: number; kinds?: readonly string[] }) {
  const entries = run.eventTexts(since, { limit, kinds, most_bytes: MOST_BYTES });
  const bytes = entries.reduce((sum, { text }) => sum + text.length, 0);
  const events = entries.map(({ text }) => new Json<RunEvent>(text));
  return { epoch: run.epoch, events, more: entries.length === limit || bytes >= MOST_BYTES };
}

/** The message of an event that stands as JSON in its log. */
export const eventMessage = (topic: string, epoch: string, seq: number, text: string): string =>
  `${JSON.stringify({ type: 'event', topic, epoch, seq }).slice(0, -1)},"event":${text}}`;

/** `positions`: TOPIC, TOPIC@EPOCH or TOPIC@EPOCH@SINCE, EPOCH empty where it is not known. A topic that cannot be followed is an `error` among the messages. */
export function readTopics(hub: Hub, positions: readonly string[]): (ServerMessage | Json<ServerMessage>)[] {
  let bytes = 0;
  return positions.flatMap((position): (ServerMessage | Json<ServerMessage>)[] => {
    const [topic, epoch = '', since = ''] = position.split('@');
    try {
      const log = hub.topic(topic);
      const asked = /^\d{1,15}$/.test(since) ? Number(since) : undefined;
      const { cursor, reset } = beginning(log, { epoch: epoch || null, since: asked });
      const entries = bytes < MOST_BYTES ? log.read(cursor, { entries: MOST_ENTRIES, bytes: MOST_BYTES - bytes }) : [];
      const events = entries.map(({ seq, text }) => {
        bytes += text.length;
        return new Json<ServerMessage>(eventMessage(topic, log.epoch, seq, text));
      });
      return [{ type: 'subscribed', topic, epoch: log.epoch, seq: cursor, reset }, ...events];
    } catch (error) {
      return [{ type: 'error', topic, ...errorBody(error) }];
    }
  });
}
