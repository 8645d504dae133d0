/** Evaluations through the server: queued, followed, stopped, resumed, compared; the process that evaluates dies with its server. */
import { resolve } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalDirectory } from '../../kernel-bridge/src/evals/evals.ts';
import { EvalStore } from '../../kernel-bridge/src/evals/store.ts';
import type { EvalsEvent } from '../../kernel-bridge/src/client/index.ts';
import {
  AnswerPage,
  EvalComparison,
  EvalDetail,
  EvalMatrices,
  EvalSummary,
  type CreateEval,
  type EvalState,
} from '../../kernel-bridge/src/protocol/evals.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

const evaluationModule = resolve(import.meta.dirname, 'fake-evaluation.ts');
let t: TestServer;
beforeAll(async () => {
  t = await testServer({ evaluationModule });
});
afterAll(() => t.close());

const request = (changes: Partial<CreateEval> = {}): CreateEval => ({
  model: t.config().model_name_or_path as string,
  dataset: 'made',
  split: 'modality/test',
  ...changes,
});
const ended = (id: string, ...states: EvalState[]) =>
  until(async () => {
    const { summary } = await t.client.evals.get(id);
    return states.includes(summary.state) ? summary : `it is ${summary.state} after ${summary.done} of ${summary.total}`;
  });
const made = async (changes: Partial<CreateEval> = {}): Promise<string> => {
  const { id } = await t.client.evals.start(request(changes));
  await ended(id, 'finished');
  return id;
};

