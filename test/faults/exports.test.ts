/** Exports whose process is killed, or whose machine loses its power. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll } from 'vitest';
import { exportRun } from '../../kernel-bridge/src/runs/export.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { bundled } from './bundle.ts';
import { callsIn, diskEnvironment, lacksDisk, lacksLoop, LoopDisk, type Faults } from './disk.ts';
import { below, fault, holds } from './fault.ts';
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

/** Exports the run in a process whose disk below `folder` does what it is told; whether it came to its end. */
async function exported(folder: string, faults: Omit<Faults, 'dir'>, env: Record<string, string> = {}): Promise<boolean> {
  const args = [await bundled('exporter'), home, sound!.id, join(folder, 'out')];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...diskEnvironment({ dir: folder, ...faults }), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return said === 'written\n';
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
  holds(await exported(folder, { count }), 'the export did not come to its end');
  calls = callsIn(count);
  whole = contentOf(join(folder, 'out'));
}

const isWhole = (out: string): boolean => isDeepStrictEqual(contentOf(out), whole);

async function killed(at: number, how: 'kill' | 'killed', env: Record<string, string> = {}): Promise<string> {
  const folder = newFolder();
  const out = join(folder, 'out');
  await exported(folder, { at, how }, env);
  const found = existsSync(out);
  holds(!found || isWhole(out), 'a part of an export stands under its name');
  if (!found) {
    using store = openRun(home, sound!.id);
    await exportRun(store, out, 'dir');
    holds(isWhole(out), 'what a killed export left spoils the next one');
  }
  rmSync(folder, { recursive: true });
  return found ? 'whole' : 'nothing of it';
}

const KILLS = ['kill', 'killed'] as const;

fault('E1', {
  lacks: lacksDisk(),
  setUp,
  places: async () => calls.length * KILLS.length,
  attempt: (_, place) => killed(Math.floor(place / 2) + 1, KILLS[place % 2]),
  controls: 3,
  control: (random) => killed(2 + below(random, 2), 'killed', { FAULT_DIRECT: '1' }),
});

async function withoutPower(sync: boolean): Promise<void> {
  using disk = LoopDisk.make(16);
  holds(await exported(disk.mount, { sync }), 'the export did not come to its end');
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
