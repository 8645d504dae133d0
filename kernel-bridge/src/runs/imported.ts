/** Runs that other trainers made: what is kept of where they come from, and what cannot be done with them. */
import type { DatabaseSync } from 'node:sqlite';
import { prepared } from '../log/database.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { Imported } from '../protocol/run.ts';
import { errors } from './errors.ts';

/** Null for a run of the workbench's own. */
export function importOf(db: DatabaseSync): Imported | null {
  const row = prepared(db, 'SELECT body FROM imported').get();
  return row ? (JSON.parse(row.body as string) as Imported) : null;
}

export function keepImport(db: DatabaseSync, imported: Imported): void {
  db.prepare('INSERT INTO imported (only, body) VALUES (1, ?)').run(JSON.stringify(imported));
}

/** Throws RUN_IMPORTED: `action` goes on after "it cannot". */
export function requireOwn(run: { db: DatabaseSync; row: () => { id: string } }, action: string): void {
  const imported = importOf(run.db);
  if (imported) throw errors.runImported(run.row().id, action, imported.from);
}

/** What is known of the configuration: all of it, for a run of the workbench's own. */
export function knownConfig(db: DatabaseSync, config: TrainConfig): Partial<TrainConfig> {
  const imported = importOf(db);
  return imported ? Object.fromEntries(Object.entries(config).filter(([key]) => imported.keys.includes(key))) : config;
}
