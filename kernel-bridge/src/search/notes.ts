/** Tags and notes that people leave on completions. They live beside the run's log: a resume, a fork and an export keep them. */
import type { DatabaseSync } from 'node:sqlite';
import type { Note, WriteNote } from '../protocol/search.ts';
import { errors } from './errors.ts';

/** All of them, oldest step first, each with what has become of its completion. */
export function notes(db: DatabaseSync): Note[] {
  const rows = db
    .prepare(
      `SELECT n.*, c.text AS said FROM note n LEFT JOIN completion c USING (step, "group", "index") ORDER BY n.step, n."group", n."index"`,
    )
    .all() as (Omit<Note, 'tags' | 'state'> & { tags: string; said: string | null })[];
  return rows.map(({ tags, said, ...note }) => ({
    ...note,
    tags: JSON.parse(tags) as string[],
    state: said === null ? 'gone' : said === note.text ? 'still' : 'changed',
  }));
}

/** Those whose completion still says what they were made on. */
export const notesStanding = (db: DatabaseSync): Note[] => notes(db).filter(({ state }) => state === 'still');

/** In place of what was noted there before. Throws COMPLETION_UNKNOWN. */
export function writeNote(
  db: DatabaseSync,
  run: string,
  { step, group, index, tags, note, author = '' }: WriteNote,
  now = Date.now(),
): Note | null {
  const said = db.prepare('SELECT text FROM completion WHERE step = ? AND "group" = ? AND "index" = ?').get(step, group, index);
  if (!said) throw errors.noCompletion({ run, step, group, index });
  if (tags.length === 0 && note.trim() === '') {
    db.prepare('DELETE FROM note WHERE step = ? AND "group" = ? AND "index" = ?').run(step, group, index);
    return null;
  }
  const given = [...new Set(tags.map((tag) => tag.trim()).filter(Boolean))];
  db.prepare(
    'INSERT OR REPLACE INTO note (step, "group", "index", tags, note, author, updated_at, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(...[step, group, index, JSON.stringify(given), note, author, now, said.text as string]);
  return { step, group, index, tags: given, note, author, updated_at: now, text: said.text as string, state: 'still' };
}
