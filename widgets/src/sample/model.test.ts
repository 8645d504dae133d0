import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { DataSample, ItemAnswers } from '../connector.ts';
import { byRun, SampleModel, tally } from './model.ts';

const SET = 'omnimedvqa';

function make() {
  const connector = new FakeConnector({ data: { datasets: [{ name: SET, items: 200 }] } });
  return { connector, model: new SampleModel(connector), ids: connector.data.all(SET).map(({ id }) => id) };
}

describe('SampleModel', () => {
  it('reads a question with its place and what runs answered', async () => {
    const { model, ids } = make();
    model.show(SET, ids[3]);
    expect(model.state.value).toMatchObject({ status: 'loading', item: ids[3] });
    await settled();
    expect(model.state.value).toMatchObject({
      status: 'ready',
      stale: false,
      place: { index: 3, total: 200 },
      answers: { status: 'ready' },
    });
    expect(model.state.value.sample!.item.id).toBe(ids[3]);
    expect([model.neighbour(-1), model.neighbour(1)]).toEqual([ids[2], ids[4]]);
  });

  it('walks within the filter, and has no neighbour beyond its ends', async () => {
    const { connector, model } = make();
    const filter = { facets: { modality: ['X-Ray'] } };
    const { items } = await connector.data.page(SET, filter);
    model.show(SET, items[0].id, filter);
    await settled();
    expect([model.neighbour(-1), model.neighbour(1)]).toEqual([null, items[1].id]);
  });

  it('makes every step that is asked for, also before the place of a question is known; another choice ends that', async () => {
    const { model, ids } = make();
    const went: string[] = [];
    const go = (item: string): void => {
      went.push(item);
      queueMicrotask(() => model.show(SET, item)); // as a view does, once the selection has moved
    };
    model.show(SET, ids[3]);
    for (const way of [1, 1, -1, 1, 1] as const) model.walk(way, go);
    await settled();
    expect(went).toEqual([4, 5, 4, 5, 6].map((at) => ids[at]));
    model.walk(-1, go);
    model.walk(-1, go);
    model.show(SET, ids[9]);
    await settled();
    expect([went.length, model.state.value.item]).toEqual([6, ids[5]]);
  });

  it('stands still at the end of the filter', async () => {
    const { model, ids } = make();
    const went: string[] = [];
    model.show(SET, ids[0]);
    for (const way of [-1, 1] as const) model.walk(way, (item) => went.push(item));
    await settled();
    expect(went).toEqual([]);
    model.walk(1, (item) => went.push(item));
    expect(went).toEqual([ids[1]]);
  });

  it('asks for its place anew when the filter changes, and for nothing else', async () => {
    const { connector, model, ids } = make();
    model.show(SET, ids[3]);
    await settled();
    connector.calls.length = 0;
    model.show(SET, ids[3], {});
    model.show(SET, ids[3], { q: 'lesion' });
    await settled();
    expect(connector.calls.map(([name]) => name)).toEqual(['data.place']);
  });

  it('keeps the question before until the next is here, and shows the one asked for last', async () => {
    const { connector, model, ids } = make();
    model.show(SET, ids[0]);
    await settled();
    const slow = Promise.withResolvers<DataSample>();
    const { sample } = connector.data;
    connector.data.sample = (name, id) => (id === ids[1] ? slow.promise : sample(name, id));
    model.show(SET, ids[1]);
    expect(model.state.value).toMatchObject({ status: 'ready', stale: true, sample: { item: { id: ids[0] } } });
    model.show(SET, ids[2]);
    await settled();
    slow.resolve(await sample(SET, ids[1]));
    await settled();
    expect(model.state.value).toMatchObject({ stale: false, sample: { item: { id: ids[2] } } });
  });

  it('a question that is not there is an error with a remedy, and can be left', async () => {
    const { model, ids } = make();
    model.show(SET, 'nobody');
    await settled();
    expect(model.state.value).toMatchObject({ status: 'error', error: { message: 'There is no question nobody.' } });
    model.show(SET, ids[0]);
    await settled();
    expect(model.state.value.status).toBe('ready');
    model.show(SET, null);
    expect(model.state.value).toMatchObject({ status: 'idle', sample: null });
  });
});

const answer = (run: string, step: number, corrects: (boolean | null)[] = []): ItemAnswers => ({
  run,
  run_name: run,
  variant: 'think',
  sampled_by: null,
  step,
  source: 'rollouts',
  group: 0,
  reading: 'exact',
  think_open: false,
  completions: corrects.map((correct) => ({ text: '', prediction: null, correct })),
});

it('answers that a fork took over do not give it their variant', () => {
  const inherited = { ...answer('fork', 3), sampled_by: { run: 'a', name: 'a' } };
  const own = { ...answer('fork', 9), variant: 'no-think' };
  expect(byRun([inherited], []).map(({ variant }) => variant)).toEqual(['']);
  expect(byRun([own, inherited], []).map(({ variant }) => variant)).toEqual(['no-think']);
});

it('answers stand by run, the selected runs first, the newest step first', () => {
  const grouped = byRun([answer('a', 1), answer('b', 5), answer('b', 9), answer('c', 2)], ['c']);
  expect(grouped.map(({ run, answers }) => [run, answers.map(({ step }) => step)])).toEqual([
    ['c', [2]],
    ['a', [1]],
    ['b', [9, 5]],
  ]);
});

it('an answer that could not be judged is neither right nor wrong', () => {
  expect(tally(answer('a', 1, [true, false, null]))).toEqual({ right: 1, judged: 2 });
});
