/** kill -9 in a pair of runs whose rewards a kernel evaluates: of a process of theirs, of the backend, or of the kernel. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import type { KernelCall, KernelReward } from '../../kernel-bridge/src/protocol/kernels.ts';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { hasEnded } from '../../kernel-bridge/src/protocol/run.ts';
import { kernelSource, type AskKernel } from '../../kernel-bridge/src/rewards/index.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { prepareHome } from '../../kernel-bridge/src/runs/home.ts';
import { createRun, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { serverFile, type ServerFile } from '../../kernel-bridge/src/server/server-file.ts';
import { until } from '../server/harness.ts';
import { loadTinyItems, writeTinyItems } from '../server/tiny-items.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { ended, Lab, type Target } from './lab.ts';
import { contentOf } from './trained.ts';
import { train } from './writer.ts';

const STEPS = 5;
const VARIANTS = ['think', 'no-think'] as const;
type Variant = (typeof VARIANTS)[number];
const SERVED: KernelReward = { name: 'mine', source: 'def mine(completions, **_): ...', timeout_s: 600, on_timeout: 'pause' };
const scratch = mkdtempSync(join(tmpdir(), 'medr1-pairs-'));
let tiny: Tiny | undefined;
afterAll(async () => {
  await tiny?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

const configOf = (changes: Partial<TrainConfig> = {}): TrainConfig =>
  tiny!.config({
    max_steps: STEPS,
    save_steps: 2,
    save_total_limit: STEPS,
    reward_funcs: ['accuracy', 'mine.py'],
    prompt_template: null,
    dp_shards: 2,
    ...changes,
  });

/** What the function gives follows from what it is asked. `salt`: of a function that is another one after each restart of its kernel. */
const valuesOf = ({ completions, constants }: KernelCall, salt = ''): number[] =>
  completions.map(
    (text) =>
      createHash('sha256')
        .update(`${text} ${String(constants.step)}${salt}`)
        .digest()[0] / 255,
  );

/** What the backend that the home has answers to a kernel. */
function polled(home: string, id: string, body: object): Promise<KernelCall[]> {
  const { socket, secret } = JSON.parse(readFileSync(serverFile(home), 'utf8')) as ServerFile;
  const text = JSON.stringify(body);
  const headers = { host: 'localhost', authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: socket,
        method: 'POST',
        path: `/api/kernels/${id}/poll`,
        headers: { ...headers, 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        let said = '';
        answer.setEncoding('utf8').on('data', (part: string) => (said += part));
        answer.on('error', reject).on('end', () => {
          if (answer.statusCode === 200) resolve((JSON.parse(said) as { calls: KernelCall[] }).calls);
          else reject(new Error(said));
        });
      },
    );
    asked.on('error', reject).end(text);
  });
}

/** A kernel that serves the function: it polls whatever backend the home has. One that is killed says nothing more, and another one comes. */
class Kernel implements AsyncDisposable {
  readonly #home: string;
  readonly #forgetful: boolean;
  #generation = 0;
  #going = true;
  readonly #done: Promise<void>;
  /** A backend has heard of it. */
  known = false;

  constructor(home: string, { forgetful = false } = {}) {
    this.#home = home;
    this.#forgetful = forgetful;
    this.#done = this.#serve();
  }

  kill(): void {
    this.#generation++;
  }

