/** Bytes that are not what was written. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newestValid, writeCheckpoint } from '../../kernel-bridge/src/runs/checkpoints.ts';
import { completeConfig } from '../../kernel-bridge/src/runs/config.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { checkRun } from '../../kernel-bridge/src/runs/verify.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { Sound } from './trained.ts';
import { train as goOn } from './writer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'medr1-damage-'));
const sound = join(scratch, 'sound');
const FILES: Record<string, Buffer> = {
  'model.safetensors': Buffer.alloc(3000, 'weights'),
  'optimizer.safetensors': Buffer.alloc(6000, 'moments'),
  'trainer_state.json': Buffer.from('{"global_step":4,"rng":[1,2,3]}'),
  'config.json': Buffer.from('{"model_type":"qwen2_vl"}'),
};

/** A run of four steps with checkpoints of the second and the fourth. */
async function train(): Promise<void> {
  mkdirSync(sound);
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  using store = RunStore.create(sound, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  const save = async (dir: string): Promise<void> => {
    mkdirSync(dir, { recursive: true });
    for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(dir, name), bytes);
  };
  for (const step of [1, 2, 3, 4]) {
    store.commitStep(fakeStep(step));
    if (step % 2 === 0) await writeCheckpoint(store, save, { reason: 'periodic', pinned: false, keep: 2 });
  }
}

let copies = 0;
/** A copy of the run whose newest checkpoint is damaged; what was done to it. */
function damaged(random: Random, ways: readonly string[]): { directory: string; checkpoint: string; what: string } {
  const directory = join(scratch, `copy-${copies++}`);
  cpSync(sound, directory, { recursive: true });
  const checkpoint = join(directory, 'checkpoints', readdirSync(join(directory, 'checkpoints')).sort().at(-1)!);
  const name = oneOf(
    random,
    readdirSync(checkpoint).filter((file) => ways.length > 1 || file !== 'manifest.json'),
  );
  const file = join(checkpoint, name);
  const bytes = readFileSync(file);
  const way = oneOf(random, ways);
  const at = below(random, bytes.length);
  if (way === 'gone') rmSync(file);
  if (way === 'cut off') truncateSync(file, at);
  if (way === 'flip') {
    bytes[at] ^= 1 << below(random, 8);
    writeFileSync(file, bytes);
  }
  return { directory, checkpoint, what: `${way} ${name} at ${at}` };
}

const manifestOf = (checkpoint: string): { files: Record<string, { sha256: string }> } | null => {
  try {
    return JSON.parse(readFileSync(join(checkpoint, 'manifest.json'), 'utf8'));
  } catch {
    return null;
  }
};

/** Goes on from the step that a worker would go on from. */
async function goneOnFrom(directory: string): Promise<number | null> {
  using store = RunStore.open(directory);
  const { checkpoint, damaged } = await newestValid(store);
  for (const error of damaged) holds((error as { code?: string }).code === 'CHECKPOINT_DAMAGED', `it says ${error.message}`);
  return checkpoint?.step ?? null;
}

async function passedOver(directory: string, checkpoint: string, what: string): Promise<string> {
  const from = await goneOnFrom(directory);
  const written = join(sound, 'checkpoints', readdirSync(join(sound, 'checkpoints')).sort().at(-1)!);
  const same =
    isDeepStrictEqual(manifestOf(checkpoint), manifestOf(written)) &&
    Object.entries(FILES).every(([name, bytes]) => {
      try {
        return readFileSync(join(checkpoint, name)).equals(bytes);
      } catch {
        return false;
      }
    });
  holds(from === 2 || (same && from === 4), `${what}: the run goes on from step ${from}`);
  rmSync(directory, { recursive: true });
  return same ? 'harmless' : 'found';
}

