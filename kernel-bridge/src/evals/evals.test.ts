import { describe, expect, it } from 'vitest';
import { permutedReport, report } from './accuracy.ts';
import { madeAnswer, madeItem } from './fixtures.ts';
import { exactP, mcnemar } from '../stats/mcnemar.ts';
import { chooseItems, otherImages, permuted } from './draw.ts';
import { wilson } from '../stats/wilson.ts';

describe('wilson', () => {
  it.each([
    // right, total, low, high: Newcombe 1998, table 1
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [20, 20, 0.8389, 1],
  ])('%s of %s: %s to %s', (right, total, low, high) => {
    const share = wilson(right, total);
    expect(share.low).toBeCloseTo(low, 4);
    expect(share.high).toBeCloseTo(high, 4);
  });

  it.each([
    // statsmodels 0.15.0, proportion_confint(right, total, method='wilson')
    [0, 1, 0, 0.7934506856227627],
    [1, 1, 0.2065493143772374, 1],
    [3, 10, 0.10779126740630104, 0.6032218525388546],
    [7, 20, 0.18119182410108203, 0.5671457233147638],
    [436, 436, 0.9912662648241621, 1],
    [1097, 1098, 0.9948592452256996, 0.999839212729453],
  ])('%s of %s as statsmodels has it', (right, total, low, high) => {
    const share = wilson(right, total);
    expect(share.low).toBeCloseTo(low, 12);
    expect(share.high).toBeCloseTo(high, 12);
  });

  it('has no rate without items', () => expect(wilson(0, 0).rate).toBeNull());
});

describe("McNemar's exact test", () => {
  it.each([
    // statsmodels 0.15.0 on scipy 1.17.1, mcnemar([[., b], [c, .]], exact=True).pvalue
    [0, 0, 1],
    [1, 0, 1],
    [1, 1, 1],
    [10, 10, 1],
    [0, 5, 0.0625],
    [3, 9, 0.14599609375],
    [2, 31, 1.3085082173347473e-7],
    [59, 121, 4.4344492637551645e-6],
    [86, 150, 3.7159361395713866e-5],
    [400, 460, 0.04416954819458914],
  ])('%s against %s flips: p %s', (onlyA, onlyB, p) => {
    expect(exactP(onlyA, onlyB) / p).toBeCloseTo(1, 10);
    expect(exactP(onlyB, onlyA)).toBe(exactP(onlyA, onlyB));
  });

  it('counts pairs and names the questions that flipped', () => {
    const pair = (id: string, a: boolean, b: boolean) => ({ id, a, b });
    const test = mcnemar([
      pair('1', true, true),
      pair('2', true, false),
      pair('3', false, true),
      pair('4', false, true),
      pair('5', false, false),
    ]);
    expect(test).toEqual({
      ...{ both: 1, only_a: 1, only_b: 2, neither: 1, p: 1, difference: 0.2 },
      flips: { only_a: ['2'], only_b: ['3', '4'] },
    });
  });
});

describe('a report', () => {
  it('counts both readings, by modality too, and lists the answers they differ on', () => {
    const mr = { modality: 'MRI' };
    const seen = report([madeAnswer(madeItem('a'), 'A'), madeAnswer(madeItem('b', mr), null, 'A'), madeAnswer(madeItem('c', mr), 'B')]);
    expect([seen.strict.right, seen.tolerant.right, seen.strict.total]).toEqual([1, 2, 3]);
    expect(seen.by_modality.MRI.tolerant).toMatchObject({ right: 1, total: 2, rate: 0.5 });
    expect(seen.tokens_per_correct).toBe(30);
    expect(seen.differing.map(({ id }) => id)).toEqual(['b']);
  });

  it('of no answers has no means', () => {
    expect(report([])).toMatchObject({ mean_tokens: null, tokens_per_correct: null, strict: { rate: null, total: 0 } });
  });

  it('of permuted options tells whether the answer stays with the text or with the letter', () => {
    const items = ['text', 'letter', 'neither', 'unread'].map((id) => madeItem(id));
    const shown = { options: ['nodule', 'tumor', 'cyst'], answer: 'C', sight: 'options-permuted' as const };
    const plain = items.map((item) => madeAnswer(item, 'A'));
    const moved = ['C', 'A', 'B', null].map((letter, i) => madeAnswer(items[i], letter, letter, shown));
    const seen = permutedReport(moved, plain);
    expect(seen.strict).toMatchObject({ right: 1, total: 4 }); // cyst stands at C now
    expect(seen.follows.strict.text).toMatchObject({ right: 1, total: 3 });
    expect(seen.follows.strict.letter).toMatchObject({ right: 1, total: 3 });
  });
});

describe('shuffled images', () => {
  it('give every item the image of another', () => {
    const items = ['a', 'b', 'c', 'd', 'e'].map((id) => madeItem(id));
    const other = otherImages(items, 1);
    other.forEach((index, i) => expect(items[index].image).not.toBe(items[i].image));
    expect(new Set(other).size).toBe(5);
  });

  it('never give an item its own image under another id', () => {
    const items = [madeItem('a', { image: '1' }), madeItem('b', { image: '1' }), madeItem('c', { image: '2' })];
    otherImages(items, 1).forEach((index, i) => expect(items[index].image).not.toBe(items[i].image));
  });
});

describe('permuted options', () => {
  it('stand under another letter each, the right one among them, the same for the same seed', () => {
    for (let index = 0; index < 50; index++) {
      const item = madeItem('a', { options: ['v', 'w', 'x', 'y'], answer: 'C' });
      const moved = permuted(item, index, 7);
      moved.options.forEach((text, i) => expect(text).not.toBe(item.options[i]));
      expect(moved.options[moved.answer!.charCodeAt(0) - 65]).toBe('x');
      expect(permuted(item, index, 7)).toEqual(moved);
    }
    const orders = Array.from({ length: 20 }, (_, index) => permuted(madeItem('a'), index, 7).options.join());
    expect(new Set(orders).size).toBe(2); // three options have two derangements
  });

  it('leave a question without two options as it is', () => {
    expect(permuted(madeItem('a', { options: ['yes'] }), 0, 1).options).toEqual(['yes']);
    const gaps = madeItem('a', { options: ['', 'two', '', 'one'], answer: 'D' });
    expect(permuted(gaps, 0, 1)).toMatchObject({ options: ['', 'one', '', 'two'], answer: 'B' });
  });
});

it('a limit draws the same questions for the same seed, and others for another', () => {
  const items = Array.from({ length: 100 }, (_, i) => madeItem(String(i)));
  const ids = (seed: number) => chooseItems(items, 10, seed).map(({ id }) => id);
  expect(ids(1)).toEqual(ids(1));
  expect(ids(1)).not.toEqual(ids(2));
  expect(chooseItems(items, 1000, 1)).toEqual(items);
});
