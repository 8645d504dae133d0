// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import type { DeviceJob, DeviceUse } from '../connector.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { RunsPanel } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function panel(options: FakeOptions) {
  const connector = new FakeConnector(options);
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-runs') as RunsPanel, { workbench });
  document.body.append(element);
  await element.updateComplete;
  const find = <T extends HTMLElement>(id: string): T | null => element.shadowRoot!.querySelector<T>(`[data-testid="${id}"]`);
  return { connector, element, find };
}

it('one click on the empty panel starts the demo run, selects it and asks for the training layout', async () => {
  const { connector, element, find } = await panel({});
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id));
  find('start-demo')!.click();
  await settled();
  expect(connector.calls.find(([name]) => name === 'createRun')).toMatchObject(['createRun', { dataset_name: 'sample' }, {}]);
  expect(workbench.selection.run).toBe('new');
  expect(asked).toHaveBeenCalledWith('arrange-training');
});

it('offers no demo before the sample was written, but a new run', async () => {
  const { find } = await panel({ server: { sample: null } });
  expect(find('start-demo')).toBeNull();
  expect(find('open-new-run')).not.toBeNull();
});

it('a run has the actions of its state, and a click sends one', async () => {
  const { connector, find } = await panel({ runs: [{ id: 'a', steps: 4, state: 'running' }] });
  expect(find('run-resume')).toBeNull();
  find('run-pause')!.click();
  expect(connector.calls).toContainEqual(['action', 'a', 'pause']);
});

it('an action keeps its place while the run is active, so that a press meant for one never reaches another', async () => {
  const { connector, find } = await panel({ runs: [{ id: 'a', steps: 4, state: 'starting' }] });
  const buttons = () => ['pause', 'checkpoint', 'stop'].map((action) => find(`run-${action}`));
  const before = buttons();
  expect(before.map((button) => button!.hasAttribute('disabled'))).toEqual([true, true, false]);
  connector.tellRuns({ summary: { ...workbench.runs.get('a')!, state: 'running' } });
  await settled();
  expect(buttons().every((button, at) => button === before[at] && !button!.hasAttribute('disabled'))).toBe(true);
  connector.tellRuns({ summary: { ...workbench.runs.get('a')!, state: 'paused' } });
  await settled();
  expect(before.map((button) => button!.isConnected)).toEqual([false, true, true]);
  expect(find('run-resume')).not.toBeNull();
});

it('a right click and the button open the menu of the run, where they were made', async () => {
  const { element, find } = await panel({ runs: [{ id: 'a', steps: 4, state: 'running' }] });
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail));
  const click = new MouseEvent('contextmenu', { clientX: 30, clientY: 40, bubbles: true, cancelable: true });
  find('run')!.dispatchEvent(click);
  expect(click.defaultPrevented).toBe(true);
  expect(asked).toHaveBeenLastCalledWith({ id: 'run-menu', args: { id: 'a', x: '30', y: '40' } });
  find('run-menu')!.click();
  expect(asked).toHaveBeenLastCalledWith({ id: 'run-menu', args: { id: 'a', x: '0', y: '0' } });
});

it('what the server refuses is said with its remedy, and the list stays', async () => {
  const { connector, element, find } = await panel({ runs: [{ id: 'a', steps: 4, state: 'running' }] });
  connector.action = () => Promise.reject({ code: 'C', message: 'It is just ending.', remedy: 'Wait.' });
  find('run-stop')!.click();
  await settled();
  expect(element.shadowRoot!.querySelector('[role=alert]')!.textContent).toMatch(/It is just ending\.\s+Wait\./);
  expect(find('run')).not.toBeNull();
});

it('a backend that does not answer is an error with a way to try again', async () => {
  const { connector, find } = await panel({ failure: { code: 'X', message: 'No answer.', remedy: 'Restart it.' } });
  expect(find('error')!.textContent).toMatch(/No answer\..*Restart it\./s);
  connector.options.failure = undefined;
  find('retry')!.click();
  await settled();
  expect(find('error')).toBeNull();
});

it('arrow keys walk the rows', async () => {
  const { element } = await panel({ runs: [{ id: 'a' }, { id: 'b' }] });
  const [first, second] = element.shadowRoot!.querySelectorAll<HTMLButtonElement>('.pick');
  first.focus();
  first.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true, composed: true }));
  expect(element.shadowRoot!.activeElement).toBe(second);
});

