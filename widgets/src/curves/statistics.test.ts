import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { RunStatistics } from './statistics.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function made() {
  const connector = new FakeConnector({ runs: [{ id: 'a', steps: 5 }] });
  const statistics = new RunStatistics(connector);
  const asked = () => connector.calls.filter(([name]) => name === 'search.statistics').length;
  return { connector, statistics, asked };
}

it('asks once for a run that stands still, and again after a while for one that goes on', async () => {
  const { statistics, asked } = made();
  statistics.want([{ id: 'a', lastStep: 0 }]);
  expect(asked()).toBe(0); // nothing to tell yet
  statistics.want([{ id: 'a', lastStep: 5 }]);
  statistics.want([{ id: 'a', lastStep: 5 }]);
  await vi.advanceTimersByTimeAsync(0);
  expect(statistics.of('a')!.columns).toHaveLength(5);
  statistics.want([{ id: 'a', lastStep: 5 }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked()).toBe(1);
  statistics.want([{ id: 'a', lastStep: 6 }]);
  statistics.want([{ id: 'a', lastStep: 7 }]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked()).toBe(2);
});

it('asks again while steps are being read, and no more when nobody looks', async () => {
  const { connector, statistics, asked } = made();
  const whole = connector.search.statistics;
  connector.search.statistics = async (...args) => ({ ...(await whole(...args)), complete: false });
  statistics.want([{ id: 'a', lastStep: 5 }]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(asked()).toBeGreaterThan(2);
  statistics.dispose();
  const before = asked();
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked()).toBe(before);
});

it('what came before stays when a look fails', async () => {
  const { connector, statistics } = made();
  statistics.want([{ id: 'a', lastStep: 5 }]);
  await vi.advanceTimersByTimeAsync(0);
  connector.options.failure = { code: 'X', message: '', remedy: '' };
  statistics.want([{ id: 'a', lastStep: 6 }]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(statistics.of('a')!.columns).toHaveLength(5);
});

it('a first look that fails is repeated after a while', async () => {
  const { connector, statistics } = made();
  connector.options.failure = { code: 'X', message: '', remedy: '' };
  statistics.want([{ id: 'a', lastStep: 5 }]);
  await vi.advanceTimersByTimeAsync(0);
  statistics.want([{ id: 'a', lastStep: 5 }]); // the view, which was told
  connector.options.failure = undefined;
  await vi.advanceTimersByTimeAsync(5000);
  expect(statistics.of('a')!.columns).toHaveLength(5);
});
