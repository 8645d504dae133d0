/**
 * Digests over what a run stored, so that bits that changed on the disk are found: SQLite looks at its structure, not at the values.
 * Each step has one over its rows, each event one over itself, both chained: a digest stands for all that came before it. What the run is
 * (configuration, data), what it is now (state) and each reward revision have one of their own. Tags, notes, name, commands and request ids
 * have none: training reads none of them.
 */
import { hash } from 'node:crypto';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { prepared } from '../log/database.ts';
import { isBusy, isDiskError, isDiskFull } from '../log/disk-space.ts';
import type { Checkpoint } from '../protocol/run.ts';
import { Stretch } from './stretch.ts';

type Row = (null | number | bigint | string | Uint8Array)[];

/** The first step whose rows are not as they were written; 0: what the run is; one more than it has: what waits for the next step. */
export interface Damage {
  step: number;
  what: string;
}

const FACTS = 'id, parent, config, root, data_hash, request_id, created_at, inherited, pair';
const STATUS = 'epoch, state, error, started_at, ended_at, total_steps, device, eval_split, eval_hash';
const REVISION = 'revision, weights, sources, reason, author, created_at, request_id';
/** Beside REVISION, of revisions that hold them: those of before keep their digests. */
const LIVE = 'SELECT revision, parameters, weight_schedules, settings FROM reward_revision WHERE settings IS NOT NULL';
const EVENT = 'seq, time, step, kind, body';
const GROUP = `step, "group", item_id, dataset, image, question, options, answer, modality, question_type, prompt, reward_mean, reward_std, reading`;
const COMPLETION = `step, "group", "index", text, token_ids, logprobs, entropy, kl, finish_reason, rewards, reward, advantage, prediction, correct`;

/** Of a step without a digest over the bytes of its completions, as steps of before are. */
const OF_STEP_BEFORE = [
  'SELECT step, time, groups, ratios, ratios_of FROM step WHERE step = ?',
  'SELECT name, value, special FROM metric JOIN metric_name ON id = name_id WHERE step = ? ORDER BY name_id',
  `SELECT ${GROUP} FROM rollout_group WHERE step = ? ORDER BY "group"`,
  `SELECT ${COMPLETION} FROM completion WHERE step = ? ORDER BY "group", "index"`,
  `SELECT ${REVISION} FROM reward_revision WHERE step = ? ORDER BY revision`,
  `${LIVE} AND step = ? ORDER BY revision`,
];
/** What its bytes are is in the step's `rollouts`, where each begins and ends here. */
const MEASURED = `step, "group", "index", iif(typeof(text) = 'text', octet_length(text), NULL), length(token_ids), length(logprobs), length(entropy),
  length(kl), finish_reason, rewards, reward, advantage, prediction, correct`;
const OF_STEP = [
  'SELECT step, time, groups, quote(ratios), ratios_of, quote(rollouts) FROM step WHERE step = ?',
  ...OF_STEP_BEFORE.filter((_, k) => k !== 0).map((sql) => sql.replace(COMPLETION, MEASURED)),
];
const TOKENS = 'SELECT token_ids, logprobs, entropy, kl FROM completion WHERE step = ? ORDER BY "group", "index"';
const TEXTS = 'SELECT CAST(text AS BLOB) FROM completion WHERE step = ? ORDER BY "group", "index"';
const DIGEST_OF = 'SELECT digest FROM step WHERE step = ?';
const RATIOS = 'SELECT at, "group", "index", ratio, clipped FROM token_ratio WHERE step = ? ORDER BY "group", "index"';

/** Whether the run's rows have digests: runs of an earlier version get theirs when they are next trained, rolled back or forked. */
export function isSealed(db: DatabaseSync): boolean {
  const sql = 'SELECT facts_digest IS NOT NULL OR EXISTS (SELECT 1 FROM event WHERE seq = 1 AND digest IS NOT NULL) FROM run';
  return rows(db, sql)[0]?.[0] === 1;
}

/** What the run is, at its creation or when it becomes a fork. Inside the caller's transaction, as are all that follow. */
export function sealFacts(db: DatabaseSync): void {
  db.prepare('UPDATE run SET facts_digest = ?').run(factsDigest(db));
}

export const STATUS_DAMAGED = 'its state is not what was written';

export const statusHolds = (db: DatabaseSync): boolean => !isSealed(db) || same(stored(db, 'status_digest'), statusDigest(db));

/** Whether the run is still what it was made as; also of one without digests. */
export const factsHold = (db: DatabaseSync): boolean => !isSealed(db) || same(stored(db, 'facts_digest'), factsDigest(db));

