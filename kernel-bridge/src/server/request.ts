/** What a request holds, read and checked by the schemas of its route. What is wrong is REQUEST_INVALID, on every route alike. */
import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { isFacet } from '../data/index/run-facets.ts';
import { nearest } from '../protocol/nearest.ts';
import { errors } from '../runs/errors.ts';
import { readJson } from './body.ts';

interface SchemaError {
  keyword: string;
  instancePath: string;
  message: string;
  params: object;
}
/** A compiled schema. */
interface Checker {
  Check(value: unknown): boolean;
  Errors(value: unknown): SchemaError[];
}
/** Gives the value back, or throws what is wrong with it and where. */
export type Check = (value: unknown) => unknown;

/** `where` begins the message: "body" or "query". */
export function checkerOf(schema: TSchema, where: string): Check {
  let compiled: Checker | undefined; // at the first request: a server has many routes, and is asked for few of them as it starts
  return (value) => {
    compiled ??= Compile(schema) as Checker;
    if (compiled.Check(value)) return value;
    throw errors.badRequest(...whatIsWrong(schema, compiled, value, where));
  };
}

function whatIsWrong(schema: TSchema, compiled: Checker, whole: unknown, where: string): [where: string, what: string] {
  const window = wrongWindow(compiled, whole);
  if (window === undefined) return [where, 'it has a list with more elements, or fewer, than it may'];
  const { value, from } = window;
  const found = compiled.Errors(value);
  const error = found.find(({ keyword }) => keyword !== 'boolean') ?? found[0];
  const params = error.params as { additionalProperties?: string[]; allowedValues?: unknown[] };
  const place = [where, ...placeIn(whole, error.instancePath, from)].join(' ');
  if (params.additionalProperties) return [place, unknownName(params.additionalProperties[0], propertiesAt(schema, error.instancePath))];
  const seen = valueAt(value, error.instancePath);
  if (params.allowedValues) return [place, `${short(seen)} is none of ${params.allowedValues.join(', ')}`];
  return [place, error.instancePath === '' ? error.message : `${short(seen)} ${error.message}`];
}

/** Elements of a list that are looked at together: who asks typebox what is wrong has it make an error of every element that is. */
const WINDOW = 1000;

/** The value with a part of each long list, of which something is wrong; undefined where each element by itself is right. */
function wrongWindow(compiled: Checker, whole: unknown): { value: unknown; from: number } | undefined {
  const longest = longestList(whole);
  if (longest <= WINDOW) return { value: whole, from: 0 };
  for (let from = 0; from < longest; from += WINDOW) {
    const value = windowOf(whole, from);
    if (!compiled.Check(value)) return { value, from };
  }
  return undefined;
}

function longestList(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let longest = Array.isArray(value) ? value.length : 0;
  for (const one of Object.values(value)) if (typeof one === 'object') longest = Math.max(longest, longestList(one));
  return longest;
}

/** A list that is not as long as this has its beginning there, which was found right before. */
function windowOf(value: unknown, from: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, windowOf(one, from)]));
  const at = windowStart(value, from);
  return value.slice(at, at + WINDOW).map((one) => windowOf(one, from));
}

const windowStart = (list: readonly unknown[], from: number): number => (list.length > from && list.length > WINDOW ? from : 0);

/** The steps of a path into a window, with the places that elements have in the whole. */
function placeIn(whole: unknown, instancePath: string, from: number): string[] {
  let at = whole;
  return stepsOf(instancePath).map((step) => {
    const key = Array.isArray(at) ? String(Number(step) + windowStart(at, from)) : step;
    at = (at as Record<string, unknown> | undefined)?.[key];
    return key;
  });
}

function unknownName(name: string, known: string[]): string {
  const meant = name.length > 2 ? nearest(name, known) : undefined;
  const asked = `there is no ${short(name)}${meant === undefined ? '' : ` (did you mean ${short(meant)}?)`}`;
  return `${asked}; there ${known.length === 0 ? 'is nothing to set' : `are ${known.join(', ')}`}`;
}

const short = (value: unknown): string => {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 200) : value) ?? 'undefined'; // before what is long is written once more
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
};

const stepsOf = (instancePath: string): string[] => instancePath.split('/').slice(1);
const valueAt = (value: unknown, path: string): unknown =>
  stepsOf(path).reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], value);
const propertiesAt = (schema: TSchema, path: string): string[] => {
  const at = stepsOf(path).reduce<Partial<TObject> | undefined>((one, step) => one?.properties?.[step], schema as TObject);
  return Object.keys(at?.properties ?? {});
};

/** `c`: of a request that came by a connection, or of one that was made in this process. `most`: values that it may hold. */
export async function readBody(c: Context, most: number): Promise<unknown> {
  const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage };
  const value = incoming
    ? await readJson(incoming, most)
    : await c.req.json().catch((cause: unknown) => {
        throw errors.notJson(cause);
      });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw errors.badRequest('body', 'it is no JSON object');
  return value;
}

/** A number that JupyterLab adds to an address so that no cache answers. */
const isCacheBuster = (name: string, values: string[]): boolean => /^\d+$/.test(name) && values.every((value) => value === '');

/**
 * The parameters of an address as the schema has them: numbers, booleans, and lists written a,b,c. Where the schema has `facets`, a facet is
 * a parameter of its own name and may repeat.
 */
export function readQuery(schema: TObject | undefined, queries: Record<string, string[]>): Record<string, unknown> {
  const properties = (schema?.properties ?? {}) as Record<string, { type?: string }>;
  const read: Record<string, unknown> = {};
  const facets: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(queries)) {
    if ('facets' in properties && isFacet(name)) facets[name] = values;
    else if (name !== 'facets' && Object.hasOwn(properties, name)) {
      const value = parsed(name, values[0], properties[name].type);
      if (value !== undefined) read[name] = value;
    } else if (!isCacheBuster(name, values)) {
      const known = 'facets' in properties ? [...Object.keys(properties), 'run:<id>'] : Object.keys(properties);
      throw errors.badRequest('query', unknownName(name, known));
    }
  }
  return 'facets' in properties ? { ...read, facets } : read;
}

/** undefined: not given. A number that is empty is not given. */
function parsed(name: string, text: string, type: string | undefined): unknown {
  const refuse = (what: string): never => {
    throw errors.badRequest(`query ${name}`, `${short(text)} is no ${what}`);
  };
  switch (type) {
    case 'integer':
      return text === '' ? undefined : /^\d{1,15}$/.test(text) ? Number(text) : refuse('whole number');
    case 'number':
      return text === '' ? undefined : Number.isFinite(Number(text)) ? Number(text) : refuse('number');
    case 'boolean':
      return text === '' ? undefined : ({ 1: true, true: true, 0: false, false: false }[text] ?? refuse('true or false'));
    case 'array':
      return text === '' ? undefined : text.split(',');
    default:
      return text;
  }
}
