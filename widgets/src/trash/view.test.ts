// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { TrashView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

const removed = [
  { id: 'run-a-2', kind: 'run' as const, of: 'a', name: 'Demo, think', removed_at: 2 },
  { id: 'data-b-1', kind: 'data' as const, of: 'b', name: 'sample', removed_at: 1 },
];

async function view() {
  const connector = new FakeConnector({ runs: [{ id: 'r', steps: 3 }], trash: [...removed] });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-trash') as TrashView, { workbench });
  document.body.append(element);
  await settled();
  const rows = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=trashed]')];
  return { connector, element, rows };
}

it('lists what was removed and puts it back', async () => {
  const { connector, rows } = await view();
  expect(rows().map((row) => row.textContent!.replace(/\s+/g, ' '))).toEqual([
    expect.stringMatching(/run Demo, think/),
    expect.stringMatching(/data set sample/),
  ]);
  rows()[0].querySelector<HTMLElement>('[data-testid=restore]')!.click();
  await settled();
  expect(connector.calls).toContainEqual(['restoreTrash', 'run-a-2']);
  expect(rows()).toHaveLength(1);
});

it('deletes for good only when asked twice', async () => {
  const { connector, rows } = await view();
  rows()[1].querySelectorAll<HTMLElement>('button')[1].click();
  await settled();
  expect(connector.calls.some(([name]) => name === 'emptyTrash')).toBe(false);
  rows()[1].querySelector<HTMLElement>('[data-testid=delete-for-good]')!.click();
  await settled();
  expect(connector.calls).toContainEqual(['emptyTrash', 'data-b-1']);
});

it('shows what is removed while it is open', async () => {
  const { connector, rows } = await view();
  connector.options.trash!.unshift({ id: 'evaluation-c-3', kind: 'evaluation', of: 'c', name: 'no-think A', removed_at: 3 });
  workbench.removed();
  await settled();
  expect(rows()).toHaveLength(3);
});

it('shows what another page, a notebook or a command removes', async () => {
  const { connector, element, rows } = await view();
  connector.options.trash!.unshift({ id: 'run-r-3', kind: 'run', of: 'r', name: 'Longer', removed_at: 3 });
  connector.tellRuns({ removed: 'r' });
  await settled();
  expect(rows()).toHaveLength(3);
  connector.options.trash!.unshift({ id: 'evaluation-c-4', kind: 'evaluation', of: 'c', name: 'no-think A', removed_at: 4 });
  connector.tellEvals({ removed: 'c' });
  await settled();
  expect(rows()).toHaveLength(4);
  element.remove();
  expect(connector.evalsFollowers).toBe(0);
});

it('keeps the keyboard where it was: at what asks once more, at the entry that follows, and in the view when all are gone', async () => {
  const { element, rows } = await view();
  const at = () => (element.shadowRoot!.activeElement as HTMLElement | null)?.dataset.testid;
  const press = async (row: number, testid: string): Promise<void> => {
    const button = rows()[row].querySelector<HTMLElement>(`[data-testid=${testid}]`)!;
    button.focus();
    button.click();
    await settled();
  };
  await press(1, 'delete');
  expect(at(), 'Enter twice deletes nothing').toBe('keep');
  await press(1, 'keep');
  expect(at()).toBe('delete');
  await press(0, 'restore');
  expect([at(), rows().length]).toEqual(['restore', 1]);
  await press(0, 'delete');
  await press(0, 'delete-for-good');
  expect([rows().length, document.activeElement]).toEqual([0, element]);
});
