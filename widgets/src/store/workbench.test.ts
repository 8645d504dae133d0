import { expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { Workbench } from './workbench.ts';

it('goes to the question that was chosen before its data set was there', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', name: 'Demo', steps: 5 }], data: { datasets: [] } });
  const workbench = new Workbench(connector);
  await workbench.start();
  workbench.runs.acquire('a');
  await vi.waitFor(() => expect(workbench.runs.followed('a')!.config).not.toBeNull());
  const { dataset_name: name } = workbench.runs.followed('a')!.config!;
  await workbench.data.datasets.load();
  workbench.selection.move({ step: 3, group: 1, item: 'q-1', completion: 2 });
  expect(workbench.selection.value.dataset).toBeNull();

  connector.data.addDataset({ name, items: 4 });
  expect(workbench.unindexedOf('a')).toBe(name); // looks at the list again: the run may have brought its data set
  await vi.waitFor(() => expect(workbench.selection.value.dataset).toBe(name));
  expect(workbench.selection.value).toMatchObject({ step: 3, group: 1, item: 'q-1', completion: 2 });
  expect(workbench.unindexedOf('a')).toBeNull();
  workbench.dispose();
});

it('asks for the list once for a run whose data set is nowhere', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'a', name: 'Demo', steps: 5 }], data: { datasets: [] } });
  const workbench = new Workbench(connector);
  await workbench.start();
  workbench.runs.acquire('a');
  await vi.waitFor(() => expect(workbench.runs.followed('a')!.config).not.toBeNull());
  await workbench.data.datasets.load();
  const lists = () => connector.calls.filter(([name]) => name === 'data.list').length;
  const before = lists();
  for (let look = 0; look < 5; look++) workbench.unindexedOf('a');
  await vi.waitFor(() => expect(workbench.data.datasets.state.value.status).toBe('ready'));
  expect(lists()).toBe(before + 1);
  workbench.dispose();
});
