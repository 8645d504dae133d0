/**
 * One run on disk: its state, its log of events and the tables that the log points to. Several processes may hold it open, but only the
 * worker adds steps; others create it, ask for things (commands, reward edits) and, once no worker lives, mark it interrupted.
 * A method that changes something is one transaction; whoever shows the change does so after it returns.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { ErrorBody } from '../protocol/errors.ts';
import {
  hasEnded,
  isActive,
  lastInherited,
  type Checkpoint,
  type Imported,
  type Inherited,
  type Pair,
  type RewardRevision,
  type RunDetail,
  type RunEvent,
  type RunState,
} from '../protocol/run.ts';
import type { RunAction } from '../protocol/rest.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { runReading } from '../protocol/readings.ts';
import { liveOf, type LiveSettings } from '../protocol/live-settings.ts';
import type { RewardSet } from '../protocol/rewards.ts';
import { configuredRewards } from '../rewards/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { prepared, transaction } from '../log/database.ts';
import { alertSettingsOfFork } from './alert-settings.ts';
import { annotateFork } from './annotations.ts';
import { bestCheckpoint } from './best.ts';
import { forgetChanges } from './changes.ts';
import { createDatabase, openDatabase } from './database.ts';
import {
  eventDigest,
  isSealed,
  ratiosDropped,
  resealStep,
  sealAll,
  sealFacts,
  sealStatus,
  sealStep,
  statusHolds,
  STATUS_DAMAGED,
} from './digest.ts';
import { errors } from './errors.ts';
import { checkpointName } from './home.ts';
import { keepImport, requireOwn } from './imported.ts';
import { LastStepFile, readLastStep } from './last-step.ts';
import { metricNames, writeMetrics } from './metrics.ts';
import { dueRevisions, insertRevision, revisions } from './rewards.ts';
import { writeGroups, writeRatios } from './groups.ts';
import { indexStep } from '../search/write.ts';
import type { Command, RunRow } from './row.ts';
import { runSummary } from './summary.ts';

export interface NewRun {
  id: string;
  name: string;
  parent: string | null;
  config: TrainConfig;
  /** Directory that image paths are relative to. */
  root: string;
  /** Hash of the data, so that a resumed run refuses other data. */
  data_hash: string;
  /** Functions and weights to begin with; those that the configuration names when left out. */
  rewards?: RewardSet;
  request_id?: string;
  pair?: Pair | null;
  /** It was trained elsewhere: its rewards are no functions of ours. */
  imported?: Imported;
}

type EventBody = RunEvent extends infer E ? (E extends RunEvent ? Omit<E, 'seq' | 'time' | 'step'> : never) : never;

/** Looked at by SQLite, which makes no objects of it. */
const IS_OBJECT = "CASE WHEN json_valid(body) THEN json_type(body) = 'object' ELSE 0 END";

/** Two objects, as JSON, as one. The first has keys. */
const joined = (first: string, second: string): string => {
  const rest = second.trimStart().slice(1).trimStart();
  return `${first.slice(0, -1)}${rest.startsWith('}') ? '' : ','}${rest}`;
};

const newEpoch = (): string => randomBytes(8).toString('hex');

export class RunStore implements Disposable {
  readonly directory: string;
  readonly db: DatabaseSync;
  #lastStep: LastStepFile | undefined;

  private constructor(directory: string, db: DatabaseSync) {
    this.directory = directory;
    this.db = db;
  }

