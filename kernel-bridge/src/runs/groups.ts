/** Rollouts in the store: token ids as int32, what is known of each token as float32, both little-endian blobs. */
import type { DatabaseSync } from 'node:sqlite';
import { lazily } from '../files/json-parts.ts';
import { verdict, type Verdict } from '../answers/index.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { runReading, type ReadingName } from '../protocol/readings.ts';
import type { Completion, Group, QuestionHistory } from '../protocol/run.ts';
import type { TokenRatios } from '../protocol/step.ts';
import { prepared } from '../log/database.ts';
import { errors } from './errors.ts';
import { Stretch } from './stretch.ts';

export interface GroupQuery {
  /** First and last step, both included. */
  from: number;
  to: number;
  limit: number;
  offset: number;
}

const stretch = new Stretch();

/**
 * Inside the transaction of the step. Returns the bytes of the completions as `completionBytes` of digest.ts reads them: what is known of their tokens,
 * then their texts. They last until the next step is written.
 */
export function writeGroups(db: DatabaseSync, groups: Group[]): Uint8Array {
  stretch.clear();
  const addGroup = prepared(
    db,
    `INSERT INTO rollout_group (step, "group", item_id, dataset, image, question, options, answer, modality, question_type, prompt, reward_mean, reward_std, reading)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const addCompletion = prepared(
    db,
    `INSERT INTO completion (step, "group", "index", text, token_ids, logprobs, entropy, kl, finish_reason, rewards, reward, advantage, prediction, correct)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const texts: string[] = [];
  for (const g of groups.toSorted((a, b) => a.group - b.group)) {
    addGroup.run(
      ...[g.step, g.group, g.item_id, g.dataset, g.image, g.question, JSON.stringify(g.options), g.answer, g.modality, g.question_type],
      ...[g.prompt, g.reward_mean, g.reward_std, g.reading],
    );
    for (const c of g.completions.toSorted((a, b) => a.index - b.index)) {
      texts.push(c.text);
      const [ids, logprobs] = [stretch.int32s(c.token_ids), stretch.floats(c.logprobs)];
      addCompletion.run(
        ...[g.step, g.group, c.index, c.text, ids, logprobs, c.entropy && stretch.floats(c.entropy), c.kl && stretch.floats(c.kl)],
        ...[c.finish_reason, JSON.stringify(c.rewards), c.reward, c.advantage, c.prediction, c.correct === null ? null : Number(c.correct)],
      );
    }
  }
  for (const text of texts) stretch.text(text);
  return stretch.bytes;
}

/** Ratios of rollouts of an earlier step as the update `at` saw them, in place of those of the update before. Inside its transaction. */
export function writeRatios(db: DatabaseSync, at: number, { step, groups }: TokenRatios): void {
  const put = prepared(db, 'INSERT OR REPLACE INTO token_ratio (step, "group", "index", at, ratio, clipped) VALUES (?, ?, ?, ?, ?, ?)');
  groups.forEach((completions, group) =>
    completions.forEach(({ ratio, clipped }, index) =>
      put.run(step, group, index, at, floats(ratio), clipped && Uint8Array.from(clipped, Number)),
    ),
  );
}

export function readGroups(db: DatabaseSync, { from, to, limit, offset }: GroupQuery): Group[] {
  const sql = 'SELECT * FROM rollout_group WHERE step BETWEEN ? AND ? ORDER BY step, "group" LIMIT ? OFFSET ?';
  return withCompletions(db, db.prepare(sql).all(from, to, limit, offset));
}

/** A group whose completions are read one by one. */
export type LongGroup = Omit<Group, 'completions'> & { completions: Iterable<Completion> };

/**
 * The same one after the other, each group and each completion read when it is its turn, which may be long after the one before. Throws RUN_CONFLICT
 * where the run was rolled back meanwhile: groups of two histories are no list. `open` gives the run anew each time.
 */
export function* eachGroup(
  open: () => { db: DatabaseSync; epoch: string; row(): { id: string } },
  { from, to, limit, offset }: GroupQuery,
): Generator<LongGroup> {
  const sql = `SELECT * FROM rollout_group WHERE (step, "group") > (?, ?) AND step <= ? ORDER BY step, "group" LIMIT 1 OFFSET ?`;
  const { epoch } = open();
  const db = (): DatabaseSync => {
    const run = open();
    if (run.epoch !== epoch) throw errors.runHeld(run.row().id, 'be read on');
    return run.db;
  };
  let after: [step: number, group: number] = [from, -1];
  for (let k = 0; k < limit; k++) {
    const row = prepared(db(), sql).all(...after, to, k === 0 ? offset : 0)[0];
    if (row === undefined) return;
    const { head, judged } = headOf(row, judgeOf(db()));
    after = [head.step, head.group];
    yield { ...head, completions: lazily(() => eachCompletion(db, head, judged)) };
  }
}

function* eachCompletion(
  db: () => DatabaseSync,
  { step, group }: { step: number; group: number },
  judged: (one: Completion) => Completion,
): Generator<Completion> {
  for (let index = -1; ;) {
    const row = prepared(db(), `${COMPLETIONS} AND "index" > ? ORDER BY "index" LIMIT 1`).get(step, group, index);
    if (row === undefined) return;
    index = row.index as number;
    yield judged(completionOf(row));
  }
}

const COMPLETIONS = `SELECT * FROM completion LEFT JOIN token_ratio USING (step, "group", "index") WHERE step = ? AND "group" = ?`;

function withCompletions(db: DatabaseSync, groups: Record<string, unknown>[]): Group[] {
  const completions = db.prepare(`${COMPLETIONS} ORDER BY "index"`);
  const judge = judgeOf(db);
  return groups.map((row) => {
    const { head, judged } = headOf(row, judge);
    return { ...head, completions: completions.all(head.step, head.group).map((one) => judged(completionOf(one))) };
  });
}

/** All of a group but its completions, and what makes of a completion one that was judged. */
function headOf(row: Record<string, unknown>, judge: ReturnType<typeof judgeOf>) {
  const options = JSON.parse(row.options as string) as string[];
  const { reading, judged } = judge({ reading: row.reading as ReadingName | null, options, answer: row.answer as string | null });
  return { head: { ...(row as unknown as Omit<Group, 'completions'>), options, reading }, judged };
}

/** What a group says of its question and its reading; null for one stored before readings had names. */
export interface Judged {
  reading: ReadingName | null;
  options: readonly string[];
  answer: string | null;
}

/**
 * The reading of a stored group, and its completions' verdicts under it. Groups stored before readings had names were judged by a rule that
 * none of today's is: their completions are read anew, by the reading that the run counts by.
 */
export function judgeOf(db: DatabaseSync) {
  const { config } = db.prepare('SELECT config FROM run').get() as { config: string };
  const own = runReading(JSON.parse(config) as TrainConfig);
  return ({ reading, ...question }: Judged) => ({
    reading: reading ?? own,
    judged: <C extends Verdict & { text: string }>(one: C): C => (reading === null ? { ...one, ...verdict(own, one.text, question) } : one),
  });
}

export interface CountedGroup {
  step: number;
  item_id: string;
  /** Completions whose answer could be judged, and how many of them are right. */
  judged: number;
  right: number;
}

/** How many completions of each group are right, in order; of the groups `g` that `where` names. */
export function countedGroups(db: DatabaseSync, where: string, ...values: (number | string)[]): Iterable<CountedGroup> {
  const judge = judgeOf(db);
  // of a group that names no reading: whether a completion is right is read anew
  db.function('reads_right', { deterministic: true }, (text, options, answer) =>
    Number(
      judge({ reading: null, options: JSON.parse(options as string) as string[], answer: answer as string }).judged({
        text: text as string,
        prediction: null,
        correct: null,
      }).correct,
    ),
  );
  return db
    .prepare(
      `SELECT g.step, g.item_id, count(c.correct) AS judged,
         total(CASE WHEN g.reading IS NULL AND g.answer IS NOT NULL THEN reads_right(c.text, g.options, g.answer) ELSE c.correct END) AS "right"
       FROM rollout_group g JOIN completion c USING (step, "group")
       WHERE ${where} GROUP BY g.step, g."group" ORDER BY g.step, g."group"`,
    )
    .iterate(...values) as unknown as Iterable<CountedGroup>;
}

/** How the questions of one step were answered whenever the run asked them, oldest first. */
export function questionHistory(db: DatabaseSync, step: number): QuestionHistory[] {
  const histories = new Map<string, QuestionHistory>();
  const asked = 'g.item_id IN (SELECT item_id FROM rollout_group WHERE step = ?)';
  for (const { item_id, ...one } of countedGroups(db, asked, step)) {
    const history = histories.get(item_id) ?? { item_id, asked: [] };
    history.asked.push(one);
    histories.set(item_id, history);
  }
  return [...histories.values()];
}

/**
 * At most `most` groups of the steps `from` to `to`, in order: as many of each step as of any other, evenly spread over its groups. Where they do
 * not come out even, newer steps have one more.
 */
export function sampleGroups(db: DatabaseSync, { from, to, most }: { from: number; to: number; most: number }): Group[] {
  const sizes = db
    .prepare('SELECT step, count(*) AS size FROM rollout_group WHERE step BETWEEN ? AND ? GROUP BY step ORDER BY step DESC')
    .all(from, to) as { step: number; size: number }[];
  const ofStep = db.prepare('SELECT * FROM rollout_group WHERE step = ? ORDER BY "group"');
  let left = most;
  const chosen = sizes.flatMap(({ step, size }, at) => {
    const take = Math.min(size, Math.ceil(left / (sizes.length - at)));
    left -= take;
    const all = ofStep.all(step);
    return Array.from({ length: take }, (_, i) => all[Math.floor((i * size) / take)]);
  });
  return withCompletions(db, chosen).sort((a, b) => a.step - b.step);
}

/** Token ids of each completion of a group, in order; none when there is no such group. */
export function readTokenIds(db: DatabaseSync, step: number, group: number): number[][] {
  return db
    .prepare('SELECT token_ids FROM completion WHERE step = ? AND "group" = ? ORDER BY "index"')
    .all(step, group)
    .map(({ token_ids }) => int32s(token_ids as Uint8Array));
}

/** First and last step that hold groups; [0, 0] when none does. */
export function groupSteps(db: DatabaseSync): [number, number] {
  const { first, last } = db.prepare('SELECT min(step) AS first, max(step) AS last FROM rollout_group').get() as Record<
    string,
    number | null
  >;
  return [first ?? 0, last ?? 0];
}

function completionOf(row: Record<string, unknown>): Completion {
  const { index, text, token_ids, logprobs, entropy, kl, ratio, clipped, finish_reason, rewards, reward, advantage, prediction, correct } =
    row;
  return {
    index,
    text,
    token_ids: int32s(token_ids as Uint8Array),
    logprobs: numbers(logprobs),
    entropy: numbers(entropy),
    kl: numbers(kl),
    ratio: numbers(ratio),
    clipped: clipped && Array.from(clipped as Uint8Array, Boolean),
    finish_reason,
    rewards: JSON.parse(rewards as string),
    reward,
    advantage,
    prediction,
    correct: correct === null ? null : Boolean(correct),
  } as Completion;
}

const int32s = (blob: Uint8Array): number[] => Array.from(new Int32Array(copy(blob)));

/** A blob may start at any byte; typed arrays need their own alignment. */
const copy = (blob: Uint8Array): ArrayBuffer => new Uint8Array(blob).buffer;

/** What is not finite reads back as null. */
const floats = (values: readonly (number | null)[] | null): Uint8Array | null =>
  values && new Uint8Array(Float32Array.from(values, (value) => value ?? NaN).buffer);

const numbers = (blob: unknown): (number | null)[] | null =>
  blob === null ? null : Array.from(new Float32Array(copy(blob as Uint8Array)), shortest);

/** Nine digits carry a float32 exactly; the double it widens to would print up to seventeen. */
const shortest = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(9)) : null);
