/**
 * Whatever was edited, brought back and broken off on its way: a run comes to the bits of one that nothing disturbed and that was edited at the same
 * steps. The worker is the real one, on a model of a few thousand weights; it breaks off where a step is computed and not yet written.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as later } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WorkbenchError } from '../protocol/errors.ts';
import type { RewardSet, RewardSource } from '../protocol/rewards.ts';
import { createTrainer, type CreateTrainer } from '../rl/index.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { configuredRewards, type AskKernel } from '../rewards/index.ts';
import { readGroups } from '../runs/groups.ts';
import { readMetrics } from '../runs/metrics.ts';
import { editRewards, editSettings, revertTo, revisions } from '../runs/rewards.ts';
import { RunStore } from '../runs/store.ts';
import { ALWAYS } from './turn.ts';
import { runWorker } from './worker.ts';

const STEPS = 6;

let tiny: Tiny;
beforeAll(async () => void (tiny = await makeTiny()));
afterAll(() => tiny[Symbol.asyncDispose]());

type Edit =
  | { kind: 'settings'; settings: Record<string, unknown> }
  | { kind: 'rewards'; change: Omit<Parameters<typeof editRewards>[1], 'base_revision' | 'reason' | 'author' | 'time'> }
  | { kind: 'revert'; back: number };

interface Plan {
  /** `at`: steps that are done when it is made. */
  edits: { at: number; edit: Edit }[];
  /** Steps at which the worker breaks off, each once. */
  crashes: number[];
  /** Calls for a step that find the kernel dead, by number. */
  deaths: number[];
}

const setting = <T>(key: string, ...values: T[]) => fc.constantFrom(...values).map((value) => ({ [key]: value }));
const settings = fc.oneof(
  setting('learning_rate', 1e-4, 5e-3),
  setting('beta', 0, 0.2),
  setting('temperature', 0.5, 1.5),
  setting('epsilon', 0.05, 0.3),
  setting('epsilon_high', null, 0.4),
  setting('delta', null, 1.5),
  setting('max_completion_length', 4, 7),
  setting('num_generations', 2, 8),
  setting('dynamic_sampling', 0, 1),
  setting('eval_steps', 0, 2),
  setting('save_steps', 1, 3),
);
const schedule = fc.record({
  schedule: fc.constantFrom('linear' as const, 'cosine' as const, 'step' as const),
  from: fc.constantFrom(1, 2),
  to: fc.constantFrom(0, 0.25),
  over: fc.integer({ min: 1, max: 4 }),
});
const change = fc.oneof(
  fc.constantFrom(0, 0.5, 2).map((accuracy_tolerant) => ({ weights: { accuracy_tolerant } })),
  schedule.map((format) => ({ weights: {}, weight_schedules: { served: format } })),
  schedule.map((low) => ({ weights: { length_band: 1 }, parameters: { length_band: { low: { ...low, from: 6, to: 2 }, slope: 3 } } })),
  fc.integer({ min: 1, max: 9 }).map((cache) => ({ weights: {}, parameters: { soft_overlong_punishment: { soft_punish_cache: cache } } })),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: settings.map((one) => ({ kind: 'settings' as const, settings: one })) },
  { weight: 3, arbitrary: change.map((one) => ({ kind: 'rewards' as const, change: one })) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }).map((back) => ({ kind: 'revert' as const, back })) },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  edits: fc.array(fc.record({ at: fc.integer({ min: 0, max: STEPS - 1 }), edit }), { minLength: 2, maxLength: 6 }),
  crashes: fc.uniqueArray(fc.integer({ min: 1, max: STEPS }), { minLength: 1, maxLength: 2 }),
  deaths: fc.uniqueArray(fc.integer({ min: 1, max: STEPS }), { maxLength: 2 }),
});

/** A function of a kernel: what it gives follows from the call, as a careful user's would. */
const SERVED: RewardSource = {
  file: 'served.py',
  source: 'def served(): ...',
  sha256: 'f00d',
  runtime: 'kernel',
  timeout_s: 1,
  on_timeout: 'pause',
};
const valueOf = (text: string, step: unknown): number =>
  createHash('sha256')
    .update(`${text} ${String(step)}`)
    .digest()[0] / 255;

