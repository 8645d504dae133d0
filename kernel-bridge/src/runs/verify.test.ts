/** Bits that flip in a run's database, and runs that went through everything but damage. */
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  closeSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import type { WorkbenchError } from '../protocol/errors.ts';
import { writeCheckpoint } from './checkpoints.ts';
import { completeConfig } from './config.ts';
import { firstDamage } from './digest.ts';
import { forkRun, rollbackRun } from './lineage.ts';
import { rescueRun } from './rescue.ts';
import { editRewards, revisions } from './rewards.ts';
import type { RunRow } from './row.ts';
import { RunStore } from './store.ts';
import { checkRun, verifyRun } from './verify.ts';

const ID = '20260101-000000-aaaa';
const STEPS = 8;
const FLIPS = Number(process.env.MEDR1_FLIPS ?? 100);

let home: string;
let sound: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'medr1-verify-'));
  sound = join(home, 'sound');
  using run = await trained(sound);
  run.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}, 120_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

let made = 0;
/** A copy of the sound run where `forkRun` and `rollbackRun` find it. */
function copyOf(): string {
  const directory = join(home, 'runs', `copy-${made++}`);
  cpSync(sound, directory, { recursive: true });
  return directory;
}

/** Every kind of row: two updates on each batch, evaluations, edits in force and waiting, checkpoints, an alert, states. */
async function trained(directory: string): Promise<RunStore> {
  mkdirSync(directory, { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8, max_steps: 20 });
  const run = RunStore.create(directory, { id: ID, name: 'x', parent: null, config, root: '/data', data_hash: 'h' });
  run.enqueue();
  run.take();
  run.started({ total_steps: 20, device: 'cpu' });
  await steps(run, STEPS);
  edit(run, { format: 0.25 });
  run.setState('stopped');
  return run;
}

async function steps(run: RunStore, to: number): Promise<void> {
  while (run.step < to) {
    const step = run.step + 1;
    const fresh = step % 2 === 1;
    const made = fakeStep(step);
    const again = (k: number) => ({ ratio: [1, 1 + k / 10, null], clipped: [false, k > 1, false] });
    const ratios = { step: step - 1, groups: made.groups.map(({ completions }) => completions.map((_, k) => again(k))) };
    run.commitStep(fresh ? made : { ...made, groups: [], ratios }, run.dueRewards());
    if (step % 2 === 0) run.addEvaluation({ eval_accuracy: step / 10, eval_reward: null });
    if (step === 3) edit(run, { accuracy: 2 });
    if (step % 3 === 0) await writeCheckpoint(run, save, { reason: 'periodic', pinned: step === 3, keep: 5 });
    if (step === 5) run.alert({ code: 'X', message: 'something', remedy: 'Nothing.' });
  }
}

const edit = (run: RunStore, weights: Record<string, number>) =>
  editRewards(run.db, { weights, base_revision: revisions(run.db).at(-1)!.revision, reason: 'why', author: 'me', time: 1 });

async function save(dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.json'), '{}');
}

async function damageOf(directory: string): Promise<WorkbenchError | null> {
  try {
    using run = RunStore.open(directory);
    await checkRun(run);
    return null;
  } catch (error) {
    return error as WorkbenchError;
  }
}

const RUN_COLUMNS = [
  'id',
  'parent',
  'epoch',
  'state',
  'error',
  'config',
  'root',
  'data_hash',
  'request_id',
  'created_at',
  'started_at',
  'ended_at',
  'total_steps',
  'device',
  'eval_split',
  'eval_hash',
  'inherited',
  'pair',
] as const satisfies (keyof RunRow)[];

/** By name: a column whose own name changed is made anew with its default, and is lost content only where it held something else. */
let columns: Record<string, string> | null = null;
const columnsOf = (db: DatabaseSync, tables: string[]): Record<string, string> =>
  Object.fromEntries(
    tables.map((table) => [
      table,
      db.prepare(`SELECT group_concat('"' || name || '"') AS names FROM pragma_table_info(?)`).get(table)!.names as string,
    ]),
  );

