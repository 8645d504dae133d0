// @vitest-environment jsdom
import { render } from 'lit';
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import { FollowedRun } from '../store/followed-run.ts';
import { enterMarks, isMark, marks, walkMarks } from './chart-marks.ts';

afterEach(() => document.body.replaceChildren());

async function shown(run: FakeRun, overlaid = false) {
  const series = new FollowedRun(new FakeConnector({ runs: [run] }), run.id);
  await series.load();
  const select = vi.fn();
  const chart = document.createElement('div');
  document.body.append(chart);
  render(marks({ runs: [{ series, colour: 0 }], overlaid, pixelOfStep: (_, step) => (step > 100 ? null : 10 * step), select }), chart);
  const signs = [...chart.querySelectorAll<HTMLElement>('.glyph')];
  for (const sign of signs) Object.defineProperty(sign, 'offsetLeft', { value: parseFloat(sign.style.left) }); // jsdom lays nothing out
  return { chart, signs, select };
}

const PAUSED: FakeRun = {
  id: 'a',
  name: 'First',
  steps: 80,
  pauses: [
    [10, 6],
    [70, 0],
  ],
};

it('a pause says how long the run stood still, and where several runs are shown whose it is', async () => {
  const { signs } = await shown(PAUSED, true);
  const [pause] = signs.filter((sign) => sign.classList.contains('pause'));
  expect(pause.getAttribute('aria-label')).toBe('First: paused, step 10\nIt stood still for 6 min.');
  expect(pause.style.left).toBe('100px');
});

it('a click on a sign chooses its step', async () => {
  const { signs, select } = await shown(PAUSED);
  signs.find((sign) => sign.classList.contains('pause'))!.click();
  expect(select).toHaveBeenCalledWith({ run: 'a', step: 10 });
});

it('keys go from sign to sign by their places, and back to the chart', async () => {
  const { chart, signs } = await shown(PAUSED);
  const area = document.createElement('div');
  area.className = 'area';
  area.tabIndex = 0;
  chart.append(area);
  const press = (key: string): boolean => {
    const event = new KeyboardEvent('keydown', { key });
    Object.defineProperty(event, 'target', { value: document.activeElement });
    return walkMarks(chart, event);
  };
  const places = signs.map(({ style }) => parseFloat(style.left)).sort((a, b) => a - b);
  expect(enterMarks(chart, places[0] + 1)).toBe(true);
  const at = (): number => parseFloat((document.activeElement as HTMLElement).style.left);
  expect([isMark(document.activeElement), at()]).toEqual([true, places[1]]);
  expect([press('ArrowLeft'), at()]).toEqual([true, places[0]]);
  expect(press('ArrowLeft'), 'there is none before the first').toBe(false);
  expect([press('Escape'), document.activeElement]).toEqual([true, area]);
  expect(enterMarks(chart, 10_000)).toBe(false);
});
