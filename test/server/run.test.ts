import { copyFileSync, rmSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../kernel-bridge/src/protocol/run.ts';
import { rewardAt } from './fake-trainer.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer();
});
afterEach(() => t.close());

describe('a run from start to end', () => {
  it('writes checkpoints at a share of its steps, and keeps all of them where no limit is set', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 10, save_steps: 0.25, save_total_limit: null }));
    await reached(t.client, id, 'finished');
    expect((await t.client.run(id)).checkpoints.map(({ step }) => step)).toEqual([3, 6, 9, 10]); // ceil(0.25 x 10) = 3
  });

  it('trains in a worker process and leaves every step, rollout and event in the store', async () => {
    const { id } = await t.client.createRun(t.config());
    const summary = await reached(t.client, id, 'finished');
    expect(summary).toMatchObject({ step: 5, total_steps: 5, reward: rewardAt(5, 1), device: 'fake', error: null });

    const table = await t.client.metrics(id);
    expect(table.step).toEqual([1, 2, 3, 4, 5]);
    expect(table.metrics.reward).toEqual([1, 2, 3, 4, 5].map((step) => rewardAt(step, 1)));
    expect(table.metrics.kl[0]).toBeNull();

    const { groups, steps } = await t.client.groups(id, { step: 3 });
    expect(steps).toEqual([1, 5]);
    expect(groups).toHaveLength(2);
    expect(groups[1].completions[2]).toMatchObject({
      token_ids: [3, 1, 2],
      advantage: 0.5,
      text: '<think> step 3 </think> <answer> A </answer>',
    });
    expect(groups[1].completions[2].logprobs[0]).toBeCloseTo(-0.1, 6);

    const { events } = await t.client.events(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    const states = events.filter((event) => event.kind === 'state').map((event) => event.state);
    expect(states).toEqual(['queued', 'starting', 'running', 'finished']);
    expect((await t.client.run(id)).checkpoints).toMatchObject([{ step: 5, reason: 'final', pinned: true }]);
  });

  it('records the steps of trace_steps and no other, with their commit', async () => {
    const { id } = await t.client.createRun(t.config({ trace_steps: [2, 4] }));
    expect(await reached(t.client, id, 'finished', 'failed')).toMatchObject({ state: 'finished', step: 5 });
    const directory = join(runDirectory(t.home, id), 'traces');
    expect((await readdir(directory)).sort()).toEqual(['step-2.json', 'step-4.json']);
    const { traceEvents } = JSON.parse(await readFile(join(directory, 'step-4.json'), 'utf8')) as {
      traceEvents: { cat?: string; name: string }[];
    };
    const spans = traceEvents.filter(({ cat }) => cat === 'user_annotation').map(({ name }) => name);
    expect(spans).toEqual(['step 4', 'commit']);
  });

  it('is trained without the traces that cannot be written', async () => {
    const { id } = await t.client.createRun({ ...t.config({ trace_steps: [2] }) }, { start: false });
    await writeFile(join(runDirectory(t.home, id), 'traces'), 'no folder');
    await t.client.action(id, 'start');
    expect(await reached(t.client, id, 'finished', 'failed')).toMatchObject({ state: 'finished', step: 5 });
  });

  it('can be kept as a file: metrics as CSV, rollouts as JSON lines', async () => {
    const { id } = await t.client.createRun(t.config());
    await reached(t.client, id, 'finished');
    const get = (url: string) => fetch(url, { headers: { authorization: `Bearer ${t.server.secret}` } });
    const csv = await get(t.client.exportUrl(id, 'csv'));
    expect(csv.headers.get('content-disposition')).toBe(`attachment; filename="${id}.csv"`);
    const [head, ...rows] = (await csv.text()).trimEnd().split('\n');
    expect(head).toMatch(/^step,time_ms,.*"reward"/);
    expect(rows.map((row) => Number(row.split(',')[0]))).toEqual([1, 2, 3, 4, 5]);
    const lines = (await (await get(t.client.exportUrl(id, 'jsonl'))).text()).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    const refused = await get(t.client.exportUrl(id, 'csv').replace('csv', 'exe'));
    expect([refused.status, ((await refused.json()) as { message: string }).message]).toEqual([400, expect.stringContaining('csv, jsonl')]);
  });

  it('gives the texts of the tokens that a group stored, and says what is missing where it cannot', async () => {
    const config = t.config();
    const { id } = await t.client.createRun(config);
    await reached(t.client, id, 'finished');
    rmSync(join(config.model_name_or_path as string, 'tokenizer.json'));
    await expect(t.client.tokenTexts(id, { step: 3, group: 1 })).rejects.toMatchObject({ code: 'TOKENIZER_MISSING', http: 404 });
    const tokenizer = resolve(import.meta.dirname, '../../examples/sample/model/tokenizer.json');
    copyFileSync(tokenizer, join(config.model_name_or_path as string, 'tokenizer.json'));
    const { vocab } = (JSON.parse(readFileSync(tokenizer, 'utf8')) as { model: { vocab: Record<string, number> } }).model;
    const word = (token: number): string => Object.keys(vocab).find((text) => vocab[text] === token)!;
    expect(await t.client.tokenTexts(id, { step: 3, group: 1 })).toEqual([0, 1, 2, 3].map((index) => [word(3), word(1), word(index)]));
    await expect(t.client.tokenTexts(id, { step: 3, group: 7 })).rejects.toMatchObject({
      code: 'GROUP_UNKNOWN',
      message: expect.stringContaining('group 7'),
    });
  });

  it('reaches a subscriber live, each event once and in order', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 20, learning_rate: 0.01 }), { start: false });
    const seen: RunEvent[] = [];
    t.client.subscribe(`run:${id}`, { since: 0 }, (event) => seen.push(event));
    await t.client.action(id, 'start');
    await until(() => (seen.some((event) => event.kind === 'state' && event.state === 'finished') ? true : 'not finished'));
    const { events } = await t.client.events(id);
    expect(seen).toEqual(events);
  });

  it('pauses, takes a checkpoint, changes weights, resumes and stops between steps', async () => {
    const { id } = await t.client.createRun(t.config(ENDLESS));
    await until(async () => ((await t.client.run(id)).summary.step > 0 ? true : 'no step')); // before the first there is nothing to write
    await t.client.action(id, 'pause');
    const paused = await reached(t.client, id, 'paused');
    const revision = await t.client.editRewards(id, { weights: { accuracy: 3 }, reason: 'try', base_revision: 1 });
    expect(revision).toMatchObject({ revision: 2, step: null, weights: { accuracy: 3, format: 1 } });
    await t.client.action(id, 'checkpoint');
    await until(async () => ((await t.client.run(id)).checkpoints.some(({ reason }) => reason === 'requested') ? true : 'no checkpoint'));
    await t.client.action(id, 'resume');
    await until(async () => ((await t.client.run(id)).summary.step > paused.step + 2 ? true : 'no step'));
    await t.client.action(id, 'stop');
    const { step } = await reached(t.client, id, 'stopped');

    const { events } = await t.client.events(id);
    const edit = events.findIndex((event) => event.kind === 'rewards' && event.revision.revision === 2);
    expect(events[edit]).toMatchObject({ step: paused.step + 1, previous: { accuracy: 1, format: 1 } });
    expect(events[edit + 1]).toMatchObject({ kind: 'step', step: paused.step + 1 });
    const table = await t.client.metrics(id, { names: ['reward'] });
    expect(table.metrics.reward).toEqual(table.step.map((s) => rewardAt(s, s > paused.step ? 3 : 1)));
    expect((await t.client.run(id)).checkpoints.at(-1)).toMatchObject({ step, reason: 'stopped' });
  });
});