/** All that a reader gets, by the tables themselves and by each of their indexes; an error where it cannot be read. The first call is for a sound run. */
function contentOf(directory: string): string {
  try {
    using run = RunStore.open(directory);
    const all = (sql: string): unknown[] => {
      const statement = run.db.prepare(sql);
      statement.setReturnArrays(true);
      return statement.all();
    };
    const tables = [
      'step',
      'metric',
      'metric_name',
      'rollout_group',
      'completion',
      'token_ratio',
      'reward_revision',
      'checkpoint',
      'event',
    ];
    columns ??= columnsOf(run.db, tables);
    const named = Object.entries(columns).map(([table, names]) => all(`SELECT ${names} FROM ${table} NOT INDEXED`));
    const row = RUN_COLUMNS.map((column) => run.row()[column]);
    const byIndex = ['SELECT step FROM metric ORDER BY step, name_id', 'SELECT item_id, step FROM rollout_group ORDER BY item_id, step'];
    return JSON.stringify([row, ...named, ...byIndex.map(all)]);
  } catch (error) {
    return String(error);
  }
}

function flip(file: string, at: number, bit: number): void {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, at);
  byte[0] ^= 1 << bit;
  writeSync(handle, byte, 0, 1, at);
  closeSync(handle);
}

/** Numbers from 0 to 1 that a seed decides. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

it(`a bit that flips where content stands is found, ${FLIPS} times at random places`, { timeout: 600_000 }, async () => {
  const seed = process.env.MEDR1_SEED === 'random' ? Math.floor(Math.random() * 2 ** 32) : Number(process.env.MEDR1_SEED ?? 1);
  process.stdout.write(`flips: MEDR1_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const before = contentOf(sound);
  const directory = copyOf();
  const file = join(directory, 'run.db');
  const { size } = statSync(file);
  const told = { step: 0, sqlite: 0 };
  for (let found = 0; found < FLIPS;) {
    const [at, bit] = [Math.floor(random() * size), Math.floor(random() * 8)];
    flip(file, at, bit);
    if (contentOf(directory) !== before) {
      const error = await damageOf(directory);
      expect(error, `byte ${at}, bit ${bit}`).not.toBeNull();
      expect(['RUN_DAMAGED', 'RUN_FORMAT'], `byte ${at}, bit ${bit}: ${error!.message}`).toContain(error!.code);
      told[/at step|after step|Nothing of it/.test(error!.message) ? 'step' : 'sqlite']++;
      found++;
    }
    for (const more of ['-wal', '-shm']) rmSync(`${file}${more}`, { force: true });
    copyFileSync(join(sound, 'run.db'), file); // to open a file may bring it up to date
  }
  process.stdout.write(`flips: ${told.step} named with a step, ${told.sqlite} by SQLite\n`);
  expect(await damageOf(directory)).toBeNull();
});

describe('the first bad step', () => {
  it.each([
    [3, 'another text', 'UPDATE completion SET text = text || \' \' WHERE step = 3 AND "index" = 1'],
    [5, 'another log-probability', 'UPDATE completion SET logprobs = zeroblob(12) WHERE step = 5'],
    [4, 'another metric', 'UPDATE metric SET value = value + 1e-9 WHERE step = 4 AND value IS NOT NULL'],
    [
      6,
      'an evaluation that was better',
      "UPDATE metric SET value = 0.9 WHERE step = 6 AND name_id = (SELECT id FROM metric_name WHERE name = 'eval_accuracy')",
    ],
    [7, 'a group that is gone', 'DELETE FROM rollout_group WHERE step = 7 AND "group" = 1'],
    [4, 'another ratio', 'UPDATE token_ratio SET ratio = zeroblob(12) WHERE step = 3'],
    [4, 'weights of a revision in force', 'UPDATE reward_revision SET weights = \'{"accuracy":9}\' WHERE step = 4'],
    [STEPS + 1, 'weights of one that waits', 'UPDATE reward_revision SET weights = \'{"accuracy":9}\' WHERE step IS NULL'],
    [2, 'what the log says of a step', "UPDATE event SET body = replace(body, 'reward', 'rewart') WHERE step = 2 AND kind = 'step'"],
    [0, 'another configuration', 'UPDATE run SET config = replace(config, \'"seed":42\', \'"seed":43\')'],
    [STEPS + 1, 'another state', "UPDATE run SET state = 'finished'"],
    [3, 'a checkpoint said to be larger', 'UPDATE checkpoint SET bytes = bytes + 1 WHERE step = 3'],
    [6, 'a step that is gone', 'DELETE FROM step WHERE step = 6'],
    [7, 'last steps that are gone', 'DELETE FROM step WHERE step >= 7'],
    [7, 'a log that ends before its steps', "DELETE FROM event WHERE seq >= (SELECT seq FROM event WHERE kind = 'step' AND step = 7)"],
  ])('is %i for %s', async (step, _, sql) => {
    using run = RunStore.open(copyOf());
    expect(await firstDamage(run.db)).toBeNull();
    expect(run.db.prepare(sql).run().changes).toBeGreaterThan(0);
    expect(await firstDamage(run.db)).toMatchObject({ step });
  });

  it('is told with the last good one and the checkpoint to go on from', async () => {
    using run = RunStore.open(copyOf());
    run.db.exec('UPDATE completion SET reward = 7 WHERE step = 5');
    const told = (await checkRun(run).catch((error: unknown) => error)) as WorkbenchError;
    expect(told).toMatchObject({
      code: 'RUN_DAMAGED',
      message: `Run ${ID} is damaged at step 5: its rows are not what was written. Steps 1 to 4 hold.`,
    });
    expect(told.remedy).toContain(`medr1 runs rollback ${ID} 3`);
    expect(told.remedy).toContain(`medr1 runs fork ${ID} 3`);
  });

  it('is no hindrance for what is taken over from before it', async () => {
    using run = RunStore.open(copyOf());
    run.db.exec("UPDATE completion SET reward = 7 WHERE step = 5; UPDATE reward_revision SET weights = '{}' WHERE step IS NULL");
    await expect(forkRun(home, run, 6, {})).rejects.toMatchObject({
      code: 'RUN_DAMAGED',
      message: expect.stringContaining(`Run ${ID} is damaged at step 5`),
    });
    await expect(rollbackRun(run, 6)).rejects.toMatchObject({ code: 'RUN_DAMAGED' });
    expect(run.step).toBe(STEPS);
    using fork = await forkRun(home, run, 3, {});
    await verifyRun(fork);
    await rollbackRun(run, 3);
    await verifyRun(run);
    await steps(run, STEPS);
    await verifyRun(run);
  });

  it('a state that is damaged is not gone on with, until the run is rolled back', async () => {
    using run = RunStore.open(copyOf());
    run.db.exec("UPDATE run SET eval_split = 'test'");
    expect(() => run.enqueue()).toThrow(/is damaged after step 8: its state/);
    await rollbackRun(run, 6);
    run.enqueue();
  });
});

describe('never accused', () => {
  it('a run that lost steps, was rolled back between two updates on a batch, forked, edited and went on', async () => {
    using run = RunStore.open(copyOf());
    for (const to of [6, 3, 3, 6, 3]) {
      await steps(run, STEPS);
      edit(run, { accuracy: to / 2 });
      if (to === 6) run.dropAfter(to, { revisions: 'repeat' });
      else await rollbackRun(run, to);
      await verifyRun(run);
      await steps(run, to + 1);
      await verifyRun(run);
      run.dropAfter(to + 1, { revisions: 'repeat' }); // after the first of two updates
      await verifyRun(run);
    }
    await steps(run, STEPS);
    using fork = await forkRun(home, run, 6, { max_steps: 30 });
    using second = await forkRun(home, fork, 6, { run_name: 'another' });
    for (const each of [fork, second]) {
      await steps(each, 12);
      await verifyRun(each);
    }
  });

  it('a run whose ratios were written more than twice, and dropped one by one', async () => {
    using run = RunStore.open(copyOf());
    run.dropAfter(0, { revisions: 'drop' });
    const first = fakeStep(1);
    run.commitStep(first, run.dueRewards());
    const again = (step: number) =>
      run.commitStep({
        ...fakeStep(step),
        groups: [],
        ratios: { step: 1, groups: first.groups.map(({ completions }) => completions.map(() => ({ ratio: [step, 1, 1], clipped: null }))) },
      });
    for (const step of [2, 3, 4]) again(step);
    await verifyRun(run);
    run.dropAfter(3, { revisions: 'repeat' }); // the ratios of step 3 went when step 4 wrote its own
    await verifyRun(run);
    again(4);
    run.db.exec('UPDATE token_ratio SET ratio = zeroblob(12)');
    expect(await firstDamage(run.db)).toMatchObject({ step: 4 });
  });

  it('a run of an earlier version, which gets digests when it is next written to', async () => {
    const directory = copyOf();
    using run = RunStore.open(directory);
    run.db.exec('UPDATE run SET facts_digest = NULL, status_digest = NULL; UPDATE step SET digest = NULL, ratios = NULL, ratios_of = NULL');
    run.db.exec('UPDATE event SET digest = NULL; UPDATE reward_revision SET digest = NULL');
    run.alert({ code: 'X', message: 'before', remedy: 'Nothing.' });
    expect(await verifyRun(run)).toMatchObject({ digests: false, steps: STEPS });
    using fork = await forkRun(home, run, 6, {});
    expect(await verifyRun(fork)).toMatchObject({ digests: true, steps: 6 });
    run.seal();
    await steps(run, STEPS + 2);
    expect(await verifyRun(run)).toMatchObject({ digests: true, steps: STEPS + 2 });
    run.db.exec('UPDATE token_ratio SET ratio = zeroblob(12) WHERE step = 3');
    expect(await firstDamage(run.db)).toMatchObject({ step: 4 });
  });
});

describe('a rescue', () => {
  /** Rows of the steps up to `step`, in any order of storage. */
  function rowsTo(directory: string, step: number): unknown[] {
    using run = RunStore.open(directory);
    const tables = ['step', 'metric', 'rollout_group', 'completion'];
    return tables.map((table) => run.db.prepare(`SELECT * FROM ${table} WHERE step <= ? ORDER BY 1, 2, 3`).all(step));
  }

  it('is a run of its own with all steps before the first bad one, that can go on', async () => {
    const directory = copyOf();
    using run = RunStore.open(directory);
    run.db.exec('UPDATE completion SET reward = 7 WHERE step = 5');
    using made = await rescueRun(home, run);
    expect(await verifyRun(made)).toMatchObject({ digests: true, steps: 4, checkpoints: [3] });
    expect(rowsTo(made.directory, 4)).toEqual(rowsTo(sound, 4));
    expect(made.row()).toMatchObject({ name: 'x · rescued', state: 'stopped', config: run.row().config });
    expect(made.events(0, 1000, ['alert']).at(-1)).toMatchObject({ code: 'RUN_RESCUED', message: expect.stringContaining('Steps 1 to 4') });
    expect(run.step).toBe(STEPS);
    made.dropAfter(3, { revisions: 'repeat' });
    made.enqueue();
    await steps(made, STEPS);
    expect(await verifyRun(made)).toMatchObject({ steps: STEPS });
  });

  it('leaves out a checkpoint that is damaged itself', async () => {
    using run = RunStore.open(copyOf());
    run.db.exec("UPDATE run SET state = 'finished'");
    writeFileSync(join(run.checkpointPath(3), 'config.json'), '{"other": 1}');
    using made = await rescueRun(home, run);
    expect(await verifyRun(made)).toMatchObject({ steps: STEPS, checkpoints: [6] });
  });

  it('is refused for a run that holds, and where nothing can be relied on', async () => {
    const before = readdirSync(join(home, 'runs')).length + 1;
    using run = RunStore.open(copyOf());
    await expect(rescueRun(home, run)).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    for (const [sql, why] of [
      ['UPDATE step SET digest = zeroblob(32) WHERE step = 1', 'its first step'],
      ['UPDATE run SET config = replace(config, \'"seed":42\', \'"seed":43\')', 'its configuration'],
    ]) {
      run.db.exec(sql);
      await expect(rescueRun(home, run)).rejects.toMatchObject({ code: 'RUN_DAMAGED', message: expect.stringContaining(why) });
    }
    expect(readdirSync(join(home, 'runs'))).toHaveLength(before);
  });

  it('reads around a page that cannot be read, whichever it is', { timeout: 180_000 }, async () => {
    const LONG = 40; // so that a table has several pages
    const [whole, directory] = [copyOf(), copyOf()];
    {
      using run = RunStore.open(whole);
      await steps(run, LONG);
      run.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    }
    rmSync(directory, { recursive: true });
    cpSync(whole, directory, { recursive: true });
    const file = join(directory, 'run.db');
    const pages = statSync(file).size / 4096;
    const kept: number[] = [];
    for (let page = 1; page < pages; page += Math.ceil(pages / 24)) {
      const handle = openSync(file, 'r+');
      writeSync(handle, Buffer.alloc(4096, 0xff), 0, 4096, page * 4096);
      closeSync(handle);
      try {
        using run = RunStore.open(directory);
        using made = await rescueRun(home, run);
        await verifyRun(made);
        expect(rowsTo(made.directory, made.step), `page ${page}`).toEqual(rowsTo(whole, made.step));
        kept.push(made.step);
      } catch (error) {
        expect(['RUN_DAMAGED', 'RUN_CONFLICT'], `page ${page}: ${String(error)}`).toContain((error as WorkbenchError).code);
      }
      for (const more of ['-wal', '-shm']) rmSync(`${file}${more}`, { force: true });
      copyFileSync(join(whole, 'run.db'), file);
    }
    process.stdout.write(`rescued of ${LONG} steps, page by page (${pages} pages): ${kept.join(' ')}\n`);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.some((steps) => steps > 0 && steps < LONG)).toBe(true);
    expect(kept).toContain(LONG); // a page of an index, which is made anew
  });
});

