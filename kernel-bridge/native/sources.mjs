// Which sources the addon is built from. Read by the build, and by whoever loads the addon: one of other sources lacks operators, or computes
// otherwise. Runs on Node 20 without dependencies.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

const filesIn = (dir, extension) =>
  readdirSync(dir)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(dir, name));

export const sources = (dir) => filesIn(dir, '.cc');

/** @param {(string | Buffer)[]} parts */
export const sha = (...parts) =>
  parts
    .reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256'))
    .digest('hex')
    .slice(0, 16);

/** Changes with every source and header of the addon. */
export function sourcesKey() {
  const files = [here, ...['c10d', 'cuda', 'kernels', 'nccl'].map((name) => join(here, name))].flatMap((dir) => [
    ...sources(dir),
    ...filesIn(dir, '.h'),
  ]);
  return sha(...files.map((file) => readFileSync(file)));
}
