/** POST /generate: who answers, what is refused, and that no process is left behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectHome } from '../../kernel-bridge/src/server/connect.ts';
import type { GenerateRequest } from '../../kernel-bridge/src/protocol/generate.ts';
import { ENDLESS, isAlive, makeHome, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer({ generation: { most: 8 } });
});
afterEach(() => t.close());

const text = async (request: GenerateRequest): Promise<string> => (await t.client.generate(request)).completions[0].text;
const pidOf = (said: string): number => Number(/pid (\d+)/.exec(said)![1]);
const gone = (pid: number): Promise<unknown> => until(() => (isAlive(pid) ? `process ${pid} is still there` : true));

/** A run with two checkpoints, and its configuration. */
async function stopped(changes: Record<string, unknown> = {}): Promise<string> {
  const { id } = await t.client.createRun(t.config({ max_steps: 4, save_steps: 2, ...changes }));
  await reached(t.client, id, 'finished');
  return id;
}

describe('who answers', () => {
  it('a run in training: its policy between two steps, and the run goes on', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await reached(t.client, id, 'running');
    const first = await t.client.generate({ run: id, question: 'What?', num: 2 });
    expect(first).toMatchObject({ run: id, variant: 'think', seed: expect.any(Number) });
    expect(first.completions.map((each) => each.text)).toEqual(Array(2).fill(`step ${first.step}: What? as think trained`));
    await until(async () => ((await t.client.run(id)).summary.step > first.step! ? true : 'no further step'));
  });

  it('a paused run: its policy, still paused', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await reached(t.client, id, 'running');
    await t.client.action(id, 'pause');
    const { step } = await reached(t.client, id, 'paused');
    expect(await t.client.generate({ run: id, question: 'What?' })).toMatchObject({ step });
    expect((await t.client.run(id)).summary).toMatchObject({ state: 'paused', step });
  });

  it('a run that took its last step while the question waited: its last checkpoint', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 1, learning_rate: 2 }));
    await reached(t.client, id, 'running', 'finished');
    expect(await t.client.generate({ run: id, question: 'What?' })).toMatchObject({
      step: 1,
      completions: [{ text: expect.stringMatching(/^step-000001 /) }],
    });
  });

  it('a run that has ended: its last checkpoint, or the one named', async () => {
    const run = await stopped();
    expect(await t.client.generate({ run, question: 'What?' })).toMatchObject({
      step: 4,
      completions: [{ text: expect.stringMatching(/^step-000004 /) }],
    });
    expect(await text({ run, step: 2, question: 'What?' })).toMatch(/^step-000002 /);
  });

  it('a run in training whose checkpoint is named: that checkpoint', async () => {
    const { id } = await t.client.createRun(t.config({ ...ENDLESS, save_steps: 2, save_total_limit: 100_000 }));
    await until(async () => ((await t.client.run(id)).checkpoints.length > 0 ? true : 'no checkpoint'));
    expect(await text({ run: id, step: 2, question: 'What?' })).toMatch(/^step-000002 /);
  });

  it('a run that has no checkpoint: the model it starts from', async () => {
    const { id } = await t.client.createRun(t.config(), { start: false });
    expect(await t.client.generate({ run: id, question: 'What?' })).toMatchObject({
      step: 0,
      completions: [{ text: expect.stringMatching(/^model /) }],
    });
  });

  it('a model directory, by the evaluation prompt; kept loaded for the next question', async () => {
    const model = t.config().model_name_or_path as string;
    const answer = await t.client.generate({ model, question: 'What?', seed: 5 });
    expect(answer).toMatchObject({ run: null, step: null, model, variant: 'think', seed: 5 });
    const [said] = answer.completions;
    expect(said.text).toMatch(/opened 1\): What\? as think evaluated$/);
    expect(await text({ model, question: 'What?' })).toBe(said.text);
  });

  it('the prompt alone comes from a process that waits for no step', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await reached(t.client, id, 'running');
    const { prompt, completions } = await t.client.generate({ run: id, question: 'What?', num: 0 });
    expect(prompt.text).toMatch(/^\S+ \(pid \d+, opened 1\): What\? as think trained$/);
    expect(completions).toEqual([]);
  });
});

