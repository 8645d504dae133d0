// @vitest-environment jsdom
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../testing/fake-connector.ts';
import { settled } from '../../testing/until.ts';
import { Workbench } from '../store/workbench.ts';
import type { CurveChart } from './chart.ts';
import './view.ts';
import type { CurvesView } from './view.ts';

let workbench: Workbench;
const frames: (() => void)[] = [];
/** All charts have had their turn. */
async function turns(): Promise<void> {
  do {
    while (frames.length > 0) frames.shift()!();
    await settled();
  } while (frames.length > 0); // what was updated may ask for another
}
beforeAll(() => {
  // jsdom lays nothing out: charts are on screen but never drawn.
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe(): void {}
      disconnect(): void {}
    },
  );
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
});
afterEach(() => {
  document.body.replaceChildren();
  workbench.dispose();
});

async function view(options: FakeOptions, runs?: string[]) {
  const connector = new FakeConnector(options);
  workbench = new Workbench(connector);
  if (runs) workbench.selection.move({ runs });
  await workbench.start();
  const element = Object.assign(document.createElement('medr1-curves') as CurvesView, { workbench });
  document.body.append(element);
  await settled();
  const charts = () => [...element.shadowRoot!.querySelectorAll<CurveChart>('medr1-chart')];
  return { connector, element, charts };
}

it('has a chart for each metric that was logged, and new ones as they come', async () => {
  const { connector, charts } = await view({ runs: [{ id: 'a', steps: 3 }] });
  expect(charts().map(({ spec }) => spec.id)).toEqual(expect.arrayContaining(['reward', 'rewards', 'kl', 'learning_rate']));
  connector.tell('a', { kind: 'step', seq: 4, time: 0, step: 4, metrics: { 'my/own': 1 }, groups: 0 });
  await settled();
  expect(charts().map(({ spec }) => spec.id)).toContain('my/own');
});

it('a hidden run leaves the charts but not the chips', async () => {
  const { element, charts } = await view(
    {
      runs: [
        { id: 'a', steps: 3 },
        { id: 'b', steps: 3 },
      ],
    },
    ['a', 'b'],
  );
  expect(charts()[0].runs).toHaveLength(2);
  const chips = () => [...element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=curves-run]')];
  chips()[0].click();
  await settled();
  expect(charts()[0].runs.map(({ series, colour }) => [series.id, colour])).toEqual([['b', workbench.colours.of('b')]]);
  expect(charts()[0].overlaid).toBe(true);
  expect(chips()).toHaveLength(2);
});

it('the cursor of one chart is the cursor of all', async () => {
  const { element, charts } = await view({ runs: [{ id: 'a', steps: 30 }] });
  const readings = () =>
    charts()
      .slice(0, 3)
      .map((chart) => chart.shadowRoot!.querySelector('.legend b')!.textContent);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (const x of [12, 25]) {
      const before = readings();
      element.model.cursor.set(x);
      await turns();
      expect(readings()).toEqual(before); // the pointer may be on its way
      vi.advanceTimersByTime(100);
      await turns();
      readings().forEach((now, index) => expect(now).not.toBe(before[index]));
    }
  } finally {
    vi.useRealTimers();
  }
});

it('a zoom asks each run for the points of that stretch that its first reading left out', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 1000, total: 1000 }] }, ['a']);
  const whole = connector.table({ id: 'a', steps: 1000, total: 1000 });
  const series = workbench.runs.acquire('a');
  const thin = <T>(column: T[]): T[] => column.filter((_, at) => (at + 1) % 10 === 0);
  for (const [name, column] of series.metrics) series.metrics.set(name, thin(column));
  Object.assign(series, { steps: thin(series.steps), times: thin(series.times) });
  const asked: unknown[] = [];
  connector.metrics = (_id: string, query?: unknown) => (asked.push(query), Promise.resolve(whole));
  element.model.set({ range: [204, 296] });
  await settled();
  element.model.set({ smoothing: 0.1 });
  await settled();
  expect(asked).toEqual([{ from: 200, to: 300, max_points: 4000 }]);
  workbench.runs.release('a');
});

