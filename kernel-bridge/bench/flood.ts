/**
 * `npm run bench -- flood`: what sixty connections of one client that do harm cost the server in memory, and how long others wait for their answers
 * meanwhile; `--only metrics` the kinds that have this word in their names. The harm comes from a process of its own, so that only the server's time is measured.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { answers, doorOf, residentBytes, SENDERS, serve, type Door } from '../../test/faults/flood.ts';
import { lengthen, long, makeLong, readers, type Long } from '../../test/faults/readers.ts';
import { makeRun } from '../../test/faults/writer.ts';
import { makeHome } from '../../test/server/harness.ts';
import { openRun } from '../src/runs/runs.ts';
import { readArguments } from './arguments.ts';

const CONNECTIONS = 60;
const ASKED = 200;

interface Harm {
  door: Door;
  kind: string;
  /** With a long log. */
  log: string;
  lengthy: Long;
}

/** In the process that does it. */
async function harm({ door, kind, log, lengthy }: Harm): Promise<void> {
  const kinds = { ...SENDERS, ...readers(log), ...long(lengthy) };
  for (let k = 0; k < CONNECTIONS; k++) kinds[kind](door);
  process.send!('begun');
  await once(process, 'disconnect');
  process.exit();
}

const at = (sorted: number[], share: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(0).padStart(5);

async function measure(kind: string | null, home: string, log: string, lengthy: Long): Promise<void> {
  using store = openRun(home, log);
  await using server = await serve(home);
  const door = doorOf(server);
  const pid = server.child.pid!;
  const ask = () => answers(`http://127.0.0.1:${door.port}/api/view`, { authorization: door.authorization });
  for (let k = 0; k < ASKED; k++) await ask();
  const before = residentBytes(pid);
  const other = kind === null ? null : fork(import.meta.filename, [JSON.stringify({ door, kind, log, lengthy } satisfies Harm)]);
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
    `${(kind ?? 'none').padEnd(34)} +${String((most - before) >> 20).padStart(3)} MB   others: median ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, ${unanswered} of ${ASKED} without an answer`,
  );
}

if (process.send) await harm(JSON.parse(process.argv[2]) as Harm);
else {
  const { only } = readArguments({ only: { type: 'string', default: '' } });
  const made = makeHome();
  const log = await makeRun(made.home, made.model);
  {
    using store = openRun(made.home, log);
    lengthen(store, 300);
    store.setState('finished');
  }
  const lengthy = await makeLong(made);
  const kinds = Object.keys({ ...SENDERS, ...readers(log), ...long(lengthy) }).filter((kind) => kind.includes(only));
  for (const kind of [null, ...kinds]) await measure(kind, made.home, log, lengthy);
  made.remove();
  process.exit(); // sockets of questions that nobody answers
}
