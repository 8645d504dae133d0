/** Each call that writes of a run that trains: killed there, or refused there by the disk. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { join } from 'node:path';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { callsIn, diskEnvironment, lacksDisk, namesTheDisk, REFUSALS, type Faults } from './disk.ts';
import { fault, holds, oneOf } from './fault.ts';
import { keptWhatWasTold, Sound, Writer } from './trained.ts';

let sound: Sound | undefined;
/** Every call that writes into the run's directory while it trains, from the first to the last. */
let calls: string[];

async function setUp(): Promise<void> {
  if (sound) return;
  sound = await Sound.make();
  const home = sound!.copy();
  const count = join(home, 'calls');
  const writer = await Writer.start([home, sound!.id], diskEnvironment({ dir: runDirectory(home, sound!.id), count }));
  await writer.ended();
  calls = callsIn(count);
  await sound!.whole(home);
}
afterAll(() => sound?.dispose());

const write = async (home: string, faults: Omit<Faults, 'dir'>, env: Record<string, string> = {}) =>
  (await Writer.start([home, sound!.id], { ...diskEnvironment({ dir: runDirectory(home, sound!.id), ...faults }), ...env })).ended();

/** Pages of the last step's commit: nothing is written over them. */
function lastCommit(): number[] {
  const checkpoint = calls.findLastIndex((call) => call.startsWith('mkdir') && call.includes('/step-'));
  const fsyncBefore = (end: number): number =>
    calls.findLastIndex((call, at) => at < end && call.startsWith('fsync') && call.endsWith('-wal'));
  const end = fsyncBefore(checkpoint);
  const begin = fsyncBefore(end);
  return calls.flatMap((call, at) => (at > begin && at < end && call.startsWith('pwrite') && call.endsWith('-wal') ? [at + 1] : []));
}

const KILLS = ['kill', 'killed'] as const;

fault('D1', {
  lacks: lacksDisk(),
  setUp,
  places: async () => calls.length * KILLS.length,
  attempt: async (_, place) => {
    const home = sound!.copy();
    const { told, signal, errors } = await write(home, { at: Math.floor(place / 2) + 1, how: KILLS[place % 2] });
    holds(signal === 'SIGKILL' || told === 8, `it was not killed: ${errors}`);
    await keptWhatWasTold(home, sound!.id, told);
    await sound!.goesOn(home);
  },
  controls: 5,
  control: async (random) => {
    const home = sound!.copy();
    const { told } = await write(home, { at: oneOf(random, lastCommit()), how: 'kill' }, { FAULT_EARLY: '1' });
    await keptWhatWasTold(home, sound!.id, told);
    rmSync(home, { recursive: true });
  },
});

fault('D4', {
  lacks: lacksDisk(),
  setUp,
  places: async () => calls.length * REFUSALS.length,
  attempt: async (_, place) => {
    const home = sound!.copy();
    const how = REFUSALS[place % 3];
    const struck = join(home, 'struck');
    const { told, code, errors } = await write(home, { at: Math.floor(place / 3) + 1, how, struck });
    const call = existsSync(struck) ? callsIn(struck)[0] : 'none';
    const state = await keptWhatWasTold(home, sound!.id, told);
    const { error } = sound!.row(home);
    // Of an fsync SQLite says that the disk failed, whatever the disk said.
    const unnamed = call.startsWith('fsync') && error?.code === 'DISK_FAILED';
    if (how === 'ENOSPC' && !unnamed)
      holds(
        state === 'finished',
        `a disk that was full for a moment (${call}) ended the run: ${state}, ${JSON.stringify(error)}, ${errors}`,
      );
    else if (code !== 0) {
      holds(
        namesTheDisk(`${error?.code} ${errors}`),
        `nothing says that the disk failed (${call}): ${state}, ${JSON.stringify(error)}, ${errors}`,
      );
    }
    await sound!.goesOn(home);
    return code === 0 ? `${how}: finished` : `${how}: ${state === 'failed' ? error!.code : 'the worker died'}, went on`;
  },
  controls: 5,
  control: async (random) => {
    const home = sound!.copy();
    const { told } = await write(home, { at: oneOf(random, lastCommit()), how: 'lie' });
    await keptWhatWasTold(home, sound!.id, told);
    rmSync(home, { recursive: true });
  },
});

/** Of the calls with which a process opens a run's database and its lock, each kind once. */
const opening = (): number[] => {
  const made = calls.slice(0, calls.findIndex((call) => call.endsWith('worker.lock')) + 1);
  return [...new Set(made)].map((call) => made.indexOf(call) + 1);
};

it.runIf(lacksDisk() === null)('a disk that refuses the opening of a database is told as that, not as a damaged run', async () => {
  await setUp();
  expect(opening().length).toBeGreaterThan(2);
  for (const at of opening()) {
    for (const how of ['EIO', 'ENOSPC', 'EIO+'] as const) {
      const home = sound!.copy();
      const { code, errors } = await write(home, { at, how });
      expect([how, at, code === 0 || errors], errors).toEqual([
        how,
        at,
        how === 'EIO+' ? expect.stringMatching(/EIO|disk I\/O error/) : true,
      ]);
      expect(errors).not.toContain('cannot be read');
      rmSync(home, { recursive: true });
    }
  }
});

it('a run of an earlier version whose list of unusable questions came empty out of a power cut goes on', async () => {
  await setUp();
  const home = sound!.copy();
  writeFileSync(join(runDirectory(home, sound!.id), 'unusable.json'), '');
  await sound!.goesOn(home);
});
