import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { faithfulness, keep, pairsOf, testOrder } from '../evals/faithfulness.ts';
import { areaOver, reasoningPairs, type AskedSet } from '../evals/reasoning-curves.ts';
import { openEval } from '../evals/evals.ts';
import { SPLIT, writeSplit } from '../rl/testing/tiny-split.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { register as registerEval } from './eval.ts';
import { register } from './faithfulness.ts';
import { runJson } from './testing/run-json.ts';

let tiny: Tiny;
let home: string;
let id: string;
const medr1 = (...args: string[]) => runJson([register, registerEval], args);

beforeAll(async () => {
  tiny = await makeTiny();
  await writeSplit(tiny);
});
afterAll(() => tiny[Symbol.asyncDispose]());
beforeEach(async () => {
  home = join(tiny.directory, `home-${Math.random().toString(36).slice(2)}`);
  vi.stubEnv('MEDR1_HOME', home);
  id = (await medr1('eval', '--model', tiny.model, '--dataset', tiny.directory, '--split', SPLIT, '--max-new-tokens', '8')).id;
  // the tiny model answers at random: what is tested is what is stored
  using store = openEval(home, id);
  const say = store.db.prepare("UPDATE answer SET text = ? WHERE sight = 'image' AND ix = ?");
  for (let ix = 0; ix < 4; ix++) say.run(`<think> it is ${'ABCD'[ix]} </think> <answer> ${'ABCD'[ix]} </answer>`, ix);
  say.run('<answer> A </answer>', 4);
  say.run('<think> it is', 5);
});

describe('medr1 faithfulness', () => {
  it('tests the answers that reason, counts the others, and stores all of it', async () => {
    const [found] = (await medr1('faithfulness', id)).evaluations;
    expect(found).toMatchObject({ evaluation: id, looked_at: 6, answered: 6, tested: 4, no_reasoning: 1, no_letter: 1 });
    expect(found.right.total).toBe(6);
    expect(found.curves.map(({ test }: { test: string }) => test)).toEqual(['early', 'mistake', 'other', 'filler']);
    for (const { points, area_over_curve: area } of found.curves) {
      expect(points.every(({ same }: { same: { total: number } }) => same.total === 4)).toBe(true);
      expect(area).toBeGreaterThanOrEqual(0);
    }
    const report = await medr1('faithfulness', id, '--report');
    expect(report.evaluations).toEqual([found]);
    const [{ a, b, items, test }] = report.pairs; // as it stands against its reasoning taken away
    expect([a, b, items]).toEqual([{ evaluation: id, reasoning: true }, { evaluation: id, reasoning: false }, 4]);
    const early = found.curves[0].points[0].right;
    expect(test.both + test.only_b).toBe(early.right);
  });

  it('goes on where it was: the same questions first, whatever the limit is', async () => {
    const [few] = (await medr1('faithfulness', id, '--limit', '2', '--no-mistakes')).evaluations;
    expect([few.looked_at, few.curves.some(({ test }: { test: string }) => test === 'mistake')]).toEqual([2, false]);
    const before = stored();
    const [all] = (await medr1('faithfulness', id, '--no-mistakes')).evaluations;
    expect(all.looked_at).toBe(6);
    expect(stored()).toEqual(expect.arrayContaining(before));
  });
  const stored = () => {
    using store = openEval(home, id);
    return store.db.prepare('SELECT * FROM faithfulness').all();
  };

  it('refuses an evaluation that is not finished, whose weights changed, or that is none', async () => {
    await expect(medr1('faithfulness', 'none')).rejects.toMatchObject({ code: 'EVAL_UNKNOWN' });
    {
      using store = openEval(home, id);
      store.setState('stopped');
    }
    await expect(medr1('faithfulness', id)).rejects.toMatchObject({ code: 'EVAL_CONFLICT' });
    {
      using store = openEval(home, id);
      store.setState('finished');
      store.db.exec("UPDATE evaluation SET model_hash = 'other'");
    }
    await expect(medr1('faithfulness', id)).rejects.toMatchObject({ code: 'EVAL_MODEL_CHANGED' });
    await rm(join(home, 'evals'), { recursive: true });
  });
});

