/** Revisions of a run's rewards: functions, their sources and weights, numbered from 1, never changed once in force. */
import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { TrainConfig } from '../protocol/config.ts';
import { rewardName, type RewardFiles, type RewardSet } from '../protocol/rewards.ts';
import type { RewardRevision, RunState } from '../protocol/run.ts';
import { rewardErrors, REWARDS, rewardSource } from '../rewards/index.ts';
import { transaction } from '../log/database.ts';
import { sealRevision } from './digest.ts';
import { errors } from './errors.ts';

interface NewRevision extends RewardSet {
  reason: string;
  author: string;
  time: number;
  request_id?: string;
}

/** What an edit changes; all else stays. */
export interface RewardChange {
  weights: Record<string, number>;
  /** Sources by file name. */
  files?: RewardFiles;
  /** Functions of kernels by name. */
  served?: RewardSet['sources'];
  remove?: readonly string[];
}

export function revisions(db: DatabaseSync): RewardRevision[] {
  return db.prepare('SELECT * FROM reward_revision ORDER BY revision').all().map(revisionOf);
}

/**
 * Revisions waiting for step `next`: fresh ones at once, those of a resumed run at the step they first took effect. One takes older ones along,
 * so that none of them comes into force over a newer one.
 */
export function dueRevisions(db: DatabaseSync, next: number): RewardRevision[] {
  const sql = `SELECT * FROM reward_revision WHERE step IS NULL AND revision <=
    (SELECT max(revision) FROM reward_revision WHERE step IS NULL AND (due IS NULL OR due <= ?)) ORDER BY revision`;
  return db.prepare(sql).all(next).map(revisionOf);
}

export function insertRevision(db: DatabaseSync, revision: NewRevision): RewardRevision {
  const { weights, sources, reason, author, time, request_id } = revision;
  db.prepare(
    `INSERT INTO reward_revision (revision, weights, sources, reason, author, created_at, request_id)
     VALUES ((SELECT coalesce(max(revision), 0) + 1 FROM reward_revision), ?, ?, ?, ?, ?, ?)`,
  ).run(JSON.stringify(weights), JSON.stringify(sources), reason, author, time, request_id ?? null);
  const made = revisions(db).at(-1)!;
  sealRevision(db, made.revision);
  return made;
}

/** The set after a change. Throws REWARD_UNKNOWN, REWARD_NAME, REWARD_FILE, REWARDS_EMPTY. */
export function changedRewards(current: RewardSet, { weights, files = {}, served = {}, remove = [] }: RewardChange): RewardSet {
  const known = Object.keys(current.weights);
  const read = Object.entries(files).map(([file, source]) => [rewardName(file), rewardSource(file, source)] as const);
  const given = { ...Object.fromEntries(read), ...served };
  for (const name of Object.keys(weights)) {
    if (!known.includes(name) && !(name in given) && !REWARDS.has(name)) throw errors.unknownReward(name, known);
  }
  for (const name of remove) if (!known.includes(name)) throw errors.unknownReward(name, known);
  const names = [...new Set([...known, ...Object.keys(given), ...Object.keys(weights)])].filter((name) => !remove.includes(name));
  if (names.length === 0) throw errors.noRewards();
  const sources = { ...current.sources, ...given };
  return {
    weights: Object.fromEntries(names.map((name) => [name, weights[name] ?? current.weights[name] ?? 1])),
    sources: Object.fromEntries(names.filter((name) => name in sources).map((name) => [name, sources[name]])),
  };
}

/** Throws REWARD_KERNEL_UNREACHABLE where several processes train: only the first has a way to kernels. */
export function requireReachable(config: Pick<TrainConfig, 'processes'>, { sources }: Pick<RewardSet, 'sources'>): void {
  const name = Object.keys(sources).find((one) => sources[one].runtime === 'kernel');
  if (name !== undefined && (config.processes ?? 1) > 1) throw rewardErrors.kernelUnreachable(name);
}

/**
 * Stores an edit, made on `base_revision`; in force from the next step. Throws REWARDS_STALE when another edit came first, and what
 * `changedRewards` throws. The same request_id again returns the first answer.
 */
export function editRewards(
  db: DatabaseSync,
  edit: RewardChange & { reason: string; author: string; time: number; request_id?: string; base_revision: number },
): RewardRevision {
  return transaction(db, () => {
    const repeated = edit.request_id && db.prepare('SELECT * FROM reward_revision WHERE request_id = ?').get(edit.request_id);
    if (repeated) return revisionOf(repeated);
    const current = revisions(db).at(-1);
    if (!current || current.revision !== edit.base_revision) throw errors.staleRevision(edit.base_revision, current?.revision ?? 0);
    const { id, state } = db.prepare('SELECT id, state FROM run').get() as { id: string; state: RunState };
    if (state === 'finished')
      throw errors.wrongState(id, 'take other rewards', state, 'Fork one of its checkpoints and change the rewards of the fork.');
    const { reason, author, time, request_id } = edit;
    const changed = changedRewards(current, edit);
    if (isDeepStrictEqual(changed, { weights: current.weights, sources: current.sources })) throw errors.unchangedRewards(current.revision);
    return insertRevision(db, { ...changed, reason, author, time, request_id });
  });
}

function revisionOf(row: Record<string, unknown>): RewardRevision {
  const { revision, step, weights, sources, reason, author, created_at } = row;
  return {
    ...{ revision, step, reason, author, created_at },
    weights: JSON.parse(weights as string),
    sources: JSON.parse(sources as string),
  } as RewardRevision;
}
