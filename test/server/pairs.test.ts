/** Pairs: two runs under two prompts that see the same questions, take turns on one device, and pause, resume and stop together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../kernel-bridge/src/protocol/run.ts';
import { ENDLESS, reached, testServer, until, workerPid, type TestServer } from './harness.ts';
import { tinyServer, type TinyServer } from './tiny-server.ts';
import { everythingOf } from './whole-run.ts';

describe('of a real model', () => {
  let made: TinyServer;
  let t: TestServer;
  beforeAll(async () => {
    made = await tinyServer();
    t = made.server;
  });
  afterAll(() => made[Symbol.asyncDispose]());

  const config = (changes = {}) => ({
    ...made.tiny.config({ prompt_template: null, max_steps: 6, save_steps: 2, eval_steps: 3, dataset_test_split: 'test', ...changes }),
  });

  it('both see the same questions at the same steps, and each has the bits of a run alone', async () => {
    const [think, direct] = await t.client.createPair({ config: config(), variants: ['think', 'no-think'] });
    for (const { id } of [think, direct]) await reached(t.client, id, 'finished');
    const [left, right] = await Promise.all([think, direct].map(({ id }) => everythingOf(t.client, id)));
    const asked = ({ groups }: typeof left) => groups.map(({ step, group, item_id }) => [step, group, item_id]);
    expect(asked(left)).toHaveLength(new Set(asked(left).map(String)).size);
    expect(asked(right)).toEqual(asked(left));
    expect(right.groups[0].prompt).not.toBe(left.groups[0].prompt);
    for (const [variant, paired] of [
      ['think', left],
      ['no-think', right],
    ] as const) {
      const { id } = await t.client.createRun(config({ variant }));
      await reached(t.client, id, 'finished');
      expect(await everythingOf(t.client, id)).toEqual(paired);
    }
  });

  const long = () => config({ max_steps: 14, variant: 'think' });
  /** What such a run comes to that is of no pair; both kills are held to it. */
  const alone = new Map<string, Promise<Awaited<ReturnType<typeof everythingOf>>>>();
  async function trainedAlone(variant: string) {
    const { id } = await t.client.createRun({ ...long(), variant });
    await reached(t.client, id, 'finished');
    return everythingOf(t.client, id);
  }

  it.each([0, 1])('a kill of number %i leaves the other whole, and a resume ends as if nothing had been', async (killed) => {
    const pair = await t.client.createPair({ config: long(), variants: ['think', 'no-think'] });
    const { id } = pair[killed];
    await until(async () => ((await t.client.run(id)).summary.step >= 5 ? true : 'no step 5'));
    process.kill(workerPid(t.home, id), 'SIGKILL');
    await reached(t.client, id, 'interrupted');
    await t.client.action(id, 'resume');
    for (const one of pair) await reached(t.client, one.id, 'finished');
    for (const [at, variant] of ['think', 'no-think'].entries()) {
      if (!alone.has(variant)) alone.set(variant, trainedAlone(variant));
      expect(await everythingOf(t.client, pair[at].id)).toEqual(await alone.get(variant));
    }
  });
});

