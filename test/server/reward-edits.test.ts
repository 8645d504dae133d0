/** Reward edits across kill -9: a run killed after live edits comes to the numbers and weights of one never stopped, edited at the same steps. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EditRewards } from '../../kernel-bridge/src/protocol/rest.ts';
import type { RewardRevision } from '../../kernel-bridge/src/protocol/run.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { reached, until, workerPid } from './harness.ts';
import { tinyServer, type TinyServer } from './tiny-server.ts';
import { everythingOf } from './whole-run.ts';

/** Three times as many as the kills need where nothing else runs. */
const STEPS = 50;

type Change = Omit<EditRewards, 'base_revision'>;

/** `Math.random` and nulls: what is not a function of the call alone would show. */
const MINE = `export default (completions: string[], { completion_length, finish_reason }: any) =>
  completions.map((_, i) => (finish_reason[i] === 'stop' ? null : completion_length[i] / 2 + Math.random()));`;
const CHANGED = 'export default (completions: string[], { step }: any) => completions.map((text) => (text.length % 3) + step / 10);';
const ADDED = 'export default (completions, { answer }) => completions.map((text, i) => (text.includes(answer[i]) ? 0.25 : null));';

const EDITS: [string, Change][] = [
  ['a function that was added', { weights: { added: 0.5 }, files: { 'added.js': ADDED } }],
  ['a source that was changed', { weights: {}, files: { 'mine.ts': CHANGED } }],
  ['weights that were changed', { weights: { mine: 0.125, accuracy_tolerant: 2 } }],
  ['functions that were swapped', { weights: { soft_overlong_punishment: 1 }, files: { 'added.js': ADDED }, remove: ['mine'] }],
];

let made: TinyServer;
let tiny: TinyServer['tiny'];
let t: TinyServer['server'];
beforeAll(async () => {
  made = await tinyServer();
  ({ tiny, server: t } = made);
});
afterAll(() => made[Symbol.asyncDispose]());

async function newRun(start: boolean): Promise<string> {
  // Two updates on each batch: an edit may come between them.
  const config = tiny.config({ reward_funcs: ['accuracy_tolerant', 'mine.ts'], num_iterations: 2, max_steps: STEPS, save_steps: 1000 });
  return (await t.client.createRun({ ...config }, { start, reward_files: { 'mine.ts': MINE } })).id;
}
const stepOf = async (id: string) => (await t.client.run(id)).summary.step;
const newest = async (id: string) => (await t.client.rewards(id)).at(-1)!;
const edit = async (id: string, change: Change): Promise<RewardRevision> =>
  t.client.editRewards(id, { ...change, base_revision: (await newest(id)).revision });
const standsAt = async (id: string): Promise<number> => {
  await t.client.action(id, 'pause');
  return (await reached(t.client, id, 'paused')).step;
};

/** Pauses, and pins a checkpoint of the very step. */
async function checkpointed(id: string): Promise<number> {
  await until(async () => {
    const { step, error } = (await t.client.run(id)).summary;
    return step >= 1 ? true : `no step yet: ${error?.message}`;
  });
  const step = await standsAt(id);
  await t.client.action(id, 'checkpoint');
  await until(async () => ((await t.client.run(id)).checkpoints.some((one) => one.step === step) ? true : 'no checkpoint'));
  return step;
}

async function killed(id: string): Promise<number> {
  process.kill(workerPid(t.home, id), 'SIGKILL');
  return (await reached(t.client, id, 'interrupted')).step;
}

/** A run that is never stopped, with the same edits at the same steps. */
async function neverStopped(changes: [Change, number][]): Promise<string> {
  const id = await newRun(false);
  for (const [change] of changes) await edit(id, change);
  using store = RunStore.open((await t.client.run(id)).directory);
  // The one way to ask for a step ahead of time: an edit over the wire holds from the next step.
  changes.forEach(([, step], k) => store.db.prepare('UPDATE reward_revision SET due = ? WHERE revision = ?').run(step, k + 2));
  await t.client.action(id, 'start');
  await reached(t.client, id, 'finished');
  return id;
}

/** Lets the run end, and holds it against one that was never stopped. */
async function expectSame(id: string, changes: Change[]): Promise<void> {
  await reached(t.client, id, 'finished');
  const steps = (await t.client.rewards(id)).slice(1).map(({ step }) => step!);
  const straight = await neverStopped(changes.map((change, k) => [change, steps[k]]));
  expect((await t.client.events(straight)).events.filter((event) => event.kind === 'alert')).toEqual([]);
  const [got, expected] = await Promise.all([id, straight].map((each) => everythingOf(t.client, each)));
  expect(got.last).toBe(STEPS);
  expect(got).toEqual(expected);
}

const dropped = async (id: string) =>
  (await t.client.events(id)).events.filter((one) => one.kind === 'alert' && one.code === 'STEPS_DROPPED');

describe('kill -9 of the worker', () => {
  it.each(EDITS)('after %s: the run goes on bit for bit', async (_, change) => {
    const id = await newRun(true);
    const saved = await checkpointed(id);
    expect((await edit(id, change)).step).toBeNull();
    await t.client.action(id, 'resume');
    await until(async () => ((await stepOf(id)) >= saved + 2 ? true : 'no step under the edit'));
    expect(await killed(id)).toBeGreaterThanOrEqual(saved + 2);
    await t.client.action(id, 'resume');
    await expectSame(id, [change]);
    expect((await newest(id)).step).toBe(saved + 1);
    expect(await dropped(id)).toMatchObject([{ step: saved }]);
  });

  it('while an edit waited, and again while lost steps were computed anew: each edit holds from the step it would have', async () => {
    const [first, second] = [EDITS[1][1], EDITS[3][1]];
    const id = await newRun(true);
    const saved = await checkpointed(id);
    await edit(id, first);
    await t.client.action(id, 'resume');
    await until(async () => ((await stepOf(id)) >= saved + 3 ? true : 'no step under the edit'));
    const stood = await standsAt(id);
    await edit(id, second);
    expect(await killed(id)).toBe(stood);
    await t.client.action(id, 'resume');
    await until(async () => ((await t.client.run(id)).summary.state === 'running' ? true : 'not running'));
    await killed(id);
    await t.client.action(id, 'resume');
    await expectSame(id, [first, second]);
    expect((await t.client.rewards(id)).map(({ step }) => step)).toEqual([1, saved + 1, stood + 1]);
  });
});
