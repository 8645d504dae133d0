/** The trash of a home: runs, evaluations and indexes of data sets that were removed, each a folder that can go back to where it was. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Type from 'typebox';
import { writeDurably } from './durable.ts';
import { readOwnJson } from './own-json.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { TRASH_KINDS, type Trashed, type TrashKind } from '../protocol/rest.ts';

/** Lies in a removed folder and says what it was. */
const RECORD = 'trashed.json';
const Recorded = Type.Object({
  kind: Type.Unsafe<TrashKind>(Type.String({ enum: [...TRASH_KINDS] })),
  of: Type.String(),
  name: Type.String(),
  removed_at: Type.Number(),
});
const trashDir = (home: string): string => join(home, 'trash');

/** Moves a folder to the trash and returns its place there; the last part of it is its id. */
export function moveToTrash(home: string, from: string, { kind, of, name }: Pick<Trashed, 'kind' | 'of' | 'name'>): string {
  const removed_at = Date.now();
  const place = join(trashDir(home), `${kind}-${encodeURIComponent(of)}-${removed_at}`);
  mkdirSync(trashDir(home), { recursive: true, mode: 0o700 });
  writeDurably(join(from, RECORD), JSON.stringify({ kind, of, name, removed_at }));
  renameSync(from, place);
  return place;
}

export const placeInTrash = (home: string, id: string): string => join(trashDir(home), id);

/** Newest first. */
export function listTrash(home: string): Trashed[] {
  const ids = existsSync(trashDir(home)) ? readdirSync(trashDir(home)) : [];
  return ids.flatMap((id) => read(home, id) ?? []).sort((a, b) => b.removed_at - a.removed_at);
}

/** Throws TRASH_UNKNOWN, also for what is no name of an entry, so that no path gets out of the trash. */
export function trashed(home: string, id: string): Trashed {
  const found = listTrash(home).find((one) => one.id === id);
  if (found) return found;
  throw new WorkbenchError({
    code: 'TRASH_UNKNOWN',
    http: 404,
    message: `There is nothing called ${id} in the trash.`,
    remedy: 'GET /trash lists it.',
  });
}

/** Puts it back to `target`. Throws TRASH_UNKNOWN, or TRASH_TAKEN where something of that name has come since. */
export function restoreTrash(home: string, id: string, target: string): void {
  const { name } = trashed(home, id);
  if (existsSync(target))
    throw new WorkbenchError({
      code: 'TRASH_TAKEN',
      http: 409,
      message: `${name} cannot be put back: there is another of that name.`,
      remedy: 'Remove or rename that one first; this one stays in the trash.',
    });
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  renameSync(placeInTrash(home, id), target);
  rmSync(join(target, RECORD), { force: true });
}

/** For good. */
export function emptyTrash(home: string, id: string): void {
  trashed(home, id);
  rmSync(placeInTrash(home, id), { recursive: true, force: true });
}

function read(home: string, id: string): Trashed | null {
  const recorded = readOwnJson(join(placeInTrash(home, id), RECORD), Recorded);
  return recorded ? { id, ...recorded } : unrecorded(id);
}

/** What the name of the folder says, where its record is damaged or a version removed it that wrote none; null for what it does not say. */
function unrecorded(id: string): Trashed | null {
  const [, before, of, time] = /^(run-|evaluation-|eval-)?(\d{8}-\d{6}-[0-9a-z]+)-(\d{13})$/.exec(id) ?? [];
  if (of !== undefined) return { id, kind: before?.startsWith('eval') ? 'evaluation' : 'run', of, name: of, removed_at: Number(time) };
  const [, name, removed] = /^data-([A-Za-z0-9][\w.-]*)-(\d{13})$/.exec(id) ?? [];
  if (name === undefined) return null;
  return { id, kind: 'data', of: name, name, removed_at: Number(removed) };
}