  async #serve(): Promise<void> {
    let [generation, answers]: [number, { key: string; outcome: { values: number[] } }[]] = [0, []];
    while (this.#going) {
      if (generation !== this.#generation) [generation, answers] = [this.#generation, []]; // it was killed while it evaluated
      try {
        const calls = await polled(this.#home, `kernel-${generation}`, { rewards: [SERVED], answers, wait_s: 1 });
        this.known = true;
        const salt = this.#forgetful ? String(generation) : '';
        answers = calls.map((call) => ({ key: call.key, outcome: { values: valuesOf(call, salt) } }));
      } catch {
        await wait(20); // the backend is gone, or on its way
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}

const KILLED = ['worker', 'server', 'all', 'kernel'] as const;

interface Way {
  killed?: readonly (typeof KILLED)[number][];
  forgetful?: boolean;
}

async function disturbed(random: Random, { killed = KILLED, forgetful = false }: Way = {}): Promise<string> {
  const lab = new Lab(mkdtempSync(join(scratch, 'lab-')));
  try {
    lab.hold(STEPS - 1);
    await using kernel = new Kernel(lab.home, { forgetful });
    await until(() => kernel.known || 'the kernel is not known', 120_000);
    const pair = await lab.ask((client) =>
      client.createPair({ config: { ...configOf({ processes: oneOf(random, [1, 2]) }) }, variants: [...VARIANTS], request_id: 'pair' }),
    );
    const { id } = oneOf(random, pair);
    const step = 1 + below(random, STEPS - 3);
    const told = await until(async () => {
      const summaries = await lab.ask(async (client) => (await client.runs()).filter((run) => pair.some((one) => one.id === run.id)));
      if (summaries.some((run) => run.id === id && run.step < step)) return `not at step ${step}`;
      return new Map(summaries.map((run) => [run.id, run.step]));
    }, 300_000);
    await wait(random() * 100);
    const target = oneOf(random, killed);
    if (target === 'kernel') kernel.kill();
    await lab.kill(target === 'kernel' ? 'none' : (target satisfies Target), id);
    for (const one of pair) await gone(lab, one.id, told.get(one.id)!);
    for (const [k, variant] of VARIANTS.entries()) await isThatOf(lab.home, pair[k].id, variant);
    return target;
  } finally {
    await lab.close();
  }
}

/** Goes on with the run where it was interrupted, to its end. */
async function gone(lab: Lab, id: string, told: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { state, error } = await ended(lab, id);
    using store = openRun(lab.home, id);
    holds(store.step >= told, `step ${told} was told, the run has ${store.step}`);
    if (state === 'finished') return;
    holds(state === 'interrupted' && tries < 3, `the run is ${state}: ${error?.message}`);
    // The other run of a pair goes on with it, and may have been asked to already.
    await lab.ask((client) =>
      client.action(id, 'resume').catch((refused: { code?: string }) => {
        if (refused.code !== 'RUN_CONFLICT') throw refused;
      }),
    );
    await until(async () => !hasEnded((await lab.ask((client) => client.run(id))).summary.state) || 'it does not go on', 120_000).catch(
      () => {},
    );
  }
}

function enqueued(made: RunStore): string {
  using store = made;
  store.enqueue();
  return store.row().id;
}

/** The run holds what one of this variant holds that nobody disturbed. Which checkpoints are kept is another matter (kills.test.ts says why). */
async function isThatOf(home: string, id: string, variant: Variant): Promise<void> {
  const { checkpoints, ...rest } = contentOf(home, id);
  const whole = await undisturbed(variant);
  expect(rest).toEqual(whole.rest);
  holds(checkpoints.at(-1)?.[0] === STEPS, `the last checkpoint is of step ${checkpoints.at(-1)?.[0]}`);
  for (const [step, tensors] of checkpoints) expect(tensors, `checkpoint of step ${step}`).toEqual(whole.checkpoints.get(step));
}

interface Straight {
  rest: unknown;
  /** Of each step. */
  checkpoints: ReadonlyMap<number, unknown>;
}

const straight = new Map<Variant, Straight>();
/** What a run of this variant alone holds that one process trained without a stop. */
async function undisturbed(variant: Variant): Promise<Straight> {
  if (!straight.has(variant)) {
    const home = mkdtempSync(join(scratch, 'straight-'));
    prepareHome(home);
    const askKernel: AskKernel = async (call) => ({ values: valuesOf(call) });
    const options = { loadItems: loadTinyItems, served: { mine: kernelSource(SERVED) }, askKernel };
    const id = enqueued(await createRun(home, configOf({ variant, save_steps: 1 }), options));
    const state = await train(home, id, () => {}, createTrainer, loadTinyItems, askKernel);
    holds(state === 'finished', `the run that nobody disturbed is ${state}`);
    const { checkpoints, ...rest } = contentOf(home, id);
    straight.set(variant, { rest, checkpoints: new Map(checkpoints) });
  }
  return straight.get(variant)!;
}

fault('D9', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp: async () => {
    tiny = await makeTiny();
    await writeTinyItems(tiny);
  },
  attempt: (random) => disturbed(random),
  control: (random) => disturbed(random, { killed: ['kernel'], forgetful: true }),
});
