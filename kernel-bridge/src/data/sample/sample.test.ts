import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dhash, distance } from './dhash.ts';
import type { QaRecord, SplitRecord } from './records.ts';
import { optionsOf } from './records.ts';
import { makeSample, MIN_DISTANCE } from './sample.ts';
import type { SampleSummary } from './sample.ts';
import { MODALITIES, QUESTION_TYPE_NAMES } from './world.ts';

let home: string;
let root: string;
let summary: SampleSummary;
const records: QaRecord[] = [];
const split: Record<'modality' | 'question_type', Record<'train' | 'test', SplitRecord[]>> = {
  modality: { train: [], test: [] },
  question_type: { train: [], test: [] },
};

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'medr1-sample-'));
  root = join(home, 'sample');
  summary = await makeSample(root, { imagesPerDataset: 25 });
  const qa = join(root, 'QA_information', 'Open-access');
  for (const file of await readdir(qa)) records.push(...(await json(qa, file)));
  for (const by of ['modality', 'question_type'] as const)
    for (const part of ['train', 'test'] as const)
      for (const file of await readdir(join(root, 'Splits', by, part)))
        split[by][part].push(...(await json(root, 'Splits', by, part, file)));
});

afterAll(() => rm(home, { recursive: true, force: true }));

/** The option-text prior of the audit: p = (times right + 0.25) / (times shown + 1) per text, the largest wins. */
function priorAccuracy(train: QaRecord[], test: QaRecord[]): number {
  const shown = new Map<string, number>();
  const right = new Map<string, number>();
  const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const record of train) {
    for (const text of optionsOf(record)) add(shown, text);
    add(right, record.gt_answer);
  }
  const p = (text: string) => ((right.get(text) ?? 0) + 0.25) / ((shown.get(text) ?? 0) + 1);
  const hits = test.filter((record) => optionsOf(record).reduce((best, text) => (p(text) > p(best) ? text : best)) === record.gt_answer);
  return hits.length / test.length;
}

