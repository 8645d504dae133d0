/** Model directories on disk: whole or absent, with what a processor reads beside the weights. */
import { randomBytes } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder, sync } from '../files/durable.ts';
import { copyProcessor } from './processor-files.ts';

/**
 * Makes `dir` of the processor's files in `processorDir` and of what `fill` writes. It appears whole or not at all: it is written
 * beside its place, synced and renamed.
 */
export async function writeDirectory(dir: string, processorDir: string | undefined, fill: (draft: string) => Promise<void>): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  const draft = join(parent, `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
  await makeFolder(draft);
  try {
    const copied = processorDir === undefined ? [] : await copyProcessor(processorDir, draft);
    for (const name of copied) await sync(join(draft, name));
    await fill(draft);
    await sync(draft);
    await replace(draft, target);
    await sync(parent);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** A directory that stands in the way is moved aside first: rename replaces only empty ones. */
async function replace(draft: string, target: string): Promise<void> {
  const old = `${draft}.old`;
  const had = await stat(target).catch(() => null);
  if (had !== null) await rename(target, old);
  await rename(draft, target);
  if (had !== null) await rm(old, { recursive: true, force: true });
}

export async function writeSynced(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await sync(file);
}
