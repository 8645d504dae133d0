import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Folder } from '../protocol/data.ts';
import { kindOf } from '../data/folders.ts';
import { expandHome } from '../files/user-path.ts';
import { WorkbenchError } from '../protocol/errors.ts';

/** Folders below one, links to folders too, and which of them look like a data set. Files are not listed. */
export async function browse(path: string): Promise<Folder> {
  const dir = resolve(expandHome(path));
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WorkbenchError({
      code: 'DATA_NOT_FOUND',
      http: 404,
      cause,
      message: `${dir} cannot be read`,
      remedy: 'Choose another folder.',
    });
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (!entry.name.startsWith('.') && (await kindOf(entry, join(dir, entry.name))) === 'folder') names.push(entry.name);
  }
  const folders = names.toSorted((a, b) => a.localeCompare(b)).slice(0, 1000);
  return {
    dir,
    parent: dirname(dir) === dir ? null : dirname(dir),
    folders: await Promise.all(folders.map(async (name) => ({ name, dir: join(dir, name), layout: await looksLike(join(dir, name)) }))),
  };
}

async function looksLike(dir: string): Promise<string | null> {
  const names = await readdir(dir).catch((): string[] => []);
  if (names.includes('QA_information')) return 'omnimedvqa';
  if (names.includes('Splits')) return 'medr1';
  if (names.some((name) => /^metadata\.(jsonl|csv)$/.test(name))) return 'imagefolder';
  return names.some((name) => name.endsWith('.parquet')) ? 'parquet' : null;
}
