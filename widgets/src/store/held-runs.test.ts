import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { HeldRuns } from './held-runs.ts';
import { RunList } from './run-list.ts';

function held(runs: string[] = ['a', 'b', 'c']) {
  const connector = new FakeConnector({ runs: runs.map((id) => ({ id, steps: 3 })) });
  const host = { updates: 0, addController: () => {}, requestUpdate: () => void host.updates++ };
  return { connector, host, list: new RunList(connector), held: new HeldRuns(host) };
}

const loaded = (list: RunList, ...ids: string[]): Promise<unknown> => Promise.all(ids.map((id) => list.followed(id)!.load()));

it('holds the series of the runs it is told, in the order in which they came, and gives back the others', () => {
  const { list, held: one } = held();
  expect(one.hold(list, ['a', 'b'])).toBe(true);
  expect(one.hold(list, ['b', 'a'])).toBe(false);
  expect(one.all.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(one.hold(list, ['c', 'b'])).toBe(true);
  expect(one.all.map(({ id }) => id)).toEqual(['b', 'c']);
  expect([list.followed('a'), one.get('a'), one.first!.id]).toEqual([undefined, null, 'b']);
});

it('a change of a held series draws the host anew, one of a series given back does not', async () => {
  const { list, host, held: one } = held();
  const other = list.acquire('a'); // another view looks on
  one.hold(list, ['a']);
  await loaded(list, 'a');
  const { updates } = host;
  const revision = one.revision;
  other.apply({ kind: 'step', seq: 9, time: 0, step: 4, metrics: { reward: 1 }, groups: 0 });
  expect([host.updates, one.revision]).toEqual([updates + 1, revision + 1]);
  one.hold(list, []);
  other.apply({ kind: 'step', seq: 10, time: 0, step: 5, metrics: { reward: 1 }, groups: 0 });
  expect(host.updates).toBe(updates + 1);
});

it('another backend gets its own series; a host that leaves the page holds none', () => {
  const [first, second] = [held(), held()];
  first.held.hold(first.list, ['a']);
  const before = first.held.get('a');
  expect(first.held.hold(second.list, ['a'])).toBe(true);
  expect(first.held.get('a')).not.toBe(before);
  expect(first.list.followed('a')).toBeUndefined();
  first.held.hostDisconnected();
  expect([second.list.followed('a'), first.held.all]).toEqual([undefined, []]);
});
