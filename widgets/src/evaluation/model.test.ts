import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { SelectionModel } from '../selection.ts';
import { EvaluationModel } from './model.ts';
import { percentage, points, pValue, shareTitle } from './shares.ts';

const connector = () =>
  new FakeConnector({ evals: ['c', 'b', 'a'].map((id) => ({ id, items: 20, split: id === 'a' ? 'other' : 'modality/test' })) });

describe('the list of evaluations', () => {
  it('is read once and followed: changed ones in place, new ones first, removed ones gone', async () => {
    const backend = connector();
    const model = new EvaluationModel(backend, new SelectionModel());
    await model.start();
    const ids = () => model.state.value.evaluations.map(({ id }) => id);
    expect(ids()).toEqual(['c', 'b', 'a']);
    backend.tellEvals({ summary: { ...model.get('b')!, state: 'running' } });
    expect(model.get('b')!.state).toBe('running');
    backend.tellEvals({ summary: { ...model.get('b')!, id: 'd' } });
    expect(ids()).toEqual(['d', 'c', 'b', 'a']);
    backend.tellEvals({ removed: 'c' });
    expect(ids()).toEqual(['d', 'b', 'a']);
    model.dispose();
    backend.tellEvals({ removed: 'a' });
    expect(ids()).toEqual(['d', 'b', 'a']);
  });

  it('does not undo what was told while it was on its way', async () => {
    const backend = connector();
    const model = new EvaluationModel(backend, new SelectionModel());
    await model.start();
    const again = model.start();
    backend.tellEvals({ summary: { ...model.get('b')!, name: 'newer' } });
    backend.tellEvals({ removed: 'c' });
    await again;
    expect(model.state.value.evaluations.map(({ id, name }) => (name === 'newer' ? name : id))).toEqual(['newer', 'a']);
  });

  it('says what is wrong, and tries again', async () => {
    const backend = new FakeConnector({ failure: { code: 'X', message: 'down', remedy: 'wait' } });
    const model = new EvaluationModel(backend, new SelectionModel());
    await model.start();
    expect(model.state.value).toMatchObject({ status: 'error', error: { message: 'down' } });
    delete backend.options.failure;
    await model.start();
    expect(model.state.value.status).toBe('ready');
  });

  it('leaves what was removed', async () => {
    const backend = connector();
    const model = new EvaluationModel(backend, new SelectionModel());
    await model.start();
    model.pick('b');
    model.place.set({ at: 'one', id: 'b' });
    backend.tellEvals({ removed: 'b' });
    expect(model.place.value).toEqual({ at: 'list' });
    expect(model.picked).toEqual([]);
  });

  it('the oldest choice makes room when there are too many', async () => {
    const selection = new SelectionModel();
    const model = new EvaluationModel(connector(), selection);
    await model.start();
    for (const id of ['b', 'a', 'a', 'c', '1', '2', '3']) model.pick(id);
    expect(selection.value.evaluations).toEqual(['c', '1', '2', '3']);
  });
});

it('figures as they are written', () => {
  expect([percentage(0.6667), percentage(null), points(0.123), points(-0.005), points(0), points(-0.0001), points(null)]).toEqual([
    ...['66.7', '–', '+12.3', '−0.5', '0.0', '0.0', '–'],
  ]);
  expect([pValue(0.04416), pValue(1e-7), pValue(1)]).toEqual(['0.044', '< 0.001', '1.000']);
  expect(shareTitle({ right: 3, total: 10, rate: 0.3, low: 0.1078, high: 0.6032 })).toBe(
    '3 of 10 right; 95 % Wilson interval 10.8 to 60.3 %',
  );
  expect(shareTitle({ right: 0, total: 0, rate: null, low: null, high: null })).toBe('no question');
});
