import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Folder } from '../protocol/data.ts';
import { kindOf } from '../data/folders.ts';
import { mayHoldQuestions } from '../data/layout.ts';
import { expandHome } from '../files/user-path.ts';
import { WorkbenchError } from '../protocol/errors.ts';

/** Of a folder what is listed of each kind. */
const MOST = 1000;

/**
 * Folders below one, links to folders too, and which of them look like a data set; of its files those that may hold questions. Of a file the folder that
 * it is in.
 */
export async function browse(path: string): Promise<Folder> {
  const given = resolve(expandHome(path));
  const dir = (await stat(given).catch(() => null))?.isFile() ? dirname(given) : given;
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WorkbenchError({
      code: 'DATA_NOT_FOUND',
      http: 404,
      cause,
      message: `${dir} cannot be read`,
      remedy: 'Choose another folder.',
    });
  });
  const named: Record<'folder' | 'file', string[]> = { folder: [], file: [] };
  for (const entry of entries) {
    const kind = entry.name.startsWith('.') ? null : await kindOf(entry, join(dir, entry.name));
    if (kind !== null) named[kind].push(entry.name);
  }
  const listed = (names: readonly string[]): string[] => names.toSorted((a, b) => a.localeCompare(b)).slice(0, MOST);
  return {
    dir,
    parent: dirname(dir) === dir ? null : dirname(dir),
    folders: await Promise.all(
      listed(named.folder).map(async (name) => ({ name, dir: join(dir, name), layout: await looksLike(join(dir, name)) })),
    ),
    files: listed(named.file.filter(mayHoldQuestions)).map((name) => ({ name, path: join(dir, name) })),
  };
}

async function looksLike(dir: string): Promise<string | null> {
  const names = await readdir(dir).catch((): string[] => []);
  if (names.includes('QA_information')) return 'omnimedvqa';
  if (names.includes('Splits')) return 'medr1';
  if (names.some((name) => /^metadata\.(jsonl|csv)$/.test(name))) return 'imagefolder';
  return names.some((name) => name.endsWith('.parquet')) ? 'parquet' : null;
}
