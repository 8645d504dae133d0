import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WorkbenchError } from '../../protocol/errors.ts';
import { dhash, distance } from './dhash.ts';
import { drawLesion, drawScene } from './draw.ts';
import { encodePng } from './png.ts';
import type { Rgb } from './png.ts';
import { ask } from './questions.ts';
import { addQuirks, QUIRKS } from './quirks.ts';
import { sfc32, shuffled } from '../../stats/random.ts';
import { readme, LICENCE } from './readme.ts';
import { toRecord, toSplitRecord } from './records.ts';
import type { QaRecord, SplitRecord } from './records.ts';
import { DATASETS, MODALITIES, QUESTION_TYPE_NAMES } from './world.ts';
import type { Scene } from './world.ts';

export interface SampleOptions {
  /** Same seed, same bytes in every file. */
  seed?: number;
  /** Images per data set, of which there are 16. */
  imagesPerDataset?: number;
  /** Called after each image. */
  progress?: (done: number, total: number) => void;
}

export interface SampleSummary {
  dir: string;
  datasets: number;
  images: number;
  questions: number;
  train: number;
  test: number;
  quirks: Record<string, number>;
}

/** One image in five, all its questions with it, is for testing: no test image stands in train. */
const TEST_EVERY = 5;

/** dHash bits by which any two images of the sample differ at least; 4 and fewer count as near-duplicates. */
export const MIN_DISTANCE = 7;

/**
 * Writes the made data set: Images/, QA_information/Open-access/ and Splits/ as OmniMedVQA and Med-R1 lay them out.
 * All or nothing: it is written beside `dir` and renamed into place.
 * @throws SAMPLE_DIR_NOT_EMPTY when `dir` exists and holds something.
 */
export async function makeSample(dir: string, options: SampleOptions = {}): Promise<SampleSummary> {
  const { seed = 0, imagesPerDataset = 50, progress } = options;
  const target = resolve(dir);
  const found = existsSync(target) ? await stat(target) : null;
  if (found && (!found.isDirectory() || (await readdir(target)).length > 0))
    throw new WorkbenchError({
      code: 'SAMPLE_DIR_NOT_EMPTY',
      message: `${dir} exists and is ${found.isDirectory() ? 'not empty' : 'no folder'}.`,
      remedy: 'Name a new folder, or empty this one first: the sample never overwrites anything.',
    });
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    const summary = await writeSample(work, seed, imagesPerDataset, progress);
    if (existsSync(target)) await rmdir(target);
    await rename(work, target);
    return { dir: target, ...summary };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

async function writeSample(
  root: string,
  seed: number,
  imagesPerDataset: number,
  progress?: (done: number, total: number) => void,
): Promise<Omit<SampleSummary, 'dir'>> {
  const total = DATASETS.length * imagesPerDataset;
  const hashes: bigint[] = [];
  const made: QaRecord[] = [];
  const testImages = new Set<string>();

  for (const dataset of DATASETS) {
    await mkdir(join(root, 'Images', dataset.name), { recursive: true });
    const order = shuffled(sfc32(seed, dataset.name, 'order'), [...Array(imagesPerDataset).keys()]);
    for (let index = 0, number = 0; index < imagesPerDataset; index++) {
      const rng = sfc32(seed, dataset.name, index);
      const scene: Scene = { modality: dataset.modality, anatomy: dataset.anatomy, lesion: drawLesion(rng, order[index]) };
      const image = `Images/${dataset.name}/${dataset.file.replace('{n}', String(index + 1))}`;
      const pixels = drawApart(scene, [seed, dataset.name, index], hashes);
      const text = { keyword: 'Description', value: 'Synthetic: drawn by Med-R1 Workbench, not a medical image' };
      await writeFile(join(root, image), encodePng(pixels, text));
      // the lesion kinds take turns of five along `order`, and so do the test images: each kind is a fifth of both parts
      if (Math.floor(order[index] / TEST_EVERY) % TEST_EVERY === 0) testImages.add(image);
      for (const type of QUESTION_TYPE_NAMES) {
        const question = ask(rng, type, scene);
        if (question)
          made.push(toRecord(question, { dataset: dataset.name, number: number++, image, modality: MODALITIES[dataset.modality] }));
      }
      progress?.(hashes.length, total);
    }
  }

  const inTest = made.map((record) => testImages.has(record.image_path)); // before a quirk loses an image
  const { records, counts } = addQuirks(made, (i) => inTest[i]);
  await writeQuestions(root, records);
  const { train, test } = await writeSplits(root, records, inTest);
  await writeFile(join(root, 'README.md'), readme({ seed, images: total, questions: records.length, train, test, quirks: QUIRKS, counts }));
  await writeFile(join(root, 'LICENCE'), LICENCE);
  return { datasets: DATASETS.length, images: total, questions: records.length, train, test, quirks: counts };
}

/** Draws until the image is no near-duplicate of an earlier one. */
function drawApart(scene: Scene, key: (string | number)[], hashes: bigint[]): Rgb {
  for (let attempt = 0; ; attempt++) {
    const pixels = drawScene(scene, sfc32(...key, 'draw', attempt));
    const hash = dhash(pixels);
    if (hashes.some((other) => distance(hash, other) < MIN_DISTANCE)) continue;
    hashes.push(hash);
    return pixels;
  }
}

async function writeQuestions(root: string, records: QaRecord[]): Promise<void> {
  const dir = join(root, 'QA_information', 'Open-access');
  await mkdir(dir, { recursive: true });
  for (const [name, rows] of Map.groupBy(records, (r) => r.dataset)) await writeJson(join(dir, `${name}.json`), rows);
}

/** Med-R1's two splits, by modality and by question type, of one and the same division of the images. */
async function writeSplits(root: string, records: QaRecord[], inTest: boolean[]): Promise<{ train: number; test: number }> {
  const counts = { train: 0, test: 0 };
  const rows = records
    .map((record, i) => ({ record, split: toSplitRecord(record), part: inTest[i] ? ('test' as const) : ('train' as const) }))
    .filter((row): row is typeof row & { split: SplitRecord } => row.split !== null);
  for (const by of ['modality', 'question_type'] as const)
    for (const part of ['train', 'test'] as const) {
      const mine = rows.filter((row) => row.part === part);
      counts[part] = mine.length;
      const dir = join(root, 'Splits', by, part);
      await mkdir(dir, { recursive: true });
      for (const [name, group] of Map.groupBy(mine, (row) => row.record[by === 'modality' ? 'modality_type' : by]))
        await writeJson(
          join(dir, `${name}_${part}.json`),
          group.map((row) => row.split),
        );
    }
  return counts;
}

const writeJson = (file: string, value: unknown) => writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
