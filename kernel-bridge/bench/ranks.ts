/**
 * How long it takes until a failure ends a run of two processes by name on each of them: `npm run bench -- ranks [--tries N]`. Counted from the failure (for
 * one that is only seen by waiting, from the end of the time that is waited for) to the last process that is left, its named error told. What is told
 * before anything is trained counts from when both processes have loaded their code, so it includes that they meet. The goal is 10 s.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TrainConfig } from '../src/protocol/index.ts';
import { makeTiny } from '../src/rl/testing/tiny.ts';
import type { Rendezvous } from '../src/torch/index.ts';
import { launchVariable, type Launch } from '../src/worker/launch.ts';
import { readArguments } from './arguments.ts';

const GOAL_S = 10;
/** A process that has not ended after this has no named end. */
const PATIENCE_S = 30;
/** ddp_timeout and ddp_join_timeout where the failure is seen by waiting. */
const WAITED_S = 3;

const tries = Number(readArguments({ tries: { type: 'string', default: '3' } }).tries);
const here = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'medr1-bench-ranks-'));
const tiny = await makeTiny();

interface Case {
  what: string;
  /** Of the configuration. */
  changes?: Partial<TrainConfig>;
  rendezvous?: (rank: number) => Rendezvous;
  /** What each is told of their number. */
  sizes?: number[];
  told?: Launch['told'];
  /** Clone that rank 1 runs from. */
  otherCode?: string;
  /** Once both make steps. */
  then?: (ranks: readonly ChildProcess[]) => void;
  /** Ranks that are not expected to say anything. */
  silent?: readonly number[];
  /** Counted from so many seconds after that. */
  after?: number;
}

interface Ended {
  seconds: number;
  codes: string[];
}

const config = (changes: Partial<TrainConfig> = {}): TrainConfig =>
  tiny.config({ dp_shards: 2, max_steps: 1_000_000, ddp_timeout: 60, ddp_join_timeout: 60, ...changes });

let made = 0;
async function endOf({ changes, rendezvous, sizes = [2, 2], told, otherCode, then, silent = [], after = 0 }: Case): Promise<Ended> {
  const task = join(directory, `${made++}.json`);
  writeFileSync(task, JSON.stringify({ config: config(changes), items: tiny.items, root: tiny.directory }));
  const said: unknown[][] = [[], []];
  const ranks = [0, 1].map((rank) => {
    const meets = rendezvous?.(rank) ?? { file: `${task}-store`, host: '127.0.0.1' };
    const launch: Launch = { rank, size: sizes[rank], localRank: rank, rendezvous: meets, told: rank === 0 ? undefined : told };
    const script = join(rank === 1 ? (otherCode ?? here) : here, 'src/worker/testing/ending-rank.ts');
    const env = { ...process.env, OMP_NUM_THREADS: '1', TORCH_CPP_LOG_LEVEL: 'FATAL', ...launchVariable(launch) };
    const child = fork(script, [task], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.on('message', (message) => said[rank].push(message));
    return child;
  });
  const ends = ranks.map((child) => new Promise<void>((resolve) => child.once('exit', () => resolve())));
  const until = async (ready: () => boolean): Promise<void> => {
    while (!ready()) await wait(5);
  };
  await until(() => said.every(([first]) => first === 'loaded'));
  for (const child of ranks) child.send('go');
  if (then) {
    await until(() => said[0].filter((one) => one === 'step').length > 3);
    then(ranks);
  }
  const begin = performance.now() + after * 1000;
  const spoken = ends.filter((_, rank) => !silent.includes(rank));
  await Promise.race([Promise.all(spoken), wait((PATIENCE_S + after) * 1000)]);
  const seconds = (performance.now() - begin) / 1000;
  for (const child of ranks) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(ends);
  const codes = said.map((all, rank) => {
    const last = all.at(-1);
    if (silent.includes(rank)) return '-';
    return typeof last === 'object' && last !== null && 'code' in last ? String(last.code) : 'none';
  });
  return { seconds, codes };
}

/** A clone whose code differs by one comment. */
function otherClone(): string {
  const clone = join(directory, 'clone/kernel-bridge');
  mkdirSync(clone, { recursive: true });
  cpSync(join(here, 'src'), join(clone, 'src'), { recursive: true });
  for (const part of ['native', 'node_modules', 'package.json', 'setup']) symlinkSync(join(here, part), join(clone, part));
  symlinkSync(join(here, '../node_modules'), join(directory, 'clone/node_modules'));
  symlinkSync(join(here, '../examples'), join(directory, 'clone/examples'));
  appendFileSync(join(clone, 'src/rl/schedule.ts'), '// other\n');
  return clone;
}

/** A port of this machine that another program listens on. */
async function takenPort(greet: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { port, close: () => (sockets.forEach((socket) => socket.destroy()), server.close()) };
}
const at =
  (port: number) =>
  (rank: number): Rendezvous => ({ address: '127.0.0.1', port, serves: rank === 0 });

const closing = await takenPort((socket) => socket.end());
const mute = await takenPort(() => undefined);
const taken = 'a port that is taken by a program that';
const kill = (rank: number, signal: NodeJS.Signals) => (ranks: readonly ChildProcess[]) => void ranks[rank].kill(signal);
const cases: Case[] = [
  { what: 'SIGKILL of rank 1', then: kill(1, 'SIGKILL'), silent: [1] },
  { what: 'SIGKILL of rank 0', then: kill(0, 'SIGKILL'), silent: [0] },
  { what: 'SIGSTOP of rank 1, ddp_timeout', changes: { ddp_timeout: WAITED_S }, then: kill(1, 'SIGSTOP'), silent: [1], after: WAITED_S },
  { what: 'SIGSTOP of rank 0, ddp_timeout', changes: { ddp_timeout: WAITED_S }, then: kill(0, 'SIGSTOP'), silent: [0], after: WAITED_S },
  { what: `${taken} closes`, rendezvous: at(closing.port) },
  { what: `${taken} says nothing`, rendezvous: at(mute.port) },
  { what: 'WORLD_SIZE 2 and 3', sizes: [2, 3] },
  {
    what: 'WORLD_SIZE 3 of two processes, ddp_join_timeout',
    sizes: [3, 3],
    changes: { ddp_join_timeout: WAITED_S, dp_shards: 2 },
    after: WAITED_S,
  },
  { what: 'another configuration on rank 1', told: { config: config({ learning_rate: 0.5 }) } },
  {
    what: 'a configuration that rank 1 cannot read',
    told: { error: { code: 'CONFIG_FILE', message: 'it is not there', remedy: 'Bring it.' } },
  },
  { what: 'other code on rank 1', otherCode: otherClone() },
];

try {
  const rows = [];
  for (const one of cases) {
    const ends: Ended[] = [];
    for (let n = 0; n < tries; n++) ends.push(await endOf(one));
    const longest = Math.max(...ends.map(({ seconds }) => seconds));
    rows.push({ failure: one.what, 'rank 0': ends[0].codes[0], 'rank 1': ends[0].codes[1], 'longest, s': longest.toFixed(2) });
    console.log(rows.at(-1));
    if (ends.some(({ codes }) => codes.includes('none')) || longest > GOAL_S) process.exitCode = 1;
  }
  console.table(rows);
  console.log(JSON.stringify({ benchmark: 'ranks', tries, goal_s: GOAL_S, rows }));
} finally {
  closing.close();
  mute.close();
  rmSync(directory, { recursive: true, force: true });
  await tiny[Symbol.asyncDispose]();
}