it('Enter on a chart selects the step under the cursor', async () => {
  const { element, charts } = await view({ runs: [{ id: 'a', steps: 30 }] });
  element.model.cursor.set(12.3);
  charts()[0]
    .shadowRoot!.querySelector('.area')!
    .dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true }));
  expect(workbench.selection.value.step).toBe(12);
});

it('a step clicked on an overlay is selected with its run, which then comes first; chips and colours stay', async () => {
  const runs = [
    { id: 'a', steps: 30 },
    { id: 'b', steps: 90, seed: 3 },
  ];
  const { element, charts } = await view({ runs }, ['a', 'b']);
  const chips = () =>
    [...element.shadowRoot!.querySelectorAll('[data-testid=curves-run]')].map((chip) => chip.textContent!.trim().slice(0, 5));
  const colours = () => charts()[0].runs.map(({ series, colour }) => [series.id, colour]);
  const before = [chips(), colours()];
  element.model.cursor.set(70);
  const area = charts()[0].shadowRoot!.querySelector('.area')!;
  area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true }));
  await settled();
  expect(workbench.selection.value).toMatchObject({ runs: ['b', 'a'], step: 70 });
  expect([chips(), colours()]).toEqual(before);
});

it('Home and End go to the ends of all runs, Down to the events, whose text is then shown', async () => {
  const runs = [
    { id: 'a', steps: 30 },
    { id: 'b', steps: 120, seed: 3 },
  ];
  const { element, charts } = await view({ runs }, ['a', 'b']);
  const area = charts()[0].shadowRoot!.querySelector<HTMLElement>('.area')!;
  const press = (key: string) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true });
    area.dispatchEvent(event);
    expect(event.defaultPrevented, key).toBe(true);
    return element.model.cursor.value;
  };
  expect([press('End'), press('Home'), press('ArrowRight'), press('ArrowLeft')]).toEqual([120, 1, 2, 1]);
  expect(area.getAttribute('role')).toBe('group'); // what lies in an image is out of reach
});

it('a run that cannot be read is an error beside the curves of the others', async () => {
  const { connector, element, charts } = await view(
    {
      runs: [
        { id: 'a', steps: 3 },
        { id: 'b', steps: 3 },
      ],
    },
    ['a'],
  );
  connector.options.failure = { code: 'X', message: 'The store is damaged.', remedy: 'Restore it.' };
  workbench.selection.toggleRun('b');
  await settled();
  expect(element.shadowRoot!.querySelector('[data-testid=error]')!.textContent).toContain('The store is damaged.');
  expect(charts().length).toBeGreaterThan(0);
});

it('follows its runs while it is on the page and no longer', async () => {
  const { connector, element } = await view(
    {
      runs: [
        { id: 'a', steps: 3 },
        { id: 'b', steps: 3 },
      ],
    },
    ['a', 'b'],
  );
  expect([connector.followers('a'), connector.followers('b')]).toEqual([1, 1]);
  workbench.selection.move({ runs: ['b'] });
  await settled();
  expect([connector.followers('a'), connector.followers('b')]).toEqual([0, 1]);
  element.remove();
  expect(connector.followers('b')).toBe(0);
});

