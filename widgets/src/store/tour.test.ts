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