describe('the prompt', () => {
  it('of a run is the one it trains with, unless another variant or template is named', async () => {
    const run = await stopped({ variant: 'no-think', prompt_template: 'mine {question}' });
    expect(await text({ run, question: 'Q' })).toMatch(/Q as mine \{question\} trained$/);
    expect(await text({ run, question: 'Q', variant: 'think' })).toMatch(/Q as think trained$/);
    expect(await text({ run, question: 'Q', prompt_template: 'other {question}' })).toMatch(/Q as other \{question\} trained$/);
  });
});

describe('an item', () => {
  it("is one of the run's data, or of a data set that is named; its image stays in the data's folder", async () => {
    const run = await stopped();
    const dataset = t.config().dataset_name as string;
    await expect(t.client.generate({ run, item: 'item-1' })).rejects.toMatchObject({ code: 'DATA_IMAGE', http: 404 });
    mkdirSync(join(dataset, 'Images'));
    const red = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
    await red.png().toFile(join(dataset, 'Images', '1.png'));
    symlinkSync('/etc/hostname', join(dataset, 'Images', '2.png'));
    expect(await text({ run, item: 'item-1' })).toMatch(/: What is shown\? as/);
    expect(await text({ model: dataset, dataset, item: 'item-1' })).toMatch(/: What is shown\? as/);
    expect(await text({ run, question: 'In words', image: 'Images/1.png' })).toMatch(/: In words as/);
    await expect(t.client.generate({ run, item: 'item-2' })).rejects.toMatchObject({ code: 'DATA_IMAGE', http: 422 });
    await expect(t.client.generate({ run, item: 'item-9' })).rejects.toMatchObject({ code: 'DATA_ITEM_UNKNOWN', http: 404 });
  });
});

