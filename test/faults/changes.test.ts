/** A process that is killed while it changes something of a home: the next one finds it as it was before, or as it is after. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll } from 'vitest';
import { picture } from '../../kernel-bridge/src/data/fixtures.ts';
import { buildIndex } from '../../kernel-bridge/src/data/index/build.ts';
import { Dataset } from '../../kernel-bridge/src/data/index/dataset.ts';
import { listDatasets, removeDataset } from '../../kernel-bridge/src/data/index/list.ts';
import { listEvals, openEval, prepareEvaluation } from '../../kernel-bridge/src/evals/evals.ts';
import { listTrash } from '../../kernel-bridge/src/files/trash.ts';
import { prepareHome } from '../../kernel-bridge/src/runs/home.ts';
import { forkRun } from '../../kernel-bridge/src/runs/lineage.ts';
import { listRuns, openRun, trashRun } from '../../kernel-bridge/src/runs/runs.ts';
import { verifyRun } from '../../kernel-bridge/src/runs/verify.ts';
import { stepsToIndex } from '../../kernel-bridge/src/search/write.ts';
import { WorkbenchError } from '../../kernel-bridge/src/protocol/errors.ts';
import { printed } from './bundle.ts';
import { change, CHANGES, type Known } from './changes.ts';
import { callsIn, lacksDisk, type Faults } from './disk.ts';
import { loadItems } from './evaluator.ts';
import { fault, holds, oneOf, type Random } from './fault.ts';
import { Sound } from './trained.ts';
import { train } from './writer.ts';

let sound: Sound | undefined;
let scratch: string;
let known: Known;
let copies = 0;
afterAll(() => {
  sound?.dispose();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

async function setUp(): Promise<void> {
  scratch = mkdtempSync(join(tmpdir(), 'medr1-changes-'));
  sound = await Sound.make();
  const home = join(scratch, 'home');
  cpSync(sound.copy(), home, { recursive: true });
  prepareHome(home);
  holds((await train(home, sound.id)) === 'finished', 'the run did not finish');
  using parent = openRun(home, sound.id);
  const forked = async (run_name: string, then: (run: Awaited<ReturnType<typeof forkRun>>) => void): Promise<string> => {
    using run = await forkRun(home, parent, 6, { run_name, max_steps: 9 });
    then(run);
    return run.row().id;
  };
  const damaged = await forked('damaged', ({ db }) => db.exec("UPDATE completion SET text = text || '.' WHERE step = 5"));
  const bare = await forked('bare', ({ db }) => db.exec('DELETE FROM search_step'));
  const removedRun = basename(trashRun(home, await forked('removed', () => {}), 'removed'));

  const data = dataFolder('data', 'before');
  await buildIndex(data, { name: 'x', home });
  await buildIndex(data, { name: 'removed', home });
  const removedData = basename(removeDataset('removed', home));
  const { store } = await prepareEvaluation(home, { model: sound.model, dataset: 'old', split: 'modality/test' }, { loadItems });
  const evaluation = store.row().id;
  store[Symbol.dispose]();
  const log = join(scratch, 'log');
  mkdirSync(join(log, 'checkpoint-6'), { recursive: true });
  const log_history = Array.from({ length: 6 }, (_, n) => ({ step: n + 1, epoch: n / 6, loss: 1 / (n + 1), reward: n }));
  writeFileSync(join(log, 'checkpoint-6/trainer_state.json'), JSON.stringify({ global_step: 6, max_steps: 6, log_history }));
  const folder = dataFolder('more', 'more');
  const { id, model } = sound;
  known = { sound: id, damaged, bare, removedRun, removedData, evaluation, log, folder, model };
  const image = await picture(1);
  for (const dir of [data, folder]) writeFileSync(join(dir, 'Images/0.png'), image);
}

function dataFolder(name: string, word: string): string {
  const dir = join(scratch, name);
  mkdirSync(join(dir, 'Images'), { recursive: true });
  const rows = Array.from({ length: 12 }, (_, n) => ({
    image: 'Images/0.png',
    question: `What is ${word} ${n}?`,
    option_A: 'a',
    option_B: 'b',
    answer: 'A',
  }));
  writeFileSync(join(dir, 'all.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  return dir;
}

function copy(): string {
  const home = join(scratch, `try-${copies++}`);
  cpSync(join(scratch, 'home'), home, { recursive: true });
  return home;
}

/** What a reader sees of a home but for ids and times. Searches read a run whose index lacks steps, so that how many is nobody's business. */
async function seen(home: string): Promise<unknown> {
  const runs = await Promise.all(listRuns(home).map((id) => runAs(home, id)));
  const sets = listDatasets(home).map(({ name }) => {
    const set = new Dataset(name, home);
    try {
      return [name, set.db.prepare('SELECT id, question, answer FROM items ORDER BY n').all()];
    } finally {
      set.close();
    }
  });
  const evaluations = listEvals(home).map((id) => {
    using store = openEval(home, id);
    const { settings, controls, state } = store.summary();
    return JSON.stringify([settings, controls, state, store.items().length]);
  });
  const trash = listTrash(home).map(({ kind, name }) => `${kind} ${name}`);
  return [runs.toSorted(byJson), sets.toSorted(byJson), evaluations.toSorted(), trash.toSorted()];
}