it('draws hundreds of runs some in each frame, in their order, and takes the keys to the chosen one once it is there', async () => {
  const runs = Array.from({ length: 100 }, (_, at) => ({ id: `m${at}`, state: 'finished' as const }));
  const { element, find } = await panel({ runs });
  const ids = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=run]')].map((row) => row.dataset.run);
  const newestFirst = runs.map(({ id }) => id).toReversed();
  workbench.selection.move({ runs: ['m3'] });
  element.focus();
  await element.updateComplete;
  expect(ids()).toEqual(newestFirst.slice(0, 40));
  for (let drawn = 40; drawn < 100; drawn = ids().length) {
    await new Promise(requestAnimationFrame);
    await element.updateComplete;
    expect(ids().length - drawn).toBeOneOf([12, 24]);
  }
  expect(ids()).toEqual(newestFirst);
  expect(element.shadowRoot!.activeElement!.closest('li')!.dataset.run).toBe('m3');
  const input = find<HTMLInputElement>('run-search')!;
  input.value = 'm';
  input.dispatchEvent(new Event('input'));
  await element.updateComplete;
  expect(ids()).toHaveLength(40);
  await until(() => expect(ids()).toHaveLength(100));
});

it('Ctrl and a click overlay a second run', async () => {
  const { element } = await panel({ runs: [{ id: 'a' }, { id: 'b' }] });
  expect(workbench.selection.value.runs).toEqual(['b']);
  element
    .shadowRoot!.querySelector<HTMLElement>('[data-run=a] .pick')!
    .dispatchEvent(new MouseEvent('click', { ctrlKey: true, bubbles: true }));
  expect(workbench.selection.value.runs).toEqual(['b', 'a']);
});

it('draws no more once it is taken off the page', async () => {
  const { element } = await panel({ runs: [{ id: 'a' }] });
  const before = workbench.runs.state.observed;
  element.remove();
  expect(workbench.runs.state.observed).toBe(before - 1);
});

it('lists pinned runs first, hides archived ones, and finds by tag, note and state', async () => {
  const { find, element } = await panel({
    runs: [
      { id: 'a', name: 'first', annotations: { tags: ['seed 1'], pinned: true } },
      { id: 'b', name: 'second', state: 'failed', annotations: { notes: 'lost its spread' } },
      { id: 'c', name: 'third', annotations: { archived: true } },
      ...['d', 'e', 'f'].map((id) => ({ id, state: 'finished' as const })),
    ],
  });
  const ids = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=run]')].map((row) => row.dataset.run);
  const search = async (text: string) => {
    const input = find<HTMLInputElement>('run-search')!;
    input.value = text;
    input.dispatchEvent(new Event('input'));
    await settled();
  };
  expect(ids()).toEqual(['a', 'f', 'e', 'd', 'b']);
  expect(find('run-tag')!.textContent).toBe('seed 1');
  await search('tag:"seed 1"');
  expect(ids()).toEqual(['a']);
  await search('spread state:failed');
  expect(ids()).toEqual(['b']);
  await search('third');
  expect(ids()).toEqual([]);
  expect(find('none-found')!.textContent).toContain('Only archived runs pass');
  find('show-archived')!.click();
  await settled();
  expect(ids()).toEqual(['c']);
  await search('best:reward>1');
  expect(find('none-found')!.textContent).toContain('in the table');
});

const device = (id: string, jobs: DeviceUse['jobs'] = []): DeviceUse => ({
  ...{ id, kind: 'cpu', name: 'Some CPU', uuid: null, threads: 1, utilization: null },
  ...{ memory_total: 16 * 2 ** 30, memory_used: 4 * 2 ** 30, jobs },
});
const job = (kind: string, id: string, more = {}): DeviceJob => ({
  ...{ kind, id, name: `evaluation ${id}`, pid: 7, bytes: 2 ** 30, exclusive: false, started_at: 1, heard_at: 2 },
  ...more,
});

