import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { evalDirectory, listEvals, openEval } from '../evals/evals.ts';
import { EvalStore } from '../evals/store.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { register } from './eval.ts';
import { register as registerEvals } from './evals.ts';
import { runJson } from './testing/run-json.ts';

let tiny: Tiny;
let home: string;

beforeAll(async () => {
  tiny = await makeTiny();
  await writeSplit('modality/test/CT', 6);
  await writeSplit('modality/train/CT', 6);
});
afterAll(() => tiny[Symbol.asyncDispose]());
beforeEach(() => {
  home = join(tiny.directory, `home-${Math.random().toString(36).slice(2)}`);
  vi.stubEnv('MEDR1_HOME', home);
});
afterEach(() => vi.unstubAllEnvs());

async function writeSplit(name: string, count: number, missing = 0): Promise<void> {
  const file = join(tiny.directory, 'Splits', `${name}.json`);
  await mkdir(join(file, '..'), { recursive: true });
  const records = Array.from({ length: count }, (_, i) => ({
    image: i < missing ? `lost-${i}.png` : tiny.items[i % tiny.items.length].image,
    problem: `it is ${i} A)A, B)B, C)C, D)D`,
    solution: `<answer> ${'ABCD'[i % 4]} </answer>`,
  }));
  await writeFile(file, JSON.stringify(records));
}

const medr1 = (...args: string[]) => runJson([register, registerEvals], args);

const evaluate = (...extra: string[]) =>
  medr1('eval', '--model', tiny.model, '--dataset', tiny.directory, '--split', 'modality/test/CT', '--max-new-tokens', '8', ...extra);

