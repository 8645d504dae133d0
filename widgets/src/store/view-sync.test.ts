import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { MoveView } from '../connector.ts';
import { DataModel } from './data/model.ts';
import { NOTHING, SelectionModel } from '../selection.ts';
import { ViewSync } from './view-sync.ts';

let connector: FakeConnector;
let selection: SelectionModel;
let data: DataModel;
let sync: ViewSync;

beforeEach(() => {
  vi.useFakeTimers();
  connector = new FakeConnector();
  selection = new SelectionModel();
  data = new DataModel(connector, selection);
  sync = new ViewSync(connector, selection, data);
});
afterEach(() => {
  sync.dispose();
  data.dispose();
  vi.useRealTimers();
});

const told = (): MoveView[] => connector.calls.filter(([name]) => name === 'moveView').map(([, move]) => move as MoveView);
const later = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1000);

it('the backend is told at the start, and once after many moves', async () => {
  selection.move({ runs: ['a'] });
  sync.start();
  await later();
  expect(told()).toEqual([{ by: 'page', selection: { ...NOTHING, runs: ['a'] }, data: { dataset: null, query: {}, chosen: {} } }]);
  for (let step = 1; step < 9; step++) selection.move({ step });
  await later();
  expect(told()).toHaveLength(2);
  expect(told()[1].selection).toMatchObject({ runs: ['a'], step: 8 });
});

it('a move back to what was told tells nothing', async () => {
  sync.start();
  await later();
  selection.move({ step: 3 });
  selection.move({ step: null });
  await later();
  expect(told()).toHaveLength(1);
});

it('filter and picks are told: what is picked, or all that passes', async () => {
  sync.start();
  data.apply({ facets: { modality: ['CT'] } }, 'omni');
  await later();
  const query = { facets: { modality: ['CT'] } };
  expect(told().at(-1)!.data).toEqual({ dataset: 'omni', query, chosen: query });
  expect(told().at(-1)!.selection!.dataset).toBe('omni');
});

it('a notebook moves selection and filter, what hangs on them is dropped, and the page says where it is then', async () => {
  selection.move({ runs: ['a'], step: 3, group: 1 });
  sync.start();
  connector.notebookMoves({ selection: { step: 5 }, data: { dataset: 'omni', query: { q: 'retina' } } });
  expect(selection.value).toEqual({ ...NOTHING, dataset: 'omni', runs: ['a'], step: 5 });
  expect(data.state.value).toMatchObject({ dataset: 'omni', filter: { q: 'retina' } });
  await later();
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatchObject({ by: 'page', selection: { step: 5, group: null }, data: { query: { q: 'retina' } } });
});

it('a notebook that names a filter alone keeps the data set, and an item alone the filter', () => {
  data.apply({}, 'omni');
  sync.start();
  connector.notebookMoves({ data: { query: { q: 'lens' } } });
  expect(data.state.value).toMatchObject({ dataset: 'omni', filter: { q: 'lens' } });
  connector.notebookMoves({ selection: { item: 'x' } });
  expect(data.state.value.filter).toEqual({ q: 'lens' });
  expect(selection.value).toMatchObject({ dataset: 'omni', item: 'x' });
});

it('a backend that was down or is new is told again', async () => {
  connector.options = { failure: { code: 'DOWN', message: 'down', remedy: 'wait' } };
  sync.start();
  await later();
  connector.options = {};
  connector.restarts();
  await later();
  expect(told()).toHaveLength(2);
  expect(told()[1]).toEqual(told()[0]);
});

it('after its end it neither tells nor follows', async () => {
  sync.start();
  sync.dispose();
  selection.move({ step: 3 });
  connector.notebookMoves({ selection: { step: 5 } });
  await later();
  expect(told()).toEqual([]);
  expect(selection.value.step).toBe(3);
});