  static create(directory: string, run: NewRun, now = Date.now()): RunStore {
    const store = new RunStore(directory, createDatabase(join(directory, 'run.db')));
    transaction(store.db, () => {
      store.db
        .prepare(
          `INSERT INTO run (only, id, name, parent, epoch, state, config, root, data_hash, request_id, pair, created_at)
           VALUES (1, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[run.id, run.name, run.parent, newEpoch(), JSON.stringify(run.config), run.root, run.data_hash, run.request_id ?? null],
          ...[run.pair ? JSON.stringify(run.pair) : null, now],
        );
      sealFacts(store.db);
      sealStatus(store.db);
      store.append(0, { kind: 'state', state: 'queued', error: null }, now);
      if (run.imported) keepImport(store.db, run.imported);
      else if (run.config.trainer === 'grpo') {
        const rewards = run.rewards ?? configuredRewards(run.config);
        insertRevision(store.db, { ...rewards, settings: liveOf(run.config), reason: 'as configured', author: 'configuration', time: now });
      }
    });
    return store;
  }

  /** Throws RUN_DAMAGED or RUN_FORMAT. `wait_ms`: how long a write waits for another program's. */
  static open(directory: string, options: { wait_ms?: number } = {}): RunStore {
    return new RunStore(directory, openDatabase(join(directory, 'run.db'), options));
  }

  [Symbol.dispose](): void {
    if (this.db.isOpen) this.db.close();
    this.#lastStep?.[Symbol.dispose]();
    this.#lastStep = undefined;
  }

  // --- reading ---------------------------------------------------------------------------------------------------------------------

  row(): RunRow {
    const { facts_digest: _facts, status_digest: _status, ...row } = this.only();
    return {
      ...row,
      config: JSON.parse(row.config as string),
      inherited: this.inherited(row),
      pair: row.pair === null ? null : JSON.parse(row.pair as string),
      error: row.error === null ? null : JSON.parse(row.error as string),
    } as unknown as RunRow;
  }

  /** What is known of the run, which its directory had before it had its name. Throws RUN_DAMAGED where it is gone, as with a journal that is cut off. */
  private only(sql = 'SELECT * FROM run'): Record<string, unknown> {
    const row = prepared(this.db, sql).get();
    if (row === undefined) throw errors.runDamaged(join(this.directory, 'run.db'), 'it holds no run');
    return row;
  }

  /** Forks made before this was kept tell by the entry that their log begins with; of what their parent was they know its id alone. */
  private inherited({ parent, inherited, created_at }: Record<string, unknown>): Inherited[] {
    const kept = JSON.parse(inherited as string) as Inherited[];
    if (kept.length > 0 || parent === null) return kept;
    const first = this.db.prepare("SELECT step FROM event WHERE kind = 'alert' AND time = ? AND body LIKE '%STEPS_DROPPED%'");
    const to = first.get(created_at as number)?.step as number | undefined;
    return to === undefined ? [] : [{ run: parent as string, name: parent as string, variant: null, to }];
  }

  get step(): number {
    return this.scalar('SELECT max(step) FROM step') ?? 0;
  }

  get seq(): number {
    return this.scalar('SELECT max(seq) FROM event') ?? 0;
  }

  get epoch(): string {
    return this.only('SELECT epoch FROM run').epoch as string;
  }

  /** Events after `since`, oldest first; of these kinds only where given. */
  events(since: number, limit = 1000, kinds?: readonly string[]): RunEvent[] {
    return this.eventTexts(since, { limit, kinds, most_bytes: Infinity }).map(({ text }) => JSON.parse(text) as RunEvent);
  }

  /** The same as JSON, as it goes over the wire: no more entries than begin within `most_bytes`, and one at least. */
  eventTexts(
    since: number,
    { limit, kinds, most_bytes }: { limit: number; kinds?: readonly string[]; most_bytes: number },
  ): { seq: number; text: string }[] {
    const wanted = kinds ? 'AND kind IN (SELECT value FROM json_each(?))' : '';
    const rows = this.db
      .prepare(`SELECT seq, time, step, kind, body, ${IS_OBJECT} AS whole FROM event WHERE seq > ? ${wanted} ORDER BY seq LIMIT ?`)
      .iterate(...[since, ...(kinds ? [JSON.stringify(kinds)] : []), limit]);
    const found = [];
    let bytes = 0;
    for (const { seq, body, whole, ...rest } of rows) {
      if (!whole) throw errors.runDamaged(join(this.directory, 'run.db'), `entry ${String(seq)} of its log is no JSON object`);
      const text = joined(JSON.stringify({ seq, ...rest }), body as string);
      found.push({ seq: seq as number, text });
      if ((bytes += text.length) >= most_bytes) break; // and what follows is not read from the disk
    }
    return found;
  }

  summary() {
    return runSummary(this);
  }

  detail(): RunDetail {
    const row = this.row();
    const best = bestCheckpoint(this.db, row.config);
    return {
      summary: this.summary(),
      config: row.config,
      reading: runReading(row.config),
      checkpoints: this.checkpoints().map((each) => (each.step === best ? { ...each, best: true } : each)),
      rewards: revisions(this.db),
      metric_names: metricNames(this.db),
      directory: this.directory,
    };
  }

  checkpoints(): Checkpoint[] {
    const rows = this.db.prepare('SELECT * FROM checkpoint ORDER BY step').all();
    return rows.map((row) => this.checkpointOf(row));
  }

  checkpointPath(step: number): string {
    return join(this.directory, 'checkpoints', checkpointName(step));
  }

  /** Commands not yet done, oldest first. */
  pending(): Command[] {
    return prepared(this.db, 'SELECT id, action, created_at FROM command WHERE done_at IS NULL ORDER BY id').all() as unknown as Command[];
  }

  // --- writing ---------------------------------------------------------------------------------------------------------------------

  /** One step and all it left behind, in one transaction; `revisions` took effect with it. Returns the last event's seq. */
  commitStep(result: StepResult, revisionsInForce: RewardRevision[] = [], now = Date.now()): number {
    const seq = transaction(this.db, () => {
      const due = this.step + 1;
      if (result.step !== due) throw errors.stepOrder(result.step, due);
      prepared(this.db, 'INSERT INTO step (step, time, groups) VALUES (?, ?, ?)').run(result.step, now, result.groups.length);
      writeMetrics(this.db, result.step, result.metrics);
      const bytes = writeGroups(this.db, result.groups);
      indexStep(this.db, result.groups);
      if (result.ratios) writeRatios(this.db, result.step, result.ratios);
      for (const revision of revisionsInForce) {
        const before = revisions(this.db).findLast(({ step }) => step !== null);
        this.db.prepare('UPDATE reward_revision SET step = ?, due = NULL WHERE revision = ?').run(result.step, revision.revision);
        const { weights: previous = null, sources: previous_sources = {} } = before ?? {};
        const live = before?.settings && {
          previous_parameters: before.parameters,
          previous_weight_schedules: before.weight_schedules,
          previous_settings: before.settings,
        };
        this.append(
          result.step,
          { kind: 'rewards', revision: { ...revision, step: result.step }, previous, previous_sources, ...live },
          now,
        );
      }
      sealStep(this.db, result.step, result.ratios?.step ?? null, bytes);
      return this.append(result.step, { kind: 'step', metrics: result.metrics, groups: result.groups.length }, now);
    });
    this.noteLastStep();
    return seq;
  }

  /** The step is on the disk: a note of it that cannot be written costs nothing but what it would tell. */
  private noteLastStep(): void {
    try {
      this.#lastStep ??= new LastStepFile(this.directory);
      this.#lastStep.write({ epoch: this.epoch, step: this.step });
    } catch {
      return;
    }
  }

  /** The last step that was committed, where the database does not have it: its journal is not the one that it had then. */
  get missing(): number | null {
    const noted = readLastStep(this.directory);
    return noted !== null && noted.epoch === this.epoch && noted.step > this.step ? noted.step : null;
  }

  /** Reward revisions that the step about to be taken is the first to use. */
  dueRewards(): RewardRevision[] {
    return dueRevisions(this.db, this.step + 1);
  }

  /** Gives a run of an earlier version digests over its rows as they are now. */
  seal(): void {
    transaction(this.db, () => sealAll(this.db));
  }

  /** A worker takes a run that waits, unless it was told to stop meanwhile. Returns the state that the run is in then. */
  take(now = Date.now()): RunState {
    return transaction(this.db, () => {
      const { state } = this.row();
      if (state !== 'queued') return state;
      const taken = this.pending().some(({ action }) => action === 'stop') ? 'stopped' : 'starting';
      this.writeState(taken, null, now);
      return taken;
    });
  }

  /** Stops a run that waits; false when it does not wait any more. */
  stopWaiting(now = Date.now()): boolean {
    return transaction(this.db, () => {
      const waits = this.row().state === 'queued';
      if (waits) this.writeState('stopped', null, now);
      return waits;
    });
  }

  setState(state: RunState, error: ErrorBody | null = null, now = Date.now()): void {
    transaction(this.db, () => this.writeState(state, error, now));
  }

  /** All that a log told of a run of another trainer is in. */
  imported({ total_steps }: { total_steps: number }, now: number): void {
    transaction(this.db, () => {
      this.db.prepare('UPDATE run SET total_steps = ?').run(total_steps);
      this.writeState('finished', null, now);
    });
  }

  /** The worker has its trainer: what only the trainer knows. */
  started(facts: { total_steps: number; device: string }, now = Date.now()): void {
    transaction(this.db, () => {
      this.db.prepare('UPDATE run SET total_steps = ?, device = ?').run(facts.total_steps, facts.device);
      this.writeState('running', null, now);
    });
  }

  /** Whether these are the questions that the run has been evaluated on so far; those of another split (of a fork) take their place. */
  evaluatesOn(split: string, hash: string): boolean {
    const { eval_split, eval_hash } = this.row();
    if (eval_split === split) return eval_hash === hash;
    transaction(this.db, () => {
      this.db.prepare('UPDATE run SET eval_split = ?, eval_hash = ?').run(split, hash);
      sealStatus(this.db);
    });
    return true;
  }

  addCheckpoint(checkpoint: Omit<Checkpoint, 'path'>): void {
    transaction(this.db, () => {
      const { step, created_at, reason, pinned, bytes } = checkpoint;
      this.db
        .prepare('INSERT OR REPLACE INTO checkpoint (step, created_at, reason, pinned, bytes) VALUES (?, ?, ?, ?, ?)')
        .run(step, created_at, reason, Number(pinned), bytes);
      this.append(step, { kind: 'checkpoint', checkpoint: { ...checkpoint, path: this.checkpointPath(step) } }, created_at);
    });
  }

  removeCheckpoint(step: number): void {
    this.db.prepare('DELETE FROM checkpoint WHERE step = ?').run(step);
  }

  addEvaluation(metrics: Record<string, number | null>, now = Date.now()): void {
    transaction(this.db, () => {
      writeMetrics(this.db, this.step, metrics);
      resealStep(this.db, this.step);
      this.append(this.step, { kind: 'evaluation', metrics }, now);
    });
  }

  alert(body: ErrorBody, now = Date.now()): void {
    transaction(this.db, () => this.append(this.step, { kind: 'alert', code: body.code, message: body.message, remedy: body.remedy }, now));
  }

  /** What a kernel gave for a call; null where it was not asked, or gave nothing. */
  kernelValues(key: string): (number | null)[] | null {
    const row = this.db.prepare('SELECT vals FROM kernel_value WHERE key = ?').get(key);
    return row ? (JSON.parse(row.vals as string) as (number | null)[]) : null;
  }

  keepKernelValues(key: string, values: readonly (number | null)[]): void {
    this.db.prepare('INSERT OR REPLACE INTO kernel_value (key, vals) VALUES (?, ?)').run(key, JSON.stringify(values));
  }

  /** Asks the worker for something; it looks between two steps. */
  command(action: RunAction, now = Date.now()): void {
    this.db.prepare('INSERT INTO command (action, created_at) VALUES (?, ?)').run(action, now);
  }

  commandDone(id: number, now = Date.now()): void {
    this.db.prepare('UPDATE command SET done_at = ? WHERE id = ?').run(now, id);
  }

  /** A run that waits is passed over until it is let go. */
  hold(held: boolean, now = Date.now()): void {
    transaction(this.db, () => {
      this.db.prepare("UPDATE command SET done_at = ? WHERE action = 'hold' AND done_at IS NULL").run(now);
      if (held) this.db.prepare("INSERT INTO command (action, created_at) VALUES ('hold', ?)").run(now);
    });
  }

  /** Moves a run that waits to another place of the queue: the one who asked earlier goes first. */
  askToStart(at: number): void {
    this.db.prepare("UPDATE command SET created_at = ? WHERE action = 'start' AND done_at IS NULL").run(at);
  }

  /** Queues the run for a worker; the worker itself finds the checkpoint to go on from. Throws RUN_CONFLICT for one that trains or is done. */
  enqueue(now = Date.now()): void {
    requireOwn(this, 'be trained');
    transaction(this.db, () => {
      const { id, state } = this.row();
      if (!statusHolds(this.db)) throw this.statusDamaged();
      if (isActive(state) || state === 'finished') throw errors.wrongState(id, 'be queued', state, 'medr1 runs list shows the states.');
      this.clearCommands(now);
      if (state !== 'queued') this.writeState('queued', null, now);
      this.command('start', now);
    });
  }

  /**
   * Takes the run back to `step` in one transaction and opens a new epoch, so that every reader reads anew. Reward revisions that came
   * later are taken up again at the steps they took effect, those that waited after the last step (`revisions: 'repeat'`: a crash loses nothing
   * that was decided), or dropped.
   */
  dropAfter(step: number, later: { revisions: 'repeat' | 'drop' }, now = Date.now()): void {
    transaction(this.db, () => this.dropSteps(step, later, now));
  }

  /** Drops them and the reward edits made since, and is stopped there: both or neither, for a run that is finished at an earlier step cannot go on. */
  rollBack(step: number, now = Date.now()): void {
    transaction(this.db, () => {
      this.dropSteps(step, { revisions: 'drop' }, now);
      this.writeState('stopped', null, now);
    });
  }

  private dropSteps(step: number, later: { revisions: 'repeat' | 'drop' }, now: number): void {
    const last = this.step;
    this.drop(step, later);
    if (last <= step) return;
    const message = `Steps ${step + 1} to ${last} were dropped; the run goes on from step ${step}.`;
    const isRollback = later.revisions === 'drop';
    const remedy = isRollback ? 'Nothing to do: resume the run when you like.' : 'Nothing to do: they are computed anew.';
    this.append(step, { kind: 'alert', code: 'STEPS_DROPPED', message, remedy, ...(isRollback && { rolled_back_from: last }) }, now);
  }

  /**
   * Makes this copy of a parent's database the new run's own; `rewards` and `settings` take the place of those in force at `step` where given.
   * `total_steps`: 0 where only the start will tell.
   */
  becomeFork(
    run: Pick<RunRow, 'id' | 'name' | 'parent' | 'config' | 'request_id' | 'total_steps'>,
    step: number,
    { rewards, settings }: { rewards: RewardSet | null; settings: Partial<LiveSettings> },
    now = Date.now(),
  ): void {
    const parent = this.row();
    const before = parent.inherited.filter((_, at) => (parent.inherited[at - 1]?.to ?? 0) < step);
    const own = { run: parent.id, name: parent.name, variant: parent.config.variant, to: step };
    const inherited = [...before.map((one) => ({ ...one, to: Math.min(one.to, step) })), ...(lastInherited(before) < step ? [own] : [])];
    transaction(this.db, () => {
      this.db
        .prepare(
          'UPDATE run SET id = ?, name = ?, parent = ?, inherited = ?, pair = NULL, config = ?, created_at = ?, started_at = NULL, request_id = ?, total_steps = ?',
        )
        .run(run.id, run.name, run.parent, JSON.stringify(inherited), JSON.stringify(run.config), now, run.request_id, run.total_steps);
      this.db.exec('DELETE FROM request');
      forgetChanges(this.db);
      annotateFork(this.db);
      alertSettingsOfFork(this.db);
      this.db.prepare('DELETE FROM note WHERE step > ?').run(step);
      this.db.prepare('DELETE FROM checkpoint WHERE step <> ?').run(step);
      this.clearCommands(now);
      this.drop(step, { revisions: 'drop' });
      if (isSealed(this.db)) sealFacts(this.db);
      else sealAll(this.db);
      const inForce = revisions(this.db).at(-1);
      if (inForce && (rewards || Object.keys(settings).length > 0)) {
        const next = { ...(rewards ?? inForce), settings: { ...(inForce.settings ?? liveOf(parent.config)), ...settings } };
        insertRevision(this.db, { ...next, reason: `forked from ${run.parent}`, author: 'configuration', time: now });
      }
      this.writeState('queued', null, now);
    });
  }

  /** Makes this copy of what holds of a damaged run a run of its own, which is stopped. */
  becomeRescued(id: string, of: string, now = Date.now()): void {
    transaction(this.db, () => {
      const { name } = this.row();
      this.db.prepare('UPDATE run SET id = ?, name = ?, pair = NULL, request_id = NULL').run(id, `${name.slice(0, 100)} · rescued`);
      sealFacts(this.db);
      const message = `Steps 1 to ${this.step} were rescued from run ${of}, whose database is damaged.`;
      this.append(
        this.step,
        { kind: 'alert', code: 'RUN_RESCUED', message, remedy: 'Nothing to do: the damaged run stays as it is.' },
        now,
      );
      this.writeState('stopped', null, now);
    });
  }

  private drop(step: number, later: { revisions: 'repeat' | 'drop' }): void {
    const last = this.step;
    ratiosDropped(this.db, step);
    this.db.prepare('DELETE FROM step WHERE step > ?').run(step);
    this.db.prepare('DELETE FROM token_ratio WHERE at > ?').run(step);
    this.db.prepare('DELETE FROM checkpoint WHERE step > ?').run(step);
    this.db.prepare('DELETE FROM event WHERE seq > (SELECT coalesce(max(seq), 0) FROM event WHERE step <= ?)').run(step);
    if (later.revisions === 'repeat') {
      this.db.prepare('UPDATE reward_revision SET due = ? WHERE step IS NULL AND due IS NULL').run(last + 1);
      this.db.prepare('UPDATE reward_revision SET due = step, step = NULL WHERE step > ?').run(step);
    } else {
      const dropped = 'FROM reward_revision WHERE revision > 1 AND (step > ? OR step IS NULL)';
      this.db.prepare(`DELETE FROM request WHERE id IN (SELECT request_id ${dropped})`).run(step); // those edits may be made anew
      this.db.prepare(`DELETE ${dropped}`).run(step);
      this.db.prepare('UPDATE reward_revision SET step = NULL WHERE step > ?').run(step);
    }
    this.db.prepare('UPDATE run SET epoch = ?').run(newEpoch());
    sealStatus(this.db);
  }

  /** Adds to the log inside the caller's transaction; seq is dense. */
  append(step: number, body: EventBody, now: number): number {
    const { kind, ...rest } = body;
    const last = prepared(this.db, 'SELECT seq, digest FROM event ORDER BY seq DESC LIMIT 1').get();
    const seq = ((last?.seq as number | undefined) ?? 0) + 1;
    const event = [seq, now, step, kind, JSON.stringify(rest)];
    const digest = eventDigest(this.db, (last?.digest as Uint8Array | undefined) ?? null, event);
    prepared(this.db, 'INSERT INTO event (seq, time, step, kind, body, digest) VALUES (?, ?, ?, ?, ?, ?)').run(...event, digest);
    return seq;
  }

  private writeState(state: RunState, error: ErrorBody | null, now: number): void {
    const begins = state === 'starting';
    const ends = hasEnded(state);
    this.db
      .prepare(
        'UPDATE run SET state = ?, error = ?, started_at = CASE WHEN ? THEN coalesce(started_at, ?) ELSE started_at END, ended_at = ?',
      )
      .run(state, error && JSON.stringify(error), Number(begins), now, ends ? now : null);
    sealStatus(this.db);
    if (begins || ends) this.clearCommands(now);
    this.append(this.step, { kind: 'state', state, error }, now);
  }

  private statusDamaged() {
    const last = this.step;
    const from = this.checkpoints().at(-1)?.step ?? null;
    return errors.rowsDamaged({
      id: this.row().id,
      structure: null,
      damage: { step: last + 1, what: STATUS_DAMAGED },
      last,
      good: last,
      from,
    });
  }

  private clearCommands(now: number): void {
    this.db.prepare('UPDATE command SET done_at = ? WHERE done_at IS NULL').run(now);
  }

  private checkpointOf(row: Record<string, unknown>): Checkpoint {
    const { step, created_at, reason, pinned, bytes } = row as unknown as Checkpoint;
    return { step, path: this.checkpointPath(step), created_at, reason, pinned: Boolean(pinned), bytes };
  }

  private scalar(sql: string): number | null {
    return Object.values(prepared(this.db, sql).get()!)[0] as number | null;
  }
}