describe('medr1 eval', () => {
  it('reports both readings with intervals, and controls', async () => {
    const seen = await evaluate('--controls', 'blank-image,shuffled-image,text-only,options-permuted,option-prior');
    expect(seen.items).toBe(6);
    expect(seen.strict.total).toBe(6);
    expect(seen.strict.low).toBeLessThanOrEqual(seen.strict.rate);
    expect(Object.keys(seen.controls)).toEqual(['blank-image', 'shuffled-image', 'text-only', 'options-permuted', 'option-prior']);
    expect(seen.controls['blank-image'].tolerant.total).toBe(6);
    expect(seen.controls['options-permuted'].follows.tolerant).toMatchObject({ text: { right: expect.any(Number) }, letter: {} });
    expect(seen.split_hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('shows what is stored, and evaluates anew only when asked to', async () => {
    const first = await evaluate();
    expect(await evaluate()).toEqual(first);
    const anew = await evaluate('--no-resume');
    expect(anew.id).not.toBe(first.id);
    expect({ ...anew, id: first.id }).toEqual(first); // greedy
  });

  it('tells how many questions it had to leave out', async () => {
    await writeSplit('modality/test/X-Ray', 5, 2);
    const { id, items, left_out } = await evaluate('--split', 'modality/test/X-Ray');
    expect([items, left_out]).toEqual([3, 2]);
    const { summary } = await medr1('evals', 'show', id);
    expect(summary.left_out).toBe(2);
  });

  it('goes on without an image that vanished, and asks about it once it is back', async () => {
    const file = join(tiny.directory, 'lost-0.png');
    await copyFile(join(tiny.directory, tiny.items[0].image), file);
    await writeSplit('modality/test/MR', 4, 1);
    const asked = ['--split', 'modality/test/MR', '--max-new-tokens', '4'] as const;
    await evaluate(...asked, '--controls', 'text-only');
    await rm(file);
    const without = await evaluate(...asked, '--controls', 'blank-image');
    const [{ id }] = without.unasked;
    expect(without).toMatchObject({
      items: 4,
      left_out: 0,
      unasked: [{ sight: 'blank-image', why: expect.stringContaining('lost-0.png') }],
    });
    expect(without.controls['blank-image'].strict.total).toBe(3);
    const anew = await evaluate(...asked, '--no-resume');
    expect(anew).toMatchObject({ items: 3, left_out: 1, strict: { total: 3 }, unasked: [{ id, sight: 'image' }] });
    await copyFile(join(tiny.directory, tiny.items[0].image), file);
    expect(await evaluate(...asked)).toMatchObject({ id: anew.id, items: 4, left_out: 0, strict: { total: 4 }, unasked: [] });
  });

  it('leaves out a prompt that is too long for the model', async () => {
    const records = ['short', 'long '.repeat(40_000)].map((problem) => ({
      image: tiny.items[0].image,
      problem: `${problem} A)A, B)B, C)C, D)D`,
      solution: '<answer> A </answer>',
    }));
    await writeFile(join(tiny.directory, 'Splits', 'modality', 'test', 'Fundus.json'), JSON.stringify(records));
    const { items, left_out, unasked } = await evaluate('--split', 'modality/test/Fundus', '--max-new-tokens', '4');
    expect([items, left_out]).toEqual([1, 1]);
    expect(unasked[0].why).toMatch(/a prompt of \d+ tokens and a completion of up to 4 tokens are together longer than the 32768/);
  });

  it('refuses a split that changed since', async () => {
    await writeSplit('modality/test/OCT', 4);
    const other = () =>
      medr1('eval', '--model', tiny.model, '--dataset', tiny.directory, '--split', 'modality/test/OCT', '--max-new-tokens', '4');
    const { id } = await other();
    await writeSplit('modality/test/OCT', 5);
    await expect(other()).rejects.toMatchObject({ code: 'EVAL_SPLIT_CHANGED', message: expect.stringContaining(id) });
  });

  it('refuses an unknown control', async () => {
    await expect(evaluate('--controls', 'blank')).rejects.toThrow(/blank is none of blank-image/);
    await expect(evaluate('--controls', 'constructor')).rejects.toThrow(/constructor is none of/);
  });

  it('killed with -9 it goes on where it was, and ends with the answers of one never killed', async () => {
    await writeSplit('modality/test/Fundus', 100);
    const args = ['eval', '--model', tiny.model, '--dataset', tiny.directory, '--split', 'modality/test/Fundus', '--max-new-tokens', '8'];
    const child = spawn(process.execPath, [resolve(import.meta.dirname, 'main.ts'), ...args, '--batch-size', '1'], {
      env: { ...process.env, MEDR1_HOME: home },
      stdio: 'ignore',
    });
    const done = (): number => {
      const [id] = listEvals(home);
      if (!id) return 0;
      using store = EvalStore.open(evalDirectory(home, id));
      return store.summary().done;
    };
    while (child.exitCode === null && done() < 5) await new Promise((go) => setTimeout(go, 5));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const killedAt = done();
    expect(killedAt).toBeGreaterThanOrEqual(5);
    expect(killedAt).toBeLessThan(100);
    expect((await medr1('evals', 'list')).evaluations).toMatchObject([{ state: 'interrupted', done: killedAt }]);

    const resumed = await medr1(...args, '--batch-size', '1');
    expect(listEvals(home)).toHaveLength(1);
    expect(resumed.strict.total).toBe(100);
    const whole = await medr1(...args, '--batch-size', '1', '--no-resume');
    expect({ ...resumed, id: whole.id }).toEqual(whole);
  }, 180_000);
});

describe('medr1 evals', () => {
  it('draws samples beside the greedy answers: the same ones from the same seed, and more of them later', async () => {
    const drawn = (id: string) => {
      using store = openEval(home, id);
      return [...store.samples()];
    };
    const first = await evaluate('--samples', '3', '--temperature', '0.9');
    const again = await evaluate('--samples', '3', '--temperature', '0.9', '--no-resume');
    expect(again.id).not.toBe(first.id);
    expect(drawn(first.id)).toHaveLength(6);
    expect(drawn(again.id)).toEqual(drawn(first.id));
    const more = await evaluate('--samples', '5', '--temperature', '0.9');
    expect(more.id).toBe(again.id); // the newest
    expect(drawn(more.id).map(([, samples]) => samples.slice(0, 3))).toEqual(drawn(first.id).map(([, samples]) => samples));
    const { votes } = await medr1('evals', 'compare', first.id, again.id);
    expect(votes.map(({ samples }: { samples: number }) => samples)).toEqual([3, 5]);
    await expect(evaluate('--samples', '65')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(evaluate('--samples', '2', '--temperature', '0')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('lists, shows, compares and exports what is stored', async () => {
    const a = await evaluate();
    const b = await evaluate('--variant', 'no-think');
    const { evaluations } = await medr1('evals', 'list');
    expect(evaluations.map(({ id }: { id: string }) => id)).toEqual([b.id, a.id]);
    expect((await medr1('evals', 'show', a.id)).report.strict).toEqual(a.strict);
    for (const ids of [[a.id], [a.id, a.id]])
      await expect(medr1('evals', 'compare', ...ids)).rejects.toMatchObject({
        exit: 2,
        message: expect.stringContaining('two evaluations'),
      });
    const { items, pairs } = await medr1('evals', 'compare', a.id, b.id);
    expect(items).toBe(6);
    expect(pairs[0].strict.p).toBeLessThanOrEqual(1);
    const csv = join(home, 'comparison.csv');
    await medr1('evals', 'compare', a.id, b.id, '--csv', csv);
    expect((await readFile(csv, 'utf8')).trim().split('\n')).toHaveLength(7);
    await expect(medr1('evals', 'compare', a.id, b.id, '--csv', csv)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(medr1('evals', 'compare', a.id, 'nobody')).rejects.toMatchObject({ code: 'EVAL_UNKNOWN' });
    const exported = await medr1('evals', 'export', a.id);
    expect(exported.answers).toHaveLength(6);
    expect(exported.answers[0]).toMatchObject({ sight: 'image', item: { question: 'it is 0' } });
    expect(await medr1('evals', 'matrix')).toMatchObject({ matrices: [], differences: [], published: { names: { length: 8 } } });
    expect((await medr1('evals', 'delete', a.id)).trash).toContain(a.id);
    await expect(medr1('evals', 'show', a.id)).rejects.toMatchObject({ code: 'EVAL_UNKNOWN' });
  });
});