/** After every change of what the run is now. */
export function sealStatus(db: DatabaseSync): void {
  if (isSealed(db)) db.prepare('UPDATE run SET status_digest = ?').run(statusDigest(db));
}

export function sealRevision(db: DatabaseSync, revision: number): void {
  if (isSealed(db)) db.prepare('UPDATE reward_revision SET digest = ? WHERE revision = ?').run(revisionDigest(db, revision), revision);
}

/** The digest of an event that follows `before`, null where the run has none. */
export function eventDigest(db: DatabaseSync, before: Uint8Array | null, event: Row): Uint8Array | null {
  return isSealed(db) ? digest([[before], event]) : null;
}

/**
 * The last step: all its rows are there. `ratios_of`: the step whose rollouts it used again. `bytes`: of its completions, from whoever wrote them,
 * which is what SQLite gives back.
 */
export function sealStep(db: DatabaseSync, step: number, ratios_of: number | null, bytes = completionBytes(db, step)): void {
  if (!isSealed(db)) return;
  const ratios = ratios_of === null ? null : digest(rows(db, RATIOS, ratios_of));
  const set = 'UPDATE step SET ratios = ?, ratios_of = ?, rollouts = ? WHERE step = ?';
  prepared(db, set).run(ratios, ratios_of, hash('sha256', bytes, 'buffer'), step);
  resealStep(db, step);
}

/** The last step, which has got further metrics. */
export function resealStep(db: DatabaseSync, step: number): void {
  if (!isSealed(db)) return;
  const before = prepared(db, DIGEST_OF).get(step - 1)?.digest as Uint8Array | undefined;
  prepared(db, 'UPDATE step SET digest = ? WHERE step = ?').run(stepDigest(db, step, before ?? null), step);
}

/** Before the steps after `step` are dropped: ratios that they put in the place of earlier ones go with them. */
export function ratiosDropped(db: DatabaseSync, step: number): void {
  const sql = 'UPDATE step SET ratios_lost = 1 WHERE step <= ?1 AND ratios_of IN (SELECT ratios_of FROM step WHERE step > ?1)';
  db.prepare(sql).run(step);
}

/** Digests for a run of an earlier version: over its rows as they are now. */
export function sealAll(db: DatabaseSync): void {
  if (isSealed(db)) return;
  sealFacts(db);
  sealStatus(db);
  for (const { revision } of db.prepare('SELECT revision FROM reward_revision').all()) sealRevision(db, revision as number);
  const seen = new Map(
    db
      .prepare('SELECT DISTINCT at, step FROM token_ratio')
      .all()
      .map(({ at, step }) => [at, step as number]),
  );
  for (const { step } of db.prepare('SELECT step FROM step ORDER BY step').all()) sealStep(db, step as number, seen.get(step) ?? null);
  let before: Uint8Array | null = null;
  const put = db.prepare('UPDATE event SET digest = ? WHERE seq = ?');
  for (const { seq } of db.prepare('SELECT seq FROM event ORDER BY seq').all()) {
    const [event] = rows(db, `SELECT ${EVENT} FROM event WHERE seq = ?`, seq as number);
    before = digest([[before], event]);
    put.run(before, seq as number);
  }
}

/**
 * The first damage of a run, or null. `upTo`: only what a run that goes on from this step keeps; `waiting`: its state and revisions not yet in
 * force too. Reads one moment of the database, which another process may be writing; gives way to other work now and then.
 */
export async function firstDamage(db: DatabaseSync, { upTo = Infinity, waiting = true } = {}): Promise<Damage | null> {
  db.exec('BEGIN');
  try {
    if (!isSealed(db)) return null;
    const last = (db.prepare('SELECT max(step) AS last FROM step').get()!.last as number | null) ?? 0;
    const found: Damage[] = [];
    const check = (step: number, what: string, holds: () => boolean): boolean => {
      const damage = damaged(holds);
      if (damage !== null) found.push({ step, what: damage === '' ? what : `${what} (${damage})` });
      return damage === null;
    };
    check(0, 'its configuration is not what it was', () => factsHold(db));
    if (found.length === 0) {
      let told = last;
      check(last + 1, 'its rows cannot be read', () => (told = Math.max(last, lastTold(db))) >= 0);
      await checkSteps(db, Math.min(upTo, told), check);
      await checkLog(db, { upTo, last }, check);
    }
    if (waiting) {
      check(last + 1, STATUS_DAMAGED, () => statusHolds(db));
      let all: number[] = [];
      const known = () =>
        (all = rows(db, 'SELECT revision FROM reward_revision ORDER BY revision').map(([revision]) => revision as number));
      check(1, 'its reward revisions cannot be read', () => known().length >= 0);
      for (const revision of all) {
        const step = db.prepare('SELECT step FROM reward_revision WHERE revision = ?').get(revision)!.step as number | null;
        check(step ?? last + 1, `reward revision ${revision} is not what was written`, () => {
          const kept = db.prepare('SELECT digest FROM reward_revision WHERE revision = ?').get(revision)!.digest;
          return same(kept, revisionDigest(db, revision));
        });
      }
    }
    return found.sort((a, b) => a.step - b.step)[0] ?? null;
  } finally {
    db.exec('COMMIT');
  }
}

