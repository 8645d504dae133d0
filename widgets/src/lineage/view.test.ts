// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions, type FakeRun } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import type { RewardRevision } from '../connector.ts';
import type { HostCommand } from '../element.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { LineageView } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

const of = (run: string, to: number) => ({ run, name: `name of ${run}`, variant: 'think', to });
const RUNS: FakeRun[] = [
  { id: 'r1', name: 'Demo', steps: 240, state: 'finished' },
  { id: 'late', name: 'Late', parent: 'r1', steps: 130, inherited: [of('r1', 120)], config: { beta: 0.1 }, state: 'running' },
  { id: 'early', name: 'Early', parent: 'r1', steps: 100, inherited: [of('r1', 60)], state: 'paused' },
  { id: 'grandchild', name: 'Grandchild', parent: 'early', steps: 90, inherited: [of('r1', 60), of('early', 80)] },
  { id: 'other', name: 'Other', steps: 7 },
];

async function view(chosen: string | null = 'late', options: FakeOptions = {}, prepare: (connector: FakeConnector) => void = () => {}) {
  const connector = new FakeConnector({ runs: structuredClone(RUNS), evals: [{ id: 'e', name: 'held out' }], ...options });
  prepare(connector);
  workbench = new Workbench(connector);
  await workbench.start();
  if (chosen) workbench.selection.move({ runs: [chosen] });
  const element = Object.assign(document.createElement('medr1-lineage') as LineageView, { workbench });
  const commands: HostCommand[] = [];
  element.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<HostCommand>).detail));
  document.body.append(element);
  await settled();
  const root = element.shadowRoot!;
  const rows = () => [...root.querySelectorAll<HTMLElement>('[role=treeitem]')];
  const row = (id: string) => root.querySelector<HTMLElement>(`[role=treeitem][data-run=${id}]`)!;
  const press = async (selector: string) => {
    root.querySelector<HTMLElement>(selector)!.click();
    await settled();
  };
  const key = async (name: string, more: KeyboardEventInit = {}) => {
    (root.activeElement ?? root.querySelector('[tabindex="0"]'))!.dispatchEvent(
      new KeyboardEvent('keydown', { key: name, bubbles: true, composed: true, cancelable: true, ...more }),
    );
    await settled();
  };
  return { connector, element, root, rows, row, press, key, commands };
}

it('shows the family of the run that is looked at and says of each where it left and what it has', async () => {
  const { rows } = await view();
  expect(rows().map((row) => [row.dataset.run, row.getAttribute('aria-level'), row.getAttribute('aria-selected')])).toEqual([
    ['r1', '1', 'false'],
    ['late', '2', 'true'],
    ['early', '2', 'false'],
    ['grandchild', '3', 'false'],
  ]);
  const said = rows().map((row) => row.getAttribute('aria-label'));
  expect(said[0]).toBe('Demo, steps 1 to 240, finished, 1 revision, 1 checkpoint, 1 evaluation');
  expect(said[1]).toMatch(/^Late, forked from Demo at step 120, steps 121 to 130, running/);
});

