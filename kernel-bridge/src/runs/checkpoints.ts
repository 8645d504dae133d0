/**
 * Checkpoint directories that are whole or absent: written under another name, every file and the directory fsynced, then renamed, then
 * the parent fsynced. manifest.json holds size and sha256 of every file; a checkpoint whose manifest does not hold is not resumed from.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sync } from '../files/durable.ts';
import { openPlain } from '../files/plain.ts';
import type { Checkpoint } from '../protocol/run.ts';
import { bestCheckpoint } from './best.ts';
import { errors } from './errors.ts';
import type { RunStore } from './store.ts';

interface Manifest {
  step: number;
  files: Record<string, { size: number; sha256: string }>;
}

const MANIFEST = 'manifest.json';
/** What a trainer or a model reads of a checkpoint: nobody may have put such a file beside those that were written. */
const READ = /\.(safetensors|json|jinja)$/;
/** Of a checkpoint that a trainer goes on from. */
const NEEDED = ['optimizer.safetensors'];

/** Writes the checkpoint of the run's last step; `save` fills a directory that does not exist yet. Older ones beyond `keep` go. */
export async function writeCheckpoint(
  store: RunStore,
  save: (dir: string) => Promise<void>,
  { reason, pinned, keep }: { reason: string; pinned: boolean; keep: number | null },
): Promise<Omit<Checkpoint, 'path'>> {
  const step = store.step;
  const existing = store.checkpoints().find((checkpoint) => checkpoint.step === step);
  if (existing) await prune(store, keep); // what a process that was killed after writing it did not get to
  const bytes = existing ? existing.bytes : await writeDirectory(store.checkpointPath(step), step, save);
  const checkpoint = { step, created_at: Date.now(), reason, pinned: pinned || (existing?.pinned ?? false), bytes };
  store.addCheckpoint(checkpoint);
  await prune(store, keep);
  return checkpoint;
}

async function writeDirectory(dir: string, step: number, save: (dir: string) => Promise<void>): Promise<number> {
  const parent = dirname(dir);
  const temporary = `${dir}.tmp-${randomBytes(4).toString('hex')}`;
  // not its parents: those of a run that was removed stay away
  const made = await mkdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    return 'was there';
  });
  if (made !== 'was there') await sync(dirname(parent));
  try {
    await save(temporary);
    const manifest: Manifest = { step, files: {} };
    for (const name of await filesIn(temporary)) manifest.files[name] = await fingerprint(join(temporary, name));
    await writeFile(join(temporary, MANIFEST), JSON.stringify(manifest, null, 1));
    for (const name of [...Object.keys(manifest.files), MANIFEST, '.']) await sync(join(temporary, name));
    await rm(dir, { recursive: true, force: true }); // left by a history that was dropped
    await rename(temporary, dir);
    await sync(parent);
    return Object.values(manifest.files).reduce((sum, { size }) => sum + size, 0);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Throws CHECKPOINT_DAMAGED naming the first file that is not as it was written. `step`: the step of which the checkpoint must be, where the caller
 * knows it. `named`: the path that the message names, where `dir` holds links to that path.
 */
export async function verifyCheckpoint(dir: string, step?: number, named = dir): Promise<void> {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(join(dir, MANIFEST), 'utf8'));
  } catch {
    throw errors.checkpointDamaged(named, `${MANIFEST} is missing or unreadable`);
  }
  const refuse = (what: string): never => {
    throw errors.checkpointDamaged(named, what);
  };
  if (typeof manifest?.files !== 'object' || manifest.files === null) refuse(`${MANIFEST} names no files`);
  if (step !== undefined && manifest.step !== step) refuse(`its ${MANIFEST} is that of step ${manifest.step}`);
  const read = (await filesIn(dir)).find((name) => name !== MANIFEST && READ.test(name) && !Object.hasOwn(manifest.files, name));
  if (read !== undefined) refuse(`${MANIFEST} leaves out ${read}`);
  const lacks = Object.hasOwn(manifest.files, 'trainer_state.json')
    ? NEEDED.find((name) => !Object.hasOwn(manifest.files, name))
    : undefined;
  if (lacks !== undefined) refuse(`it has no ${lacks}`);
  if (Object.keys(manifest.files).length === 0) refuse(`${MANIFEST} names no files`);
  for (const [name, written] of Object.entries(manifest.files)) {
    const size = await stat(join(dir, name)).then(
      (found) => found.size,
      () => -1,
    );
    if (size !== written.size) throw errors.checkpointDamaged(named, `${name} has ${Math.max(size, 0)} bytes, not ${written.size}`);
    const found = await fingerprint(join(dir, name)).catch((cause: Error) => refuse(`${name} cannot be read: ${cause.message}`));
    if (found.sha256 !== written.sha256) refuse(`${name} has other content`);
  }
}

/**
 * The newest checkpoint whose manifest holds and that can be read, and what was wrong with newer ones. `requireReadable` throws for one whose files
 * are as they were written, and none that whoever asks can use.
 */
export async function newestValid(
  store: RunStore,
  requireReadable: (directory: string) => Promise<void> = async () => {},
): Promise<{ checkpoint: Checkpoint | null; damaged: Error[] }> {
  const damaged: Error[] = [];
  for (const checkpoint of store.checkpoints().reverse()) {
    try {
      await verifyCheckpoint(checkpoint.path, checkpoint.step);
    } catch (error) {
      damaged.push(error as Error);
      continue;
    }
    try {
      await requireReadable(checkpoint.path);
      return { checkpoint, damaged };
    } catch (error) {
      damaged.push(errors.checkpointDamaged(checkpoint.path, (error as Error).message));
    }
  }
  return { checkpoint: null, damaged };
}

/** Directories that a killed process left unfinished or half removed, and those of a history that was dropped: the store knows none of them. */
export async function removeUnfinished(store: RunStore): Promise<void> {
  const parent = join(store.directory, 'checkpoints');
  const known = new Set(store.checkpoints().map(({ path }) => basename(path)));
  for (const name of await readdir(parent).catch(() => [])) {
    if (!known.has(name)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Those asked for by hand stay, then the newest `keep`, all for null; the best one takes the place of the oldest of them, but never the newest's. */
async function prune(store: RunStore, keep: number | null): Promise<void> {
  if (keep === null) return;
  const removable = store.checkpoints().filter(({ pinned }) => !pinned);
  const best = bestCheckpoint(store.db, store.row().config);
  const older = removable.slice(0, -Math.max(1, keep));
  const crowded = keep > 1 && older.some(({ step }) => step === best);
  const gone = crowded ? removable.slice(0, -(keep - 1)) : older;
  for (const { step, path } of gone.filter((each) => each.step !== best)) {
    store.removeCheckpoint(step); // the row first: a row never points to a directory that is gone
    await rm(path, { recursive: true, force: true });
  }
}

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

async function fingerprint(file: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const handle = await openPlain(file);
  const { size } = await handle.stat();
  await pipeline(handle.createReadStream({ highWaterMark: 1 << 20 }), hash);
  return { size, sha256: hash.digest('hex') };
}
