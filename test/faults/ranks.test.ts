/** Processes of one run that are killed or stand still, whichever of them and whenever. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { hasEnded } from '../../kernel-bridge/src/protocol/run.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { isAlive, kill9, testServer, until, workerPid, type TestServer } from '../server/harness.ts';
import { loadTinyItems, writeTinyItems } from '../server/tiny-items.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { holdFile } from './held-worker.ts';
import { forgetMoments } from './moments.ts';
import { contentOf } from './trained.ts';
import { makeRun, train } from './writer.ts';

const STEPS = 8;
/** Longer than a process of a crowded machine is late. */
const PATIENCE_S = 6;
/** How long after that the run has ended by name, and no process of it is left. */
const LIMIT_MS = 10_000;

let tiny: Tiny;
let server: TestServer;
let straight: ReturnType<typeof contentOf>;
let scratch: string;
const configOf = (changes: Partial<TrainConfig>): TrainConfig =>
  tiny.config({
    max_steps: STEPS,
    save_steps: 2,
    save_total_limit: null,
    dp_shards: 4,
    gradient_accumulation_steps: 2,
    ddp_timeout: PATIENCE_S,
    ...changes,
  });

async function setUp(): Promise<void> {
  tiny = await makeTiny();
  await writeTinyItems(tiny);
  scratch = mkdtempSync(join(tmpdir(), 'medr1-ranks-straight-'));
  const id = await makeRun(scratch, tiny.model, configOf({ processes: 1 }), loadTinyItems);
  holds((await train(scratch, id, () => {}, createTrainer, loadTinyItems)) === 'finished', 'the run that nobody disturbed did not finish');
  straight = contentOf(scratch, id);
  const workerModule = resolve(import.meta.dirname, 'held-worker.ts');
  server = await testServer({ workerModule, loadItems: loadTinyItems });
}

async function tearDown(): Promise<void> {
  await server.close();
  await tiny[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
}

/** Rank 0 first: the worker, and the processes that it started. */
function ranksOf(id: string): number[] {
  try {
    const worker = workerPid(server.home, id);
    const file = `/proc/${worker}/task/${worker}/children`;
    const others = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
    return [worker, ...others];
  } catch {
    return []; // none was started yet
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const stateOf = async (id: string) => (await server.client.run(id)).summary;

async function disturbed(random: Random, meanwhile: (home: string, id: string) => void = () => {}, from = 0): Promise<string> {
  const processes = oneOf(random, [2, 2, 4]);
  const [fate, rank] = [oneOf(random, ['killed', 'killed', 'stopped'] as const), below(random, processes)];
  writeFileSync(holdFile(server.home), String(STEPS - 1)); // a run that has ended has nothing to kill
  const { id } = await server.client.createRun({ ...configOf({ processes }) });
  const ranks = await until(() => {
    const all = ranksOf(id);
    return all.length === processes ? all : `${all.length} processes`;
  });
  const step = from + below(random, STEPS - 1 - from);
  await until(async () => {
    const summary = await stateOf(id);
    return summary.step >= step || `step ${summary.step}`;
  });
  await wait(random() * 300); // while it loads, computes, writes, or waits for the next step
  if (fate === 'killed') kill9(ranks[rank]);
  else signal(ranks[rank], 'SIGSTOP');
  rmSync(holdFile(server.home), { force: true });
  const limit = LIMIT_MS + (fate === 'stopped' ? PATIENCE_S * 1000 : 0);
  if (fate === 'stopped' && rank === 0) {
    // the others do not wait for it longer than they were told to
    await until(() => ranks.slice(1).filter(isAlive).length === 0 || 'processes wait for rank 0', limit);
    signal(ranks[0], 'SIGCONT');
  }
  const { state, error } = await until(async () => {
    const summary = await stateOf(id);
    return hasEnded(summary.state) ? summary : `the run is ${summary.state} although rank ${rank} was ${fate}`;
  }, limit);
  await until(() => ranks.filter(isAlive).length === 0 || 'a process is left behind', LIMIT_MS);
  const expected = fate === 'killed' && rank === 0 ? 'WORKER_DIED' : 'RANK_LOST';
  holds(error?.code === expected, `the run is ${state}, ${error?.code} and not ${expected}: ${error?.message}`);
  meanwhile(server.home, id);
  await server.client.action(id, 'resume');
  const end = await until(async () => {
    const summary = await stateOf(id);
    return summary.state !== 'queued' && hasEnded(summary.state) ? summary : `the run that was resumed is ${summary.state}`;
  }, 120_000);
  holds(end.state === 'finished', `the run that was resumed is ${end.state}: ${end.error?.message}`);
  const { checkpoints, ...rest } = contentOf(server.home, id);
  const { checkpoints: whole, ...expectedRest } = straight;
  expect(rest).toEqual(expectedRest);
  expect(checkpoints.at(-1)).toEqual(whole.at(-1));
  return `${processes} processes, rank ${rank === 0 ? '0' : 'above 0'} ${fate}`;
}

fault('D8', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp,
  tearDown,
  attempt: (random) => disturbed(random),
  control: (random) => disturbed(random, forgetMoments, 4),
});
