/**
 * Revisions of a run: reward functions, their sources, weights and parameters, and the settings that can be changed while it trains. Numbered from 1,
 * never changed once in force, each the whole set.
 */
import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { TrainConfig } from '../protocol/config.ts';
import { liveOf, type LiveSettings, type SettingsInForce } from '../protocol/live-settings.ts';
import { rewardName, type ParameterChanges, type RewardFiles, type RewardSet } from '../protocol/rewards.ts';
import type { RewardRevision, RunState } from '../protocol/run.ts';
import type { ScheduleInput } from '../protocol/scheduled.ts';
import { builtInNamed, changedParameters, changedSchedules, configuredRewards, rewardSource } from '../rewards/index.ts';
import { prepared, transaction } from '../log/database.ts';
import { sealRevision } from './digest.ts';
import { errors } from './errors.ts';
import { requireOwn } from './imported.ts';
import { carriedOut, keepRequest } from './requests.ts';
import type { RunRow } from './row.ts';
import { changedSettings, fixedSettings } from './settings.ts';

interface NewRevision extends RewardSet {
  settings: LiveSettings;
  reason: string;
  author: string;
  time: number;
  request_id?: string;
}

/** What an edit changes; all else stays. */
export interface RewardChange {
  weights: Record<string, number>;
  /** Weights that follow the step from now on; null takes a schedule away. */
  weight_schedules?: Readonly<Record<string, ScheduleInput | null>>;
  parameters?: ParameterChanges;
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
 * Revisions that come into force at step `next`. A new revision is due at once. After a resume a revision is due at the step at which it was
 * first in force. A due revision brings along every older one that still waits: otherwise the older one would come later and win.
 */
export function dueRevisions(db: DatabaseSync, next: number): RewardRevision[] {
  const sql = `SELECT * FROM reward_revision WHERE step IS NULL AND revision <=
    (SELECT max(revision) FROM reward_revision WHERE step IS NULL AND (due IS NULL OR due <= ?)) ORDER BY revision`;
  return prepared(db, sql).all(next).map(revisionOf);
}

export function insertRevision(db: DatabaseSync, revision: NewRevision): RewardRevision {
  const { weights, sources, parameters = {}, weight_schedules = {}, settings, reason, author, time, request_id } = revision;
  const set = [weights, sources, parameters, weight_schedules, settings].map((part) => JSON.stringify(part));
  db.prepare(
    `INSERT INTO reward_revision (revision, weights, sources, parameters, weight_schedules, settings, reason, author, created_at, request_id)
     VALUES ((SELECT coalesce(max(revision), 0) + 1 FROM reward_revision), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(...set, reason, author, time, request_id ?? null);
  const made = revisions(db).at(-1)!;
  sealRevision(db, made.revision);
  return made;
}

/**
 * The set after a change; schedules that do not say where they start do so at step `next`. A new weight takes the schedule of an old one away.
 * Throws REWARD_UNKNOWN, REWARD_NAME, REWARD_FILE, REWARD_PARAMETER, REWARDS_EMPTY.
 */
export function changedRewards(current: RewardSet, change: RewardChange, next: number): Required<RewardSet> {
  const { weights, files = {}, served = {}, remove = [] } = change;
  const known = Object.keys(current.weights);
  const read = Object.entries(files).map(([file, source]) => [rewardName(file), rewardSource(file, source)] as const);
  const given = { ...Object.fromEntries(read), ...served };
  for (const name of Object.keys(weights)) {
    if (!known.includes(name) && !Object.hasOwn(given, name) && !builtInNamed(name)) throw errors.unknownReward(name, known);
  }
  for (const name of remove) if (!known.includes(name)) throw errors.unknownReward(name, known);
  const names = [...new Set([...known, ...Object.keys(given), ...Object.keys(weights)])].filter((name) => !remove.includes(name));
  if (names.length === 0) throw errors.noRewards();
  const sources = { ...current.sources, ...given };
  const held = names.filter((name) => Object.hasOwn(weights, name) && weights[name] !== current.weights[name]);
  const schedules = { ...Object.fromEntries(held.map((name) => [name, null])), ...change.weight_schedules };
  const weight_schedules = changedSchedules(current.weight_schedules ?? {}, schedules, names, next);
  const weight = (name: string): number => weight_schedules[name]?.from ?? weights[name] ?? current.weights[name] ?? 1;
  return {
    weights: Object.fromEntries(names.map((name) => [name, weight(name)])),
    sources: Object.fromEntries(names.filter((name) => Object.hasOwn(sources, name)).map((name) => [name, sources[name]])),
    parameters: changedParameters(current.parameters ?? {}, change.parameters ?? {}, names, next),
    weight_schedules,
  };
}

interface Edit {
  reason: string;
  author: string;
  time: number;
  request_id?: string;
}

type Part = Required<RewardSet> | { settings: LiveSettings };
type Whole = Required<RewardSet> & { settings: LiveSettings };

/** The whole set of a revision, or of the configuration where there is none yet. */
function wholeOf(revision: RewardRevision | undefined, config: TrainConfig): Whole {
  const {
    weights,
    sources,
    parameters = {},
    weight_schedules = {},
    settings = liveOf(config),
  } = revision ?? (configuredRewards(config) as Partial<RewardRevision> & RewardSet);
  return { weights, sources, parameters, weight_schedules, settings };
}

/**
 * Stores an edit of the rewards, made on `base_revision`; in force from the next step. Throws REWARDS_STALE when another edit of the rewards came first,
 * REWARDS_UNCHANGED, and what `changedRewards` throws. The same request_id again returns the first answer, REQUEST_ID_USED where it comes with
 * something else.
 */
export function editRewards(db: DatabaseSync, edit: RewardChange & Edit & { base_revision: number }): RewardRevision {
  return edited(db, edit, 'take other rewards', ({ current, whole, next, base }) => {
    if (!current) throw errors.staleRevision(edit.base_revision, 0);
    if (!base || !isDeepStrictEqual({ ...base, settings: null }, { ...whole, settings: null }))
      throw errors.staleRevision(edit.base_revision, current.revision);
    return changedRewards(whole, edit, next);
  });
}

/**
 * Stores an edit of the settings; in force from the next step. Throws SETTING_FIXED, CONFIG_INVALID, CONFIG_UNKNOWN_KEY, REWARDS_UNCHANGED, and
 * REWARDS_STALE when it was made on a `base_revision` whose settings are no longer in force.
 */
export function editSettings(
  db: DatabaseSync,
  edit: { settings: Readonly<Record<string, unknown>>; base_revision?: number } & Edit,
): RewardRevision {
  return edited(db, edit, 'take other settings', ({ current, config, whole, base, run }) => {
    if (edit.base_revision !== undefined && (!base || !isDeepStrictEqual(base.settings, whole.settings)))
      throw errors.staleRevision(edit.base_revision, current?.revision ?? 0);
    if (!current) insertRevision(db, { ...whole, reason: 'as configured', author: 'configuration', time: edit.time }); // supervised fine-tuning
    return { settings: changedSettings(config, whole.settings, edit.settings, run) };
  });
}

/**
 * Brings back an earlier revision as a new one. Throws REWARDS_UNCHANGED when the revision in force says the same, SETTING_FIXED and CONFIG_INVALID
 * where its settings cannot be those of this run, as in a fork that began without a reference model.
 */
export function revertTo(db: DatabaseSync, edit: { revision: number } & Edit): RewardRevision {
  const reason = edit.reason || `back to revision ${edit.revision}`;
  return edited(db, { ...edit, reason }, 'go back to another revision', ({ config, whole, run }) => {
    const all = revisions(db);
    const target = all.find(({ revision }) => revision === edit.revision);
    if (!target) throw errors.noRevision(edit.revision, all.length);
    const back = wholeOf(target, config);
    return { ...back, settings: changedSettings(config, whole.settings, { ...back.settings }, run) };
  });
}

interface Seen {
  run: { id: string; pair: boolean; checkpoint: number | null };
  config: TrainConfig;
  /** The newest revision. */
  current: RewardRevision | undefined;
  whole: Whole;
  /** What the edit was made on. */
  base: Whole | null;
  /** The step that is taken next, at the earliest. */
  next: number;
}

function edited(db: DatabaseSync, edit: Edit & { base_revision?: number }, what: string, change: (seen: Seen) => Part): RewardRevision {
  return transaction(db, () => {
    const { reason, author, time, request_id } = edit;
    const asked = { what, ...edit, time: null };
    if (request_id) {
      carriedOut(db, request_id, asked);
      const repeated = db.prepare('SELECT * FROM reward_revision WHERE request_id = ?').get(request_id);
      if (repeated) return revisionOf(repeated);
      keepRequest(db, request_id, asked);
    }
    const row = db.prepare('SELECT id, state, config, pair FROM run').get() as {
      id: string;
      state: RunState;
      config: string;
      pair: string | null;
    };
    requireOwn({ db, row: () => row }, what);
    const config = JSON.parse(row.config) as TrainConfig;
    const all = revisions(db);
    const current = all.at(-1);
    const whole = wholeOf(current, config);
    const made = all.find(({ revision }) => revision === edit.base_revision);
    const { step, checkpoint } = db
      .prepare('SELECT (SELECT max(step) FROM step) AS step, (SELECT max(step) FROM checkpoint) AS checkpoint')
      .get() as { step: number | null; checkpoint: number | null };
    const run = { id: row.id, pair: row.pair !== null, checkpoint };
    const part = change({ run, config, current, whole, base: made ? wholeOf(made, config) : null, next: (step ?? 0) + 1 });
    if (row.state === 'finished')
      throw errors.wrongState(row.id, what, row.state, 'Fork one of its checkpoints and change it in the fork.');
    if (isDeepStrictEqual({ ...whole, ...part }, whole)) throw errors.unchangedRewards(current?.revision ?? 0);
    return insertRevision(db, { ...whole, ...part, reason, author, time, request_id });
  });
}

/** The configuration with the settings that are in force from the next step on. */
export function configInForce(db: DatabaseSync, config: TrainConfig): TrainConfig {
  return { ...config, ...revisions(db).at(-1)?.settings };
}

/** What of it can be changed while it trains, as it is from the next step on. */
export function settingsInForce(run: { db: DatabaseSync; row: () => Pick<RunRow, 'id' | 'config' | 'pair'> }): SettingsInForce {
  requireOwn(run, 'change its settings');
  const { config, pair } = run.row();
  const current = revisions(run.db).at(-1);
  return {
    revision: current?.revision ?? 0,
    settings: current?.settings ?? liveOf(config),
    fixed: fixedSettings(config, { pair: pair !== null }) as Record<string, string>,
  };
}

function revisionOf(row: Record<string, unknown>): RewardRevision {
  const { revision, step, weights, sources, parameters, weight_schedules, settings, reason, author, created_at } = row;
  const live = settings !== null && {
    parameters: JSON.parse(parameters as string),
    weight_schedules: JSON.parse(weight_schedules as string),
    settings: JSON.parse(settings as string),
  };
  return {
    ...{ revision, step, reason, author, created_at },
    weights: JSON.parse(weights as string),
    sources: JSON.parse(sources as string),
    ...live,
  } as RewardRevision;
}
