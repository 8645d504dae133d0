/** Revisions of a run's reward weights: numbered from 1, never changed once in force. */
import type { DatabaseSync } from 'node:sqlite';
import type { RewardRevision } from '../protocol/run.ts';
import { transaction } from './database.ts';
import { errors } from './errors.ts';

interface Edit {
  weights: Record<string, number>;
  reason: string;
  author: string;
  time: number;
  request_id?: string;
}

export function revisions(db: DatabaseSync): RewardRevision[] {
  return db.prepare('SELECT * FROM reward_revision ORDER BY revision').all().map(revisionOf);
}

/** Revisions waiting for step `next`: fresh ones at once, those of a resumed run at the step they first took effect. */
export function dueRevisions(db: DatabaseSync, next: number): RewardRevision[] {
  const sql = 'SELECT * FROM reward_revision WHERE step IS NULL AND (due IS NULL OR due <= ?) ORDER BY revision';
  return db.prepare(sql).all(next).map(revisionOf);
}

export function insertRevision(db: DatabaseSync, edit: Edit): RewardRevision {
  const { weights, reason, author, time, request_id } = edit;
  db.prepare(
    `INSERT INTO reward_revision (revision, weights, reason, author, created_at, request_id)
     VALUES ((SELECT coalesce(max(revision), 0) + 1 FROM reward_revision), ?, ?, ?, ?, ?)`,
  ).run(JSON.stringify(weights), reason, author, time, request_id ?? null);
  return revisions(db).at(-1)!;
}

/**
 * Stores an edit of the weights, made on `base_revision`; in force from the next step. Throws REWARDS_STALE when another edit came
 * first, REWARD_UNKNOWN for a name that the run does not score. The same request_id again returns the first answer.
 */
export function editRewards(db: DatabaseSync, edit: Edit & { base_revision: number }): RewardRevision {
  return transaction(db, () => {
    const repeated = edit.request_id && db.prepare('SELECT * FROM reward_revision WHERE request_id = ?').get(edit.request_id);
    if (repeated) return revisionOf(repeated);
    const current = revisions(db).at(-1);
    if (!current || current.revision !== edit.base_revision) throw errors.staleRevision(edit.base_revision, current?.revision ?? 0);
    for (const name of Object.keys(edit.weights)) {
      if (!(name in current.weights)) throw errors.unknownReward(name, Object.keys(current.weights));
    }
    return insertRevision(db, { ...edit, weights: { ...current.weights, ...edit.weights } });
  });
}

function revisionOf(row: Record<string, unknown>): RewardRevision {
  const { revision, step, weights, reason, author, created_at } = row;
  return { revision, step, weights: JSON.parse(weights as string), reason, author, created_at } as RewardRevision;
}