/** The last step that any row is of: where a page is what it was steps ago, one table ends before the others. */
const lastTold = (db: DatabaseSync): number =>
  Math.max(
    ...[
      'SELECT max(step) FROM metric',
      'SELECT max(step) FROM rollout_group',
      'SELECT max(step) FROM completion',
      "SELECT step FROM event WHERE kind = 'step' ORDER BY seq DESC LIMIT 1",
    ].map((sql) => (rows(db, sql)[0]?.[0] as number | null | undefined) ?? 0),
  );

type Check = (step: number, what: string, holds: () => boolean) => boolean;

async function checkSteps(db: DatabaseSync, last: number, check: Check): Promise<void> {
  const row = db.prepare('SELECT digest, ratios, ratios_of, ratios_lost FROM step WHERE step = ?');
  const later = db.prepare('SELECT 1 FROM step WHERE ratios_of = ? AND step > ? LIMIT 1');
  const own = db.prepare('SELECT count(*) AS n FROM token_ratio WHERE step = ? AND at = ?');
  const breathe = breather();
  let before: Uint8Array | null = null;
  for (let step = 1; step <= last; step++) {
    await breathe();
    const good = check(step, 'its rows are not what was written', () => {
      const kept = row.get(step);
      if (!kept || !same(kept.digest, stepDigest(db, step, before)) || !rolloutsHold(db, step)) return false;
      before = kept.digest as Uint8Array;
      const { ratios_of, ratios, ratios_lost } = kept;
      if (ratios_of === null) return true;
      const replaced = ratios_lost !== 0 || later.get(ratios_of, step) !== undefined;
      return replaced ? own.get(ratios_of, step)!.n === 0 : same(ratios, digest(rows(db, RATIOS, ratios_of as number)));
    });
    if (!good) return;
  }
}

/** The log and the checkpoints, which it tells of. */
async function checkLog(db: DatabaseSync, { upTo, last: lastStep }: { upTo: number; last: number }, check: Check): Promise<void> {
  const breathe = breather();
  const written = new Map<number, string>();
  const select = db.prepare(`SELECT ${EVENT}, digest FROM event WHERE seq = ?`);
  select.setReturnArrays(true);
  const kindOf = (seq: number): unknown => {
    try {
      return rows(db, 'SELECT kind FROM event WHERE seq = ?', seq)[0]?.[0];
    } catch {
      return null; // the check says why
    }
  };
  const last = db.prepare('SELECT max(seq) AS last FROM event').get()!.last as number;
  let before: Uint8Array | null = null;
  let [step, committing, whole] = [0, false, true];
  for (let seq = 1; seq <= last; seq++) {
    await breathe();
    const kind = kindOf(seq);
    const of = (kind === 'step' || kind === 'rewards') && !committing ? step + 1 : step;
    const good = check(of, `entry ${seq} of its log is not what was written`, () => {
      const row = select.get(seq) as unknown as Row | undefined;
      if (!row) return false;
      const kept = row.pop();
      if (!same(kept ?? null, digest([[before], row]))) return false;
      before = kept as Uint8Array;
      committing = kind === 'rewards';
      if (kind === 'checkpoint') written.set(row[2] as number, row[4] as string);
      return true;
    });
    whole = good && of <= upTo;
    if (!whole) break;
    step = of;
  }
  if (whole) check(step + 1, 'its log ends before it', () => step >= Math.min(upTo, lastStep));
  const checkpoints = 'SELECT step, created_at, reason, bytes, pinned FROM checkpoint ORDER BY step';
  let kept: Row[] = [];
  check(step, 'its checkpoints cannot be read', () => (kept = rows(db, checkpoints)).length >= 0);
  for (const [at, ...told] of kept.filter(([at]) => (at as number) <= upTo)) {
    check(at as number, 'what is kept of its checkpoint is not what was written', () => {
      const { checkpoint } = JSON.parse(written.get(at as number) ?? '{}') as { checkpoint?: Checkpoint };
      if (!checkpoint) return false;
      const { created_at, reason, bytes, pinned } = checkpoint;
      return [created_at, reason, bytes, Number(pinned)].every((value, k) => value === told[k]);
    });
  }
}