describe('in the queue', () => {
  let t: TestServer;
  beforeAll(async () => void (t = await testServer()));
  afterAll(() => t.close());

  const start = (changes = {}, more = {}): Promise<RunSummary[]> =>
    t.client.createPair({ config: t.config({ ...ENDLESS, ...changes }), variants: ['think', 'no-think'], ...more });
  const states = async (...runs: { id: string }[]) => Promise.all(runs.map(async ({ id }) => (await t.client.run(id)).summary.state));
  const stepOf = async ({ id }: { id: string }): Promise<number> => (await t.client.run(id)).summary.step;
  const stop = async (...runs: { id: string }[]): Promise<void> => {
    for (const { id } of runs) {
      await t.client.action(id, 'stop').catch(() => undefined);
      await reached(t.client, id, 'stopped', 'finished', 'interrupted');
    }
  };

  it('each run knows the other', async () => {
    const [a, b] = await start({}, { start: false });
    expect(a.pair).toEqual({ id: b.pair!.id, with: b.id, variant: 'no-think' });
    expect(b.pair).toEqual({ id: a.pair!.id, with: a.id, variant: 'think' });
    expect([a.variant, b.variant, a.state, b.state]).toEqual(['think', 'no-think', 'queued', 'queued']);
    const alone = await t.client.createRun(t.config(), { start: false });
    expect(alone.pair).toBeNull();
  });

  it('they take turns: no step of one begins before that of the other is done', async () => {
    const [a, b] = await start({ max_steps: 30, learning_rate: 0.02 });
    for (const { id } of [a, b]) await reached(t.client, id, 'finished');
    const times = await Promise.all(
      [a, b].map(async ({ id }, of) =>
        (await t.client.events(id, { kinds: ['step'] })).events.map(({ time, step }) => ({ time, step, of })),
      ),
    );
    const order = times.flat().sort((x, y) => x.time - y.time);
    const made = [0, 0];
    for (const { step, of } of order) {
      made[of] = step;
      expect(Math.abs(made[0] - made[1])).toBeLessThanOrEqual(1);
    }
    for (const [i, { time }] of order.entries()) if (i > 0) expect(time - order[i - 1].time).toBeGreaterThanOrEqual(18); // a step takes 20 ms
  });

  it('pause, resume and stop act on both', async () => {
    const [a, b] = await start();
    await until(async () => ((await stepOf(b)) > 2 ? true : 'no step'));
    await t.client.action(b.id, 'pause');
    for (const { id } of [a, b]) await reached(t.client, id, 'paused');
    const at = [await stepOf(a), await stepOf(b)];
    expect(Math.abs(at[0] - at[1])).toBeLessThanOrEqual(1);
    await t.client.action(a.id, 'resume');
    for (const { id } of [a, b]) await reached(t.client, id, 'running');
    await until(async () => (Math.min(await stepOf(a), await stepOf(b)) > Math.max(...at) ? true : 'no new step'));
    await t.client.action(a.id, 'stop');
    for (const { id } of [a, b]) await reached(t.client, id, 'stopped');
    await t.client.action(b.id, 'resume');
    await until(async () => ((await states(a, b)).every((state) => state === 'running') ? true : 'not both run'));
    await stop(a, b);
  });

  it('is one place, and starts together', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await reached(t.client, id, 'running');
    const [a, b] = await start();
    const after = await t.client.createRun(t.config({ max_steps: 2 }));
    expect(await states(a, b, after)).toEqual(['queued', 'queued', 'queued']);
    await stop({ id });
    await until(async () => ((await states(a, b)).every((state) => state === 'running') ? true : 'not both run'));
    expect(await states(after)).toEqual(['queued']);
    await t.client.action(a.id, 'pause'); // lends the device, both of them
    await reached(t.client, after.id, 'finished');
    expect(await states(a, b)).toEqual(['paused', 'paused']);
    await stop(a, b);
  });

  it('one that was killed leaves the other training, and joins it again', async () => {
    const [a, b] = await start({ save_steps: 3 });
    await until(async () => ((await stepOf(a)) > 5 ? true : 'no step'));
    process.kill(workerPid(t.home, a.id), 'SIGKILL');
    await reached(t.client, a.id, 'interrupted');
    const before = await stepOf(b);
    await until(async () => ((await stepOf(b)) > before + 3 ? true : 'the other stands'));
    await t.client.action(a.id, 'resume');
    await until(async () => (Math.abs((await stepOf(a)) - (await stepOf(b))) <= 1 ? true : 'it does not catch up'));
    await stop(a, b);
  });

  it('a fork is of no pair, and a deleted one leaves the other whole', async () => {
    const [a, b] = await start({ max_steps: 4, save_steps: 2 });
    for (const { id } of [a, b]) await reached(t.client, id, 'finished');
    const fork = await t.client.fork(a.id, { step: 2, config: { max_steps: 6 } });
    expect(fork.pair).toBeNull();
    await reached(t.client, fork.id, 'finished');
    const { id: entry } = await t.client.deleteRun(a.id);
    const { summary } = await t.client.run(b.id);
    expect(summary).toMatchObject({ state: 'finished', step: 4, pair: { with: a.id } });
    await t.client.restoreTrash(entry);
    expect((await t.client.run(a.id)).summary.pair).toEqual(a.pair);
  });

  it('tells how the questions of a step were answered at every step', async () => {
    const [a] = await start({ max_steps: 4 });
    await reached(t.client, a.id, 'finished');
    const told = await t.client.questionHistory(a.id, { step: 2 });
    expect(told.map(({ item_id }) => item_id)).toEqual(['item-0', 'item-1']);
    expect(told[0].asked).toEqual([1, 2, 3, 4].map((step) => ({ step, right: 4, judged: 4 })));
    expect(await t.client.questionHistory(a.id, { step: 9 })).toEqual([]);
  });

  it('one whose other was deleted trains alone', async () => {
    const [a, b] = await start({ max_steps: 3 }, { start: false });
    await t.client.deleteRun(a.id);
    await t.client.action(b.id, 'start');
    await reached(t.client, b.id, 'finished');
  });

  it('the same request makes one pair', async () => {
    const request_id = 'pair-once';
    const first = await start({}, { start: false, request_id });
    const again = await start({}, { start: false, request_id });
    expect(again.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    await expect(start({ max_steps: 7 }, { start: false, request_id })).rejects.toMatchObject({ code: 'REQUEST_ID_USED' });
  });

  it.each([
    [{ variants: ['think', 'think'] }, 'two different variants'],
    [{ config: { dynamic_sampling: 2 } }, 'dynamic_sampling'],
    [{ config: { prompt_template: 'Q: {question}' } }, 'prompt_template'],
    [{ config: { trainer: 'sft' } }, 'trainer'],
  ])('refuses what could not be compared: %j', async ({ config = {}, ...more }: Record<string, object>, says) => {
    const before = (await t.client.runs()).length;
    await expect(start(config, more)).rejects.toMatchObject({ http: 422, message: expect.stringContaining(says) });
    expect(await t.client.runs()).toHaveLength(before);
  });
});
