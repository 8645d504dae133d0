// @vitest-environment jsdom
import { afterEach, expect, it } from 'vitest';
import { FakeConnector, type FakeOptions, type FakeRun } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import './view.ts';
import type { RunsTable } from './view.ts';

let workbench: Workbench;
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

const RUNS: FakeRun[] = [
  { id: 'a', name: 'first', state: 'finished', steps: 4, config: { learning_rate: 1e-6 }, annotations: { tags: ['seed 1'] } },
  { id: 'b', name: 'second', state: 'failed', steps: 9, seed: 2, config: { learning_rate: 1e-4 } },
  { id: 'c', name: 'third', state: 'running', steps: 6, seed: 3, config: { learning_rate: 1e-6 } },
];

const SCHEMA = { properties: { learning_rate: { type: 'number' }, beta: { type: 'number' } } };

async function table(runs: FakeRun[] = RUNS, options: FakeOptions = {}) {
  const connector = new FakeConnector({ runs: structuredClone(runs), schema: SCHEMA, log: ['line one', 'line two'], ...options });
  workbench = new Workbench(connector);
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-runs-table') as RunsTable, { workbench });
  document.body.append(element);
  await settled();
  const find = (id: string, root: Element = element) => root.shadowRoot!.querySelector<HTMLElement>(`[data-testid="${id}"]`);
  const rows = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=run-row]')];
  const names = () => rows().map((row) => row.dataset.run);
  const details = () => element.shadowRoot!.querySelector<HTMLElement>('medr1-run-details')!;
  const key = (target: HTMLElement, name: string, more: KeyboardEventInit = {}) =>
    target.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, composed: true, ...more }));
  const enter = (input: HTMLElement, value: string, event: string) => {
    (input as HTMLInputElement).value = value;
    input.dispatchEvent(new Event(event, { bubbles: true }));
  };
  const commands: { id: string; args: Record<string, string> }[] = [];
  document.body.addEventListener('medr1-command', (event) => commands.push((event as CustomEvent).detail));
  return { connector, element, find, rows, names, details, key, enter, commands };
}

it('shows each run with what it made, newest first, and sorts by a column from high to low, then low to high', async () => {
  const { find, rows, names } = await table();
  expect(names()).toEqual(['c', 'b', 'a']);
  expect(rows()[1].textContent).toMatch(/second.*failed.*9.*1e-4/s);
  find('sort-step')!.click();
  await settled();
  await until(() => expect(names()).toEqual(['b', 'c', 'a']));
  expect(find('sort-step')!.parentElement!.getAttribute('aria-sort')).toBe('descending');
  find('sort-step')!.click();
  await settled();
  await until(() => expect(names()).toEqual(['a', 'c', 'b']));
});

it('tells a run that nobody started from one that waits and one that others pass', async () => {
  const runs = ['made', 'waits', 'held'].map((id, at) => ({
    ...{ id, name: id, state: 'queued' as const, steps: 0 },
    ...(at > 0 && { waits_since: at }),
  }));
  const { rows } = await table(runs.map((run) => ({ ...run, held: run.id === 'held' })));
  const state = (id: string) => rows().find((row) => row.dataset.run === id)!.textContent;
  expect(state('made')).toMatch(/not started/);
  expect(state('waits')).toMatch(/queued/);
  expect(state('held')).toMatch(/held\s+held/);
});

it('its first row has the keyboard once the view has it', async () => {
  const { element, rows } = await table();
  element.focus();
  await settled();
  expect(element.shadowRoot!.activeElement).toBe(rows()[0]);
});

it('searches as it is typed; what the server refuses shows beside the rows that were there', async () => {
  const { connector, find, names, enter } = await table();
  enter(find('search')!, 'learning_rate<1e-5 -running', 'input');
  await until(() => expect(names()).toEqual(['a']));
  const refusal = { code: 'REQUEST_INVALID', message: 'query q: there is no column "x"', remedy: '' };
  connector.runTable = () => Promise.reject(Object.assign(new Error(refusal.message), refusal));
  enter(find('search')!, 'x>1', 'input');
  await until(() => expect(find('refusal')?.textContent).toContain('There is no column "x"'));
  expect(names()).toEqual(['a']);
});

