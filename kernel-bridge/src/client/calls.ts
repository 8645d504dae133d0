/**
 * One method per route, by its name, with the types of the table:
 *
 *     parts of the path..., body or parameters of the address, AbortSignal
 *     client.run(id)   client.metrics(id, { max_points: 500 })   client.data.page(name, { q: 'lesion' }, signal)
 */
import type { BodyOf, GivenBy, PathOf, QueryOf, RouteName } from '../protocol/routes.ts';
import type { ListedRoute } from './listed-route.ts';
import { ROUTE_LIST } from './route-list.ts';
import type { Query, Transport } from './transport.ts';

type Parts<Path extends string> = Path extends `${string}:${string}/${infer Rest}`
  ? [part: string, ...Parts<`/${Rest}`>]
  : Path extends `${string}:${string}`
    ? [part: string]
    : [];
type Input<T> = [T] extends [undefined] ? [] : Partial<T> extends T ? [input?: T] : [input: T];
/** Parts of the path, and parameters of the address where there are any. */
export type Place<Name extends RouteName> = [...parts: Parts<PathOf<Name>>, ...query: Input<QueryOf<Name>>];
export type Call<Name extends RouteName> = (
  ...args: [...parts: Parts<PathOf<Name>>, ...query: Input<QueryOf<Name>>, ...body: Input<BodyOf<Name>>, signal?: AbortSignal]
) => Promise<GivenBy<Name>>;

/** Methods of the routes whose names begin with `group.`, or with no dot for ''. */
export type CallsOf<Group extends string> = {
  [
    Name in RouteName as Name extends `${Group}.${infer Rest}`
      ? Rest
      : Name extends `${string}.${string}`
        ? never
        : Group extends ''
          ? Name
          : never
  ]: Call<Name>;
};

export function callsOf<Group extends string>(transport: Transport, group: Group): CallsOf<Group> {
  const calls: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
  for (const [name, route] of Object.entries<ListedRoute>(ROUTE_LIST)) {
    const [last, of = ''] = name.split('.').toReversed();
    if (of === group) calls[last] = (...args) => call(transport, route, args);
  }
  return calls as unknown as CallsOf<Group>; // the list has every name of the table
}

/** The answer itself, for routes whose headers say something too. */
export function answer<Name extends RouteName>(transport: Transport, name: Name, ...args: Parameters<Call<Name>>): Promise<Response> {
  return send(transport, ROUTE_LIST[name], args);
}

/** An address that an <img> or a link can have. */
export function address<Name extends RouteName>(transport: Transport, name: Name, ...place: Place<Name>): string {
  const { path } = ROUTE_LIST[name];
  const [filled, [query]] = fill(path, place);
  return transport.url(filled, query as Query | undefined);
}

async function call(transport: Transport, route: ListedRoute, args: unknown[]): Promise<unknown> {
  const response = await send(transport, route, args);
  if (route.file) return response.blob();
  const value = (await response.json()) as Record<string, unknown>;
  return route.gives === undefined ? value : value[route.gives];
}

function send(transport: Transport, { method, path, takes, once }: ListedRoute, args: readonly unknown[]): Promise<Response> {
  const [filled, rest] = fill(path, args);
  const input = takes === undefined ? undefined : rest.shift();
  const [signal] = rest as [AbortSignal | undefined];
  const query = takes === 'query' ? (input as Query | undefined) : undefined;
  const body = takes === 'body' ? { ...(once && { request_id: requestId() }), ...(input as object | undefined) } : undefined;
  return transport.request(method, transport.url(filled, query), body, signal);
}

/** The path with its parts filled in, and the arguments that are left. */
function fill(path: string, args: readonly unknown[]): [path: string, rest: unknown[]] {
  const rest = [...args];
  return [path.replaceAll(/:\w+/g, () => encodeURIComponent(String(rest.shift()))), rest];
}

const requestId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
