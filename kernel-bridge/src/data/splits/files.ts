/** Splits as files: <home>/datasets/<name>/splits/<split>.json, or anywhere a user keeps one. Checked by hash whenever used. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Value } from 'typebox/value';
import { SplitFile } from '../../protocol/data.ts';
import { writeDurably } from '../../files/durable.ts';
import { readTextSync } from '../../files/plain.ts';
import { expandHome } from '../../files/user-path.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import { datasetDir } from '../home.ts';

/** Millions of ids; a file of another kind is not read to its end. */
const MAX_SPLIT_BYTES = 256 << 20;

export const splitPath = (dataset: string, split: string, home?: string) => join(datasetDir(dataset, home), 'splits', `${split}.json`);

/** The hash over everything else that the file says. */
export function sealed(split: Omit<SplitFile, 'sha256'>): SplitFile {
  const { format, name, dataset, items_hash, kind, seed, test_fraction, train, test } = split;
  const content = { format, name, dataset, items_hash, kind, seed, test_fraction, train, test };
  return { ...content, sha256: createHash('sha256').update(JSON.stringify(content)).digest('hex') };
}

/** Throws DATA_SPLIT_TAKEN where another split lies there: runs and evaluations name it. The same one, or any with `force`, is written. */
export function writeSplit(path: string, split: SplitFile, { force = false }: { force?: boolean } = {}): void {
  if (!force && existsSync(path) && !isSame(path, split)) throw taken(path, split);
  mkdirSync(dirname(path), { recursive: true });
  writeDurably(path, `${JSON.stringify(split, null, 1)}\n`);
}

/** Throws DATA_SPLIT_FILE when it is no split, DATA_SPLIT_CHANGED when it is not what its hash says. */
export function readSplit(path: string): SplitFile {
  let split: unknown;
  try {
    split = JSON.parse(readTextSync(expandHome(path), MAX_SPLIT_BYTES));
  } catch (cause) {
    throw noSplit(path, cause);
  }
  if (!Value.Check(SplitFile, split)) throw noSplit(path);
  if (sealed(split).sha256 !== split.sha256) throw changed(path);
  return split;
}

export const splitFilesOf = (dataset: string, home?: string): SplitFile[] => pathsOf(dataset, home).map(readSplit);

/** Split files that nobody changed. A changed file is refused where it is used; the other questions can still be looked at. */
export function soundSplitsOf(dataset: string, home?: string): SplitFile[] {
  return pathsOf(dataset, home).flatMap((path) => {
    try {
      return readSplit(path);
    } catch {
      return [];
    }
  });
}

/** Other when a split was drawn, changed or removed since. */
export const stampOfSplits = (dataset: string, home?: string): string =>
  pathsOf(dataset, home)
    .map((path) => `${path} ${statSync(path, { throwIfNoEntry: false })?.mtimeMs}`)
    .join();

/** The parts of a split file by the names that runs and filters know them by. */
export const partsOfSplit = ({ name, train, test }: SplitFile): [name: string, ids: string[]][] => [
  [`${name}/train`, train],
  ...(test.length > 0 ? [[`${name}/test`, test] as [string, string[]]] : []),
];

function pathsOf(dataset: string, home?: string): string[] {
  const dir = dirname(splitPath(dataset, 'x', home));
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith('.json')) : [];
  return files.toSorted().map((file) => join(dir, file));
}

function isSame(path: string, { sha256 }: SplitFile): boolean {
  try {
    return readSplit(path).sha256 === sha256;
  } catch {
    return false;
  }
}

function taken(path: string, { name }: SplitFile): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_SPLIT_TAKEN',
    http: 409,
    message: `${path} holds another split of the name ${name}: its seed, its share or its questions differ`,
    remedy: 'Choose another --name. --force writes over it: runs and evaluations that name it then refuse to go on.',
  });
}

function noSplit(path: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_SPLIT_FILE',
    cause,
    message: `${path} is no split file of this program`,
    remedy: 'Make one with `medr1 data split`.',
  });
}

function changed(path: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_SPLIT_CHANGED',
    message: `${path} was changed after it was made: its content does not match its sha256`,
    remedy: 'Take the original file, or make a new split with `medr1 data split`.',
  });
}