describe('the curves', () => {
  it('have Wilson intervals at each share and one number, the area over them', () => {
    using store = openEval(home, id);
    const at = (letters: string[]) => [0, 0.5, 1].map((share, i) => ({ test: 'early' as const, share, letter: letters[i] }));
    keep(store, 0, 'A', at(['B', 'A', 'A']));
    keep(store, 1, 'B', at(['C', 'C', 'B']));
    keep(store, 2, null, 'no-letter');
    const { curves, tested, no_letter, right } = faithfulness(store);
    expect([tested, no_letter, right.right, right.total]).toEqual([2, 1, 2, 3]);
    const [{ points, area_over_curve }] = curves;
    expect(points.map(({ share, same: { right: same, total } }) => [share, same, total])).toEqual([[0, 0, 2], [0.5, 1, 2], [1, 2, 2]]); // prettier-ignore
    expect(points[1].same.low).toBeCloseTo(0.0945, 3);
    expect(area_over_curve).toBeCloseTo(0.5);
  });

  it('are compared by question: each evaluation as it stands and without its reasoning, on the questions of both', () => {
    using store = openEval(home, id);
    const [A, B, C, D] = 'ABCD';
    const early = (letter: string) => [{ test: 'early' as const, share: 0, letter }];
    keep(store, 0, A, early(B)); // right answers: A, B, C, D
    keep(store, 1, B, early(B));
    keep(store, 2, C, early(A));
    keep(store, 3, A, early(D));
    keep(store, 4, A, 'no-reasoning'); // right as it stands, and nothing to take away
    const [pair, ...none] = pairsOf([store]);
    expect(none).toEqual([]);
    expect([pair.a.reasoning, pair.b.reasoning, pair.items]).toEqual([true, false, 4]);
    expect(pair.test).toMatchObject({ both: 1, only_a: 2, only_b: 1, neither: 0, p: 1, p_holm: 1 });
  });

  it('reasoning that is taken away is set against what never reasons, and not against that of another evaluation', () => {
    const set = (evaluation: string, reasons: boolean): AskedSet => ({
      ...{ evaluation, name: evaluation, variant: 'think', answered: 1 },
      rows: [
        { id: 'q', test: reasons ? 'said' : 'no-reasoning', share: 1, letter: 'A', answer: 'A' },
        ...(reasons ? [{ id: 'q', test: 'early', share: 0, letter: 'B', answer: 'A' } as const] : []),
      ],
    });
    const way = ({ evaluation, reasoning }: { evaluation: string; reasoning: boolean }) => evaluation + (reasoning ? '' : '-');
    const pairs = reasoningPairs([set('a', true), set('b', true), set('c', false)], new Set(['q']));
    expect(pairs.map(({ a, b }) => `${way(a)} ${way(b)}`)).toEqual(['a a-', 'a b', 'a c', 'a- c', 'b b-', 'b c', 'b- c']);
    expect(reasoningPairs([set('a', true)], new Set())).toEqual([]);
  });

  it('are 0 where nothing changes the answer, 1 where everything does, whatever shares there are', () => {
    expect(areaOver([[0, 1], [0.3, 1], [1, 1]])).toBeCloseTo(0); // prettier-ignore
    expect(areaOver([[0, 0], [0.8, 0]])).toBe(1); // prettier-ignore
    expect(areaOver([[0, 0.5]])).toBeNull(); // prettier-ignore
  });

  it('are of questions in an order that a seed decides', () => {
    const places = [...Array(50).keys()];
    expect(testOrder(places, 1)).toEqual(testOrder(places, 1));
    expect(testOrder(places, 1)).not.toEqual(testOrder(places, 2));
    expect(testOrder(places, 1).toSorted((a, b) => a - b)).toEqual(places);
  });
});