describe('a database without the journal that it had', () => {
  /** A run of three steps in its database, and two in its journal; the checkpoint of the last one lies beside it. */
  async function copied(...names: string[]): Promise<string> {
    const directory = join(home, `journal-${made++}`);
    mkdirSync(directory);
    const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8, max_steps: 20 });
    using run = RunStore.create(directory, { id: ID, name: 'x', parent: null, config, root: '/data', data_hash: 'h' });
    for (const step of [1, 2, 3]) run.commitStep(fakeStep(step), run.dueRewards());
    await writeCheckpoint(run, save, { reason: 'periodic', pinned: false, keep: null });
    run.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    for (const step of [4, 5]) run.commitStep(fakeStep(step), run.dueRewards());
    const copy = join(home, 'runs', `${directory.split('/').at(-1)}-copy`);
    for (const name of ['run.db', 'last-step', 'checkpoints', ...names])
      cpSync(join(directory, name), join(copy, name), { recursive: true });
    return copy;
  }
  const save = async (dir: string): Promise<void> => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'config.json'), '{}');
  };

  it('holds with it', async () => {
    using run = RunStore.open(await copied('run.db-wal'));
    expect(await verifyRun(run)).toMatchObject({ steps: 5 });
  });

  it('is damaged after the last step that it has, and goes on from a checkpoint when it is told to', async () => {
    using run = RunStore.open(await copied());
    await expect(verifyRun(run)).rejects.toMatchObject({
      code: 'RUN_DAMAGED',
      message: expect.stringMatching(/after step 3: it was trained up to step 5.*Steps 1 to 3 hold/),
      remedy: expect.stringMatching(/run\.db-wal[\s\S]*rollback .* 3[\s\S]*rescue/),
    });
    using rescued = await rescueRun(home, run);
    expect(rescued.step).toBe(3);
    await rollbackRun(run, 3);
    expect(await verifyRun(run)).toMatchObject({ steps: 3 });
    run.commitStep(fakeStep(4), run.dueRewards());
    expect(await verifyRun(run)).toMatchObject({ steps: 4 });
  });

  it('holds in a run that makes steps again which were dropped', async () => {
    using run = RunStore.open(await copied('run.db-wal'));
    run.dropAfter(3, { revisions: 'repeat' });
    expect(await verifyRun(run)).toMatchObject({ steps: 3 });
  });
});