it('moves the shared selection: click, Ctrl+click, Shift+click, and the same by keyboard', async () => {
  const { rows, key } = await table();
  const chosen = () => workbench.selection.value.runs;
  rows()[1].click();
  expect(chosen()).toEqual(['b']);
  rows()[0].dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
  expect(chosen()).toEqual(['b', 'c']);
  rows()[2].dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
  expect(chosen()).toEqual(['c', 'b', 'a']);
  await settled();
  key(rows()[2], 'Home');
  await settled();
  key(rows()[0], 'ArrowDown');
  await settled();
  key(rows()[1], 'Enter');
  expect(chosen()).toEqual(['b']);
  await settled();
  expect(rows()[1].getAttribute('aria-selected')).toBe('true');
  expect(rows().map((row) => row.tabIndex)).toEqual([-1, 0, -1]);
});

it('compares what the chosen runs answered in evaluations', async () => {
  const { rows, find } = await table();
  rows()[1].click();
  await settled();
  expect(find('compare')!.hasAttribute('disabled')).toBe(true);
  rows()[0].dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
  await settled();
  const asked = new Promise<string>((resolve) =>
    document.addEventListener('medr1-command', (event) => resolve((event as CustomEvent<{ id: string }>).detail.id), { once: true }),
  );
  find('compare')!.click();
  expect(await asked).toBe('open-compare');
  expect(workbench.selection.value.evaluations).toEqual(['b', 'c']);
});

it('draws the rows in sight alone, of 1,000', async () => {
  const many = Array.from({ length: 1000 }, (_, at) => ({ id: `r${at}`, state: 'finished' as const, steps: 0 }));
  const { connector, rows, find } = await table(many);
  expect(rows().length).toBeLessThan(60);
  expect(find('count')!.textContent).toContain('1,000 runs');
  const asked = connector.calls.filter(([name]) => name === 'runTable').map(([, query]) => query as { offset: number; limit: number });
  expect(asked.every(({ offset, limit }) => offset === 0 && limit === 100)).toBe(true);
});

it('renames in place by F2; Escape leaves the name', async () => {
  const { connector, rows, find, key } = await table();
  key(rows()[0], 'F2');
  await settled();
  (find('rename') as HTMLInputElement).value = 'other';
  find('rename')!.focus();
  key(find('rename')!, 'Enter');
  await settled();
  expect(connector.calls).toContainEqual(['annotateRun', 'c', { name: 'other' }]);
  expect(rows()[0].textContent).toContain('other');
  key(rows()[0], 'F2');
  await settled();
  find('rename')!.focus();
  (find('rename') as HTMLInputElement).value = 'never';
  key(find('rename')!, 'Escape');
  await settled();
  expect(rows()[0].textContent).toContain('other');
});

it('shows the configuration of a run in full, and of several what differs', async () => {
  const { rows, details, find, enter } = await table();
  rows()[0].click();
  await settled();
  const config = () => find('config', details())!.textContent!.replace(/\s+/g, ' ');
  expect(config()).toMatch(/beta 0\.04/);
  rows()[1].dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
  await settled();
  expect(config()).toMatch(/learning_rate 1e-6\s*1e-4/);
  expect(config()).not.toMatch(/beta/);
  find('config-all', details())!.click();
  await settled();
  expect(config()).toMatch(/beta 0\.04\s*0\.04/);
  enter(find('config-search', details())!, 'learning', 'input');
  await settled();
  expect(config()).not.toMatch(/beta/);
});

