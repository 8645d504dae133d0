import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Json, jsonParts, lazily } from './json-parts.ts';

const written = (value: unknown): string => [...jsonParts(value)].join('');

it('parts together are what JSON.stringify writes', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => written(value) === JSON.stringify(value)));
  const odd = { a: undefined, b: [undefined, NaN, new Date(0)], c: {}, d: [], e: [[], {}], f: Array.from({ length: 10_000 }, (_, k) => k) };
  expect(written(odd)).toBe(JSON.stringify(odd));
});

it('lists that are gone through are lists, and what is JSON stays as it is', () => {
  const list = lazily(function* () {
    yield { n: 1 };
    yield new Json('{"n": 2}');
  });
  expect(written({ list, none: lazily(function* () {}) })).toBe('{"list":[{"n":1},{"n": 2}],"none":[]}');
  expect(written({ list })).toBe('{"list":[{"n":1},{"n": 2}]}'); // anew each time
});

it('no part waits for the elements after it', () => {
  let read = 0;
  const list = lazily(function* () {
    for (; read < 1000;) yield { n: read++ };
  });
  for (const part of jsonParts({ list })) if (part.includes('9')) break;
  expect(read).toBe(10);
});
