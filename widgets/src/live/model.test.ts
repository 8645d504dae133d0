import { expect, it } from 'vitest';
import { FakeModel, groupPart, imagePart, opening, pointsPart, runPart } from '../../testing/fake-live.ts';
import { BUSY_MS, LiveModel, pictureKey } from './model.ts';

function opened(now = () => 0) {
  const host = new FakeModel();
  const live = new LiveModel(host, now);
  const close = live.open();
  return { host, live, close };
}

it('asks for everything when it opens, listens, and lets go of the host when it closes', () => {
  const { host, close } = opened();
  expect(host.sent).toMatchObject([{ type: 'ready' }]);
  expect(host.listeners).toBe(1);
  close();
  expect(host.listeners).toBe(0);
  expect(host.sent.at(-1)).toMatchObject({ type: 'gone', page: host.sent[0].page });
});

it('builds a run from what comes, in pieces, and a reset begins anew', () => {
  const { host, live } = opened();
  host.tell([{ part: 'reset', run: 'r1' }, runPart(), pointsPart(1, 10)]);
  host.tell([pointsPart(11, 5)]);
  const { series } = live.runs.get('r1')!;
  expect(series.steps).toEqual(Array.from({ length: 15 }, (_, at) => at + 1));
  expect(series.columns.get('reward')).toHaveLength(15);
  host.tell([{ part: 'reset', run: 'r1' }, runPart({ step: 2 }), pointsPart(1, 2)]);
  expect(live.runs.get('r1')!.series.steps).toEqual([1, 2]);
});

it('a step that is told twice counts once, and values that come later join it', () => {
  const { host, live } = opened();
  host.tell([runPart(), pointsPart(1, 3)]);
  host.tell([pointsPart(2, 2), { part: 'points', run: 'r1', step: [3], metrics: { eval_accuracy: [0.5] } }]);
  const { series } = live.runs.get('r1')!;
  expect(series.steps).toEqual([1, 2, 3]);
  expect(series.columns.get('eval_accuracy')).toEqual([null, null, 0.5]);
});

it('after a message that was missed it asks for everything again', () => {
  const { host } = opened();
  host.tell(opening());
  host.tell([pointsPart(41, 1)]);
  expect(host.sent.filter(({ type }) => type === 'ready')).toHaveLength(1);
  host.tell([pointsPart(43, 1)], 5);
  expect(host.sent.filter(({ type }) => type === 'ready')).toHaveLength(2);
});

it('what is asked for waits until the kernel says that it is done, and says when that takes long', () => {
  let now = 0;
  const { host, live } = opened(() => now);
  live.look({ type: 'look', run: 'r1', step: null, group: 0 });
  expect(live.isWaiting).toBe(false);
  live.ask({ type: 'action', run: 'r1', action: 'pause' });
  expect([live.isWaiting, live.isBusy]).toEqual([true, false]);
  now = BUSY_MS;
  expect(live.isBusy).toBe(true);
  const { id } = host.sent.at(-1) as { id: number };
  host.tell([{ part: 'done', id, error: { code: 'X', message: 'no', remedy: 'try' } }]);
  expect([live.isWaiting, live.isBusy, live.failure?.message]).toEqual([false, false, 'no']);
  live.ask({ type: 'action', run: 'r1', action: 'pause' });
  expect(live.failure).toBeNull();
});

it('marks are reward edits, checkpoints, and what the log says, once each', () => {
  const { host, live } = opened();
  const alert = {
    part: 'event',
    run: 'r1',
    event: { kind: 'alert', seq: 7, time: 0, step: 25, code: 'X', message: 'odd', remedy: 'look' },
  } as const;
  host.tell([...opening(), alert]);
  host.tell([alert]);
  expect(live.marksOf(live.runs.get('r1')!).map(({ kind, step }) => [kind, step])).toEqual([
    ['rewards', 20],
    ['alert', 25],
    ['checkpoint', 30],
  ]);
});

it('keeps rollouts by run and images by where they are from', () => {
  const { host, live } = opened();
  host.tell([runPart(), groupPart(), imagePart()]);
  expect(live.looked.get('r1')?.group?.completions).toHaveLength(8);
  expect(live.pictures.get(pictureKey('r1', 'Images/12.png'))?.url).toMatch(/^data:/);
});

it('parts of a run that it does not know, and of a kind that it does not know, are passed over', () => {
  const { host, live } = opened();
  host.tell([pointsPart(), { part: 'event', run: 'r9', event: {} } as never, { part: 'of a later version' } as never]);
  expect(live.runs.size).toBe(0);
});

it('where the kernel is gone it says so, waits for nothing, and closes without an error', () => {
  const { host, live, close } = opened();
  host.tell(opening());
  host.send = () => {
    throw new Error('Cannot send');
  };
  live.ask({ type: 'action', run: 'r1', action: 'pause' });
  expect([live.isLost, live.isWaiting]).toEqual([true, false]);
  expect(close).not.toThrow();
});
