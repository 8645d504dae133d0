/**
 * Files and folders that a power cut leaves whole or absent, and that stay once they are there. A name comes to the disk before the bytes that it
 * names: a file that was only written and renamed is found empty after a power cut (test/faults/power.test.ts).
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Brings a file, or the names in a folder, to the disk. */
export function syncNow(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The same without holding up what else the process does: a checkpoint has gigabytes. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A small file in place of the one that was there. */
export function writeDurably(file: string, text: string): void {
  const part = `${file}.part`;
  writeFileSync(part, text);
  syncNow(part);
  renameSync(part, file);
  syncNow(dirname(file));
}

/** Adds to a file that only grows. */
export function appendDurably(file: string, text: string): void {
  const isNew = !existsSync(file);
  appendFileSync(file, text);
  syncNow(file);
  if (isNew) syncNow(dirname(file));
}

/** A file, or a folder with all that is in it, that was made under another name appears under its own. Both lie in folders that are there. */
export function renameDurably(from: string, to: string): void {
  const inside = statSync(from).isDirectory() ? readdirSync(from, { recursive: true, withFileTypes: true }) : [];
  for (const entry of inside) if (entry.isFile() || entry.isDirectory()) syncNow(join(entry.parentPath, entry.name));
  syncNow(from);
  renameSync(from, to);
  for (const folder of new Set([dirname(from), dirname(to)])) syncNow(folder);
}

/** A folder, and those above it where they are missing. By itself a recursive `mkdir` says ENOENT where the disk fails. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') await mkdir(path, { recursive: true });
    else if (code !== 'EEXIST') throw error;
  }
}

/** Folders that are missing on the way to `path`, `mode` for those that are made. Node's recursive `mkdir` never ends where a folder that is there can hold none (/proc). */
export function makeFolders(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process made it meanwhile
  }
}
