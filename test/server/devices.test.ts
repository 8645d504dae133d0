/** The pool of devices on slots of the CPU: who runs side by side, who waits and why, the queue by hand, and what is refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../kernel-bridge/src/protocol/run.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';
import { evaluationModule } from './reproduce-harness.ts';

let t: TestServer;
const serve = async (cpuSlots: number): Promise<void> =>
  void (t = await testServer({ devices: { cpuSlots, env: { CUDA_VISIBLE_DEVICES: '' } }, evaluationModule }));
afterEach(() => t.close());

const start = (changes = {}): Promise<RunSummary> => t.client.createRun(t.config({ ...ENDLESS, ...changes }));
const running = (...runs: { id: string }[]) => Promise.all(runs.map(({ id }) => reached(t.client, id, 'running')));
const onDevices = async () =>
  Object.fromEntries((await t.client.devices()).devices.map(({ id, jobs }) => [id, jobs.map((job) => job.id).sort()]));
const queue = async () => (await t.client.devices()).queue.map(({ id }) => id);
const reasonOf = async (id: string) => (await t.client.devices()).queue.find((one) => one.id === id)?.reason;
const stop = async ({ id }: { id: string }): Promise<void> => {
  await t.client.action(id, 'stop');
  await reached(t.client, id, 'stopped');
};

describe('two slots', () => {
  beforeEach(() => serve(2));

  it('train two runs side by side, the third waits and is told for whom; each device shows who is on it', async () => {
    const [a, b] = [await start({ run_name: 'first' }), await start()];
    await running(a, b);
    const c = await start();
    expect(await onDevices()).toEqual({ 'cpu:0': [a.id], 'cpu:1': [b.id] });
    expect(await reasonOf(c.id)).toMatch(/run first is on cpu:0/);
    const { devices } = await t.client.devices();
    expect(devices[0].jobs[0]).toMatchObject({ kind: 'train', pid: expect.any(Number), heard_at: expect.any(Number) });
    expect(devices[0].jobs[0].bytes).toBeGreaterThan(200e6); // a process alone takes as much
    expect(devices[0].memory_total).toBeGreaterThan(devices[0].memory_used!);
    await stop(b);
    await running(c);
    expect(await onDevices()).toEqual({ 'cpu:0': [a.id], 'cpu:1': [c.id] });
  });

  it('a device by its number, and two at once; those behind do not take what an earlier one waits for', async () => {
    const a = await start({ device: 'cpu:1' });
    await running(a);
    const both = await start({ devices: 2, num_generations: 4, per_device_train_batch_size: 8 });
    const behind = await start();
    expect(await queue()).toEqual([both.id, behind.id]);
    expect(await reasonOf(both.id)).toMatch(/^waits for 2 devices, 1 of them free/);
    expect(await reasonOf(behind.id)).toMatch(/those who asked earlier/);
    expect((await t.client.run(both.id)).config).toMatchObject({ processes: 2, dp_shards: 2 });
    await stop(a);
    await running(both);
    expect(await onDevices()).toEqual({ 'cpu:0': [both.id], 'cpu:1': [both.id] });
  });

  it('exclusive: no evaluation beside it, and it waits until it is alone', async () => {
    const a = await start({ device: 'cpu:0', max_steps: 3, learning_rate: 1e-6 });
    await reached(t.client, a.id, 'finished');
    const alone = await start({ device: 'cpu:0', exclusive: true });
    const other = await start({ device: 'cpu:1', exclusive: true });
    await running(alone, other);
    const evaluation = await t.client.evals.start({ run: a.id, dataset: t.config().dataset_name as string, split: 'test' });
    expect(await reasonOf(evaluation.id)).toMatch(/has cpu:0 for itself/);
    await stop(other);
    await until(async () => ((await t.client.evals.get(evaluation.id)).summary.state === 'finished' ? true : 'not evaluated'));
  });

  it('the two of a pair have a slot each, and take no turns', async () => {
    const pair = await t.client.createPair({ config: t.config(ENDLESS) });
    await running(...pair);
    expect(
      Object.values(await onDevices())
        .flat()
        .sort(),
    ).toEqual(pair.map(({ id }) => id).sort());
    await t.client.action(pair[0].id, 'pause'); // of both
    for (const { id } of pair) await reached(t.client, id, 'paused');
  });
});

describe('the queue', () => {
  beforeEach(() => serve(1));

  it('is reordered, held, let go and cancelled', async () => {
    const first = await start();
    await running(first);
    const [a, b, c] = [await start(), await start(), await start()];
    expect(await queue()).toEqual([a.id, b.id, c.id]);
    await t.client.moveInQueue(c.id, { before: a.id });
    expect(await queue()).toEqual([c.id, a.id, b.id]);
    await t.client.moveInQueue(c.id, { before: b.id });
    expect(await queue()).toEqual([a.id, c.id, b.id]);
    await t.client.moveInQueue(a.id, { before: null });
    expect(await queue()).toEqual([c.id, b.id, a.id]);
    await until(async () =>
      (await t.client.run(c.id)).summary.waits_since! < (await t.client.run(a.id)).summary.waits_since! ? true : 'no order',
    );
    expect(await t.client.moveInQueue(c.id, { held: true })).toMatchObject({ state: 'queued', held: true });
    expect(await reasonOf(c.id)).toBe('held');
    await t.client.action(b.id, 'stop');
    expect(await queue()).toEqual([c.id, a.id]);
    await stop(first);
    await running(a); // passes the one that is held
    await stop(a);
    expect((await t.client.run(c.id)).summary.state).toBe('queued');
    await t.client.moveInQueue(c.id, { held: false });
    await running(c);
  });

  it('a pair moves and is held as one', async () => {
    await running(await start());
    const other = await start();
    const pair = await t.client.createPair({ config: t.config(ENDLESS) });
    const ids = pair.map(({ id }) => id).sort();
    await t.client.moveInQueue(ids[1], { before: other.id });
    expect((await queue()).slice(0, 2).sort()).toEqual(ids);
    await t.client.moveInQueue(other.id, { before: ids[1] });
    expect((await queue())[0]).toBe(other.id);
    await t.client.moveInQueue(ids[0], { held: true });
    expect(
      (await t.client.runs())
        .filter(({ held }) => held)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
  });

  it('what does not wait is not moved', async () => {
    const a = await start();
    await running(a);
    await expect(t.client.moveInQueue(a.id, { before: null })).rejects.toMatchObject({ code: 'RUN_CONFLICT', http: 409 });
    await expect(t.client.moveInQueue(a.id, { held: true })).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
    await expect(t.client.moveInQueue((await start()).id, { before: a.id })).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
  });
});

describe('refused at once, by name', () => {
  beforeEach(() => serve(2));

  it.each([
    [{ device: 'cuda:3' }, 'DEVICE_MISSING', 'There is no device cuda:3 here; there are cpu:0, cpu:1.'],
    [{ devices: 4, per_device_train_batch_size: 16 }, 'DEVICES_TOO_FEW', 'The run takes 4 devices, and with device auto it can have 2'],
    [{ device: 'gpu' }, 'CONFIG_INVALID', 'such as cuda:3'],
    [{ devices: 2, processes: 3 }, 'CONFIG_INVALID', 'must divide processes (3)'],
  ])('%j, and nothing is made', async (changes, code, message) => {
    await expect(start(changes)).rejects.toMatchObject({ code, http: 422, message: expect.stringContaining(message) });
    expect(await t.client.runs()).toEqual([]);
  });

  it('a run that was made for more devices fails when it is started', async () => {
    const { id } = await t.client.createRun(t.config({ devices: 4, per_device_train_batch_size: 16 }), { start: false });
    await t.client.action(id, 'start');
    const { error } = await reached(t.client, id, 'failed');
    expect(error).toMatchObject({ code: 'DEVICES_TOO_FEW', remedy: 'Set devices to 2 or less.' });
  });

  it('a run that fits nowhere fails, with what it needs and what there is', async () => {
    const { id } = await start({ num_generations: 256, per_device_train_batch_size: 1 << 20, max_completion_length: 8192 });
    const { error } = await reached(t.client, id, 'failed');
    expect(error).toMatchObject({ code: 'FITS_NOWHERE', message: expect.stringMatching(/^About \d+\.\d GiB are needed/) });
  });
});
