import { expect, it } from 'vitest';
import { chartsFor } from './charts.ts';
import { CURVES_DEFAULTS, CurvesModel } from './model.ts';

const charts = chartsFor(['reward', 'kl', 'grad_norm']);

it('a search finds charts by title, metric name and explanation', () => {
  const model = new CurvesModel();
  model.set({ search: 'gradient' });
  expect(model.shown(charts).map(({ id }) => id)).toEqual(['grad_norm']);
});

it('pinned charts come first', () => {
  const model = new CurvesModel();
  model.toggle('pinned', 'kl');
  expect(model.shown(charts)[0].id).toBe('kl');
});

it('another x axis drops the zoom, which was in the old one', () => {
  const model = new CurvesModel({ range: [3, 9] });
  model.set({ smoothing: 0.2 });
  expect(model.state.value.range).toEqual([3, 9]);
  model.set({ axis: 'time' });
  expect(model.state.value.range).toBeNull();
});

it('what was saved comes back, and what is malformed is left at its default', () => {
  const before = new CurvesModel();
  before.set({ axis: 'tokens', smoothing: 0.3, logY: true, pinned: ['kl'] });
  const after = new CurvesModel();
  after.restore(JSON.parse(JSON.stringify(before)));
  expect(after.state.value).toEqual(before.state.value);
  const wrong = new CurvesModel();
  wrong.restore({ axis: 'colour', smoothing: 'much', hidden: [1, null], folded: 7 });
  expect(wrong.state.value).toEqual(CURVES_DEFAULTS);
});
