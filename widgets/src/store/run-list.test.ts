import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { Workbench } from './workbench.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = { code: 'X', message: 'No answer.', remedy: 'Restart it.' };
const ids = (workbench: Workbench) => workbench.runs.state.value.runs.map(({ id }) => id);

it('holds the runs newest first and follows their changes', async () => {
  const connector = new FakeConnector({
    runs: [
      { id: 'a', steps: 3 },
      { id: 'b', steps: 3 },
    ],
  });
  const workbench = new Workbench(connector);
  await workbench.start();
  expect(ids(workbench)).toEqual(['b', 'a']);
  connector.step('a');
  expect(workbench.runs.get('a')?.step).toBe(4);
  connector.tellRuns({ removed: 'b' });
  expect(ids(workbench)).toEqual(['a']);
  workbench.dispose();
});

it('a list that is older than what was told meanwhile does not undo it', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 5, state: 'running' }] });
  const workbench = new Workbench(connector);
  await workbench.start();
  const before = workbench.runs.get('a')!;
  const again = workbench.runs.start();
  connector.tellRuns({ summary: { ...before, state: 'finished', seq: before.seq + 1 } });
  await again;
  expect(workbench.runs.get('a')!.state).toBe('finished');
  workbench.dispose();
});

it('an older summary that arrives late changes nothing', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 5 }] });
  const workbench = new Workbench(connector);
  await workbench.start();
  workbench.runs.apply({ summary: { ...workbench.runs.get('a')!, step: 2, seq: 2 } });
  expect(workbench.runs.get('a')?.step).toBe(5);
  workbench.dispose();
});

it('says when the backend is down and comes back by itself', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a' }], failure });
  const workbench = new Workbench(connector);
  await workbench.start();
  expect(workbench.runs.state.value).toMatchObject({ status: 'error', error: failure });
  connector.options.failure = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(workbench.runs.state.value).toMatchObject({ status: 'ready', error: null });
  workbench.dispose();
});

it('runs that could not be read are read again once the backend is back', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 3 }], failure });
  const workbench = new Workbench(connector);
  await workbench.start();
  const series = workbench.runs.acquire('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(series.status).toBe('error');
  connector.options.failure = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(series.status).toBe('ready');
  workbench.dispose();
});

it('tries less and less often while the backend stays away', async () => {
  const connector = new FakeConnector({ failure });
  const workbench = new Workbench(connector);
  await workbench.start();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(connector.calls.filter(([name]) => name === 'runs').length).toBeLessThan(10);
  workbench.dispose();
});

it('looks again when the line is back, for what happened meanwhile', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 3 }] });
  const workbench = new Workbench(connector);
  await workbench.start();
  connector.connection.set('connecting');
  connector.options.runs!.push({ id: 'b' });
  connector.connection.set('open');
  await vi.advanceTimersByTimeAsync(0);
  expect(ids(workbench)).toContain('b');
  workbench.dispose();
});

it('views share one series of a run, and the last to leave ends its subscription', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 3 }] });
  const workbench = new Workbench(connector);
  const first = workbench.runs.acquire('a');
  expect(workbench.runs.acquire('a')).toBe(first);
  await vi.advanceTimersByTimeAsync(0);
  expect(connector.followers('a')).toBe(1);
  workbench.runs.release('a');
  expect(connector.followers('a')).toBe(1);
  workbench.runs.release('a');
  expect(connector.followers('a')).toBe(0);
});

it('chooses the newest run when none was chosen, and never overrules a choice', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a' }, { id: 'b' }] });
  const fresh = new Workbench(connector);
  await fresh.start();
  expect(fresh.selection.value.runs).toEqual(['b']);
  const chosen = new Workbench(connector);
  chosen.selection.move({ runs: ['a'] });
  await chosen.start();
  expect(chosen.selection.value.runs).toEqual(['a']);
  connector.tellRuns({ removed: 'a' });
  expect(chosen.selection.value.runs).toEqual(['b']);
  fresh.dispose();
  chosen.dispose();
});