/** Null when the digest holds, '' when it does not, and a message when the rows cannot be read. Throws where the machine does not let them be read. */
function damaged(holds: () => boolean): string | null {
  try {
    return holds() ? null : '';
  } catch (error) {
    if (isDiskFull(error) || isDiskError(error) || isBusy(error)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

const BREATH_MS = 30;

/** Lets other work of the process in when it has waited for a while. */
function breather(): () => Promise<void> | void {
  let since = performance.now();
  return () => {
    if (performance.now() - since < BREATH_MS) return;
    return yieldToEvents().then(() => void (since = performance.now()));
  };
}

const factsDigest = (db: DatabaseSync): Uint8Array => digest(rows(db, `SELECT ${FACTS} FROM run`));
const statusDigest = (db: DatabaseSync): Uint8Array => digest(rows(db, `SELECT ${STATUS} FROM run`));
const revisionDigest = (db: DatabaseSync, revision: number): Uint8Array =>
  digest([
    ...rows(db, `SELECT ${REVISION} FROM reward_revision WHERE revision = ?`, revision),
    ...rows(db, `${LIVE} AND revision = ?`, revision),
  ]);
function stepDigest(db: DatabaseSync, step: number, before: Uint8Array | null): Uint8Array {
  if (rolloutsOf(db, step) === null) return digest([[before], ...OF_STEP_BEFORE.flatMap((sql) => rows(db, sql, step))]);
  const all = OF_STEP.map((sql) => rows(db, sql, step));
  return hash('sha256', JSON.stringify([before && Buffer.from(before).toString('hex'), ...all]), 'buffer');
}

/** The digest over the bytes of the step's completions; null in a step of before. */
const rolloutsOf = (db: DatabaseSync, step: number): SQLOutputValue =>
  prepared(db, 'SELECT rollouts FROM step WHERE step = ?').get(step)?.rollouts ?? null;

const rolloutsHold = (db: DatabaseSync, step: number): boolean => {
  const kept = rolloutsOf(db, step);
  return kept === null || same(kept, hash('sha256', completionBytes(db, step), 'buffer'));
};

/** What is known of the tokens of a step's completions, then their texts. It lasts until another step is read. */
export function completionBytes(db: DatabaseSync, step: number): Uint8Array {
  stretch.clear();
  for (const sql of [TOKENS, TEXTS])
    for (const row of rows(db, sql, step)) for (const bytes of row) if (bytes !== null) stretch.add(bytes as Uint8Array);
  return stretch.bytes;
}

const stretch = new Stretch();

const stored = (db: DatabaseSync, column: 'facts_digest' | 'status_digest'): SQLOutputValue =>
  db.prepare(`SELECT ${column} FROM run`).get()![column];

/** Rows as they read back, not as they were given: SQLite keeps no -0, and NaN as NULL. */
function rows(db: DatabaseSync, sql: string, ...values: number[]): Row[] {
  return prepared(db, sql, { arrays: true }).all(...values) as unknown as Row[];
}

/** SHA-256 of rows, each value with its type and, of bytes, their number: no two lists of rows are written alike. */
function digest(list: Iterable<Row>): Uint8Array {
  let length = 0;
  const room = (bytes: number): void => {
    if (length + bytes <= scratch.length) return;
    const larger = Buffer.allocUnsafe(2 * (length + bytes));
    scratch.copy(larger, 0, 0, length);
    scratch = larger;
  };
  for (const row of list) {
    const bytes: Uint8Array[] = [];
    const text = JSON.stringify(row.map((value) => (value instanceof Uint8Array ? [bytes.push(value), value.length] : value)));
    room(3 * text.length); // the most that UTF-8 takes
    length += scratch.write(text, length);
    for (const each of bytes) {
      room(each.length);
      scratch.set(each, length);
      length += each.length;
    }
  }
  return hash('sha256', scratch.subarray(0, length), 'buffer');
}

/** Kept from step to step: new memory would cost more than the digest itself. */
let scratch = Buffer.allocUnsafe(1 << 20);

const same = (a: Row[number], b: Uint8Array): boolean => a instanceof Uint8Array && Buffer.compare(a, b) === 0;