describe('rewards of the answers', () => {
  async function rewardedBy(file: string, source: string): Promise<string> {
    const config = t.config({ max_steps: 1, reward_funcs: ['accuracy', 'format', file], reward_weights: [1, 0.5, 2] });
    const { id } = await t.client.createRun(config, { reward_files: { [file]: source } });
    await reached(t.client, id, 'finished');
    return id;
  }

  it('are those of the run that is named, whoever answers, with their weighted sum', async () => {
    const run = await rewardedBy('words.ts', 'export default (completions) => completions.map((text) => text.split(" ").length);');
    const model = t.config().model_name_or_path as string;
    const { completions, scored_by } = await t.client.generate({ model, question: 'What is it?', num: 2, rewards: run });
    const words = completions[0].text.split(' ').length;
    expect(scored_by).toEqual({ run, revision: 1, errors: {} });
    expect(completions.map(({ rewards, reward }) => ({ rewards, reward }))).toEqual(
      Array(2).fill({ rewards: { accuracy: null, format: 0, words }, reward: 2 * words }),
    );
  });

  it('name what fails, and keep what does not', async () => {
    const picky =
      'export default (completions) => completions.map((text) => { if (text.includes("Where")) throw new Error("no"); return 1; });';
    const run = await rewardedBy('picky.ts', picky);
    const { completions, scored_by } = await t.client.generate({ run, question: 'Where?', rewards: run });
    expect(scored_by!.errors).toEqual({ picky: expect.stringContaining('no') as string });
    expect(completions[0]).toMatchObject({ rewards: { format: 0 }, reward: null });
    expect(completions[0].rewards).not.toHaveProperty('picky');
    await expect(t.client.generate({ run, question: 'Q', rewards: 'none' })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  });
});

it('a crop that does not lie within the image is refused with the size of the image', async () => {
  const run = await stopped();
  const dataset = t.config().dataset_name as string;
  mkdirSync(join(dataset, 'Images'));
  await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
    .png()
    .toFile(join(dataset, 'Images', '1.png'));
  const ask = (crop: GenerateRequest['crop']) => t.client.generate({ run, item: 'item-1', crop });
  await expect(ask({ left: 11, top: 0, width: 10, height: 5 })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: expect.stringContaining('10 x 5 pixels at 11, 0') as string,
  });
  await expect(ask({ left: 0, top: 0, width: 0, height: 5 })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  expect((await ask({ left: 10, top: 5, width: 10, height: 5 })).completions).toHaveLength(1);
});

describe('what is refused', () => {
  const model = (): string => t.config().model_name_or_path as string;
  it.each<[string, () => object, string, number]>([
    ['nobody to answer', () => ({ question: 'Q' }), 'REQUEST_INVALID', 400],
    ['a run and a model', () => ({ run: 'r', model: model(), question: 'Q' }), 'REQUEST_INVALID', 400],
    ['nothing asked', () => ({ model: model() }), 'REQUEST_INVALID', 400],
    ['an empty question', () => ({ model: model(), question: ' ' }), 'REQUEST_INVALID', 400],
    ['an item of no data set', () => ({ model: model(), item: 'item-1' }), 'REQUEST_INVALID', 400],
    ['an image of no data set', () => ({ model: model(), question: 'Q', image: 'a.png' }), 'REQUEST_INVALID', 400],
    ['a step of a model', () => ({ model: model(), step: 1, question: 'Q' }), 'REQUEST_INVALID', 400],
    ['a key that is not known', () => ({ model: model(), question: 'Q', max_tokens: 3 }), 'REQUEST_INVALID', 400],
    ['a variant that is none', () => ({ model: model(), question: 'Q', variant: 'rethink' }), 'REQUEST_INVALID', 400],
    ['a thousand answers', () => ({ model: model(), question: 'Q', num: 1000 }), 'REQUEST_INVALID', 400],
    ['a run that is none', () => ({ run: '20260101-000000-aaaa', question: 'Q' }), 'RUN_UNKNOWN', 404],
    ['a model that is none', () => ({ model: '/nowhere/model', question: 'Q' }), 'MODEL_MISSING', 422],
    ['a path that climbs', () => ({ model: model(), dataset: model(), question: 'Q', image: '../secret.png' }), 'DATA_IMAGE', 422],
    ['an absolute path', () => ({ model: model(), dataset: model(), question: 'Q', image: '/etc/passwd' }), 'DATA_IMAGE', 422],
  ])('%s', async (_, request, code, http) => {
    await expect(t.client.generate(request() as GenerateRequest)).rejects.toMatchObject({ code, http });
  });

  it('a checkpoint that is none, naming those there are', async () => {
    const run = await stopped();
    const refused = { code: 'CHECKPOINT_UNKNOWN', http: 404, remedy: 'It has: 2, 4.' };
    await expect(t.client.generate({ run, step: 3, question: 'Q' })).rejects.toMatchObject(refused);
  });

  it('the ninth question at a time', async () => {
    const ask = (): Promise<unknown> => t.client.generate({ model: model(), question: 'slow' }, stop.signal);
    const stop = new AbortController();
    const eight = Promise.allSettled(Array.from({ length: 8 }, ask));
    await until(async () => {
      const ninth = await t.client
        .generate({ model: model(), question: 'slow' }, AbortSignal.timeout(1000))
        .catch((error: unknown) => error);
      return (ninth as { code: string }).code === 'GENERATE_BUSY' ? true : 'not busy yet';
    });
    stop.abort();
    await eight;
    expect(
      await until(async () =>
        text({ model: model(), question: 'Q' })
          .then((said) => ({ said }))
          .catch(String),
      ),
    ).toBeTruthy();
  });
});

describe('the generation process', () => {
  const model = (): string => t.config().model_name_or_path as string;

  it('that dies is named with its end, and the next question has a new one', async () => {
    const pid = pidOf(await text({ model: model(), question: 'Q' }));
    await expect(t.client.generate({ model: model(), question: 'die' })).rejects.toMatchObject({
      code: 'GENERATE_WORKER_DIED',
      message: expect.stringContaining('exit code 3'),
    });
    expect(pidOf(await text({ model: model(), question: 'Q' }))).not.toBe(pid);
  });

  it('stops when its asker goes away, and keeps its model for the next', async () => {
    const pid = pidOf(await text({ model: model(), question: 'Q' }));
    await expect(t.client.generate({ model: model(), question: 'slow' }, AbortSignal.timeout(200))).rejects.toThrow();
    expect(pidOf(await text({ model: model(), question: 'Q' }))).toBe(pid);
  });

  it('is one of several where there are several devices: a question that comes meanwhile is answered beside it', async () => {
    const wide = await testServer({ devices: { cpuSlots: 2, env: { CUDA_VISIBLE_DEVICES: '' } } });
    const model = wide.config().model_name_or_path as string;
    const answering = async () =>
      (await wide.client.devices()).devices.flatMap(({ id, jobs }) =>
        jobs.filter(({ kind }) => kind === 'answer').map(({ pid }) => [id, pid]),
      );
    const leave = new AbortController();
    const slow = wide.client.generate({ model, question: 'slow' }, leave.signal).catch(() => 'left');
    const [[first]] = await until(async () => {
      const there = await answering();
      return there.length > 0 ? there : 'no process answers';
    });
    const ask = async (): Promise<number> => pidOf((await wide.client.generate({ model, question: 'Q' })).completions[0].text);
    const pid = await ask();
    expect(await answering()).toEqual(expect.arrayContaining([[first === 'cpu:0' ? 'cpu:1' : 'cpu:0', pid]]));
    expect(await ask()).toBe(pid); // that one answers nobody now, and has the model
    leave.abort();
    expect(await slow).toBe('left');
    await wide.close();
  });

  it('is cut off after its time', async () => {
    const hasty = await testServer({ generation: { timeout_ms: 500 } });
    const request = { model: hasty.config().model_name_or_path as string, question: 'slow' };
    await expect(hasty.client.generate(request)).rejects.toMatchObject({ code: 'GENERATE_TIMEOUT', http: 504 });
    await hasty.close();
  });

  it('ends when nobody has asked for a while, when a run wants the device, and with the server', async () => {
    const brief = await testServer({ generation: { idle_ms: 50 } });
    const ask = async (server: TestServer): Promise<number> => {
      const request = { model: server.config().model_name_or_path as string, question: 'Q' };
      return pidOf((await server.client.generate(request)).completions[0].text);
    };
    await gone(await ask(brief));
    await brief.close();

    const before = await ask(t);
    await stopped();
    await gone(before);

    const own = await testServer();
    const pid = await ask(own);
    expect(isAlive(pid)).toBe(true);
    await own.close();
    expect(isAlive(pid)).toBe(false);
  });

  it('does not outlive a server that is killed', async () => {
    const { home, model, remove } = makeHome();
    const child = spawn(process.execPath, [resolve(import.meta.dirname, 'fake-serve.ts'), home], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(createInterface(child.stdout), 'line');
    const client = await connectHome(home);
    const pid = pidOf((await client.generate({ model, question: 'Q' })).completions[0].text);
    const slow = client.generate({ model, question: 'slow' }).catch((error: unknown) => error);
    child.kill('SIGKILL');
    await gone(pid);
    expect(await slow).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    remove();
  });
});

it('a training process that dies while it is asked says so, and the run shows as interrupted', async () => {
  const { id } = await t.client.createRun(t.config(ENDLESS));
  await reached(t.client, id, 'running');
  await expect(t.client.generate({ run: id, question: 'die' })).rejects.toMatchObject({ code: 'GENERATE_WORKER_DIED' });
  await reached(t.client, id, 'interrupted');
});

it('a run goes on training when the asker has gone away', async () => {
  const { id } = await t.client.createRun(t.config(ENDLESS));
  await reached(t.client, id, 'running');
  await expect(t.client.generate({ run: id, question: 'slow' }, AbortSignal.timeout(300))).rejects.toThrow();
  const { step } = (await t.client.run(id)).summary;
  await until(async () => ((await t.client.run(id)).summary.step > step ? true : 'it stands still'));
});
