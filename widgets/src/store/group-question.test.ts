import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import { Workbench } from './workbench.ts';

let connector: FakeConnector;
let workbench: Workbench;
beforeEach(async () => {
  connector = new FakeConnector({
    runs: [{ id: 'a', steps: 9 }],
    data: {
      datasets: [
        { name: 'omnimedvqa', items: 3 },
        { name: 'other', items: 3 },
      ],
    },
  });
  workbench = new Workbench(connector);
  await workbench.start();
});
afterEach(() => workbench.dispose());

const asked = () => connector.calls.filter(([name]) => name === 'groups');

it('a group that a notebook selects gets its question, in the data set of its run, and keeps what was chosen in it', async () => {
  workbench.selection.move({ dataset: 'other', item: 'q' });
  workbench.selection.move({ step: 3, group: 1, completion: 2, token: 4 });
  expect(workbench.selection.value.item).toBeNull();
  await until(() => expect(workbench.selection.value.item).toBe('item-3-1'));
  expect(workbench.selection.value).toMatchObject({ dataset: 'omnimedvqa', step: 3, group: 1, completion: 2, token: 4 });
  expect(asked()).toEqual([['groups', 'a', { step: 3, offset: 1, limit: 1 }]]);
});

it('nothing is asked where the question was given', async () => {
  workbench.selection.move({ step: 3, group: 1, item: 'item-3-1' });
  await settled();
  expect(asked()).toEqual([]);
});

it('of two groups selected one after the other the later counts, and a question chosen meanwhile stays', async () => {
  workbench.selection.move({ step: 3, group: 1 });
  workbench.selection.move({ group: 2 });
  await until(() => expect(workbench.selection.value.item).toBe('item-3-2'));
  workbench.selection.move({ group: 0 });
  workbench.selection.move({ item: 'mine' });
  await settled();
  expect(workbench.selection.value).toMatchObject({ item: 'mine', group: null });
});

it('a group that is not there gets none', async () => {
  workbench.selection.move({ step: 3, group: 99 });
  await until(() => expect(asked()).toHaveLength(1));
  await settled();
  expect(workbench.selection.value).toMatchObject({ group: 99, item: null });
});

it('another data set that is opened stays open, though a group was chosen', async () => {
  workbench.data.watch();
  workbench.selection.move({ step: 3, group: 1, completion: 0 });
  await until(() => expect(workbench.selection.value.dataset).toBe('omnimedvqa'));
  workbench.data.open('other');
  await settled();
  expect(workbench.data.state.value.dataset).toBe('other');
  expect(workbench.selection.value).toMatchObject({ dataset: 'other', step: 3, group: null, item: null });
});