/** Runs it to its end; all that must repeat of it. */
async function trained({ edits, crashes, deaths }: Plan) {
  const directory = mkdtempSync(join(tmpdir(), 'medr1-steering-'));
  try {
    const config = tiny.config({
      ...{ max_steps: STEPS, num_iterations: 2, save_steps: 2, eval_steps: 3, eval_samples: 2, dataset_test_split: 'test', beta: 0.04 },
      reward_funcs: ['accuracy_tolerant', 'soft_overlong_punishment'],
    });
    const built: RewardSet = configuredRewards(config);
    const rewards = { ...built, weights: { ...built.weights, served: 1 }, sources: { served: SERVED } };
    using _ = RunStore.create(directory, { id: 'r', name: 'r', parent: null, config, root: tiny.directory, data_hash: 'tiny', rewards });
    using control = RunStore.open(directory);
    const waiting = [...edits];
    const toCome = new Set(crashes);
    let calls = 0;

    const breaking: CreateTrainer = async (init) => {
      const trainer = await createTrainer(init);
      const trainStep = async () => {
        const result = await trainer.trainStep();
        if (toCome.delete(result.step)) throw new Error('broken off');
        return result;
      };
      return new Proxy(trainer, {
        get: (target, key) => {
          if (key === 'trainStep') return trainStep;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    };
    // An evaluation that no kernel answers is an alert and not made up for: only calls of steps find it dead.
    const askKernel: AskKernel = async (call) =>
      call.constants.step === control.step + 1 && deaths.includes(++calls)
        ? { unanswered: 'absent', waited_s: 0 }
        : { values: call.completions.map((text) => valueOf(text, call.constants.step)) };
    const makeEdits = (): void => {
      while (waiting.length > 0) {
        const next = waiting.findIndex(({ at }) => at === control.step);
        if (next < 0) return;
        make(control, waiting.splice(next, 1)[0].edit);
      }
    };
    let state = '';
    for (let begun = 0; state !== 'finished'; begun++) {
      if (begun > crashes.length) throw new Error(`it did not come to its end: ${JSON.stringify(control.row().error)}`);
      if (begun > 0) control.enqueue();
      state = await runWorker({
        directory,
        home: directory,
        createTrainer: breaking,
        loadItems: async () => ({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'tiny' }),
        committed: () => {},
        log: () => {},
        signal: new AbortController().signal,
        nudge: async () => {
          await later();
          if (control.row().state === 'paused' && control.pending().length === 0) control.command('resume');
        },
        turn: ALWAYS,
        askKernel,
        answerAsked: async () => makeEdits(),
      });
    }
    const { metrics } = readMetrics(control.db, {});
    const last = control.checkpointPath(STEPS);
    const tensors = readdirSync(last).filter((file) => file.endsWith('.safetensors'));
    return {
      metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))),
      groups: readGroups(control.db, { from: 1, to: STEPS, limit: 1000, offset: 0 }),
      revisions: revisions(control.db).map(({ created_at: _at, ...revision }) => revision),
      tensors: Object.fromEntries(
        tensors.map((file) => [
          file,
          createHash('sha256')
            .update(readFileSync(join(last, file)))
            .digest('hex'),
        ]),
      ),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** An edit that changes nothing, or does not go with what is in force, is refused in both runs alike. */
function make({ db }: RunStore, edit: Edit): void {
  const told = { reason: '', author: '', time: 0 };
  const newest = revisions(db).at(-1)!.revision;
  try {
    if (edit.kind === 'settings') editSettings(db, { settings: edit.settings, ...told });
    else if (edit.kind === 'rewards') editRewards(db, { ...edit.change, base_revision: newest, ...told });
    else revertTo(db, { revision: Math.max(1, newest - edit.back), ...told });
  } catch (error) {
    if (!(error instanceof WorkbenchError)) throw error;
  }
}

const RUNS = Number(process.env.FC_RUNS ?? 4);

it(
  'edits, crashes, resumes, reverts and deaths of the kernel in any order come to the bits of the undisturbed run',
  async () => {
    let edited = 0;
    await fc.assert(
      fc.asyncProperty(plan, async (one) => {
        const disturbed = await trained(one);
        edited += disturbed.revisions.filter(({ step }) => step !== null).length - 1;
        expect(disturbed).toEqual(await trained({ ...one, crashes: [], deaths: [] }));
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(edited).toBeGreaterThan(0);
  },
  75_000 * RUNS,
);
