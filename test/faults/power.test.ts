/** The power goes while a run is made and trained. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../server/harness.ts';
import { diskEnvironment, lacksDisk, lacksLoop, LoopDisk } from './disk.ts';
import { fault, holds, type Random } from './fault.ts';
import { CONFIG, keptWhatWasTold, Sound, Writer } from './trained.ts';

/** Machines are shared: slow is not wrong. */
const PATIENCE_MS = 300_000;

let sound: Sound;

/** Makes and trains a run on a disk of its own, and cuts the power at a moment of that: the disk as it is found then, and what was told before. */
async function cut(random: Random, sync: boolean): Promise<{ disk: LoopDisk; id: string | null; told: number }> {
  using disk = LoopDisk.make(24);
  const home = join(disk.mount, 'home');
  const env = { ...diskEnvironment({ dir: disk.mount, sync }), FAULT_CONFIG: JSON.stringify({ ...CONFIG, learning_rate: 0.02 }) };
  const writer = await Writer.start([home, '', sound.model], env);
  const ended = writer.ended();
  try {
    // Now and then before the first step, else after one of them.
    const step = Math.floor(random() * CONFIG.max_steps);
    await until(() => (writer.id !== null && writer.told >= step ? true : 'no step yet'), PATIENCE_MS);
    await wait(random() * 40);
    writer.process.kill('SIGSTOP');
    await until(() => (writer.process.exitCode !== null || / T /.test(stateOf(writer.process.pid!)) ? true : 'not stopped yet'));
    await wait(20); // what it told before it stopped is on its way
    return { disk: disk.cut('cut'), id: writer.id, told: writer.told };
  } finally {
    writer.process.kill('SIGKILL');
    await ended;
  }
}

const stateOf = (pid: number): string => (existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ' T ');

async function lostNothing(random: Random, sync: boolean): Promise<string> {
  const { disk, id, told } = await cut(random, sync);
  using _ = disk;
  const home = join(disk.mount, 'home');
  holds(existsSync(join(home, 'runs', id!, 'run.db')), `run ${id} was made, and is not there`);
  await keptWhatWasTold(home, id!, told);
  await sound.goesOn(home, id!);
  return told === 0 ? 'before its first step' : told === CONFIG.max_steps ? 'after its last step' : 'between';
}

fault('D3', {
  lacks: lacksDisk() ?? lacksLoop(),
  setUp: async () => void (sound = await Sound.make()),
  tearDown: async () => sound.dispose(),
  attempt: (random) => lostNothing(random, true),
  controls: 3,
  control: (random) => lostNothing(random, false),
});
