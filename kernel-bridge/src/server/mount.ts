/** Puts handlers under the routes of the table: each request is checked on the way in, in tests each answer on the way out. */
import type { Context, Hono } from 'hono';
import Type from 'typebox';
import { jsonParts } from '../files/json-parts.ts';
import {
  MAX_VALUES,
  ROUTES,
  type AnswerOf,
  type BodyOf,
  type PartsOf,
  type PathOf,
  type QueryOf,
  type Route,
  type RouteName,
} from '../protocol/routes.ts';
import { answerCheck } from './answer-check.ts';
import { inPieces, type Lazy } from './pieces.ts';
import { checkerOf, readBody, readQuery } from './request.ts';

/** A request that was found right: the parts of its path by name, its parameters, its body. */
export type Request<Name extends RouteName> = Record<PartsOf<PathOf<Name>>, string> & {
  query: QueryOf<Name>;
  body: BodyOf<Name>;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
};
type Answer<Name extends RouteName> = AnswerOf<Name> extends Blob ? Response : Lazy<AnswerOf<Name>>;
export type Handler<Name extends RouteName> = (request: Request<Name>) => Answer<Name> | Promise<Answer<Name>>;

/** A handler for each of these routes: one that is missing or that answers with another shape does not compile. */
export type Handlers<Name extends RouteName = RouteName> = { [N in Name]: Handler<N> };
/** Routes whose name begins with `group.`. */
export type GroupOf<Group extends string> = Extract<RouteName, `${Group}.${string}`>;

const JSON_TYPE = { 'content-type': 'application/json' };

/** Parts of a path are names and ids: never empty, of no great length, without control characters. */
const checkPart = checkerOf(Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^\\u0000-\\u001f]*$' }), 'path');

export function mount(app: Hono, handlers: Partial<Handlers>): void {
  // A fixed part goes before one to fill in: /data/browse is no data set's name
  const names = (Object.keys(handlers) as RouteName[]).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  for (const name of names) {
    const row: Route = ROUTES[name];
    const handler = handlers[name] as (request: object) => unknown;
    const read = reader(row);
    const checkAnswer = answerCheck(name);
    app.on(row.method, row.path, async (c) => {
      const answer = await handler(await read(c));
      if (answer instanceof Response) return answer;
      checkAnswer(answer);
      return inPieces(jsonParts(answer), { status: row.status ?? 200, headers: JSON_TYPE });
    });
  }
}

const orderOf = (name: RouteName): string => ROUTES[name].path.replaceAll(':', '\uffff');

function reader({ path, query, body, values = MAX_VALUES }: Route): (c: Context) => Promise<object> {
  const parts = [...path.matchAll(/:(\w+)/g)].map(([, part]) => part);
  const checkQuery = query && checkerOf(query, 'query');
  const checkBody = body && checkerOf(body, 'body');
  return async (c) => {
    const read: Record<string, unknown> = { signal: c.req.raw.signal };
    for (const part of parts) read[part] = checkPart(c.req.param(part));
    const parameters = readQuery(query, c.req.queries());
    if (checkQuery) read.query = checkQuery(parameters);
    if (checkBody) read.body = checkBody(await readBody(c, values));
    return read;
  };
}