it('a chart of chosen metrics is put together, moved, resized, given ends of y, and removed', async () => {
  const { element, charts } = await view({ runs: [{ id: 'a', steps: 30 }] });
  const find = (selector: string) => element.shadowRoot!.querySelector<HTMLElement>(selector)!;
  const ids = () => charts().map(({ spec }) => spec.id);
  find('[data-testid=new-chart]').click();
  await vi.waitFor(() => expect(find('medr1-own-chart')?.shadowRoot!.querySelector('[value=kl]')).toBeTruthy());
  const form = find('medr1-own-chart').shadowRoot!;
  for (const name of ['kl', 'entropy']) form.querySelector<HTMLInputElement>(`[value=${name}]`)!.click();
  form.querySelector<HTMLInputElement>('[name=title]')!.value = 'Drift';
  form.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
  await vi.waitFor(() => expect(charts()[0].spec).toMatchObject({ id: 'own:1', title: 'Drift', metrics: ['kl', 'entropy'] }));
  expect(find('medr1-own-chart')).toBeNull();

  const menuOf = async (id: string): Promise<HTMLElement> => {
    const chart = charts().find(({ spec }) => spec.id === id)!;
    await chart.updateComplete;
    return chart.shadowRoot!.querySelector<HTMLElement>('[data-testid=chart-menu]')!;
  };
  const press = (menu: HTMLElement, text: string): void =>
    [...menu.querySelectorAll('button')].find((button) => button.textContent!.includes(text))!.click();
  const [, first, second] = ids();
  press(await menuOf(second), 'Earlier');
  await vi.waitFor(() => expect(ids().slice(1, 3)).toEqual([second, first]));
  press(await menuOf(second), 'Earlier'); // the first of its group stays where it is
  press(await menuOf(second), 'Wider');
  press(await menuOf(second), 'Higher');
  expect(element.model.state.value.sizes[second]).toEqual({ columns: 2, height: 250 });
  const [from] = (await menuOf(second)).querySelectorAll('input');
  Object.assign(from, { value: '0.5' }).dispatchEvent(new Event('change'));
  await settled();
  Object.assign(from, { value: 'nonsense' }).dispatchEvent(new Event('change'));
  expect([element.model.state.value.ranges[second], from.value]).toEqual([[0.5, null], '0.5']);

  const handle = charts()[0].shadowRoot!.querySelector<HTMLElement>('[data-testid=chart-size]')!;
  handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }));
  expect(element.model.state.value.sizes['own:1']).toEqual({ columns: 1, height: 220 });
  press(await menuOf('own:1'), 'Remove chart');
  await settled();
  expect(ids()).not.toContain('own:1');
});

it('a chart that is dropped on another takes its place', async () => {
  const { charts } = await view({ runs: [{ id: 'a', steps: 30 }] });
  const [first, second, third] = charts();
  const { id } = third.spec;
  const data = new Map<string, string>();
  const dataTransfer = {
    types: ['application/x-medr1-chart'],
    getData: (type: string) => data.get(type),
    setData: (type: string, text: string) => data.set(type, text),
    setDragImage: () => {},
  };
  const drag = (target: EventTarget, type: string): Event => {
    const event = Object.assign(new Event(type, { cancelable: true, bubbles: true }), { dataTransfer });
    target.dispatchEvent(event);
    return event;
  };
  drag(third.shadowRoot!.querySelector('header')!, 'dragstart');
  expect(drag(first, 'dragover').defaultPrevented).toBe(true);
  expect([first.over, second.over]).toEqual([true, false]);
  drag(first, 'drop');
  await settled();
  expect([first.over, charts()[0].spec.id]).toEqual([false, id]);
});

it('the kind of smoothing decides what its slider sets', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 30 }] });
  const slider = () => element.shadowRoot!.querySelector<HTMLInputElement>('input[type=range]');
  const choose = async (kind: string): Promise<void> => {
    Object.assign(element.shadowRoot!.querySelector('[aria-label="Kind of smoothing"]')!, { value: kind }).dispatchEvent(
      new Event('change'),
    );
    await settled();
  };
  await choose('mean');
  Object.assign(slider()!, { value: '7' }).dispatchEvent(new Event('input'));
  expect(element.model.state.value).toMatchObject({ smoother: 'mean', window: 7, smoothing: 0.6 });
  await choose('none');
  expect(slider()).toBeNull();
});

it('rollouts have charts of their own, which the runs that are shown fill', async () => {
  const { charts } = await view({ runs: [{ id: 'a', steps: 30 }] });
  await vi.waitFor(() => expect(charts().map(({ spec }) => spec.id)).toContain('rollouts/reward'));
  const heat = charts().find(({ spec }) => spec.id === 'rollouts/reward')!;
  await heat.updateComplete;
  expect(heat.shadowRoot!.querySelector('.legend')!.textContent).toMatch(/median/);
});

it('supervised runs have no rollouts to ask for', async () => {
  const { connector, charts } = await view({ runs: [{ id: 'a', steps: 30, trainer: 'sft', config: { trainer: 'sft' } }] });
  expect(charts().length).toBeGreaterThan(0);
  expect(connector.calls.map(([name]) => name)).not.toContain('search.statistics');
});

