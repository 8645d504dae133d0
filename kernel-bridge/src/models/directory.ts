/** Model directories on disk: whole or absent, with what a processor reads beside the weights. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** What a processor reads, and transformers and vLLM with it. */
const PROCESSOR_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'processor_config.json',
  'generation_config.json',
];

/**
 * Makes `dir` of the processor's files in `processorDir` and of what `fill` writes. It appears whole or not at all: it is written
 * beside its place, synced and renamed.
 */
export async function writeDirectory(dir: string, processorDir: string | undefined, fill: (draft: string) => Promise<void>): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  const draft = join(parent, `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
  await mkdir(draft, { recursive: true });
  try {
    if (processorDir !== undefined) await copyProcessor(processorDir, draft);
    await fill(draft);
    await syncDir(draft);
    await replace(draft, target);
    await syncDir(parent);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function copyProcessor(from: string, into: string): Promise<void> {
  for (const name of PROCESSOR_FILES) {
    const there = await stat(join(from, name)).catch(() => null);
    if (there === null) continue;
    await cp(join(from, name), join(into, name));
    await syncFile(join(into, name));
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
  await syncFile(file);
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const syncDir = syncFile;
