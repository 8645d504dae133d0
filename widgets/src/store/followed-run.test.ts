import { describe, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { FollowedRun } from './followed-run.ts';

async function loaded(steps = 5) {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps }] });
  const run = new FollowedRun(connector, 'a');
  await run.load();
  return { connector, run };
}
const base = { seq: 9, time: 1000 };

it('holds what was logged and then every step that is told', async () => {
  const { connector, run } = await loaded();
  connector.step('a');
  expect(run.steps).toEqual([1, 2, 3, 4, 5, 6]);
  expect(run.metrics.get('reward')).toHaveLength(6);
});

it('a step told twice is there once', async () => {
  const { run } = await loaded();
  const event = { ...base, kind: 'step' as const, step: 5, metrics: { reward: 9 }, groups: 0 };
  run.apply(event);
  expect(run.steps).toHaveLength(5);
  expect(run.last('reward')).not.toBe(9);
});

it('a metric that appears later, or is left out once, is missing elsewhere', async () => {
  const { run } = await loaded(2);
  run.apply({ ...base, kind: 'step', step: 3, metrics: { reward: 1, fresh: 7 }, groups: 0 });
  run.apply({ ...base, kind: 'step', step: 4, metrics: { reward: 2 }, groups: 0 });
  expect(run.metrics.get('fresh')).toEqual([null, null, 7, null]);
  expect(run.metrics.get('kl')!.slice(2)).toEqual([null, null]);
  expect(run.last('fresh')).toBe(7);
});

it('an evaluation belongs to its step', async () => {
  const { run } = await loaded(3);
  run.apply({ ...base, kind: 'evaluation', step: 2, metrics: { eval_accuracy: 0.5 } });
  expect(run.metrics.get('eval_accuracy')).toEqual([null, 0.5, null]);
});

it('a reward edit is marked with its difference once it is in force', async () => {
  const { run } = await loaded(10);
  const edit = { revision: 2, weights: { accuracy: 1, format: 0.2 }, sources: {}, reason: 'learnt', author: '', created_at: 0 };
  run.revise({ ...edit, step: null });
  expect(run.marks).toHaveLength(0);
  run.apply({ ...base, kind: 'rewards', step: 11, revision: { ...edit, step: 11 }, previous: { accuracy: 1, format: 1 } });
  expect(run.revisions.at(-1)?.step).toBe(11);
  expect(run.marks).toMatchObject([{ kind: 'rewards', step: 11, detail: 'format 1 → 0.2. learnt' }]);
});

it('a value that no chart can draw is marked at its step, all of a step together', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 5 }] });
  const table = await connector.metrics('a');
  connector.metrics = () => Promise.resolve({ ...table, non_finite: { loss: [[3, 'NaN']], kl: [[3, 'Infinity']] } });
  const run = new FollowedRun(connector, 'a');
  await run.load();
  expect(run.marks).toMatchObject([{ kind: 'alert', step: 3, time: table.time[2], detail: 'loss NaN, kl Infinity' }]);
});

it('alerts and pauses of before stand on the curves too, those of later come by the log', async () => {
  const alert = { kind: 'alert' as const, step: 3, time: 1, code: 'KL', message: 'KL rises fast', remedy: 'Lower the learning rate.' };
  const events = [
    { ...alert, seq: 3 },
    { kind: 'state' as const, seq: 4, time: 2, step: 4, state: 'paused' as const, error: null },
    { kind: 'state' as const, seq: 5, time: 3, step: 4, state: 'running' as const, error: null },
    { ...alert, seq: 99, step: 80 },
  ];
  const run = new FollowedRun(new FakeConnector({ runs: [{ id: 'a', steps: 5 }], events }), 'a');
  await run.load();
  expect(run.marks.map(({ kind, step, title }) => [kind, step, title])).toEqual([
    ['alert', 3, 'KL rises fast'],
    ['pause', 4, 'paused'],
  ]);
});

it('the answer to an edit that comes after its event does not undo it', async () => {
  const { run } = await loaded(10);
  const edit = { revision: 2, weights: { accuracy: 1, format: 0.2 }, sources: {}, reason: '', author: '', created_at: 0 };
  run.apply({ ...base, kind: 'rewards', step: 11, revision: { ...edit, step: 11 }, previous: { accuracy: 1, format: 1 } });
  run.revise({ ...edit, step: null });
  expect(run.revisions.filter(({ revision }) => revision === 2)).toMatchObject([{ step: 11 }]);
});

