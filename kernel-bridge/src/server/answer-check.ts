/** In tests (MEDR1_CHECK_ANSWERS=1) every answer is held to the schema of its route, to the last key. */
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { isDeepStrictEqual } from 'node:util';
import { ROUTES, type Route, type RouteName } from '../protocol/routes.ts';

/** Throws where the answer is not what the table says; does nothing outside tests. */
export function answerCheck(name: RouteName): (answer: unknown) => void {
  const { answer: schema }: Route = ROUTES[name];
  if (process.env.MEDR1_CHECK_ANSWERS !== '1' || !schema) return () => {};
  const compiled = Compile(schema);
  return (answer) => {
    const sent: unknown = JSON.parse(JSON.stringify(answer)); // NaN is null by then, undefined is left out
    if (!compiled.Check(sent))
      throw new Error(`the answer of ${name} is not as its route says: ${JSON.stringify(compiled.Errors(sent)[0])}`);
    const listed: unknown = Value.Clean(schema, structuredClone(sent));
    if (!isDeepStrictEqual(listed, sent))
      throw new Error(`the answer of ${name} has more than its route says: ${firstDifference(sent, listed)}`);
  };
}

function firstDifference(seen: unknown, listed: unknown, place = ''): string {
  if (typeof seen !== 'object' || seen === null || typeof listed !== 'object' || listed === null) return place;
  for (const [key, value] of Object.entries(seen)) {
    const other = (listed as Record<string, unknown>)[key];
    if (!isDeepStrictEqual(value, other)) return firstDifference(value, other, `${place}/${key}`);
  }
  return place;
}