describe('the made sample', () => {
  it('holds 8 modalities by their raw names plus one unknown, and 5 question types', () => {
    expect(new Set(records.map((r) => r.modality_type))).toEqual(new Set([...Object.values(MODALITIES), 'unknown']));
    expect(new Set(records.map((r) => r.question_type))).toEqual(new Set(QUESTION_TYPE_NAMES));
  });

  it("names split files by the raw modality strings, OCT's missing bracket included", async () => {
    const files = await readdir(join(root, 'Splits', 'modality', 'test'));
    expect(files).toContain('OCT (Optical Coherence Tomography_test.json');
    expect(files).not.toContain('unknown_test.json');
  });

  it('asks several questions of every image', () => {
    const perImage = Map.groupBy(records, (r) => r.image_path);
    const few = [...perImage.values()].filter((rows) => rows.length < 3);
    expect(few.length).toBeLessThanOrEqual(1); // the lost image has one question
    expect(summary.questions).toBe(records.length);
  });

  it('has no test image in train, in either split', () => {
    for (const by of ['modality', 'question_type'] as const) {
      const train = new Set(split[by].train.map((r) => r.image));
      expect(split[by].test.filter((r) => train.has(r.image))).toEqual([]);
      expect(split[by].test.length).toBe(summary.test);
    }
  });

  it('has no near-duplicate images', async () => {
    const hashes: bigint[] = [];
    for (const image of new Set(records.map((r) => r.image_path))) {
      if (image.includes('(lost)')) continue;
      const { data, info } = await sharp(await readFile(join(root, image)))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([112, 112, 3]);
      hashes.push(dhash({ ...info, data: new Uint8Array(data) }));
    }
    const closest = hashes.map((hash, i) => Math.min(64, ...hashes.slice(0, i).map((other) => distance(hash, other))));
    expect(Math.min(...closest)).toBeGreaterThanOrEqual(MIN_DISTANCE);
  });

  it('gives nothing away in the texts of its options: the option prior stays near chance', () => {
    const test = new Set(split.modality.test.map((r) => r.image));
    const part = (want: boolean) => records.filter((r) => test.has(r.image_path) === want);
    expect(priorAccuracy(part(false), part(true))).toBeLessThan(0.36); // chance .26; 384 items: .36 is 4 standard errors above
  });

  it('puts the right answer on every letter about equally often', () => {
    const letters = Map.groupBy(split.modality.train, (r) => r.solution);
    for (const letter of 'ABCD')
      expect(letters.get(`<answer> ${letter} </answer>`)!.length / split.modality.train.length).toBeCloseTo(0.25, 1);
  });

  it("writes Med-R1's problem and solution", () => {
    expect(split.question_type.train.some((r) => /^[^?]+\? A\)\w+\.?, B\)\w+\.?, C\)\w+\.?, D\)\w+\.?$/.test(r.problem))).toBe(true);
  });

  it.each([
    ['answer ends in a full stop', (r: QaRecord) => r.gt_answer.endsWith('.')],
    ['an option ends in a full stop', (r: QaRecord) => r.option_B.endsWith('.')],
    [
      "answer's case differs from the option's",
      (r: QaRecord) => !optionsOf(r).includes(r.gt_answer) && optionsOf(r).some((o) => o.toLowerCase() === r.gt_answer.toLowerCase()),
    ],
    ['modality unknown', (r: QaRecord) => r.modality_type === 'unknown'],
    ['image missing', (r: QaRecord) => r.image_path.includes('(lost)')],
    ['answer is none of the options', (r: QaRecord) => r.gt_answer === 'artefact'],
    ['two options', (r: QaRecord) => optionsOf(r).length === 2],
    ['three options', (r: QaRecord) => optionsOf(r).length === 3],
  ])("holds the real layout's oddity: %s", (what, found) => {
    const count = records.filter(found).length;
    expect(count).toBeGreaterThan(0);
    if (what in summary.quirks) expect(count).toBe(summary.quirks[what]);
  });

  it('says that it is synthetic in every data set name, every image and the README', async () => {
    expect(records.every((r) => r.dataset.startsWith('Synthetic'))).toBe(true);
    expect((await readFile(join(root, records[0].image_path))).includes('Synthetic')).toBe(true);
    expect(await readFile(join(root, 'README.md'), 'utf8')).toContain('Everything here is synthetic');
  });

  it('makes the same bytes from the same seed, others from another', async () => {
    const digest = async (dir: string, seed: number) => {
      await makeSample(dir, { imagesPerDataset: 1, seed });
      const hash = createHash('sha256');
      for (const entry of (await readdir(dir, { recursive: true, withFileTypes: true })).filter((e) => e.isFile()))
        hash.update(entry.name).update(await readFile(join(entry.parentPath, entry.name)));
      return hash.digest('hex');
    };
    const first = await digest(join(home, 'first'), 3);
    expect(await digest(join(home, 'again'), 3)).toBe(first);
    expect(await digest(join(home, 'other'), 4)).not.toBe(first);
  });

  it('refuses a folder that holds something and leaves it as it was', async () => {
    const full = join(home, 'full');
    await mkdir(full);
    await writeFile(join(full, 'mine.txt'), 'keep');
    await expect(makeSample(full)).rejects.toMatchObject({ code: 'SAMPLE_DIR_NOT_EMPTY' });
    expect(await readdir(full)).toEqual(['mine.txt']);
  });

  it('leaves nothing behind when it is cut off', async () => {
    const cut = join(home, 'cut');
    const stop = () => {
      throw new Error('cut off');
    };
    await expect(makeSample(cut, { progress: stop })).rejects.toThrow('cut off');
    expect((await readdir(home)).filter((name) => name.includes('cut'))).toEqual([]);
  });
});