it('shows each device with its memory and who is on it; a run there is a click away', async () => {
  const devices = [device('cpu:0', [job('train', 'a', { exclusive: true })]), device('cpu:1', [job('evaluate', 'e')]), device('cpu:2')];
  const { element, find } = await panel({
    runs: [{ id: 'a', name: 'first', steps: 4, state: 'running' }],
    devices: { devices, queue: [{ kind: 'train', id: 'b', name: 'b', held: false, reason: '' }] },
  });
  await settled();
  expect(find('devices')!.querySelector('summary')!.textContent).toBe('3 devices, 2 in use, 1 waiting');
  const rows = [...element.shadowRoot!.querySelectorAll('[data-testid=device-use]')].map((row) => row.textContent!.replace(/\s+/g, ' '));
  expect(rows[0]).toMatch(/cpu:0 Some CPU, 1 thread 4.* GiB \/ 16.* GiB .*first trains, alone about 1.* GiB/);
  expect(rows[1]).toContain('evaluation e about');
  expect(rows[2]).toContain('free');
  expect(find('devices')!.querySelector('meter')!.getAttribute('aria-label')).toBe('Memory of cpu:0');
  find('device-job')!.querySelector('button')!.click();
  expect(workbench.selection.run).toBe('a');
});

it('a run that waits is moved, held and let go by its buttons', async () => {
  const runs = [
    { id: 'a', state: 'queued', waits_since: 1 },
    { id: 'b', state: 'queued', waits_since: 2 },
    { id: 'c', state: 'queued', waits_since: 3, held: true },
  ] as const;
  const { connector, find } = await panel({ runs: [...runs] });
  const moves = () => connector.calls.filter(([name]) => name === 'moveInQueue').map(([, ...rest]) => rest);
  workbench.selection.move({ runs: ['b'] });
  await settled();
  find('run-earlier')!.click();
  await settled();
  find('run-later')!.click();
  await settled();
  find('run-hold')!.click();
  expect(moves()).toEqual([
    ['b', { before: 'a' }],
    ['b', { before: null }],
    ['b', { held: true }],
  ]);
  await settled();
  workbench.selection.move({ runs: ['c'] });
  await settled();
  expect(find('run-later')!.hasAttribute('disabled')).toBe(true);
  find('run-release')!.click();
  expect(moves().at(-1)).toEqual(['c', { held: false }]);
});

it('a run that got to the head of the queue gives the keyboard to the button beside', async () => {
  const runs = [
    { id: 'a', state: 'queued', waits_since: 1 },
    { id: 'b', state: 'queued', waits_since: 2 },
  ] as const;
  const { element, find } = await panel({ runs: [...runs] });
  workbench.selection.move({ runs: ['b'] });
  await settled();
  find('run-earlier')!.focus();
  Object.assign(runs[1], { waits_since: 0 });
  find('run-earlier')!.click();
  await settled();
  expect(find('run-earlier')!.matches(':disabled')).toBe(true);
  expect((element.shadowRoot!.activeElement as HTMLElement).dataset.testid).toBe('run-later');
});

it('evaluations that wait are moved, held, let go and cancelled there', async () => {
  const queue = ['e', 'f', 'g'].map((id) => ({ kind: 'evaluate', id, name: id, held: id === 'g', reason: 'waits for evaluation d' }));
  const { connector, element } = await panel({
    evals: queue.map(({ id }) => ({ id, state: 'queued' })),
    devices: { devices: [device('cpu:0')], queue },
  });
  await settled();
  const rows = [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=eval-waits]')];
  const press = async (row: number, id: string): Promise<void> => {
    rows[row].querySelector<HTMLElement>(`[data-testid=${id}]`)!.click();
    await settled();
  };
  expect(rows.map((row) => row.querySelector('.what')!.textContent)).toEqual([
    'Evaluation e waits for evaluation d',
    'Evaluation f waits for evaluation d',
    'Evaluation g held: others go past it',
  ]);
  await press(1, 'eval-earlier');
  await press(1, 'eval-later');
  await press(1, 'eval-hold');
  await press(2, 'eval-release');
  await press(0, 'eval-cancel');
  expect(connector.calls.filter(([name]) => String(name).startsWith('evals.'))).toEqual([
    ['evals.moveInQueue', 'f', { before: 'e' }],
    ['evals.moveInQueue', 'f', { before: null }],
    ['evals.moveInQueue', 'f', { held: true }],
    ['evals.moveInQueue', 'g', { held: false }],
    ['evals.action', 'e', { action: 'stop' }],
  ]);
  expect(rows[0].querySelector('[data-testid=eval-earlier]')!.hasAttribute('disabled')).toBe(true);
  expect(rows[2].querySelector('[data-testid=eval-later]')!.hasAttribute('disabled')).toBe(true);
});

