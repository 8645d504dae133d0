/**
 * A run that is trained without a server and without a model, to be disturbed: `node writer.ts HOME RUN`, or without RUN makes it first. Each line that
 * it prints is what a server would be told and tell others: `made ID`, then the step that stands in the database after each commit.
 * With FAULT_SAMPLE=N it says after each N-th step what the process takes: `sample STEP RSS DESCRIPTORS DISK`, of memory and disk in bytes.
 * For controls: with FAULT_EARLY steps are told before they are committed, with FAULT_LEAK each leaves memory and a descriptor behind, with
 * FAULT_BACK the file of that name (FAULT_CLOCK of disk.c) sets the wall clock back by an hour after each step.
 */
import { openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AskKernel } from '../../kernel-bridge/src/rewards/index.ts';
import type { CreateTrainer } from '../../kernel-bridge/src/rl/types.ts';
import { prepareHome, runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { createRun, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { ALWAYS } from '../../kernel-bridge/src/worker/turn.ts';
import { runWorker } from '../../kernel-bridge/src/worker/worker.ts';
import { isActive, type RunState } from '../../kernel-bridge/src/protocol/run.ts';
import { createFakeTrainer, fakeLoadItems } from '../server/fake-trainer.ts';

const CONFIG = { num_generations: 4, per_device_train_batch_size: 8 };

/** A new run in this home, which waits for a worker. */
export async function makeRun(
  home: string,
  model: string,
  changes: Record<string, unknown> = {},
  loadItems = fakeLoadItems,
): Promise<string> {
  prepareHome(home);
  using store = await createRun(home, { ...CONFIG, model_name_or_path: model, dataset_name: model, ...changes }, { loadItems });
  store.enqueue();
  return store.row().id;
}

/** Takes up a run that a process left, as a server that starts does. False where it has finished. */
export function takeUp(home: string, id: string): boolean {
  using store = openRun(home, id);
  const { state } = store.row();
  if (state === 'finished') return false;
  if (isActive(state) && state !== 'queued') store.setState('interrupted');
  store.enqueue();
  return true;
}

/** Trains the run to its end; `tell` gets the step that stands in the database after each commit. */
export async function train(
  home: string,
  id: string,
  tell: (step: number) => void = () => {},
  createTrainer = createFakeTrainer,
  loadItems = fakeLoadItems,
  askKernel?: AskKernel,
): Promise<RunState> {
  const directory = runDirectory(home, id);
  using reader = RunStore.open(directory);
  return await runWorker({
    directory,
    home,
    createTrainer,
    loadItems,
    committed: () => tell(reader.step),
    log: (line) => void process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
    nudge: () => wait(10),
    turn: ALWAYS,
    answerAsked: async () => {},
    askKernel,
  });
}

const say = (what: string | number): void => void writeSync(1, `${what}\n`);

const leaked: unknown[] = [];
function leak(step: number): void {
  leaked.push(new Float64Array(25_000).fill(step));
  if (step % 8 === 0) openSync(import.meta.filename, 'r'); // most systems allow a process 1,024
}

/** What the process takes: resident memory, open descriptors, and the run's database with its journal. */
function sample(step: number, directory: string): void {
  const descriptors = readdirSync('/proc/self/fd').length - 1; // one of them is the folder that is read
  const disk = ['run.db', 'run.db-wal'].reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  say(`sample ${step} ${process.memoryUsage.rss()} ${descriptors} ${disk}`);
}

const early: CreateTrainer = async (options) => {
  const trainer = await createFakeTrainer(options);
  const { trainStep } = trainer;
  return Object.assign(trainer, {
    trainStep: async () => {
      const result = await trainStep();
      say(result.step);
      return result;
    },
  });
};

if (import.meta.main) {
  const [home, known, model = ''] = process.argv.slice(2);
  const id = known || (await makeRun(home, model, JSON.parse(process.env.FAULT_CONFIG ?? '{}')));
  if (!known) say(`made ${id}`);
  const { FAULT_LEAK, FAULT_SAMPLE, FAULT_BACK } = process.env;
  let seen = 0; // a step may be told more than once
  const tell = (step: number): void => {
    if (FAULT_LEAK) leak(step);
    if (FAULT_BACK) writeFileSync(FAULT_BACK, String(-3600 * step));
    if (FAULT_SAMPLE && step > seen && step % Number(FAULT_SAMPLE) === 0) sample(step, runDirectory(home, id));
    seen = step;
    say(step);
  };
  const state = await train(home, id, tell, process.env.FAULT_EARLY ? early : createFakeTrainer);
  process.exitCode = state === 'finished' ? 0 : 1;
}
