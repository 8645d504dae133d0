import { expect, it } from 'vitest';
import { isRunId, newRunId } from './home.ts';

it('ids sort in the order in which they were made, within a millisecond too', () => {
  const ids = Array.from({ length: 2000 }, newRunId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isRunId)).toBe(true);
});
