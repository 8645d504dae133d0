/**
 * `npm run bench -- flood`: what sixty connections of one client that do harm cost the server in memory, and how long others wait for their answers
 * meanwhile. The harm comes from a process of its own, so that only the server's time is measured.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { answers, doorOf, residentBytes, SENDERS, serve, type Door } from '../../test/faults/flood.ts';
import { fill, lengthen, long, readers } from '../../test/faults/readers.ts';
import { makeRun } from '../../test/faults/writer.ts';
import { makeHome } from '../../test/server/harness.ts';
import { openRun } from '../src/runs/runs.ts';
import { readArguments } from './arguments.ts';

const CONNECTIONS = 60;
const ASKED = 200;

interface Harm {
  door: Door;
  kind: string;
  run: string;
}

/** In the process that does it. */
async function harm({ door, kind, run }: Harm): Promise<void> {
  const kinds = { ...SENDERS, ...readers(run), ...long(run) };
  for (let k = 0; k < CONNECTIONS; k++) kinds[kind](door);
  process.send!('begun');
  await once(process, 'disconnect');
  process.exit();
}

const at = (sorted: number[], share: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(0).padStart(5);

async function measure(kind: string | null): Promise<void> {
  const made = makeHome();
  const run = await makeRun(made.home, made.model);
  using store = openRun(made.home, run);
  lengthen(store, 300);
  fill(store, 8);
  await using server = await serve(made.home);
  const door = doorOf(server);
  const pid = server.child.pid!;
  const ask = () => answers(`http://127.0.0.1:${door.port}/api/view`, { authorization: door.authorization });
  for (let k = 0; k < ASKED; k++) await ask();
  const before = residentBytes(pid);
  const other = kind === null ? null : fork(import.meta.filename, [JSON.stringify({ door, kind, run } satisfies Harm)]);
  if (other) await once(other, 'message');
  const growing = setInterval(() => lengthen(store, 2), 100);
  const times: number[] = [];
  let [most, unanswered] = [before, 0];
  for (let k = 0; k < ASKED; k++) {
    const begun = performance.now();
    if ((await ask()) !== null) unanswered++;
    times.push(performance.now() - begun);
    most = Math.max(most, residentBytes(pid));
    await wait(20);
  }
  clearInterval(growing);
  other?.disconnect();
  times.sort((a, b) => a - b);
  console.log(
    `${(kind ?? 'none').padEnd(28)} +${String((most - before) >> 20).padStart(3)} MB   others: median ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, ${unanswered} of ${ASKED} without an answer`,
  );
  made.remove();
}

if (process.send) await harm(JSON.parse(process.argv[2]) as Harm);
else {
  readArguments({});
  for (const kind of [null, ...Object.keys({ ...SENDERS, ...readers(''), ...long('') })]) await measure(kind);
  process.exit(); // sockets of questions that nobody answers
}
