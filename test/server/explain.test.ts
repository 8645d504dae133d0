/** POST /explain/...: which policy is asked, about which completion, and what is refused. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExplainTarget } from '../../kernel-bridge/src/protocol/explain.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer();
  const images = join(t.config().dataset_name as string, 'Images');
  mkdirSync(images);
  for (const name of ['0', '1', 'other'])
    await sharp({ create: { width: 56, height: 56, channels: 3, background: 'red' } }).toFile(join(images, `${name}.png`));
});
afterEach(() => t.close());

const rollout = (step: number, group = 0, completion = 0) => ({ step, group, completion });
/** What the fake says of who was asked and with which words. */
const asked = async (target: ExplainTarget): Promise<string> => (await t.client.explain.decision(target)).prompt.text;

/** A run of six steps with checkpoints at 2, 4 and 6. */
async function stopped(changes: Record<string, unknown> = {}): Promise<string> {
  const { id } = await t.client.createRun(t.config({ max_steps: 6, save_steps: 2, save_total_limit: 10, ...changes }));
  await reached(t.client, id, 'finished');
  return id;
}

describe('who is asked', () => {
  it('about a rollout: the policy nearest to the one that sampled it, which is named', async () => {
    const run = await stopped();
    // step 3 was sampled after two updates, step 4 after three, to which two checkpoints are as near: the earlier
    for (const [step, nearest] of [
      [1, 0],
      [2, 0],
      [3, 2],
      [4, 2],
      [6, 4],
    ] as const) {
      // prettier-ignore
      const found = await t.client.explain.decision({ run, rollout: rollout(step) });
      expect(found).toMatchObject({ run, step: nearest, wanted_step: step - 1, live: false });
      expect(found.prompt.text).toMatch(nearest === 0 ? /^model / : new RegExp(`^step-00000${nearest} `));
    }
  });

  it('the policy in training where it is nearer than any checkpoint, and the run goes on', async () => {
    // The model it began with is the only checkpoint, 20 steps of a fifth of a second away: the question has four seconds to arrive.
    const { id: run } = await t.client.createRun(t.config({ ...ENDLESS, learning_rate: 0.2 }));
    const last = await until(async () => {
      const { step } = (await t.client.run(run)).summary;
      return step >= 20 ? step : 'near the model it began with';
    });
    const found = await t.client.explain.alternatives({ run, rollout: rollout(last) });
    expect(found).toMatchObject({ live: true, wanted_step: last - 1, token_ids: [last, 0, 0] });
    expect(found.step).toBeGreaterThanOrEqual(last);
    expect(found.prompt.text).toMatch(new RegExp(`^step ${found.step}: `));
    await until(async () => ((await t.client.run(run)).summary.step > found.step! ? true : 'no further step'));
  });

  it('the newest policy where that is asked for, and where no rollout says otherwise', async () => {
    const run = await stopped();
    expect(await t.client.explain.decision({ run, rollout: rollout(1), policy: 'newest' })).toMatchObject({ step: 6, wanted_step: null });
    expect(await t.client.explain.decision({ run, item: 'item-1', token_ids: [1] })).toMatchObject({ step: 6, wanted_step: null });
    expect(await t.client.explain.decision({ run, item: 'item-1', token_ids: [1], step: 3 })).toMatchObject({ step: 2, wanted_step: 3 });
  });

  it('another checkpoint, named, where retention or a hand removed the nearest', async () => {
    const kept = await stopped({ save_total_limit: 1 });
    expect(await t.client.explain.decision({ run: kept, rollout: rollout(5) })).toMatchObject({ step: 6, wanted_step: 4 });
    const run = await stopped();
    const { checkpoints } = await t.client.run(run);
    rmSync(checkpoints[1].path, { recursive: true });
    expect(await t.client.explain.decision({ run, rollout: rollout(5) })).toMatchObject({ step: 2, wanted_step: 4 });
  });

  it('a model directory, about tokens that it is given', async () => {
    const model = t.config().model_name_or_path as string;
    const found = await t.client.explain.alternatives({ model, question: 'What? A) cyst, B) nodule', token_ids: [4, 5] });
    expect(found).toMatchObject({ run: null, step: null, live: false, token_ids: [4, 5], temperature: 1 });
    expect(found.prompt.text).toMatch(/as think evaluated$/);
  });
});

