/**
 * Tags and notes that people leave on questions: <home>/datasets/<name>/notes.db, beside the index, which can be thrown away. They go by the id of the
 * question, so that they stay when the data set is read anew; removed and restored they go with it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { QuestionNote } from '../protocol/data.ts';
import { connect, transaction } from '../log/database.ts';
import { datasetDir } from './home.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS note (
  item TEXT PRIMARY KEY, tags TEXT NOT NULL, note TEXT NOT NULL, author TEXT NOT NULL, updated_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (only INTEGER PRIMARY KEY CHECK (only = 1), count INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO changes VALUES (1, 0);
`;

export interface NoteChange {
  /** In place of those that are there. */
  tags?: readonly string[];
  add_tags?: readonly string[];
  remove_tags?: readonly string[];
  note?: string;
  author?: string;
}

export class QuestionNotes implements Disposable {
  readonly #file: string;
  #db: DatabaseSync | null = null;
  #known: { stamp: number; notes: ReadonlyMap<string, QuestionNote> } = { stamp: 0, notes: new Map() };

  constructor(dataset: string, home?: string) {
    this.#file = join(datasetDir(dataset, home), 'notes.db');
  }

  /** Other when what is noted is. */
  get stamp(): number {
    const db = this.#open();
    return db ? (db.prepare('SELECT count FROM changes').get() as { count: number }).count : 0;
  }

  /** By question. */
  get all(): ReadonlyMap<string, QuestionNote> {
    const { stamp } = this;
    if (stamp === this.#known.stamp) return this.#known.notes;
    const rows = (this.#open()?.prepare('SELECT * FROM note ORDER BY item').all() ?? []) as unknown as (Omit<QuestionNote, 'tags'> & {
      tags: string;
    })[];
    this.#known = { stamp, notes: new Map(rows.map((row) => [row.item, { ...row, tags: JSON.parse(row.tags) as string[] }])) };
    return this.#known.notes;
  }

  /** Changes what is noted of these questions, all or none; what is left out stays. Where neither tag nor note is left, nothing is kept. */
  write(items: readonly string[], { tags, add_tags = [], remove_tags = [], note, author = '' }: NoteChange, now = Date.now()): void {
    const db = this.#open() ?? this.#make();
    transaction(db, () => {
      const read = db.prepare('SELECT tags, note FROM note WHERE item = ?');
      const put = db.prepare('INSERT OR REPLACE INTO note (item, tags, note, author, updated_at) VALUES (?, ?, ?, ?, ?)');
      const drop = db.prepare('DELETE FROM note WHERE item = ?');
      for (const item of items) {
        const before = read.get(item) as { tags: string; note: string } | undefined;
        const kept = tags ?? (before ? (JSON.parse(before.tags) as string[]) : []);
        const next = [...new Set([...kept, ...add_tags].map((tag) => tag.trim()))].filter(
          (tag) => tag !== '' && !remove_tags.includes(tag),
        );
        const text = note ?? before?.note ?? '';
        if (next.length === 0 && text.trim() === '') drop.run(item);
        else put.run(item, JSON.stringify(next), text, author, now);
      }
      db.exec('UPDATE changes SET count = count + 1');
    });
  }

  [Symbol.dispose](): void {
    this.#db?.close();
    this.#db = null;
  }

  /** Null while nothing was ever noted. */
  #open(): DatabaseSync | null {
    if (this.#db === null && existsSync(this.#file)) this.#make();
    return this.#db;
  }

  #make(): DatabaseSync {
    this.#db = connect(this.#file);
    this.#db.exec(SCHEMA);
    return this.#db;
  }
}
