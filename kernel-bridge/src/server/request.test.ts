import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { checkerOf } from './request.ts';

describe('what is wrong with a long list', () => {
  const Ids = Type.Object({ ids: Type.Array(Type.String(), { maxItems: 5000 }), rows: Type.Array(Type.Array(Type.Number())) });
  const check = checkerOf(Ids, 'body');
  const ids = Array.from({ length: 4000 }, (_, k) => `q${k}`);

  it('is told with its place', () => {
    expect(check({ ids, rows: [] })).toEqual({ ids, rows: [] });
    expect(() => check({ ids: [...ids.slice(0, 3456), 7], rows: [] })).toThrow('body ids 3456');
    const rows = [[1], Array.from({ length: 2001 }, (_, k) => (k === 2000 ? 'x' : k))];
    expect(() => check({ ids, rows })).toThrow('body rows 1 2000');
  });

  it('is its length, where each element is right', () => {
    expect(() => check({ ids: [...ids, ...ids], rows: [] })).toThrow('a list with more elements');
  });
});
