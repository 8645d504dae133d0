import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSearch, passes, type CellValue } from './run-search.ts';

const run = {
  id: '20260101-000000-aaaa',
  name: 'Pilot, think',
  state: 'failed',
  variant: 'think',
  annotations: { tags: ['seed 2', 'Draft'], notes: 'lost its spread' },
};
const values: Record<string, CellValue> = {
  tags: run.annotations.tags,
  name: run.name,
  state: run.state,
  learning_rate: 1e-5,
  'best:reward': 1.6,
  eval_split: null,
  pinned: false,
  created_at: Date.UTC(2026, 10, 28),
  'rewards/accuracy/mean': 0.7,
};
const found = (text: string): boolean => passes(parseSearch(text), run, (column) => values[column]);

describe('a search for runs', () => {
  it.each([
    'pilot',
    'THINK spread',
    '"lost its"',
    'draft -no-think',
    'tags:"seed 2"',
    'state:fail',
    'state=failed',
    'state!=running',
    'learning_rate=1e-5',
    'learning_rate<=0.00001 best:reward>1.5',
    'rewards/accuracy/mean>0.5',
    'created_at>=2026-11-28',
    'created_at<2026-11-29',
    'eval_split:none',
    'pinned:no',
    '-pinned:yes',
    '   ',
    'state:',
    '-',
  ])('%s finds it', (text) => {
    expect(found(text)).toBe(true);
  });

  it.each([
    'pilots',
    '-pilot',
    'tags:seed',
    '-tags:draft',
    'state=fail',
    'learning_rate>1e-5',
    'best:reward>1.6',
    'created_at>2026-11-28',
    'eval_split>1',
    'pinned:yes',
    'no_such_column:1',
    '-no_such_column:1',
    'pilot state:running',
  ])('%s does not', (text) => {
    expect(found(text)).toBe(false);
  });

  it('ends for any text', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'ab:<>=!"- \n') }), (text) => typeof found(text) === 'boolean'));
  });
});
