/** Reward functions: edits replayed from what a run stored, and functions that look for a way out. */
import { expect } from 'vitest';
import { runInNewContext } from 'node:vm';
import { groupInputs, RewardFunctions } from '../../kernel-bridge/src/rewards/index.ts';
import { Sandbox } from '../../kernel-bridge/src/rewards/sandbox/sandbox.ts';
import { readGroups } from '../../kernel-bridge/src/runs/groups.ts';
import { editRewards, revisions } from '../../kernel-bridge/src/runs/rewards.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import type { Group } from '../../kernel-bridge/src/protocol/run.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { Sound } from './trained.ts';

const CONTEXT = { variant: 'think', maxCompletionLength: 256 } as const;
const STEPS = 20;
/** Functions of which a value tells which one gave it, drawn numbers and all. */
const source = (tag: number): string =>
  `let calls = 0; export default (completions, { step }) => completions.map((text) => ${tag} + step / 7 + text.length / 11 + Math.random() + calls++ / 13);`;

let sound: Sound;

/** What the functions give for the completions of a step. */
async function scored(functions: RewardFunctions, step: number, groups: Group[]): Promise<(number | null)[][]> {
  const rows = [];
  for (const group of groups) rows.push(...(await functions.score(groupInputs(group), step)));
  return rows;
}

/** A run whose rewards are edited twenty times while it makes twenty steps; then every step is scored anew from what the run holds. */
async function replayed(random: Random, off: number): Promise<string> {
  const home = sound.copy();
  using store = RunStore.open(runDirectory(home, sound.id));
  using training = new RewardFunctions(CONTEXT, revisions(store.db).at(-1)!); // one for the whole run, as a trainer has it
  for (let step = 1; step <= STEPS; step++) {
    for (let edits = below(random, 3); edits > 0; edits--) {
      const base_revision = revisions(store.db).at(-1)!.revision;
      const weights = { accuracy: random(), brev: random() };
      editRewards(store.db, {
        weights,
        files: { 'brev.js': source(below(random, 1e6)) },
        reason: '',
        author: 'test',
        base_revision,
        time: step,
      });
    }
    const due = store.dueRewards();
    const inForce = due.at(-1) ?? revisions(store.db).findLast((one) => one.step !== null)!;
    const made = fakeStep(step);
    training.use(inForce);
    const rows = await scored(training, step, made.groups);
    const names = Object.keys(inForce.weights);
    const completions = made.groups.flatMap((group) => group.completions);
    completions.forEach((one, i) => (one.rewards = Object.fromEntries(names.map((name, k) => [name, rows[i][k]]))));
    store.commitStep(made, due);
    if (random() < 0.1) store.dropAfter(Math.max(1, (step -= 1 + below(random, 3))), { revisions: 'repeat' });
    step = store.step;
  }
  const all = revisions(store.db).filter(({ step }) => step !== null);
  for (let step = 1; step <= STEPS; step++) {
    const at = all.findLastIndex((one) => one.step! <= step);
    const groups = readGroups(store.db, { from: step, to: step, limit: 100, offset: 0 });
    const revision = all[Math.max(0, at - off)];
    using anew = new RewardFunctions(CONTEXT, revision);
    const rows = await scored(anew, step, groups);
    const names = Object.keys(revision.weights);
    const stored = groups.flatMap((group) => group.completions.map(({ rewards }) => rewards));
    expect(rows.map((row) => Object.fromEntries(names.map((name, k) => [name, row[k]])))).toEqual(stored);
  }
  return `${all.length > 10 ? 'more than 10' : '10 or fewer'} revisions`;
}

fault('R3', {
  setUp: async () => void (sound = await Sound.make()),
  tearDown: async () => sound.dispose(),
  attempt: (random) => replayed(random, 0),
  control: (random) => replayed(random, 1),
});

/** Expressions that are true where something of the machine, or of the process around, is reached. */
const WAYS = [
  'typeof process !== "undefined"',
  'typeof require !== "undefined"',
  'typeof module !== "undefined"',
  'typeof fetch !== "undefined"',
  'typeof WebAssembly !== "undefined" && typeof XMLHttpRequest !== "undefined"',
  'typeof Deno !== "undefined" || typeof Bun !== "undefined"',
  'typeof setTimeout !== "undefined" && typeof setTimeout(() => 1, 1) === "object"',
  'typeof Function("return typeof process === \'undefined\' ? undefined : process")() !== "undefined"',
  '[].constructor.constructor("return typeof process")() !== "undefined"',
  '(async () => {}).constructor("return typeof process")() && (function* () {}).constructor("yield typeof process")().next().value !== "undefined"',
  'Object.getOwnPropertyNames(globalThis).some((name) => /^(process|require|Buffer|global)$/.test(name))',
  'completions.constructor.constructor("return typeof process")() !== "undefined"',
  '(() => { Error.prepareStackTrace = (_, all) => all; const seen = new Error().stack; return Array.isArray(seen) && seen.some((one) => typeof one.getThis === "function" && one.getThis()?.process); })()',
  '(() => { try { null.x; } catch (error) { return error.constructor.constructor("return typeof process")() !== "undefined"; } })()',
  'typeof globalThis.constructor.constructor("return typeof process")() === "object"',
  'typeof this !== "undefined" && this?.process !== undefined',
  '(() => { const all = Reflect.ownKeys(globalThis).map((key) => globalThis[key]); return all.some((one) => one?.versions?.node || one?.mainModule); })()',
  '(() => { Object.prototype.reached = 1; Array.prototype.map = () => [0]; Promise.prototype.then = null; return false; })()',
];
const HIDDEN: ((way: string) => string)[] = [
  (way) => `(${way})`,
  (way) => `eval(${JSON.stringify(way)})`,
  (way) => `Function("completions", "return " + ${JSON.stringify(way)})(completions)`,
  (way) => `[0].map(() => (${way}))[0]`,
  (way) => `new Proxy({}, { get: () => (${way}) }).x`,
];

/** True where the function got out; one that fails got nowhere. */
const functionOf = (random: Random): string =>
  `(completions) => completions.map(() => ((${oneOf(random, HIDDEN)(oneOf(random, WAYS))}) ? 1 : 0))`;

async function keptIn(random: Random): Promise<string> {
  const code = functionOf(random);
  using sandbox = new Sandbox({ file: 'way.js', source: `export default ${code};` });
  const outcome = await sandbox.ask({ kind: 'score', batch: { completions: ['a', 'b'], columns: {}, constants: {} } });
  holds(!('values' in outcome) || outcome.values.every((value) => value !== 1), `it got out: ${code}`);
  holds(!('reached' in {}), `it changed the objects of this process: ${code}`);
  using good = new Sandbox({ file: 'good.js', source: 'export default (all) => all.map(() => 2);' });
  const after = await good.ask({ kind: 'score', batch: { completions: ['a'], columns: {}, constants: {} } });
  holds('values' in after && after.values[0] === 2, `the next function gives ${JSON.stringify(after)}`);
  return 'failure' in outcome ? outcome.failure.kind : 'nothing there';
}

fault('S2', {
  attempt: keptIn,
  controls: 10,
  control: async (random) => {
    const run = runInNewContext(functionOf(random), { process, require: () => ({}), fetch }) as (all: string[]) => number[];
    let values: number[] = [];
    try {
      values = run(['a']);
    } catch {
      return; // this way does not exist here either
    }
    holds(values[0] !== 1, 'it got out');
  },
});
