/** Ids of requests that a run has carried out: one that is sent again changes nothing, one that comes with something else is refused. */
import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { errors } from './errors.ts';

/** Whether this was carried out under this id. Throws REQUEST_ID_USED where the id came with something else. */
export function carriedOut(db: DatabaseSync, id: string, asked: unknown): boolean {
  const before = db.prepare('SELECT asked FROM request WHERE id = ?').get(id);
  if (before && before.asked !== null && before.asked !== digest(asked)) throw errors.requestUsed();
  return before !== undefined;
}

export function keepRequest(db: DatabaseSync, id: string, asked: unknown, now = Date.now()): void {
  db.prepare('INSERT OR IGNORE INTO request (id, time, asked) VALUES (?, ?, ?)').run(id, now, digest(asked));
}

/** Under a name that no action's id has: one id may have made the run and, as another request, acted on it. */
const creation = (id: string): string => `create ${id}`;

/** The request made the run without starting it: the same request does not start it either, whatever it says then. */
export function keepForLater(db: DatabaseSync, id: string, now = Date.now()): void {
  keepRequest(db, creation(id), { start: false }, now);
}

export const madeForLater = (db: DatabaseSync, id: string): boolean =>
  db.prepare('SELECT 1 FROM request WHERE id = ?').get(creation(id)) !== undefined;

const digest = (asked: unknown): string => hash('sha256', JSON.stringify(asked));
