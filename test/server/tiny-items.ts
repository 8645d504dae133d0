/** The questions of a tiny data set, written by a test for the worker process to read. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import type { LoadItems } from '../../kernel-bridge/src/runs/runs.ts';

const file = (directory: string): string => join(directory, 'tiny-items.json');

export const writeTinyItems = ({ directory, items }: Tiny): Promise<void> => writeFile(file(directory), JSON.stringify(items));

/** Directory of the data set is the data set's name. */
export const loadTinyItems: LoadItems = async (directory) => ({
  root: directory,
  items: JSON.parse(await readFile(file(directory), 'utf8')),
  left_out: 0,
  hash: 'tiny',
});