describe('an evaluation', () => {
  it('is started, followed over the websocket, and read with tables and answers', async () => {
    const seen: EvalsEvent[] = [];
    const stop = t.client.subscribe('evals', {}, (event) => seen.push(event));
    await until(() => (t.client.status === 'open' ? true : 'the socket opens'));
    const id = await made({ controls: ['options-permuted', 'option-prior'] });
    const detail = await t.client.evals.get(id);
    expect(Value.Errors(EvalDetail, detail)).toEqual([]);
    expect(detail.summary).toMatchObject({ state: 'finished', done: 12, total: 12, strict: { right: 4, total: 4 } });
    expect(detail.report.controls['options-permuted']!.follows.strict).toMatchObject({ letter: { right: 4 }, text: { right: 0 } });
    const page = await t.client.evals.answers(id, { filter: 'right', limit: 2, offset: 1 });
    expect(Value.Check(AnswerPage, page)).toBe(true);
    expect(page).toMatchObject({ total: 4, answers: [{ item: { id: 'item-1' } }, { item: { id: 'item-2' } }] });
    await until(() => (seen.some((event) => 'summary' in event && event.summary.state === 'finished') ? true : 'the end is told'));
    expect(seen.every((event) => 'summary' in event && Value.Check(EvalSummary, event.summary))).toBe(true);
    stop();
  });

  it('asked for again is the stored one, and nothing is answered twice', async () => {
    const first = await made({ seed: 7 });
    expect(await made({ seed: 7 })).toBe(first);
    expect(await made({ seed: 7, anew: true })).not.toBe(first);
  });

  it('waits for the one before it, stops after its batch and goes on where it was', async () => {
    const slow = await t.client.evals.start(request({ prompt_template: 'slow {question}', batch_size: 1 }));
    const waits = await t.client.evals.start(request({ prompt_template: 'slow too {question}', batch_size: 1 }));
    await until(async () => {
      const { summary } = await t.client.evals.get(slow.id);
      return summary.done > 0 ? true : 'its first answer';
    });
    expect((await t.client.evals.get(waits.id)).summary.state).toBe('queued');
    expect((await t.client.evals.action(waits.id, { action: 'stop' })).state).toBe('stopped');
    await t.client.evals.action(slow.id, { action: 'stop' });
    const stopped = await ended(slow.id, 'stopped');
    expect(stopped.done).toBeLessThan(4);
    await t.client.evals.action(slow.id, { action: 'resume' });
    expect((await ended(slow.id, 'finished')).done).toBe(4);
    using store = EvalStore.open(evalDirectory(t.home, slow.id));
    expect(store.answers().map(({ item }) => item.id)).toEqual(['item-0', 'item-1', 'item-2', 'item-3']);
  });

  it('is moved in the queue, held and let go', async () => {
    const run = await t.client.createRun(t.config({ ...ENDLESS, exclusive: true }));
    await reached(t.client, run.id, 'running');
    const start = async (seed: number) => (await t.client.evals.start(request({ seed }))).id;
    const [a, b, c] = [await start(21), await start(22), await start(23)];
    const queue = async () => (await t.client.devices()).queue.map(({ id, held }) => (held ? `${id} held` : id));
    expect(await queue()).toEqual([a, b, c]);
    await t.client.evals.moveInQueue(c, { before: a });
    await t.client.evals.moveInQueue(a, { before: null, held: true });
    expect(await queue()).toEqual([c, b, `${a} held`]);
    await expect(t.client.evals.moveInQueue(b, { before: run.id })).rejects.toMatchObject({ code: 'EVAL_CONFLICT' }); // no evaluation
    await t.client.action(run.id, 'stop');
    for (const id of [c, b]) await ended(id, 'finished');
    expect((await t.client.evals.get(a)).summary.state).toBe('queued'); // the device is free, and it is held
    await expect(t.client.evals.moveInQueue(b, { held: true })).rejects.toMatchObject({ code: 'EVAL_CONFLICT' });
    await t.client.evals.moveInQueue(a, { held: false });
    await ended(a, 'finished');
  });

  it('is compared with others, laid out as matrices, exported and moved to the trash', async () => {
    const [a, b] = [await made({ seed: 1 }), await made({ seed: 2 })];
    const comparison = await t.client.evals.compare({ ids: [a, b] });
    expect(Value.Check(EvalComparison, comparison)).toBe(true);
    expect(comparison).toMatchObject({ items: 4, pairs: [{ a, b, strict: { both: 4, p: 1 } }] });
    const table = await (await t.client.evals.compareTable({ ids: [a, b] })).text();
    expect(table.trim().split('\n')).toHaveLength(5);
    await expect(t.client.evals.compare({ ids: [a, 'nobody'] })).rejects.toMatchObject({ code: 'EVAL_UNKNOWN' });
    expect(await t.client.evals.answers(a, { filter: 'flips', against: b })).toEqual({ answers: [], total: 0 });
    const page = await t.client.evals.answers(a, { against: b, beside: [b] });
    expect(Object.keys(page.answers[0].others)).toEqual([b]);
    expect(await t.client.evals.answers(a, { filter: 'split', beside: [b] })).toEqual({ answers: [], total: 0 });
    const matrix = await t.client.evals.matrix({ kind: 'modality' });
    expect(Value.Check(EvalMatrices, matrix)).toBe(true);
    expect(matrix.matrices).toEqual([]); // none is a checkpoint's
    const { trash } = await t.client.evals.remove(a);
    expect(trash).toContain(a);
    expect((await t.client.evals.list()).map(({ id }) => id)).not.toContain(a);
  });

  it('has samples drawn when it is asked for again with them, and a comparison tells what majorities are worth', async () => {
    const [a, b] = [await made({ seed: 11 }), await made({ seed: 12 })];
    const before = await t.client.evals.compare({ ids: [a, b] });
    expect(before.votes).toEqual([null, null]);
    expect(await made({ seed: 11, samples: 3, temperature: 0.5 })).toBe(a);
    const { summary } = await t.client.evals.get(a);
    expect(summary).toMatchObject({ samples: { wanted: 3, done: 12, total: 12, temperature: 0.5 }, done: 16, total: 16 });
    const { votes } = await t.client.evals.compare({ ids: [a, b] });
    expect(votes[0]).toMatchObject({
      samples: 3,
      questions: 4,
      temperature: 0.5,
      by_count: [{ n: 1, tokens: 5 }, { n: 2 }, { n: 3, tokens: 15 }],
    });
    expect(votes[1]).toBeNull();
    await expect(t.client.evals.start(request({ seed: 11, samples: 4, temperature: 1 }))).rejects.toMatchObject({
      code: 'EVAL_SAMPLES',
      http: 409,
    });
    for (const wrong of [{ samples: 65 }, { samples: -1 }, { samples: 2, temperature: 0 }])
      await expect(t.client.evals.start(request({ seed: 11, ...wrong }))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('that has just ended is moved to the trash although its process is still leaving', async () => {
    const id = await made({ prompt_template: 'lingers {question}' });
    expect((await t.client.evals.remove(id)).trash).toContain(id);
  });
});

describe('refused', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['a model that is not there', () => t.client.evals.start(request({ model: '/nowhere' })), 'MODEL_MISSING'],
    ['a model and a run at once', () => t.client.evals.start(request({ run: '20260101-000000-aaaa' })), 'EVAL_MODEL'],
    ['a run that is not there', () => t.client.evals.start(request({ model: undefined, run: '20260101-000000-aaaa' })), 'RUN_UNKNOWN'],
    ['an unknown key', () => t.client.evals.start({ ...request(), modle: 'x' } as CreateEval), 'REQUEST_INVALID'],
    ['an unknown control', () => t.client.evals.start(request({ controls: ['blank' as 'text-only'] })), 'REQUEST_INVALID'],
    ['an evaluation that is not there', () => t.client.evals.get('20260101-000000-aaaa'), 'EVAL_UNKNOWN'],
    ['a path for an id', () => t.client.evals.get('../runs'), 'EVAL_UNKNOWN'],
    ['a comparison of one', () => t.client.evals.compare({ ids: ['20260101-000000-aaaa'] }), 'EVAL_UNKNOWN'],
  ])('%s', async (_, ask, code) => {
    const before = (await t.client.evals.list()).length;
    await expect(ask()).rejects.toMatchObject({ code });
    expect(await t.client.evals.list()).toHaveLength(before);
  });

  it('flips without the other evaluation, and filters that there are none of', async () => {
    const id = await made();
    await expect(t.client.evals.answers(id, { filter: 'flips' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(t.client.evals.answers(id, { filter: 'split' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(t.client.evals.answers(id, { beside: Array(17).fill(id) })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(t.client.evals.answers(id, { filter: 'odd' as 'all' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});

it('when the server stops, the evaluation ends as interrupted and a new server resumes it', async () => {
  const first = await testServer({ evaluationModule });
  const model = first.config().model_name_or_path as string;
  const { id } = await first.client.evals.start({
    ...{ model, dataset: 'made', split: 'modality/test', prompt_template: 'slow {question}', batch_size: 1 },
  });
  await until(async () => ((await first.client.evals.get(id)).summary.done > 0 ? true : 'its first answer'));
  await first.server.close();
  {
    using store = EvalStore.open(evalDirectory(first.home, id));
    expect(store.row().state).toBe('interrupted');
  }
  const second = await testServer({ home: first.home, evaluationModule });
  await second.client.evals.action(id, { action: 'resume' });
  await until(async () => ((await second.client.evals.get(id)).summary.state === 'finished' ? true : 'it finishes'));
  await second.close();
  await first.close();
});