fault('D5', {
  setUp: train,
  tearDown: async () => rmSync(scratch, { recursive: true, force: true }),
  attempt: async (random) => {
    const { directory, checkpoint, what } = damaged(random, ['flip', 'flip', 'cut off', 'gone']);
    return passedOver(directory, checkpoint, what);
  },
  control: async (random) => {
    const { directory, checkpoint, what } = damaged(random, ['flip']);
    const manifest = manifestOf(checkpoint)!;
    for (const [name, kept] of Object.entries(manifest.files))
      kept.sha256 = createHash('sha256')
        .update(readFileSync(join(checkpoint, name)))
        .digest('hex');
    writeFileSync(join(checkpoint, 'manifest.json'), JSON.stringify(manifest));
    await passedOver(directory, checkpoint, what);
  },
});

const PAGE = 4096;
/** How the log tells of a step. */
const LOGGED = '{"metrics":{"reward"';
/** Tries of each page. */
const EACH = 10;
const TABLES = ['run', 'step', 'metric', 'metric_name', 'rollout_group', 'completion', 'reward_revision', 'checkpoint', 'event'];
/** Digests have themselves no digest; they stand for what is read. */
const DIGESTS = /_?digest$/;

/** All that a reader gets of a run, by its tables and by their indexes; null where it cannot be read. */
function readable(directory: string): unknown {
  try {
    using store = RunStore.open(directory);
    const rows = (sql: string): unknown[] =>
      store.db
        .prepare(sql)
        .all()
        .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !DIGESTS.test(name))));
    return [
      ...TABLES.map((table) => rows(`SELECT * FROM ${table} NOT INDEXED`)),
      rows('SELECT step FROM metric ORDER BY step, name_id'),
      rows('SELECT item_id, step FROM rollout_group ORDER BY item_id, step'),
    ];
  } catch {
    return null;
  }
}

