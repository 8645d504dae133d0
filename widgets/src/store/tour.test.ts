import { expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { TOUR, Tour } from './tour.ts';
import { Workbench } from './workbench.ts';

const step = (tour: Tour): string | null => (tour.state.value.at === null ? null : (TOUR[tour.state.value.at]?.id ?? 'end'));

it('goes on when what a step waits for was done, once its view was shown', () => {
  const tour = new Tour();
  tour.reached('run');
  expect(step(tour)).toBeNull(); // nobody takes it
  tour.start();
  tour.reached('rollout');
  expect(step(tour)).toBe('run');
  tour.reached('run');
  tour.reached('curve');
  expect(step(tour)).toBe('curve'); // its view was not looked at
  tour.show();
  tour.reached('curve');
  expect(step(tour)).toBe('rollout');
  tour.next(); // skipped
  expect(step(tour)).toBe('reward');
  tour.end();
  expect(step(tour)).toBeNull();
});

it('from nothing to a question: the workbench tells what was done', async () => {
  const connector = new FakeConnector({ runs: [] });
  const workbench = new Workbench(connector);
  await workbench.start();
  const { tour, selection } = workbench;
  tour.start();
  expect(step(tour)).toBe('run');
  connector.options = { runs: [{ id: 'a', name: 'Demo', steps: 5 }] };
  await workbench.runs.start();
  await vi.waitFor(() => expect(step(tour)).toBe('curve'));
  tour.show(); // there are points already
  expect(step(tour)).toBe('rollout');
  tour.show();
  selection.move({ runs: ['a'], step: 3, group: 1, completion: 0 });
  expect(step(tour)).toBe('reward');
  tour.show();
  workbench.rewardDrafts.put('a', { weights: { accuracy: 2 }, files: {}, reason: '' });
  expect(step(tour)).toBe('question');
  tour.show();
  tour.reached('question');
  expect(step(tour)).toBe('end');
  workbench.dispose();
});

it('goes on after a reload where it was; what is not well formed is no place in it', () => {
  const left = new Tour();
  left.start();
  left.next();
  left.show();
  const back = new Tour();
  back.restore(JSON.parse(JSON.stringify(left)));
  expect(back.state.value).toEqual({ at: 1, shown: true });
  for (const json of [null, 'curve', { at: -1 }, { at: TOUR.length + 1 }, { at: 1.5 }, { at: '1' }]) {
    const other = new Tour();
    other.restore(json);
    expect(step(other)).toBeNull();
  }
  back.start();
  back.restore({ at: 3, shown: false }); // it came late
  expect(step(back)).toBe('run');
});
