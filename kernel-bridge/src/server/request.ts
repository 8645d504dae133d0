/** What a request holds, made strict: its body, and numbers of its query. What is wrong is REQUEST_INVALID on every route. */
import type { Context } from 'hono';
import { errors } from '../runs/errors.ts';

/** A compiled schema. */
export interface Checker<T> {
  Check(value: unknown): value is T;
  Errors(value: unknown): { instancePath: string; message: string }[];
}

export async function body(c: Context): Promise<Record<string, unknown>> {
  const value = await c.req.json().catch((cause: unknown) => {
    throw errors.notJson(cause);
  });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw errors.badRequest('body', 'it is no JSON object');
  return value as Record<string, unknown>;
}

export function check<T>(schema: Checker<T>, value: unknown, route: string): T {
  if (schema.Check(value)) return value;
  const [first] = schema.Errors(value);
  throw errors.badRequest(`${route} ${first.instancePath}`, first.message);
}

export function integer(c: Context, name: string, fallback: number): number {
  const text = c.req.query(name);
  if (text === undefined) return fallback;
  if (!/^\d{1,15}$/.test(text)) throw errors.badRequest(`query ${name}`, `${JSON.stringify(text)} is no whole number`);
  return Number(text);
}

/** null where it is not given. */
export function number(c: Context, name: string): number | null {
  const text = c.req.query(name);
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value)) throw errors.badRequest(`query ${name}`, `${JSON.stringify(text)} is no number`);
  return value;
}