it('several runs are one line where they are grouped, named by what they share', async () => {
  const runs = [1, 2, 3].map((seed) => ({
    id: `s${seed}`,
    name: `Seed ${seed}`,
    steps: 30,
    seed,
    config: { seed, beta: seed > 2 ? 0.04 : 0 },
  }));
  const { element, charts } = await view({ runs }, ['s1', 's2', 's3']);
  const legend = () => charts()[0].shadowRoot!.querySelector('.legend')!.textContent!.replace(/\s+/g, ' ');
  expect(legend()).toMatch(/Seed 1.*Seed 2.*Seed 3/);
  const select = element.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=group-by]')!;
  expect([...select.options].map(({ value }) => value)).toEqual(['', 'seed', 'beta']);
  Object.assign(select, { value: 'seed' }).dispatchEvent(new Event('change'));
  await settled();
  expect(legend()).toMatch(/beta 0, 2 runs.*Seed 3/);
});

it('a colour that is chosen is kept with the run; why it was not is said', async () => {
  const { connector, element } = await view({ runs: [{ id: 'a', steps: 3 }] });
  const swatch = () => element.shadowRoot!.querySelectorAll<HTMLElement>('[data-testid=run-colour] [role=radio]')[3];
  swatch().click();
  await vi.waitFor(() => expect(connector.calls).toContainEqual(['annotateRun', 'a', { colour: 2 }]));
  await vi.waitFor(() => expect(workbench.colours.of('a')).toBe(2));
  connector.options.failure = { code: 'X', message: 'The disk is full.', remedy: '' };
  swatch().click();
  await vi.waitFor(() => expect(element.shadowRoot!.querySelector('[role=alert]')?.textContent).toContain('The disk is full.'));
});

it('a board is kept under a name and comes back as it was', async () => {
  const { element } = await view({ runs: [{ id: 'a', steps: 3 }] });
  const menu = () => element.shadowRoot!.querySelector<HTMLElement>('[data-testid=layouts]')!;
  element.model.resize('kl', { columns: 2 });
  element.model.set({ smoother: 'mean', window: 9 });
  menu().querySelector('input')!.value = ' Paper ';
  menu()
    .querySelector('form')!
    .dispatchEvent(new Event('submit', { cancelable: true }));
  element.model.resetLayout();
  element.model.set({ smoother: 'none', search: 'kl' });
  await settled();
  const [apply, remove] = menu().querySelectorAll<HTMLElement>('.saved button');
  expect(apply.textContent!.trim()).toBe('Paper');
  apply.click();
  expect(element.model.state.value).toMatchObject({ smoother: 'mean', window: 9, search: 'kl', sizes: { kl: { columns: 2 } } });
  remove.click();
  expect(element.model.layouts.value).toEqual({});
});

it('the run of the heat maps is chosen in any of their charts, for all of them', async () => {
  const runs = [
    { id: 'a', name: 'First', steps: 30 },
    { id: 'b', name: 'Second', steps: 30, seed: 3 },
  ];
  const { element, charts } = await view({ runs }, ['a', 'b']);
  const choice = (id: string) =>
    charts()
      .find(({ spec }) => spec.id === id)
      ?.shadowRoot!.querySelector<HTMLSelectElement>('[data-testid=heat-run]');
  await vi.waitFor(() => expect([...(choice('rollouts/reward')?.options ?? [])].map(({ text }) => text)).toEqual(['First', 'Second']));
  expect(choice('reward')).toBeNull();
  Object.assign(choice('rollouts/reward')!, { value: 'b' }).dispatchEvent(new Event('change'));
  await settled();
  expect([element.model.state.value.heatRun, choice('rollouts/length')!.value]).toEqual(['b', 'b']);
  element.model.set({ hidden: ['b'] });
  await settled();
  expect(choice('rollouts/length'), 'of one run there is no choice').toBeNull();
});

it('what is read out of a chart has its values, and the pauses that are left out of x', async () => {
  const { element, charts } = await view({ runs: [{ id: 'a', steps: 30, pauses: [[10, 6]] }] }, ['a']);
  const said = () => charts()[0].shadowRoot!.querySelector('.area')!.getAttribute('aria-label');
  expect(said()).toMatch(/^Reward: reward 1\.\d+.*\. Left and Right/);
  element.model.set({ axis: 'training' });
  await settled();
  expect(said()).toContain('Pauses left out: 6 min.');
});
