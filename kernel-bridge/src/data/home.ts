/** Where data sets' indexes and caches are kept: <home>/datasets/<name>/ and <home>/cache/. Data folders themselves are never written to. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, resolve } from 'node:path';
import { makeFolders } from '../files/durable.ts';

/** MEDR1_HOME, or .medr1 in the clone. */
export function homeDir(home?: string): string {
  return resolve(home ?? process.env['MEDR1_HOME'] ?? fileURLToPath(new URL('../../../.medr1', import.meta.url)));
}

/** Makes a folder of the home, which is for its owner alone: questions and thumbnails quote patients' images. */
export function makeInHome(dir: string, home?: string): void {
  makeFolders(homeDir(home), 0o700);
  if (statSync(homeDir(home)).uid === process.getuid?.()) chmodSync(homeDir(home), 0o700); // one that was made before
  mkdirSync(dir, { recursive: true });
}

export const datasetDir = (name: string, home?: string) => join(homeDir(home), 'datasets', name);

/** Images that a Parquet file held. */
export function imageCacheDir(dir: string, home?: string): string {
  return join(homeDir(home), 'cache', 'images', createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 16));
}
