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

/** Starts to train the run by a clock of its own. */
async function start(home: string, clock: string, env: Record<string, string>): Promise<Writer> {
  writeFileSync(clock, '0');
  return Writer.start([home, sound.id], { ...diskEnvironment({ dir: runDirectory(home, sound.id), clock }), ...env });
}

/** The times of the run's events, in the order in which they came. */
function timesOf(home: string): number[] {
  using store = openRun(home, sound.id);
  return store.events(0).map(({ time }) => time);
}

const goesBack = (times: readonly number[]): boolean => times.some((time, at) => time < times[at - 1]);

/** Trains the run while its clock jumps after some of its steps, at some moment. */
async function jumping(home: string, random: Random): Promise<void> {
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
  const writer = await start(home, clock, { TZ: oneOf(random, ZONES) });
  const ended = writer.ended();
  for (let step = 1 + below(random, 2); step < 8; step += 1 + below(random, 3)) {
    await until(() => (writer.told >= step || writer.process.exitCode !== null ? true : 'no step yet'));
    jump();
  }
  const { code, errors } = await ended;
  holds(code === 0, `it did not finish: ${errors}`);
}

fault('T1', {
  lacks: lacksDisk(),
  setUp: async () => void (sound = await Sound.make({ learning_rate: 0.03 })),
  tearDown: async () => sound.dispose(),
  attempt: async (random) => {
    const home = sound.copy();
    await jumping(home, random);
    await sound.whole(home);
    const back = goesBack(timesOf(home));
    rmSync(home, { recursive: true });
    return back ? 'back, and ahead' : 'ahead alone, or not seen';
  },
  // The clock goes back after each step, by the process itself: whoever sets it from outside may come when the run is over.
  control: async () => {
    const home = sound.copy();
    const clock = join(home, 'clock');
    await (await start(home, clock, { FAULT_BACK: clock })).ended();
    holds(!goesBack(timesOf(home)), 'by their times the events have another order');
  },
});
