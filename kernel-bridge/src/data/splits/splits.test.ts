import fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VqaItem } from '../../protocol/data.ts';
import { omni, temporary, write } from '../fixtures.ts';
import { buildIndex } from '../index/build.ts';
import { loadItems } from '../load.ts';
import type { WholeDataset } from '../types.ts';
import { readSplit, splitPath, writeSplit } from './files.ts';
import { linked, makeSelection, makeSplit } from './make.ts';
import { shuffled, splitMix64 } from '../../stats/random.ts';

const item = (id: number, image: string, stratum: string, problem: string | null = null): VqaItem => ({
  id: String(id),
  dataset: 'd',
  image,
  question: 'q',
  options: ['a', 'b'],
  answer: 'A',
  modality: stratum,
  question_type: 't',
  problem,
});
const whole = (items: VqaItem[], rest: Partial<WholeDataset> = {}): WholeDataset => ({
  name: 'x',
  root: '/',
  items,
  splits: new Map(),
  studies: new Map(),
  prints: new Map(),
  ...rest,
});

const items = fc
  .array(fc.tuple(fc.nat(40), fc.constantFrom('CT', 'MRI'), fc.boolean()), { minLength: 2, maxLength: 120 })
  .map((list) => list.map(([image, stratum, bad], i) => item(i, `${image}.png`, stratum, bad && i > 1 ? 'image-missing' : null)));

describe('a new split', () => {
  it('holds every usable question once, and the same seed gives the same', () => {
    fc.assert(
      fc.property(items, fc.constantFrom('question' as const, 'leak-free' as const), fc.nat(1000), (list, kind, seed) => {
        const split = makeSplit(whole(list), { kind, seed });
        const usable = list.filter((i) => i.problem === null).map((i) => i.id);
        expect([...split.train, ...split.test].toSorted()).toEqual(usable.toSorted());
        expect(makeSplit(whole(list), { kind, seed })).toEqual(split);
      }),
    );
  });

  it('by question holds out the asked share of every modality and type', () => {
    const list = Array.from({ length: 300 }, (_, i) => item(i, `${i}.png`, i < 200 ? 'CT' : 'MRI'));
    const test = new Set(makeSplit(whole(list), { kind: 'question', testFraction: 0.2 }).test);
    const held = (modality: string) => list.filter((i) => i.modality === modality && test.has(i.id)).length;
    expect([held('CT'), held('MRI')]).toEqual([40, 20]);
    expect(makeSplit(whole(list), { kind: 'question', seed: 1 }).test).not.toEqual([...test]);
  });

  it('leak-free has no image on both sides, nor a copy, a look-alike or a study', () => {
    const hash = (seed: number, flip = 0) =>
      Uint8Array.from({ length: 16 }, (_, i) => ((seed * 2654435761) >>> i) & 255).map((byte, i) => (i === 0 ? byte ^ flip : byte));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(12), fc.nat(8)), { minLength: 4, maxLength: 80 }), fc.nat(99), (rows, seed) => {
        const list = rows.map(([image], i) => item(i, `${image}.png`, i % 2 ? 'CT' : 'MRI'));
        const prints = new Map(
          rows.map(([image]) => [
            `${image}.png`,
            { sha256: `sha${image % 13}`, dhash: hash(image % 11, 1 << (image % 7)), windowed: null, problem: null },
          ]),
        );
        const studies = new Map(rows.flatMap(([, study], i) => (study < 4 ? [[String(i), `study${study}`] as const] : [])));
        const set = whole(list, { prints, studies });
        const split = makeSplit(set, { kind: 'leak-free', seed });
        const test = new Set(split.test);
        for (const group of linked(list, set)) expect(new Set(group.map((i) => test.has(i.id))).size).toBe(1);
        const side = (of: (i: VqaItem) => string | undefined) => {
          for (const group of Map.groupBy(list, of))
            if (group[0] !== undefined) expect(new Set(group[1].map((i) => test.has(i.id))).size).toBe(1);
        };
        side((i) => i.image);
        side((i) => prints.get(i.image)!.sha256);
        side((i) => studies.get(i.id));
      }),
      { numRuns: 60 },
    );
  });

  it('leak-free comes near the asked share where groups are small', () => {
    const list = Array.from({ length: 600 }, (_, i) => item(i, `${Math.floor(i / 3)}.png`, ['CT', 'MRI', 'OCT'][Math.floor(i / 3) % 3]));
    const split = makeSplit(whole(list), { kind: 'leak-free' });
    expect(split.test.length).toBeGreaterThan(110);
    expect(split.test.length).toBeLessThan(130);
  });

  it('leak-free holds out the asked share of every modality and type, to within a group or a tenth, where an image has one to four questions', () => {
    const images = fc.array(fc.tuple(fc.constantFrom('CT', 'MRI', 'OCT', 'US'), fc.integer({ min: 1, max: 4 })), {
      minLength: 5,
      maxLength: 200,
    });
    fc.assert(
      fc.property(images, fc.constantFrom(0.1, 0.2, 0.5), fc.nat(99), (list, testFraction, seed) => {
        const all = list.flatMap(([modality, questions], image) =>
          Array.from({ length: questions }, (_, q) => item(10 * image + q, `${image}.png`, modality)),
        );
        fc.pre(all.length > 1);
        const test = new Set(makeSplit(whole(all), { kind: 'leak-free', testFraction, seed }).test);
        for (const [, stratum] of Map.groupBy(all, (one) => one.modality)) {
          const held = stratum.filter(({ id }) => test.has(id)).length;
          expect(Math.abs(held - testFraction * stratum.length)).toBeLessThanOrEqual(Math.max(4, 0.1 * stratum.length));
        }
      }),
    );
  });

  it('is refused where there is nothing to split', () => {
    expect(() => makeSplit(whole([item(0, 'a', 'CT')]), { kind: 'question' })).toThrow(
      expect.objectContaining({ code: 'DATA_EMPTY' }) as Error,
    );
  });
});

