/** What people note of a run: a table of its own in the run's database, which training neither reads nor writes. */
import type { DatabaseSync } from 'node:sqlite';
import { transaction } from '../log/database.ts';
import { MAX_TAGS, type AnnotateRun } from '../protocol/rest.ts';
import { NO_ANNOTATIONS, type Annotations } from '../protocol/run.ts';
import { errors } from './errors.ts';
import { carriedOut, keepRequest } from './requests.ts';

export function annotations(db: DatabaseSync): Annotations {
  const row = db.prepare('SELECT tags, notes, pinned, archived, colour FROM annotation').get();
  if (!row) return NO_ANNOTATIONS;
  const { tags, notes, pinned, archived, colour } = row;
  return {
    tags: JSON.parse(tags as string) as string[],
    notes: notes as string,
    pinned: Boolean(pinned),
    archived: Boolean(archived),
    colour: colour as number | null,
  };
}

/** Changes what is named, in one transaction; a request that was carried out before changes nothing. Throws REQUEST_ID_USED. */
export function annotate(db: DatabaseSync, { request_id, name, ...change }: AnnotateRun, now = Date.now()): void {
  const asked = { name, ...change };
  transaction(db, () => {
    if (request_id && carriedOut(db, request_id, asked)) return;
    if (name !== undefined) db.prepare('UPDATE run SET name = ?').run(name);
    write(db, changed(annotations(db), change));
    if (request_id) keepRequest(db, request_id, asked, now);
  });
}

/** A fork keeps what its parent is about, and has a place of its own among the runs. */
export function annotateFork(db: DatabaseSync): void {
  const { tags, notes } = annotations(db);
  write(db, { ...NO_ANNOTATIONS, tags, notes });
}

function changed(before: Annotations, { tags = before.tags, add_tags = [], remove_tags = [], ...rest }: Omit<AnnotateRun, 'name'>) {
  const next = [...new Set([...tags, ...add_tags])].filter((tag) => !remove_tags.includes(tag));
  if (next.length > MAX_TAGS) throw errors.badRequest('body tags', `a run has at most ${MAX_TAGS} tags, and these are ${next.length}`);
  return { ...before, ...rest, tags: next };
}

function write(db: DatabaseSync, { tags, notes, pinned, archived, colour }: Annotations): void {
  db.prepare('INSERT OR REPLACE INTO annotation (only, tags, notes, pinned, archived, colour) VALUES (1, ?, ?, ?, ?, ?)').run(
    JSON.stringify(tags),
    notes,
    Number(pinned),
    Number(archived),
    colour,
  );
}