it('looks at the devices again when a run moved', async () => {
  const { connector } = await panel({ runs: [{ id: 'a', steps: 4, state: 'running' }] });
  const looks = () => connector.calls.filter(([name]) => name === 'devices').length;
  const before = looks();
  connector.tellRuns({ summary: { ...workbench.runs.get('a')!, state: 'paused' } });
  await vi.waitFor(() => expect(looks()).toBe(before + 1));
});

it('a tour stands above the list: it goes on with what is done, shows its views, and can be left', async () => {
  const { element, root } = await tourPanel();
  const find = (id: string) => root.querySelector<HTMLElement>(`[data-testid=${id}]`);
  const commands: string[] = [];
  element.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent<{ id: string }>).detail.id));
  find('take-tour')!.click();
  await settled();
  expect(find('tour')!.dataset.step).toBe('curve'); // there is a run already
  find('tour-show')!.click();
  await settled();
  expect(commands).toEqual(['open-curves']);
  expect(find('tour')!.dataset.step).toBe('rollout');
  find('tour-end')!.click();
  await settled();
  expect(find('tour')).toBeNull();
});

it('whoever comes by keys is at the chosen run, or where the tour goes on', async () => {
  const { element, workbench, root } = await tourPanel({ runs: [{ id: 'a' }, { id: 'b' }] });
  const at = () => (root.activeElement?.closest<HTMLElement>('[data-run]') ?? (root.activeElement as HTMLElement)).dataset;
  element.focus();
  await settled();
  expect(at().run).toBe('b'); // the first of the list
  workbench.selection.move({ runs: ['a'] });
  await settled();
  element.focus();
  await settled();
  expect(at().run).toBe('a');
  workbench.tour.start();
  await settled();
  element.focus();
  await settled();
  expect(at().testid).toBe('tour-show');
});

it('whoever comes before the runs are read has the first of them once they are', async () => {
  const workbench = new Workbench(new FakeConnector({ runs: [{ id: 'a' }] }));
  const element = Object.assign(document.createElement('medr1-runs'), { workbench });
  document.body.append(element);
  element.focus();
  await settled();
  expect(element.shadowRoot!.activeElement).toBeNull();
  await workbench.start();
  await settled();
  expect(element.shadowRoot!.activeElement!.closest<HTMLElement>('[data-run]')!.dataset.run).toBe('a');
});

it('where there is nothing yet, it is at the first button', async () => {
  const { element, root } = await tourPanel({ runs: [] });
  element.focus();
  await settled();
  expect((root.activeElement as HTMLElement).dataset.testid).toBe('start-demo');
});

it.each([
  ['the button of the demo', {}, 'start-demo'],
  ['its own, where there is no sample', { server: { sample: null } }, 'tour-next'],
])('the tour gives the keyboard to %s', async (_what, options, testid) => {
  const { root } = await tourPanel({ runs: [], ...options });
  root.querySelector<HTMLElement>('[data-testid=take-tour]')!.click();
  await settled();
  expect((root.activeElement as HTMLElement).dataset.testid).toBe(testid);
});

it('where there is no sample, the tour speaks of no demo', async () => {
  const { root } = await tourPanel({ runs: [], server: { sample: null } });
  root.querySelector<HTMLElement>('[data-testid=take-tour]')!.click();
  await settled();
  const text = root.querySelector('[data-testid=tour] p')!.textContent;
  expect(text).not.toMatch(/demo/i);
  expect(text).toContain('medr1 sample');
  expect(root.querySelector('[data-testid=open-new-run]')).not.toBeNull(); // what it speaks of
});

async function tourPanel(options: FakeOptions = { runs: [{ id: 'a', name: 'Demo', steps: 5 }] }) {
  const connector = new FakeConnector(options);
  const workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-runs'), { workbench });
  document.body.append(element);
  await settled();
  return { element, workbench, root: element.shadowRoot! };
}

it('gathers runs under heads, which the arrow keys walk over', async () => {
  const runs = Array.from({ length: 6 }, (_, at) => ({ id: `r${at}`, variant: at % 2 ? 'no-think' : 'think' }));
  const { element, find } = await panel({ runs });
  const select = find<HTMLSelectElement>('run-grouping')!;
  select.value = 'variant';
  select.dispatchEvent(new Event('change'));
  await settled();
  const root = element.shadowRoot!;
  expect([...root.querySelectorAll('[data-testid=run-group]')].map(({ textContent }) => textContent!.trim())).toEqual([
    'no-think 3',
    'think 3',
  ]);
  expect([...root.querySelectorAll('ul')].map((list) => [list.getAttribute('aria-label'), list.children.length])).toEqual([
    ['Runs, no-think', 3],
    ['Runs, think', 3],
  ]);
  const picks = [...root.querySelectorAll<HTMLElement>('.pick')];
  picks[2].focus();
  picks[2].dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
  expect(root.activeElement).toBe(picks[3]);
});