describe('a selection', () => {
  const list = [item(0, 'a', 'CT'), item(1, 'a', 'CT'), item(2, 'b', 'MRI', 'image-missing'), item(3, 'c', 'MRI')];

  it('is a training set of the usable questions chosen, named by what is in it', () => {
    const made = makeSelection(whole(list), new Set(['3', '0', '2', 'of another set']));
    expect(made).toMatchObject({ kind: 'selection', train: ['0', '3'], test: [] });
    expect(makeSelection(whole(list), new Set(['0', '3'])).name).toBe(made.name);
    expect(makeSelection(whole(list), new Set(['0', '1'])).name).not.toBe(made.name);
  });

  it('of nothing usable is refused', () => {
    expect(() => makeSelection(whole(list), new Set(['2']))).toThrow(expect.objectContaining({ code: 'DATA_EMPTY' }) as Error);
  });
});

describe('a split file', () => {
  it('is used by name or by path, and refused once a byte of it changed', async () => {
    using dir = temporary();
    const home = join(dir.path, 'home');
    const data = write(join(dir.path, 'set'), {
      'QA_information/Open-access/a.json': Array.from({ length: 20 }, (_, n) => omni(n, { image_path: 'x.png' })),
      'x.png': 'x',
    });
    await buildIndex(data, { name: 'set', home, images: false });
    const all = await loadItems('set', { home });
    const made = makeSplit(whole(all.items), { kind: 'question', name: 'mine' });
    writeSplit(splitPath('set', 'mine', home), made);
    writeSplit(join(dir.path, 'shared.json'), made);
    expect((await loadItems('set', { home, split: 'mine/test' })).items.map((i) => i.id)).toEqual(made.test);
    expect((await loadItems(data, { home, split: `${join(dir.path, 'shared.json')}#train` })).items.map((i) => i.id)).toEqual(made.train);

    const path = join(dir.path, 'shared.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(made.test[0], made.train[0]));
    await expect(loadItems(data, { split: `${path}#test` })).rejects.toMatchObject({ code: 'DATA_SPLIT_CHANGED' });
    writeFileSync(path, '{"format":"other"}');
    expect(() => readSplit(path)).toThrow(expect.objectContaining({ code: 'DATA_SPLIT_FILE' }) as Error);
  });

  it('of other data is refused', async () => {
    using dir = temporary();
    write(dir.path, { 'a.jsonl': '{"id":"q1","image":"x.png","question":"q","options":["a","b"],"answer":"A"}', 'x.png': 'x' });
    const list = Array.from({ length: 4 }, (_, i) => item(i, `${i}.png`, 'CT'));
    writeSplit(join(dir.path, 's.json'), makeSplit(whole(list), { kind: 'question' }));
    await expect(loadItems(join(dir.path, 'a.jsonl'), { split: `${join(dir.path, 's.json')}#test` })).rejects.toMatchObject({
      code: 'DATA_SPLIT_CHANGED',
      message: expect.stringContaining('are not in') as string,
    });
  });
});

it('shuffling keeps every value and depends on the seed alone', () => {
  const values = Array.from({ length: 50 }, (_, i) => i);
  expect(shuffled(splitMix64(7), values).toSorted((a, b) => a - b)).toEqual(values);
  expect(shuffled(splitMix64(7), values)).toEqual(shuffled(splitMix64(7), values));
  expect(shuffled(splitMix64(7), values)).not.toEqual(shuffled(splitMix64(8), values));
});
