/** Exports whose process is killed, whose disk refuses a call, or whose machine loses its power. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll } from 'vitest';
import { exportRun } from '../../kernel-bridge/src/runs/export.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { printed } from './bundle.ts';
import { callsIn, lacksDisk, lacksLoop, LoopDisk, namesTheDisk, REFUSALS, type Faults } from './disk.ts';
import { below, fault, holds, oneOf } from './fault.ts';
import { Sound } from './trained.ts';
import { train } from './writer.ts';

const scratch = mkdtempSync(join(tmpdir(), 'medr1-exports-'));
let sound: Sound | undefined;
/** Where the run that is exported lies, and what a whole export of it holds. */
let home: string;
let whole: unknown;
/** Every call that writes of an export. */
let calls: string[];
afterAll(() => {
  sound?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

/** Name and bytes of each file. */
const contentOf = (folder: string): unknown =>
  readdirSync(folder)
    .sort()
    .map((name) => [name, readFileSync(join(folder, name), 'utf8')]);

/** Exports the run in a process whose disk below `folder` does what it is told; whether it came to its end, and what it said. */
async function exported(
  folder: string,
  faults: Omit<Faults, 'dir'>,
  env: Record<string, string> = {},
): Promise<{ written: boolean; errors: string }> {
  const { said, errors } = await printed('exporter', [home, sound!.id, join(folder, 'out')], { dir: folder, ...faults }, env);
  return { written: said === 'written\n', errors };
}

let folders = 0;
function newFolder(): string {
  const folder = join(scratch, `to-${folders++}`);
  mkdirSync(folder);
  return folder;
}

async function setUp(): Promise<void> {
  if (sound) return;
  sound = await Sound.make();
  home = sound.copy();
  holds((await train(home, sound.id)) === 'finished', 'the run did not finish');
  const folder = newFolder();
  const count = join(scratch, 'calls');
  const { written, errors } = await exported(folder, { count });
  holds(written, `the export did not come to its end: ${errors}`);
  calls = callsIn(count);
  whole = contentOf(join(folder, 'out'));
}

const isWhole = (out: string): boolean => isDeepStrictEqual(contentOf(out), whole);

/** Exports with a disk or a process that fails. */
async function disturbed(at: number, how: NonNullable<Faults['how']>, env: Record<string, string> = {}): Promise<string> {
  const folder = newFolder();
  const out = join(folder, 'out');
  const { written, errors } = await exported(folder, { at, how }, env);
  const found = existsSync(out);
  const killed = how.startsWith('kill');
  holds(written || killed || namesTheDisk(errors), `nothing says that the disk refused it: ${errors}`);
  holds(!written || found, 'it says that it was written, and there is nothing');
  holds(!found || isWhole(out), 'a part of an export stands under its name');
  if (!found) {
    using store = openRun(home, sound!.id);
    await exportRun(store, out, 'dir');
    holds(isWhole(out), 'what a broken export left spoils the next one');
  }
  rmSync(folder, { recursive: true });
  return `${killed ? '' : `${how}: `}${found ? 'whole' : 'nothing of it'}`;
}

const KILLS = ['kill', 'killed'] as const;

fault('E1', {
  lacks: lacksDisk(),
  setUp,
  places: async () => calls.length * KILLS.length,
  attempt: (_, place) => disturbed(Math.floor(place / 2) + 1, KILLS[place % 2]),
  controls: 3,
  control: (random) => disturbed(2 + below(random, 2), 'killed', { FAULT_DIRECT: '1' }),
});

fault('E3', {
  lacks: lacksDisk(),
  setUp,
  places: async () => calls.length * REFUSALS.length,
  attempt: (_, place) => disturbed(Math.floor(place / REFUSALS.length) + 1, REFUSALS[place % REFUSALS.length]),
  controls: 3,
  control: (random) => disturbed(3 + below(random, 2), oneOf(random, ['EIO+', 'ENOSPC']), { FAULT_DIRECT: '1' }),
});

async function withoutPower(sync: boolean): Promise<void> {
  using disk = LoopDisk.make(16);
  const { written, errors } = await exported(disk.mount, { sync });
  holds(written, `the export did not come to its end: ${errors}`);
  using found = disk.cut('cut');
  const out = join(found.mount, 'out');
  holds(existsSync(out) && isWhole(out), 'the power went after the export was written, and it is not whole');
}

fault('E2', {
  lacks: lacksDisk() ?? lacksLoop(),
  setUp,
  attempt: () => withoutPower(true),
  control: () => withoutPower(false),
});
