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
  model.cursor.set(5);
  model.set({ smoothing: 0.2 });
  expect(model.state.value.range).toEqual([3, 9]);
  expect(model.cursor.value).toBe(5);
  model.set({ axis: 'time' });
  expect([model.state.value.range, model.cursor.value]).toEqual([null, null]);
});

it('what was saved comes back, and what is malformed is left at its default', () => {
  const before = new CurvesModel();
  before.set({ axis: 'tokens', smoothing: 0.3, smoother: 'mean', window: 5, logY: true, ignoreOutliers: true, pinned: ['kl'] });
  before.set({ heatRun: 'r2' });
  before.putOwn('Drift', ['kl', 'entropy']);
  before.resize('kl', { columns: 2 });
  before.setRange('kl', [0, 0.5]);
  before.move(charts, 'grad_norm', 'reward');
  const after = new CurvesModel();
  after.restore(JSON.parse(JSON.stringify(before)));
  expect(after.state.value).toEqual(before.state.value);
  const wrong = new CurvesModel();
  wrong.restore({ axis: 'colour', smoothing: 'much', hidden: [1, null], folded: 7, smoother: 'magic', window: 0.5 });
  expect(wrong.state.value).toEqual(CURVES_DEFAULTS);
});

it('an end of y that is taken back is no range; a chart that is put together again keeps its place; a reset keeps what was made', () => {
  const model = new CurvesModel();
  model.setRange('kl', [0, null]);
  model.setRange('kl', [null, null]);
  expect(model.state.value.ranges).toEqual({});
  model.putOwn('One', ['kl']);
  model.putOwn('Two', ['reward']);
  model.putOwn('Changed', ['entropy'], 'own:1');
  model.move(charts, 'kl', 'reward');
  model.resize('kl', { height: 400 });
  model.resetLayout();
  expect(model.state.value).toMatchObject({ order: [], sizes: {}, own: [{ title: 'Changed', metrics: ['entropy'] }, { title: 'Two' }] });
  model.removeOwn('own:1');
  expect(model.shown(charts).map(({ title }) => title)).toEqual(['Two', 'Reward', 'KL to the reference', 'Gradient norm']);
});
