import { expect, it } from 'vitest';
import { holm } from './holm.ts';
import { agreement } from './kappa.ts';

it.each([
  // statsmodels 0.15.0, multipletests(p, method='holm')
  [
    [0.01, 0.04, 0.03],
    [0.03, 0.06, 0.06],
  ],
  [
    [0.2, 0.001, 0.001, 0.9, 0.04, 0.012],
    [0.4, 0.006, 0.006, 0.9, 0.12, 0.048],
  ],
  [
    [1, 1, 1],
    [1, 1, 1],
  ],
  [
    [0.6, 0.3],
    [0.6, 0.6],
  ],
  [[0.03], [0.03]],
  [[], []],
])('Holm of %j as statsmodels has it', (p, corrected) => {
  expect(holm(p)).toHaveLength(p.length);
  holm(p).forEach((value, i) => expect(value).toBeCloseTo(corrected[i], 12));
});

it.each([
  // scikit-learn 1.9.1, cohen_kappa_score
  ['AABBCAB', 'AABCCBB', 0.5625],
  ['AAAA', 'AAAB', 0],
  ['ABCDABCD', 'ABCDABDC', 2 / 3],
  ['AB', 'BA', -1],
])("Cohen's kappa of %s and %s as scikit-learn has it", (a, b, kappa) => {
  const found = agreement(Array.from(a, (one, i) => [one, b[i]] as const));
  expect(found.kappa).toBeCloseTo(kappa, 12);
  expect(found.total).toBe(a.length);
});

it('kappa says nothing where both say one and the same, and of nothing', () => {
  const always = ['A', 'A'] as const;
  expect(agreement([always, always])).toEqual({ same: 2, total: 2, rate: 1, kappa: null });
  expect(agreement([])).toEqual({ same: 0, total: 0, rate: null, kappa: null });
});
