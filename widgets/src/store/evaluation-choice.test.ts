import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { EvalSummary } from '../connector.ts';
import { EvaluationChoice } from './evaluation-choice.ts';

const made = await new FakeConnector({ evals: ['d', 'c', 'b', 'a'].map((id) => ({ id, items: 20 })) }).evals.list();
/** Newest first, of these runs; `split` where it is another. */
const evaluations = (runs: (string | null)[], change: (one: EvalSummary, at: number) => object = () => ({})): EvalSummary[] =>
  runs.map((run, at) => ({ ...made[at], settings: { ...made[at].settings, run }, ...change(made[at], at) }) as EvalSummary);
const compared = (all: EvalSummary[], run: string, chosen: string[] = []) => {
  const choice = new EvaluationChoice();
  choice.compare(run, all, chosen);
  return choice.place.value;
};

it('a run is compared by its newest evaluation with those of the same questions, chosen runs first', () => {
  expect(compared(evaluations(['x', 'y', 'run', 'run']), 'run', ['y'])).toEqual({ at: 'compare', ids: ['b', 'c', 'a', 'd'] });
  expect(
    compared(
      evaluations(['x', 'run'], (_, at) => ({ split_hash: String(at) })),
      'run',
    ),
  ).toEqual({ at: 'one', id: 'c' });
  expect(
    compared(
      evaluations(['run', 'run'], (_, at) => (at === 0 ? { state: 'running', done: 3 } : {})),
      'run',
    ),
  ).toEqual({
    at: 'compare',
    ids: ['c', 'd'],
  });
  expect(compared(evaluations(['x', null]), 'run')).toEqual({ at: 'list', of: 'run' });
});

it('comes back as it was kept, without what is malformed', () => {
  const choice = new EvaluationChoice();
  choice.place.set({ at: 'compare', ids: ['a', 'b'] });
  choice.picked.set(['a', 'b']);
  const again = new EvaluationChoice();
  again.restore(JSON.parse(JSON.stringify(choice)));
  expect(again.toJSON()).toEqual(choice.toJSON());
  for (const json of [null, 3, {}, { place: { at: 'compare', ids: ['a', 1] }, picked: 'a' }, { place: { at: 'one' } }, { place: 'list' }]) {
    const fresh = new EvaluationChoice();
    fresh.restore(json);
    expect(fresh.toJSON()).toEqual({ place: { at: 'list' }, picked: [] });
  }
});
