import type { Dirent } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What an entry of a folder is, a link what it leads to; null of pipes, devices, and links that lead nowhere. */
export async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | null> {
  const found = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
  return found?.isFile() ? 'file' : found?.isDirectory() ? 'folder' : null;
}
