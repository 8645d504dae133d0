/** The one gate that every request and every websocket passes. */
import { timingSafeEqual } from 'node:crypto';
import type { WorkbenchError } from '../protocol/errors.ts';
import { errors } from '../runs/errors.ts';

export interface Gate {
  secret: string;
  /** Port listened on, null for a unix socket. */
  port: number | null;
}

type Headers = (name: string) => string | undefined;

/**
 * Why the request is refused, or null. Browsers always send Origin on websockets and on requests that change something, so a web page
 * never gets in, whatever it knows; a Host that is not this machine means that a name was rebound to it.
 */
export function refusal(headers: Headers, { secret, port }: Gate): WorkbenchError | null {
  const host = headers('host') ?? '';
  if (!isLocal(host, port)) return errors.badHost(host);
  if (headers('origin') !== undefined) return errors.badOrigin();
  const site = headers('sec-fetch-site');
  if (site !== undefined && site !== 'none' && site !== 'same-origin') return errors.badOrigin();
  const [scheme, given] = (headers('authorization') ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !sameText(given ?? '', secret)) return errors.unauthorized();
  return null;
}

function isLocal(host: string, port: number | null): boolean {
  const match = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d+))?$/i.exec(host);
  if (!match) return false;
  return port === null || Number(match[2] ?? 80) === port;
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
