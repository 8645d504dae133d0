import { describe, expect, it } from 'vitest';
import type { VqaItem } from '../protocol/index.ts';
import { report } from './accuracy.ts';
import { otherImages, type Answer } from './answers.ts';
import { wilson } from './wilson.ts';

const item = (id: string, modality = 'CT', image = `${id}.png`): VqaItem => ({
  id,
  dataset: 'D',
  image,
  question: 'Q',
  options: ['x', 'y'],
  answer: 'A',
  modality,
  question_type: 'T',
  problem: null,
});
const row = (id: string, strict: string | null, tolerant: string | null, modality?: string): Answer => ({
  item: item(id, modality),
  text: 't',
  strict,
  tolerant,
  tokens: 10,
});

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

  it('has no rate without items', () => expect(wilson(0, 0).rate).toBeNull());
});

describe('a report', () => {
  it('counts both readings, by modality too, and lists the answers they differ on', () => {
    const seen = report([row('a', 'A', 'A'), row('b', null, 'A', 'MR'), row('c', 'B', 'B', 'MR')]);
    expect([seen.strict.right, seen.tolerant.right, seen.strict.total]).toEqual([1, 2, 3]);
    expect(seen.by_modality.MR.tolerant).toMatchObject({ right: 1, total: 2, rate: 0.5 });
    expect(seen.tokens_per_correct).toBe(30);
    expect(seen.differing.map(({ id }) => id)).toEqual(['b']);
  });
});

describe('shuffled images', () => {
  it('give every item the image of another', () => {
    const items = ['a', 'b', 'c', 'd', 'e'].map((id) => item(id));
    const other = otherImages(items, 1);
    other.forEach((index, i) => expect(items[index].image).not.toBe(items[i].image));
    expect(new Set(other).size).toBe(5);
  });

  it('never give an item its own image under another id', () => {
    const items = [item('a', 'CT', '1'), item('b', 'CT', '1'), item('c', 'CT', '2')];
    otherImages(items, 1).forEach((index, i) => expect(items[index].image).not.toBe(items[i].image));
  });
});
