/** Wall clocks that jump. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { until } from '../server/harness.ts';
import { diskEnvironment, lacksDisk } from './disk.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { Sound, Writer } from './trained.ts';

const DAY_S = 86_400;
/** With summer time on either half of the globe, on quarters of an hour, and fourteen hours ahead. */
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Kiritimati'];
const lastOfSummer = Date.UTC(2026, 9, 25, 0, 59, 58) / 1000;

let sound: Sound;

/** Trains the run while its clock jumps after some of its steps; the times of its events in the order in which they came. */
async function jumping(home: string, random: Random): Promise<number[]> {
  const clock = join(home, 'clock');
  const jump = (): void => {
    const kinds = [
      (2 * random() - 1) * DAY_S,
      (2 * random() - 1) * 365 * DAY_S,
      -Date.now() / 1000 + 1,
      lastOfSummer - Date.now() / 1000,
      0,
    ];
    writeFileSync(clock, String(Math.round(oneOf(random, kinds))));
  };
  writeFileSync(clock, '0');
  const env = diskEnvironment({ dir: runDirectory(home, sound.id), clock });
  const writer = await Writer.start([home, sound.id], { ...env, TZ: oneOf(random, ZONES) });
  const ended = writer.ended();
  for (let step = 1 + below(random, 2); step < 8; step += 1 + below(random, 3)) {
    await until(() => (writer.told >= step || writer.process.exitCode !== null ? true : 'no step yet'));
    jump();
  }
  const { code, errors } = await ended;
  holds(code === 0, `it did not finish: ${errors}`);
  using store = openRun(home, sound.id);
  return store.events(0).map(({ time }) => time);
}

fault('T1', {
  lacks: lacksDisk(),
  setUp: async () => void (sound = await Sound.make({ learning_rate: 0.03 })),
  tearDown: async () => sound.dispose(),
  attempt: async (random) => {
    const home = sound.copy();
    const times = await jumping(home, random);
    await sound.whole(home);
    rmSync(home, { recursive: true });
    return times.some((time, at) => time < times[at - 1]) ? 'back, and ahead' : 'ahead alone, or not seen';
  },
  controls: 3,
  control: async (random) => {
    const home = sound.copy();
    const times = await jumping(home, random);
    holds(
      times.every((time, at) => at === 0 || time >= times[at - 1]),
      'by their times the events have another order',
    );
  },
});