/** What a worker that takes the run up says of it. */
async function complaint(directory: string): Promise<string | null> {
  try {
    using store = RunStore.open(directory);
    await checkRun(store);
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const runs = mkdtempSync(join(tmpdir(), 'medr1-pages-'));
const paged = join(runs, 'sound');
/** The database three steps before its end. */
let earlier: Buffer;
let content: unknown;

/** One file, without a journal. */
function folded(store: RunStore): Buffer {
  store.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return readFileSync(join(store.directory, 'run.db'));
}

function makePages(): void {
  if (existsSync(paged)) return;
  mkdirSync(paged);
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  using store = RunStore.create(paged, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  for (let step = 1; step <= 12; step++) {
    store.commitStep(fakeStep(step));
    if (step === 9) earlier = folded(store);
  }
  folded(store);
  content = readable(paged);
}

function placesOf(text: string, bytes: Buffer): number[] {
  const places = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

async function pageChanged(random: Random, page: number, { digests }: { digests: boolean }): Promise<string> {
  const directory = join(runs, `copy-${copies++}`);
  mkdirSync(directory);
  const file = join(directory, 'run.db');
  cpSync(join(paged, 'run.db'), file);
  if (!digests) {
    using store = RunStore.open(directory);
    store.db.exec(
      'UPDATE run SET facts_digest = NULL, status_digest = NULL; UPDATE step SET digest = NULL; UPDATE event SET digest = NULL',
    );
    folded(store);
  }
  const bytes = readFileSync(file);
  const from = page * PAGE;
  const other = PAGE * below(random, bytes.length / PAGE);
  const way = oneOf(random, digests ? ['a flip', 'a flip', 'zeros', 'another page', 'an earlier state'] : ['a flip in the log']);
  if (way === 'a flip') bytes[from + below(random, PAGE)] ^= 1 << below(random, 8);
  if (way === 'a flip in the log') bytes[oneOf(random, placesOf(LOGGED, bytes)) + 3] ^= 1;
  if (way === 'zeros') bytes.fill(0, from, from + PAGE);
  if (way === 'another page') bytes.copyWithin(from, other, other + PAGE);
  if (way === 'an earlier state' && from < earlier.length) earlier.copy(bytes, from, from, from + PAGE);
  writeFileSync(file, bytes);
  const same = isDeepStrictEqual(readable(directory), content);
  const said = await complaint(directory);
  rmSync(directory, { recursive: true });
  holds(same || said !== null, `${way} in page ${page}: other content, and nobody says so`);
  holds(said === null || /^RUN_(DAMAGED|FORMAT)$/.test(said), `${way} in page ${page}: ${said}`);
  return said === null ? 'nobody reads it' : 'found';
}

fault('D6', {
  setUp: async () => makePages(),
  tearDown: async () => rmSync(runs, { recursive: true, force: true }),
  places: async () => (EACH * readFileSync(join(paged, 'run.db')).length) / PAGE,
  attempt: (random, place) => pageChanged(random, Math.floor(place / EACH), { digests: true }),
  controls: 5,
  control: (random) => pageChanged(random, 0, { digests: false }),
});

/** Of a run whose process was killed: what stands in the database, what in its journal. */
function killedRun(random: Random): { directory: string; content: unknown } {
  const living = join(runs, `living-${copies++}`);
  mkdirSync(living);
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  using store = RunStore.create(living, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  for (let step = 1; step <= 12; step++) {
    store.commitStep(fakeStep(step));
    if (random() < 0.1) store.db.exec(`PRAGMA wal_checkpoint(${oneOf(random, ['PASSIVE', 'TRUNCATE'])})`);
  }
  const directory = `${living}-killed`;
  mkdirSync(directory);
  for (const name of ['run.db', 'run.db-wal', 'last-step']) cpSync(join(living, name), join(directory, name));
  return { directory, content: readable(living) };
}

async function journalDamaged(random: Random, { noted }: { noted: boolean }): Promise<string> {
  mkdirSync(runs, { recursive: true });
  const { directory, content } = killedRun(random);
  const file = join(directory, 'run.db-wal');
  const bytes = readFileSync(file);
  const way = oneOf(random, ['gone', 'empty', 'cut off', 'a flip', 'zeros']);
  if (way === 'gone') rmSync(file);
  else if (way === 'a flip' && bytes.length > 0) bytes[below(random, bytes.length)] ^= 1 << below(random, 8);
  else if (way === 'zeros') bytes.fill(0, below(random, bytes.length + 1));
  if (way !== 'gone')
    writeFileSync(file, way === 'empty' ? '' : way === 'cut off' ? bytes.subarray(0, below(random, bytes.length + 1)) : bytes);
  if (!noted) rmSync(join(directory, 'last-step'));
  const said = await complaint(directory);
  const same = isDeepStrictEqual(readable(directory), content);
  holds(same || said !== null, `${way}: steps are gone, and nobody says so`);
  holds(said === null || /^RUN_(DAMAGED|FORMAT)$/.test(said), `${way}: ${said}`);
  return said === null ? 'nothing lost' : 'found';
}

fault('D7', {
  tearDown: async () => rmSync(runs, { recursive: true, force: true }),
  attempt: (random) => journalDamaged(random, { noted: true }),
  controls: 5,
  control: (random) => journalDamaged(random, { noted: false }),
});

it('a run whose journal was left behind is not trained, and keeps the checkpoints that its database does not know', async () => {
  const sound = await Sound.make();
  try {
    const home = sound.copy();
    const directory = runDirectory(home, sound.id);
    using store = RunStore.open(directory);
    store.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const before = readFileSync(join(directory, 'run.db'));
    expect(await goOn(home, sound.id)).toBe('finished');
    const checkpoints = readdirSync(join(directory, 'checkpoints'));
    const copy = sound.copy();
    cpSync(directory, runDirectory(copy, sound.id), { recursive: true });
    for (const name of ['run.db-wal', 'run.db-shm']) rmSync(join(runDirectory(copy, sound.id), name), { force: true });
    writeFileSync(join(runDirectory(copy, sound.id), 'run.db'), before);
    expect(await goOn(copy, sound.id)).toBe('failed');
    expect(sound.row(copy).error).toMatchObject({ code: 'RUN_DAMAGED', message: expect.stringContaining('up to step 8') });
    expect(readdirSync(join(runDirectory(copy, sound.id), 'checkpoints'))).toEqual(checkpoints);
  } finally {
    sound.dispose();
  }
});
