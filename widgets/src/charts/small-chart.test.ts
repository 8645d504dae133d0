// @vitest-environment jsdom
import { render } from 'lit';
import { expect, it } from 'vitest';
import { figureChart } from './small-chart.ts';

it('zones around the first and the last point end with the chart: the page around it does not scroll sideways', () => {
  const at = document.createElement('div');
  const points = [0, 1, 2].map((x) => [x, x] as const);
  render(
    figureChart(
      {
        ...{ title: 'Reward', none: 'none', ticks: [], size: { width: 100, height: 20 }, x: [0, 2] as const },
        marks: [{ kind: 'line', points, colour: 'red' }],
        zones: points.map(([x]) => ({ from: x - 0.5, to: x + 0.5, title: `step ${x}` })),
        table: { columns: [], rows: [] },
      },
      'figure',
    ),
    at,
  );
  const zones = [...at.querySelectorAll<HTMLElement>('.column')].map(({ style }) => [parseFloat(style.left), parseFloat(style.width)]);
  expect(zones).toHaveLength(3);
  for (const [left, width] of zones) {
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left + width).toBeLessThanOrEqual(100);
  }
  expect(zones[1][1]).toBeGreaterThan(zones[0][1]); // the one in the middle is whole
});

it('the table that is read out stands in a box: a table itself is as wide as its cells, and the view around it would scroll sideways', () => {
  const at = document.createElement('div');
  const table = { columns: ['step', 'reward'], rows: [['1', '0.5']] as [string, ...string[]][] };
  const marks = [{ kind: 'line', points: [[0, 1]], colour: 'red' }] as const;
  render(
    figureChart(
      { title: 'Reward', none: 'none', ticks: [], size: { width: 100, height: 20 }, marks: [...marks], zones: [], table },
      'figure',
    ),
    at,
  );
  expect(at.querySelector('table')!.matches('div.heard > table:not(.heard)')).toBe(true);
});
