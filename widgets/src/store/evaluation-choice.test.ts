import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { EvalSummary } from '../connector.ts';
import { comparedWith, EvaluationChoice } from './evaluation-choice.ts';

const made = await new FakeConnector({ evals: ['d', 'c', 'b', 'a'].map((id) => ({ id, items: 20 })) }).evals.list();
/** Newest first, of these runs; `split` where it is another. */
const evaluations = (runs: (string | null)[], change: (one: EvalSummary, at: number) => object = () => ({})): EvalSummary[] =>
  runs.map((run, at) => ({ ...made[at], settings: { ...made[at].settings, run }, ...change(made[at], at) }) as EvalSummary);

it('a run is compared by its newest evaluation with those of the same questions, chosen runs first', () => {
  expect(comparedWith('run', evaluations(['x', 'y', 'run', 'run']), ['y'])).toEqual(['b', 'c', 'a', 'd']);
  expect(
    comparedWith(
      'run',
      evaluations(['x', 'run'], (_, at) => ({ split_hash: String(at) })),
      [],
    ),
  ).toEqual(['c']);
  expect(
    comparedWith(
      'run',
      evaluations(['run', 'run'], (_, at) => (at === 0 ? { state: 'running', done: 3 } : {})),
      [],
    ),
  ).toEqual(['c', 'd']);
  expect(comparedWith('run', evaluations(['x', null]), [])).toEqual([]);
});

it('comes back as it was kept, without what is malformed', () => {
  const choice = new EvaluationChoice();
  choice.place.set({ at: 'one', id: 'a' });
  const again = new EvaluationChoice();
  again.restore(JSON.parse(JSON.stringify(choice)));
  expect(again.toJSON()).toEqual(choice.toJSON());
  // the last was kept by an earlier version, which compared in this view
  for (const json of [null, 3, {}, { place: { at: 'one' } }, { place: 'list' }, { place: { at: 'compare', ids: ['a', 'b'] } }]) {
    const fresh = new EvaluationChoice();
    fresh.restore(json);
    expect(fresh.toJSON()).toEqual({ place: { at: 'list' } });
  }
});