it('a run that cannot be read says why, and can be read later', async () => {
  const { connector, run } = await loaded();
  connector.options.failure = { code: 'X', message: 'gone', remedy: 'wait' };
  await run.load();
  expect(run).toMatchObject({ status: 'error', error: { message: 'gone' } });
  connector.options.failure = undefined;
  await run.load();
  expect(run.status).toBe('ready');
  expect(connector.followers('a')).toBe(1);
});

it('read anew before the first answer came, it takes the last answer alone and follows once', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 5 }] });
  const { run: read } = connector;
  const held = Promise.withResolvers<void>();
  const signals: (AbortSignal | undefined)[] = [];
  connector.run = async (id: string, signal?: AbortSignal) => {
    signals.push(signal);
    if (signals.length === 1) await held.promise;
    const detail = await read(id);
    return { ...detail, summary: { ...detail.summary, name: `answer ${signals.indexOf(signal) + 1}` } };
  };
  const run = new FollowedRun(connector, 'a');
  const first = run.load();
  expect(run.status).toBe('loading');
  await run.load();
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
  held.resolve();
  await first;
  expect(run).toMatchObject({ status: 'ready', name: 'answer 2' });
  expect(connector.followers('a')).toBe(1);
  const again = run.load();
  expect(run.status).toBe('ready');
  await again;
});

it('follows no more once it is disposed', async () => {
  const { connector, run } = await loaded();
  run.dispose();
  expect(connector.followers('a')).toBe(0);
});

describe('a long run that was read thinned', () => {
  const every = (connector: FakeConnector, gap: number) => {
    const whole = connector.table({ id: 'a', steps: 1000, total: 1000 });
    const rows = (keep: (step: number) => boolean) => {
      const at = whole.step.flatMap((step, index) => (keep(step) ? [index] : []));
      const pick = <T>(column: T[]): T[] => at.map((index) => column[index]);
      const metrics = Object.fromEntries(Object.entries(whole.metrics).map(([name, column]) => [name, pick(column)]));
      return { ...whole, step: pick(whole.step), time: pick(whole.time), metrics };
    };
    connector.metrics = vi.fn((_id: string, { from = 0, to = Infinity }: { from?: number; to?: number } = {}) =>
      Promise.resolve(rows((step) => step >= from && step <= to && (from > 0 || step % gap === 0))),
    );
    return whole;
  };

  it('gets what was left out of the stretch that is zoomed to, once, and keeps the rest', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 1000, total: 1000 }] });
    const whole = every(connector, 10);
    const run = new FollowedRun(connector, 'a');
    await run.load();
    expect(run.steps).toHaveLength(100);
    await run.refine(200, 300);
    await run.refine(210, 290);
    expect(connector.metrics).toHaveBeenCalledTimes(2);
    expect(run.steps).toHaveLength(100 + 90);
    expect(run.steps).toEqual([...run.steps].sort((a, b) => a - b));
    for (const [name, column] of run.metrics) {
      expect(column).toHaveLength(run.steps.length);
      expect(column[run.steps.indexOf(255)]).toBe(whole.metrics[name][254]);
      expect(column.at(-1)).toBe(whole.metrics[name][999]);
    }
    run.apply({ kind: 'step', seq: 1001, time: 0, step: 1001, metrics: { reward: 1 }, groups: 1 });
    expect(run.last('reward')).toBe(1);
  });

  it('drops a stretch of a log that was replaced meanwhile', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 1000, total: 1000 }] });
    every(connector, 10);
    const run = new FollowedRun(connector, 'a');
    await run.load();
    const { metrics } = connector;
    connector.metrics = async (...args) => ({ ...(await metrics(...args)), epoch: 'another' });
    await run.refine(200, 300);
    expect(run.steps).toHaveLength(100);
  });

  it('asks for nothing where every step is there, and again after a failure', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 1000, total: 1000 }] });
    every(connector, 10);
    const run = new FollowedRun(connector, 'a');
    await run.load();
    const { metrics } = connector;
    connector.metrics = () => Promise.reject(new Error('no answer'));
    await run.refine(200, 300);
    expect(run.steps).toHaveLength(100);
    connector.metrics = metrics;
    await run.refine(200, 300);
    await run.refine(220, 260);
    expect(run.steps).toHaveLength(190);
    expect(connector.metrics).toHaveBeenCalledTimes(2);
  });
});
