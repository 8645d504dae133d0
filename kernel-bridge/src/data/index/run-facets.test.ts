import fc from 'fast-check';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunAnswer } from '../../protocol/data.ts';
import { omni, temporary, write } from '../fixtures.ts';
import { buildIndex } from './build.ts';
import { Dataset } from './dataset.ts';
import type { Outcomes } from './run-facets.ts';

const made = temporary();
const home = join(made.path, 'home');
const runs = new Map<string, Outcomes>();
let set: Dataset;
let ids: string[];

beforeAll(async () => {
  const records = Array.from({ length: 40 }, (_, n) => omni(n, { modality_type: n % 2 ? 'X-Ray' : 'CT(Computed Tomography)' }));
  write(join(made.path, 'data'), { 'QA_information/Open-access/all.json': records });
  await buildIndex(join(made.path, 'data'), { name: 'made', home, images: false });
  set = new Dataset('made', home, (run) => runs.get(run)!);
  ids = set.page({ limit: 500 }).items.map(({ id }) => id);
});
afterAll(() => {
  set.close();
  made[Symbol.dispose]();
});

let stamps = 0;
const says = (run: string, answers: Record<string, RunAnswer>): void =>
  void runs.set(run, { stamp: `${++stamps}`, byItem: new Map(Object.entries(answers)) });

describe('answers of runs', () => {
  it('are facets with counts, and stand at the items', () => {
    says('a', { [ids[0]]: 'right', [ids[1]]: 'wrong', [ids[2]]: 'mixed', 'of another index': 'right' });
    const page = set.page({ runs: ['a'], limit: 3 });
    expect(page.facets['run:a']).toEqual({ right: 1, wrong: 1, mixed: 1, unasked: 37 });
    expect(page.items.map(({ answers }) => answers)).toEqual([{ a: 'right' }, { a: 'wrong' }, { a: 'mixed' }]);
    expect(set.page({ limit: 1 }).items[0]).not.toHaveProperty('answers');
    expect(set.page({ limit: 1 }).facets).not.toHaveProperty('run:a');
  });

  it('filter like any facet, and their own choice does not narrow their counts', () => {
    says('a', { [ids[0]]: 'right', [ids[1]]: 'wrong', [ids[3]]: 'wrong' });
    says('b', { [ids[1]]: 'right' });
    const wrong = set.page({ facets: { 'run:a': ['wrong'] }, runs: ['b'] });
    expect(wrong.items.map(({ id }) => id)).toEqual([ids[1], ids[3]]);
    expect(wrong.facets['run:a']).toEqual({ right: 1, wrong: 2, mixed: 0, unasked: 37 });
    expect(wrong.facets['run:b']).toEqual({ right: 1, wrong: 0, mixed: 0, unasked: 1 });
    expect(wrong.facets['modality']).toEqual({ CT: 0, 'X-Ray': 2 });
  });

  it('are read anew when the run has gone on', () => {
    says('a', { [ids[0]]: 'wrong' });
    expect(set.page({ facets: { 'run:a': ['right'] } }).total).toBe(0);
    says('a', { [ids[0]]: 'right' });
    expect(set.page({ facets: { 'run:a': ['right'] } }).total).toBe(1);
  });

  it('pages hold every item that passes exactly once', () => {
    const answer = fc.constantFrom<RunAnswer | 'unasked'>('right', 'wrong', 'mixed', 'unasked');
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 40, maxLength: 40 }),
        fc.uniqueArray(answer),
        fc.integer({ min: 1, max: 9 }),
        (said, chosen, limit) => {
          says('a', Object.fromEntries(said.flatMap((each, n) => (each === 'unasked' ? [] : [[ids[n], each]]))));
          const seen: string[] = [];
          let cursor: string | null = null;
          do {
            const page = set.page({ facets: { 'run:a': chosen }, limit, cursor: cursor ?? undefined });
            seen.push(...page.items.map(({ id }) => id));
            cursor = page.cursor;
          } while (cursor !== null);
          expect(seen).toEqual(ids.filter((_, n) => chosen.length === 0 || chosen.includes(said[n])));
        },
      ),
    );
  });

  it('of five runs at once, and a facet that is none, are refused', () => {
    expect(() => set.page({ runs: ['a', 'b', 'c'], facets: { 'run:d': ['right'], 'run:e': [] } })).toThrow(/5 runs/);
    expect(() => set.page({ facets: { modalty: ['CT'] } })).toThrow(/no facet "modalty"/);
  });

  it('are unknown to an index that was opened without them', () => {
    const alone = new Dataset('made', home);
    expect(() => alone.page({ runs: ['a'] })).toThrow(/the answers of run a are not known here/);
    alone.close();
  });
});