it('draws of many runs the one that made a step, and what a choice changes', async () => {
  const runs = Array.from({ length: 30 }, (_, at) => ({ id: `r${at}`, steps: 3, state: 'running' as const }));
  const { element } = await panel({ runs });
  const drawn = vi.spyOn(Math, 'max'); // every spark line that is drawn asks for its extent
  await settled();
  drawn.mockClear();
  workbench.runs.apply({ summary: { ...workbench.runs.get('r7')!, step: 4 } });
  await settled();
  const one = drawn.mock.calls.length;
  expect(element.shadowRoot!.querySelector('[data-run=r7] [data-testid=run-steps]')!.textContent).toMatch(/^4 /);
  drawn.mockClear();
  for (const { id } of runs) workbench.runs.apply({ summary: { ...workbench.runs.get(id)!, step: 5 } });
  await settled();
  expect(drawn.mock.calls.length).toBeGreaterThan(10 * one);
  workbench.selection.move({ runs: ['r7', 'r9'] });
  await settled();
  expect(element.shadowRoot!.querySelectorAll('li.selected')).toHaveLength(2);
});

it('says which machine trains a run, and that nothing is heard of it while it trains', async () => {
  const reported = { host: 'node1', directory: '/scratch/run', away: true };
  const { element } = await panel({
    runs: [
      { id: 'a', state: 'running', reported },
      { id: 'b', state: 'running', reported: { ...reported, away: false } },
      { id: 'c', state: 'finished', reported },
      { id: 'd', state: 'running' },
    ],
  });
  const hostOf = (id: string): string | undefined =>
    element.shadowRoot!.querySelector(`[data-run=${id}] [data-testid=run-host]`)?.textContent;
  expect(['a', 'b', 'c', 'd'].map(hostOf)).toEqual(['node1 is away', 'on node1', 'on node1', undefined]);
});

it('roll-backs stand under their run as forks do; a click leads to the lineage', async () => {
  const rollbacks = [
    { step: 20, from: 44, time: Date.UTC(2026, 10, 28) },
    { step: 30, from: 1200, time: Date.UTC(2026, 10, 29) },
  ];
  const { element, find } = await panel({ runs: [{ id: 'a', steps: 50, rollbacks }, { id: 'b' }] });
  const shown = [...element.shadowRoot!.querySelectorAll('[data-testid="run-rollback"]')];
  expect(shown.map((one) => [one.closest('li')!.dataset.run, one.textContent.replace(/\s+/g, ' ').trim()])).toEqual([
    ['a', '↶ rolled back to step 20, without 21 to 44'],
    ['a', '↶ rolled back to step 30, without 31 to 1,200'],
  ]);
  const asked = vi.fn();
  element.addEventListener('medr1-command', (event) => asked((event as CustomEvent).detail.id));
  find('run-rollback')!.click();
  expect(workbench.selection.run).toBe('a');
  expect(asked).toHaveBeenCalledWith('open-lineage');
});

it('a row that leaves the list gives the keyboard to the one that takes its place', async () => {
  const { element, find } = await panel({ runs: [{ id: 'a' }, { id: 'b', name: 'b' }, { id: 'c' }] });
  const root = element.shadowRoot!;
  const ids = (): string[] => [...root.querySelectorAll<HTMLElement>('[data-testid=run]')].map((row) => row.dataset.run!);
  const leave = async (id: string): Promise<string | undefined> => {
    workbench.runs.apply({ removed: id });
    await element.updateComplete;
    return (
      root.activeElement?.closest<HTMLElement>('[data-testid=run]')?.dataset.run ?? (root.activeElement as HTMLElement)?.dataset.testid
    );
  };
  const [first, second, third] = ids();
  root.querySelector<HTMLElement>(`[data-run=${second}] button`)!.focus();
  expect(await leave(second)).toBe(third);
  expect(await leave(third)).toBe(first);
  expect(await leave(first)).toBe(find('start-demo') ? 'start-demo' : 'open-new-run');
});
