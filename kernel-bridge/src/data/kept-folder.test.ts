import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeptFolder } from './kept-folder.ts';
import { loadItems } from './load.ts';
import { readFolder } from './whole.ts';

const made: string[] = [];
afterEach(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true })));

const QUESTIONS = 'QA_information/Open-access/A.json';
const question = (id: string, image = 'Images/A/1.png') => ({
  ...{ dataset: 'A', question_id: id, question: 'What is seen?', option_A: 'No finding', option_B: 'Glaucoma', gt_answer: 'Glaucoma' },
  ...{ image_path: image, modality_type: 'CT', question_type: 'Disease Diagnosis' },
});

/** A folder of two questions, one of whose images is missing; `write` takes text, or what JSON is made of. */
function folder() {
  const dir = mkdtempSync(join(tmpdir(), 'medr1-kept-'));
  made.push(dir);
  const write = (name: string, content: unknown): void => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  };
  write(QUESTIONS, [question('a1'), question('a2', 'Images/A/2.png')]);
  write('Images/A/1.png', 'x');
  return { dir, write };
}

/** Files of a test are young, so that they count as settled here. */
function keeper(settledMs = -1000) {
  const read = vi.fn(readFolder);
  const kept = new KeptFolder({ read, settledMs });
  return { read, load: (dir: string, split?: string) => loadItems(dir, { split }, kept.read) };
}

describe('KeptFolder', () => {
  it('reads a folder once, whoever asks for which part of it and by which way', async () => {
    const { dir, write } = folder();
    write('Splits/modality/train/CT_train.json', [
      { image: 'Images/A/1.png', problem: 'What is seen? A)No finding, B)Glaucoma', solution: 'B' },
    ]);
    const { read, load } = keeper();
    const [whole, again] = await Promise.all([load(dir), load(`${dir}/`)]);
    expect(again).toEqual(whole);
    expect(whole.items.map(({ id, problem }) => [id, problem])).toEqual([
      ['a1', null],
      ['a2', 'image-missing'],
    ]);
    expect((await load(dir, 'modality/train')).items.map(({ id }) => id)).toEqual(['a1']);
    expect(read).toHaveBeenCalledOnce();
    await expect(load(`${dir}/Splits`, 'elsewhere')).rejects.toThrow(`${dir}/Splits has no split elsewhere`);
  });

  it.each<[string, (one: ReturnType<typeof folder>) => void, unknown]>([
    [
      'a question says another thing of the same length',
      ({ write }) => write(QUESTIONS, [question('b1'), question('a2', 'Images/A/2.png')]),
      ['b1', 'a2:image-missing'],
    ],
    [
      'a file of questions comes',
      ({ write }) => write('QA_information/Open-access/B.json', [question('b1')]),
      ['a1', 'a2:image-missing', 'b1'],
    ],
    ['an image comes', ({ write }) => write('Images/A/2.png', 'x'), ['a1', 'a2']],
    ['an image goes', ({ dir }) => rmSync(join(dir, 'Images/A/1.png')), ['a1:image-missing', 'a2:image-missing']],
    ['all images go', ({ dir }) => renameSync(join(dir, 'Images'), join(dir, 'Other')), ['a1:image-missing', 'a2:image-missing']],
  ])('reads it again where %s', async (_, change, expected) => {
    const one = folder();
    const { read, load } = keeper();
    await load(one.dir);
    change(one);
    const { items } = await load(one.dir);
    expect(items.map(({ id, problem }) => (problem === null ? id : `${id}:${problem}`))).toEqual(expected);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it.each<[string, (one: ReturnType<typeof folder>) => void, number?]>([
    ['was written a moment ago', () => undefined, 3000],
    ['holds links to images', ({ dir }) => symlinkSync('1.png', join(dir, 'Images/A/3.png'))],
    ['has questions whose images have no folder yet', ({ write }) => write(QUESTIONS, [question('a1'), question('a2', 'Images/B/2.png')])],
    [
      'has its images beside it',
      ({ dir }) => (mkdirSync(join(dir, 'part')), renameSync(join(dir, 'QA_information'), join(dir, 'part/QA_information'))),
    ],
  ])('reads one each time that %s', async (_, change, settledMs) => {
    const one = folder();
    change(one);
    const { read, load } = keeper(settledMs);
    const first = await load(one.dir);
    expect(await load(one.dir)).toEqual(first);
    expect(first.items.length).toBe(2);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('keeps nothing of a folder that cannot be read, and reads it once it can', async () => {
    const { dir, write } = folder();
    const { load } = keeper();
    await load(dir);
    rmSync(join(dir, QUESTIONS));
    await expect(load(dir)).rejects.toThrow('holds no questions in a layout');
    write(QUESTIONS, [question('b1')]);
    expect((await load(dir)).items).toMatchObject([{ id: 'b1' }]);
  });
});