const byJson = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

async function runAs(home: string, id: string): Promise<unknown> {
  try {
    using run = openRun(home, id);
    const { name, state, config } = run.row();
    const found = await verifyRun(run).catch((error: unknown) => {
      if (error instanceof WorkbenchError && name === 'damaged') return error.code;
      throw error;
    });
    const told = typeof found === 'string' ? found : { ...found, run: '' };
    return { name, state, variant: config.variant, told };
  } catch (error) {
    return String(error);
  }
}

/** Names of what is still in the making. */
const unfinished = (home: string): string[] =>
  ['runs', 'evals', 'trash', 'datasets'].flatMap((part) => readdirSync(join(home, part)).filter((name) => name.startsWith('.')));

interface Changed {
  done: boolean;
  errors: string;
}

async function changed(name: string, home: string, faults: Omit<Faults, 'dir'>, env: Record<string, string>): Promise<Changed> {
  const { said, errors } = await printed('changer', [name, home, JSON.stringify(known)], { dir: home, ...faults }, env);
  return { done: said === 'done\n', errors };
}

/** The calls that write of a change, and what is seen before and after it. */
interface Whole {
  calls: string[];
  before: unknown;
  after: unknown;
}
const wholes = new Map<string, Promise<Whole>>();

async function whole(name: string, env: Record<string, string>): Promise<Whole> {
  const home = copy();
  const before = await seen(home);
  const count = join(scratch, `calls-${copies}`);
  const { done, errors } = await changed(name, home, { count }, env);
  holds(done, `${name} does not come to its end: ${errors}`);
  return { calls: callsIn(count), before, after: await seen(home) };
}

/** A call that puts a file of a folder under the name that the folder is known by. */
const COPIES = /^create .*\/(runs|evals)\/\d{8}-\d{6}-\w+\/(run|eval)\.db$/;

/** Made again by a request of the same id, which makes nothing twice. */
const REPEATABLE = ['fork', 'new run', 'pair'];

async function killed(random: Random, names: readonly string[], copied = false): Promise<string> {
  const name = oneOf(random, names);
  const env: Record<string, string> = copied ? { FAULT_COPY: '1' } : {};
  const key = `${name} ${copied}`;
  if (!wholes.has(key)) wholes.set(key, whole(name, env));
  const { calls, before, after } = await wholes.get(key)!;
  const home = copy();
  const how = oneOf(random, ['kill', 'killed'] as const);
  const places = calls.flatMap((call, at) => (!copied || COPIES.test(call) ? [at + 1] : []));
  const { done } = await changed(name, home, { at: oneOf(random, places), how }, env);
  prepareHome(home); // as whatever starts next does
  const found = await seen(home);
  const isAfter = isDeepStrictEqual(found, after);
  holds(isAfter || isDeepStrictEqual(found, before), `${name}: neither as before nor as after, but ${JSON.stringify(found)}`);
  holds(isAfter || !done, `${name}: it was told as done, and is as before`);
  if (!isAfter || REPEATABLE.includes(name)) {
    await change(name, home, known);
    holds(isDeepStrictEqual(await seen(home), after), `${name}: made again it comes to something else`);
  }
  if (name === 'index for searches') {
    using run = openRun(home, known.bare);
    if (isAfter && !done) await change(name, home, known); // the same is seen with a part of the index
    holds(stepsToIndex(run.db, 1).length === 0, 'the index for searches is not gone on with');
  }
  holds(unfinished(home).length === 0, `${name}: ${unfinished(home).join(', ')} was left`);
  rmSync(home, { recursive: true });
  return `${name} ${isAfter ? 'after' : 'before'}`;
}

fault('K1', {
  lacks: lacksDisk(),
  setUp,
  attempt: (random) => killed(random, Object.keys(CHANGES)),
  controls: 2,
  control: (random) => killed(random, ['fork', 'import', 'rescue', 'evaluation'], true),
});
