import Type, { type TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { ROUTES, type Route } from '../protocol/routes.ts';
import { checkOf } from './answer-check.ts';

const One = Type.Object({ a: Type.Number(), b: Type.Optional(Type.String()) });

describe('an answer', () => {
  it.each<[string, TSchema, unknown, unknown]>([
    ['itself', One, { a: 1 }, { a: 1, c: 2 }],
    ['a member', Type.Object({ one: One }), { one: { a: 1, b: 'x' } }, { one: { a: 1, c: 2 } }],
    ['a list', Type.Array(One), [{ a: 1 }], [{ a: 1 }, { a: 1, c: 2 }]],
    ['a tuple', Type.Tuple([One, One]), [{ a: 1 }, { a: 2 }], [{ a: 1 }, { a: 1, c: 2 }]],
    ['a record', Type.Record(Type.String(), One), { x: { a: 1 } }, { x: { a: 1, c: 2 } }],
    ['a union', Type.Union([Type.Null(), One]), { a: 1 }, { a: 1, c: 2 }],
    ['the wider of two', Type.Union([One, Type.Object({ a: Type.Number(), c: Type.Number() })]), { a: 1, c: 2 }, { a: 1, c: 2, d: 3 }],
  ])('may hold no key that its schema does not name, in %s', (_, schema, right, more) => {
    const check = checkOf('the answer', schema);
    check(right);
    expect(() => check(more)).toThrow('the answer is not as its route says');
  });

  it('is held to what is sent of it', () => {
    const check = checkOf('the answer', Type.Object({ a: Type.Union([Type.Number(), Type.Null()]) }));
    check({ a: NaN, b: undefined });
    expect(() => check({ a: undefined })).toThrow('is not as its route says');
  });

  it('has a schema whose every keyword is looked into', () => {
    const known = ['properties', 'patternProperties', 'additionalProperties', 'items', 'anyOf'];
    const others = ['allOf', 'oneOf', 'not', 'if', '$ref', '$defs', 'prefixItems', 'dependentSchemas'];
    const found = new Set<string>();
    const look = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const key of others) if (key in schema) found.add(key);
      for (const key of known) {
        const part = (schema as Record<string, unknown>)[key];
        if (key === 'properties' || key === 'patternProperties' || Array.isArray(part)) Object.values(part ?? {}).forEach(look);
        else look(part);
      }
    };
    for (const { answer } of Object.values<Route>(ROUTES)) look(answer);
    expect([...found]).toEqual([]);
  });
});
