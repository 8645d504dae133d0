/**
 * The one websocket, `/api/ws`. A client subscribes to topics and gets, for each, what it missed and then what comes:
 *
 *   client                                server
 *   hello {protocol}                  ->
 *                                     <-  welcome {protocol, version}          or close 4010 (other protocol)
 *   subscribe {topic, epoch, since}   ->
 *                                     <-  subscribed {topic, epoch, seq, reset}   reset: the client's epoch is gone, read anew
 *                                     <-  event {topic, epoch, seq, event} ...    from since + 1, without a gap, each once
 *   unsubscribe {topic}               ->
 *
 * `since` left out = from now on; 0 = from the beginning. After `subscribed`, events follow from its seq + 1. With `reset` the client reads
 * the state by REST (MetricTable carries epoch and seq) and drops events up to the seq it read. `subscribed` with `reset` also comes
 * unasked when the epoch changes while subscribed (steps were dropped by a resume or a roll-back).
 *
 * Topic `run:<id>`: RunEvent, durable, seq from the run's log. Topic `runs`: RunSummary of any run that changed (event.summary) or left
 * (event.removed); seq counts since the server started. Topic `evals`: the same of evaluations.
 * Topic `view`: MoveView of a notebook, for pages to follow. A client that falls behind by 8 MiB or 30 s is closed with 1013 and resumes.
 * Messages are taken as fast as their answers are read, 300 at once and 20 a second after that; more of them wait in the client's own buffers.
 */
import Type from 'typebox';

export const ClientMessage = Type.Union([
  Type.Object(
    { type: Type.Literal('hello'), protocol: Type.Integer(), client: Type.Optional(Type.String({ maxLength: 80 })) },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      type: Type.Literal('subscribe'),
      topic: Type.String({ maxLength: 120 }),
      epoch: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
      since: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    { additionalProperties: false },
  ),
  Type.Object({ type: Type.Literal('unsubscribe'), topic: Type.String({ maxLength: 120 }) }, { additionalProperties: false }),
  Type.Object({ type: Type.Literal('ping'), id: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
]);
export type ClientMessage = Type.Static<typeof ClientMessage>;

export const ServerMessage = Type.Union([
  Type.Object({ type: Type.Literal('welcome'), protocol: Type.Integer(), version: Type.String() }),
  Type.Object({ type: Type.Literal('subscribed'), topic: Type.String(), epoch: Type.String(), seq: Type.Integer(), reset: Type.Boolean() }),
  Type.Object({
    type: Type.Literal('event'),
    topic: Type.String(),
    epoch: Type.String(),
    seq: Type.Integer(),
    event: Type.Record(Type.String(), Type.Unknown()),
  }),
  Type.Object({
    type: Type.Literal('error'),
    topic: Type.Optional(Type.String()),
    code: Type.String(),
    message: Type.String(),
    remedy: Type.String(),
  }),
  Type.Object({ type: Type.Literal('pong'), id: Type.Optional(Type.Integer()) }),
]);
export type ServerMessage = Type.Static<typeof ServerMessage>;

/** Application close codes: what a client does about each. */
export const CLOSE = {
  /** Other protocol version: show "reload the page". */
  protocol: 4010,
  /** Message that is no ClientMessage. */
  malformed: 4000,
  /** The client fell behind; reconnect and resume. */
  slowConsumer: 1013,
} as const;
