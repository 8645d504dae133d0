/** In tests (MEDR1_CHECK_ANSWERS=1) every answer is held to the schema of its route, to the last key. */
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { jsonParts } from '../files/json-parts.ts';
import { ROUTES, type Route, type RouteName } from '../protocol/routes.ts';

/** Throws where the answer is not what the table says; does nothing outside tests. */
export function answerCheck(name: RouteName): (answer: unknown) => void {
  const { answer: schema }: Route = ROUTES[name];
  if (process.env.MEDR1_CHECK_ANSWERS !== '1' || !schema) return () => {};
  return checkOf(`the answer of ${name}`, schema);
}

/** Throws where what is sent has another shape than the schema, or a key that the schema does not name. */
export function checkOf(what: string, schema: TSchema): (answer: unknown) => void {
  let compiled: ReturnType<typeof Compile> | undefined; // when it is first asked: a server has many routes, and a test asks few
  return (answer) => {
    compiled ??= Compile(closed(schema as Parts) as TSchema);
    const sent: unknown = JSON.parse([...jsonParts(answer)].join('')); // NaN is null by then, undefined is left out
    if (!compiled.Check(sent)) throw new Error(`${what} is not as its route says: ${JSON.stringify(compiled.Errors(sent)[0])}`);
  };
}

/** Keywords of a schema that hold schemas. */
interface Parts {
  properties?: Record<string, Parts>;
  patternProperties?: Record<string, Parts>;
  additionalProperties?: Parts | boolean;
  items?: Parts | Parts[];
  anyOf?: Parts[];
}

/** The schema, where no object may hold a key that it does not name. */
function closed(schema: Parts): Parts {
  const { properties, patternProperties, additionalProperties, items, anyOf } = schema;
  const each = (named: Record<string, Parts>) => Object.fromEntries(Object.entries(named).map(([name, part]) => [name, closed(part)]));
  return {
    ...schema,
    ...(properties && { properties: each(properties), additionalProperties: additionalProperties ?? false }),
    ...(patternProperties && { patternProperties: each(patternProperties) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: closed(additionalProperties) }),
    ...(items && { items: Array.isArray(items) ? items.map(closed) : closed(items) }),
    ...(anyOf && { anyOf: anyOf.map(closed) }),
  };
}