it('walks the tree by keyboard, and chooses and overlays with it', async () => {
  const { element, root, key } = await view();
  element.focus();
  await settled();
  const at = () => (root.activeElement as HTMLElement).dataset.run;
  expect(at()).toBe('late');
  const seen: (string | undefined)[] = [];
  for (const name of ['ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'Home', 'End']) {
    await key(name);
    seen.push(at());
  }
  expect(seen).toEqual(['r1', 'late', 'early', 'grandchild', 'grandchild', 'r1', 'grandchild']);
  await key('Enter');
  expect(workbench.selection.value.runs).toEqual(['grandchild']);
  await key('ArrowLeft');
  await key(' ', { ctrlKey: true });
  expect(workbench.selection.value.runs).toEqual(['grandchild', 'early']);
  expect(root.querySelectorAll('[role=treeitem][tabindex="0"]')).toHaveLength(1);
});

it('follows a click and tells what differs from the parent: configuration, rewards and code', async () => {
  const revision = (number: number, step: number, weight: number, source: string): RewardRevision => ({
    ...{ revision: number, step, weights: { mine: weight }, reason: '', author: '', created_at: 0 },
    sources: { mine: { file: 'mine.ts', source, sha256: source } },
  });
  const first = revision(1, 1, 1, 'a\nb\n');
  const { root, row } = await view('r1', {}, (connector) => {
    const read = connector.run;
    connector.run = async (id) => ({ ...(await read(id)), rewards: id === 'late' ? [first, revision(2, 121, 0.5, 'a\nc\n')] : [first] });
  });
  expect(root.querySelector('[data-testid=differences]')).toBeNull();
  row('late').click();
  await settled();
  expect(workbench.selection.value.runs).toEqual(['late']);
  const differences = root.querySelector('[data-testid=differences]')!;
  const cells = [...differences.querySelectorAll('tbody tr')].map((one) => [...one.children].map(({ textContent }) => textContent));
  expect(cells).toEqual([['beta', '0.04', '0.1']]);
  expect(differences.querySelector('[data-testid=at-fork]')!.textContent).toContain('mine 1 → 0.5, mine: new source');
  const lines = [...differences.querySelectorAll('.diff .added, .diff .removed')];
  expect(lines.map((line) => line.querySelector('code')!.textContent)).toEqual(['b', 'c']);
  expect(differences.querySelector('[data-testid=now]')).toBeNull(); // nothing was edited since
});

it('opens what happened: rewards, curves, the evaluation, a fork, and a new fork of a checkpoint', async () => {
  const { press, commands } = await view('r1');
  const link = (kind: string) => press(`[data-testid=happening][data-kind=${kind}] .link`);
  await link('rewards');
  expect(workbench.selection.value).toMatchObject({ runs: ['r1'], step: 90 });
  await link('checkpoint');
  expect(workbench.selection.value).toMatchObject({ runs: ['r1'], step: 60 });
  await link('evaluation');
  expect(workbench.evaluation.place.value).toEqual({ at: 'one', id: 'e' });
  await press('[data-testid=fork]');
  expect(commands).toEqual([
    { id: 'open-rewards', args: {} },
    { id: 'open-curves', args: {} },
    { id: 'open-evaluation', args: {} },
    { id: 'fork-run', args: { id: 'r1', step: '60' } },
  ]);
  await link('fork');
  expect(workbench.selection.value.runs).toEqual(['late']);
  await press('[data-testid=parent]');
  expect(workbench.selection.value.runs).toEqual(['r1']);
});

it('a mark in the tree opens what it stands for, of its own run', async () => {
  const { press, commands } = await view('late');
  await press('[data-run=r1] .glyph.evaluation');
  expect(workbench.evaluation.place.value).toEqual({ at: 'one', id: 'e' });
  expect(commands.map(({ id }) => id)).toEqual(['open-evaluation']);
  expect(workbench.selection.value.runs).toEqual(['late']);
});

it('lays the curves of a family over each other, the line of the chosen run first, and sets configurations side by side', async () => {
  const { press, commands } = await view('grandchild');
  await press('[data-testid=overlay]');
  expect(workbench.selection.value.runs).toEqual(['grandchild', 'early', 'r1', 'late']);
  await press('[data-testid=side-by-side]');
  expect(workbench.selection.value.runs).toEqual(['grandchild', 'early']);
  expect(commands.map(({ id }) => id)).toEqual(['open-curves', 'open-runs-table']);
});

it('keeps a parent that was removed in the tree, where it cannot be chosen', async () => {
  const { row, root } = await view('late', { runs: structuredClone(RUNS.filter(({ id }) => id !== 'r1')) });
  expect(row('r1').getAttribute('aria-label')).toBe('name of r1, steps 1 to 120, removed');
  row('r1').click();
  await settled();
  expect(workbench.selection.value.runs).toEqual(['late']);
  expect(root.querySelector('.chosen')!.textContent).toMatch(/name of r1, which was removed,\s+at step 120/);
  expect(root.querySelector('[data-testid=differences]')).toBeNull();
});

it('reads a run that trains anew every ten steps, and one that stands still when something is told of it', async () => {
  const { connector, row } = await view('late');
  const reads = () => connector.calls.filter(([name, id]) => name === 'run' && id === 'late').length;
  const before = reads();
  const tell = async (change: object) => {
    workbench.runs.apply({ summary: { ...workbench.runs.get('late')!, ...change } });
    await settled();
  };
  await tell({ step: 135, seq: 1000 });
  expect(reads()).toBe(before);
  expect(row('late').getAttribute('aria-label')).toContain('steps 121 to 135');
  await tell({ step: 141, seq: 1001 });
  expect(reads()).toBe(before + 1);
  await tell({ state: 'paused' });
  await tell({ seq: 1003 });
  expect(reads()).toBe(before + 3);
});

it('shows hostile text as text, and says so where there is no run, no relative, or no answer', async () => {
  const hostile = '<img src=x onerror=alert(1)>';
  const { root } = await view('r1', { runs: [{ id: 'r1', name: hostile, steps: 3 }] });
  expect(root.querySelector('img')).toBeNull();
  expect(root.textContent).toContain('No run was forked from this one');
  for (const [options, text] of [
    [{ runs: [] }, 'No runs yet'],
    [{ failure: { code: 'X', message: 'down', remedy: 'up' } }, 'down'],
    [{ silent: true }, 'Loading'],
  ] as const) {
    document.body.replaceChildren();
    workbench.dispose();
    workbench = new Workbench(new FakeConnector(options as FakeOptions));
    void workbench.start();
    await settled();
    const element = Object.assign(document.createElement('medr1-lineage') as LineageView, { workbench });
    document.body.append(element);
    await settled();
    expect(element.shadowRoot!.textContent).toContain(text);
  }
});