describe('what is asked about', () => {
  it('is the rollout with the words that were put, or the question anew with what is changed', async () => {
    const run = await stopped();
    const at = { run, rollout: rollout(6) };
    const own = await t.client.explain.decision(at);
    expect(own.prompt.text).toMatch(/: What is shown\? A\) cyst, B\) nodule as \{question\} trained$/);
    expect(own.token_ids).toEqual([6, 0, 0]);
    expect(own.options).toEqual([
      { letter: 'A', text: 'cyst', index: 0 },
      { letter: 'B', text: 'nodule', index: 1 },
    ]);
    expect(await asked({ ...at, variant: 'no-think' })).toMatch(/: What is shown\? as no-think trained$/);
    const turned = await t.client.explain.decision({ ...at, order: [1, 0] });
    expect(turned.options).toEqual([
      { letter: 'A', text: 'nodule', index: 1 },
      { letter: 'B', text: 'cyst', index: 0 },
    ]);
    const edited = await t.client.explain.decision({ ...at, text: '<think> other words' });
    expect([edited.token_ids, edited.asked_by]).toEqual([[], '<think> other words']);
    expect((await t.client.explain.attribution({ ...at, blank: true })).token.text).toBe('blank');
    expect(await asked({ ...at, image: 'Images/other.png' })).toMatch(/trained$/);
  });

  it('has the temperature that the run samples at, and options from the words of a question', async () => {
    const run = await stopped({ temperature: 0.7 });
    expect(await t.client.explain.alternatives({ run, rollout: rollout(6) })).toMatchObject({ temperature: 0.7 });
    expect(await t.client.explain.alternatives({ run, rollout: rollout(6), temperature: 1 })).toMatchObject({ temperature: 1 });
    const { options } = await t.client.explain.decision({ run, question: 'Which? A) a cell, B) 2.5 mm; C) none', text: 'B' });
    expect(options.map(({ text }) => text)).toEqual(['a cell', '2.5 mm', 'none']);
  });
});

describe('refused', () => {
  it.each([
    ['no completion', { question: 'Q' }, 'REQUEST_INVALID', 'it names no completion'],
    ['a rollout of no run', { run: undefined, model: 'm', rollout: rollout(1) }, 'REQUEST_INVALID', 'a rollout is one of a run'],
    ['a rollout with tokens', { rollout: rollout(1), token_ids: [1] }, 'REQUEST_INVALID', "a rollout's question and tokens are its own"],
    ['nothing at all', {}, 'REQUEST_INVALID', 'it names either an item or a question in words'],
    ['a step of the newest', { rollout: rollout(1), policy: 'newest', step: 1 }, 'REQUEST_INVALID', 'a step is that of the nearest policy'],
    ['a step that is not stored', { rollout: rollout(77) }, 'EXPLAIN_COMPLETION', 'no completion 0 of group 0 at step 77'],
    ['a completion that is not stored', { rollout: rollout(1, 0, 99) }, 'EXPLAIN_COMPLETION', 'no completion 99'],
    ['options left out', { rollout: rollout(1), order: [1] }, 'EXPLAIN_ORDER', 'the question has the options 0, 1'],
    ['options twice', { rollout: rollout(1), order: [1, 1] }, 'EXPLAIN_ORDER', 'does not name each option once'],
    ['an image that is gone', { rollout: rollout(1), image: 'Images/gone.png' }, 'DATA_IMAGE', 'Images/gone.png'],
    ['an image elsewhere', { rollout: rollout(1), image: '../secret.png' }, 'DATA_IMAGE', 'secret.png'],
    ['an image of its own that is gone', { rollout: rollout(1), text: 'image gone' }, 'DATA_IMAGE', 'Images/'],
    ['a key that is not known', { rollout: rollout(1), layer: 3 }, 'REQUEST_INVALID', 'layer'],
  ])('%s', async (_, changes, code, message) => {
    const run = await stopped({ max_steps: 1, save_steps: 1 });
    const target = { run, ...changes } as ExplainTarget;
    if (target.text === 'image gone') rmSync(join(t.config().dataset_name as string, 'Images'), { recursive: true });
    await expect(t.client.explain.decision(target)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('more questions at a time than are taken; those that are withdrawn make room', async () => {
    const model = t.config().model_name_or_path as string;
    const ask = (signal?: AbortSignal): Promise<unknown> => t.client.explain.decision({ model, question: 'slow', text: 'A' }, signal);
    const stop = new AbortController();
    const many = Promise.allSettled(Array.from({ length: 24 }, () => ask(stop.signal)));
    await until(async () => {
      const one = await ask(AbortSignal.timeout(1000)).catch((error: unknown) => error);
      return (one as { code: string }).code === 'GENERATE_BUSY' ? true : 'not busy yet';
    });
    stop.abort();
    await many;
    await until(async () =>
      t.client.explain
        .decision({ model, question: 'Q', text: 'A' })
        .then(() => true as const)
        .catch(String),
    );
  });

  it('ten people at once are all answered, in turn', async () => {
    const run = await stopped();
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => asked({ run, rollout: rollout((i % 6) + 1) })));
    expect(all).toHaveLength(10);
  });
});