it('a new run like this one has its configuration, not its name, and its reward files', async () => {
  const own = { file: 'mine.ts', source: 'export default () => 1;', sha256: 'x' };
  const first = { revision: 1, step: 1, weights: { mine: 1 }, sources: { mine: own as never }, reason: '', author: '', created_at: 0 };
  const { connector, rows, details, find, commands } = await table(RUNS, { rewards: [first] });
  rows()[0].click();
  await settled();
  const { summary } = await connector.run('c');
  connector.tellRuns({ summary: { ...summary, name: 'renamed' } });
  await settled();
  find('run-like', details())!.click();
  expect(workbench.draft.value).toMatchObject({ like: 'renamed', config: { learning_rate: 1e-6 }, files: { 'mine.ts': own.source } });
  expect(workbench.draft.value!.config).not.toHaveProperty('run_name');
  expect(commands.at(-1)?.id).toBe('open-new-run');
});

it('notes, tags, pin and colour go to the run; to several runs tags are added', async () => {
  const { connector, rows, details, find, enter } = await table();
  rows()[2].click();
  await settled();
  find('tab-notes', details())!.click();
  await settled();
  expect((find('run-tags', details()) as HTMLInputElement).value).toBe('seed 1');
  enter(find('run-tags', details())!, 'seed 1, kept , kept', 'change');
  await settled();
  enter(find('run-notes', details())!, 'learnt', 'change');
  await settled();
  find('pin', details())!.click();
  await settled();
  details().shadowRoot!.querySelector<HTMLElement>('[aria-label="Colour 4"]')!.click();
  await settled();
  const sent = connector.calls.filter(([name]) => name === 'annotateRun').map(([, id, change]) => [id, change]);
  expect(sent).toEqual([
    ['a', { tags: ['seed 1', 'kept'] }],
    ['a', { notes: 'learnt' }],
    ['a', { pinned: true }],
    ['a', { colour: 3 }],
  ]);
  expect(workbench.colours.of('a')).toBe(3);
  rows()[0].click();
  await settled();
  workbench.selection.move({ runs: ['a', 'b'] });
  await settled();
  enter(find('add-tags', details())!, 'both', 'change');
  await settled();
  expect(connector.calls).toContainEqual(['annotateRun', 'b', { add_tags: ['both'] }]);
  expect(workbench.runs.get('a')!.annotations.tags).toEqual(['seed 1', 'kept', 'both']);
});

it('shows the log of the run', async () => {
  const { rows, details, find } = await table();
  rows()[0].click();
  await settled();
  find('tab-log', details())!.click();
  await settled();
  expect(find('log', details())!.textContent).toBe('line one\nline two');
});

it('columns are chosen, moved and left out; archived runs are hidden until asked for', async () => {
  const { connector, element, find, names } = await table([...RUNS, { id: 'd', name: 'old', annotations: { archived: true } }]);
  expect(names()).toEqual(['c', 'b', 'a']);
  expect(find('count')!.textContent).toContain('1 archived');
  find('archived')!.click();
  await until(() => expect(names()).toContain('d'));
  find('columns')!.click();
  await settled();
  const box = (id: string) => element.shadowRoot!.querySelector<HTMLElement>(`[data-column="${id}"]`)!;
  box('best:kl').click();
  box('config:beta').click();
  box('state').click();
  await settled();
  await until(() => {
    const { columns } = connector.calls.filter(([name]) => name === 'runTable').at(-1)![1] as { columns: string[] };
    expect(columns).toEqual(expect.arrayContaining(['best:kl', 'config:beta']));
    expect(columns).not.toContain('state');
  });
});

it('takes up what was trained meanwhile, and what another page noted', async () => {
  const { connector, rows } = await table();
  connector.step('c');
  await settled();
  await until(() => expect(rows()[0].textContent).toContain('7'));
  await connector.annotateRun('c', { name: 'elsewhere' });
  connector.tellRuns({ summary: connector.summary(connector.options.runs![2]) });
  await settled();
  expect(rows()[0].textContent).toContain('elsewhere');
});
