/** For tests of commands: the questions of a tiny data set as a split in Med-R1's layout, and a run's file that names it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TrainConfig } from '../../protocol/index.ts';
import type { Tiny } from './tiny.ts';

export const SPLIT = 'modality/test/CT';

/** Writes all of its questions as the split `SPLIT`; the letters A to D are right in turn. */
export async function writeSplit(tiny: Tiny): Promise<void> {
  const file = join(tiny.directory, 'Splits', `${SPLIT}.json`);
  await mkdir(dirname(file), { recursive: true });
  const records = tiny.items.map(({ image }, i) => ({
    image,
    problem: `it is ${i} A)A, B)B, C)C, D)D`,
    solution: `<answer> ${'ABCD'[i % 4]} </answer>`,
  }));
  await writeFile(file, JSON.stringify(records));
}

/** Writes the file of a run that trains on `SPLIT`, completions of 4 tokens, and gives its path. */
export async function writeRunFile(tiny: Tiny, changes: Partial<TrainConfig>): Promise<string> {
  const file = join(tiny.directory, 'run.yaml');
  await writeFile(file, JSON.stringify(tiny.config({ dataset_train_split: SPLIT, max_completion_length: 4, ...changes }))); // JSON is YAML
  return file;
}
