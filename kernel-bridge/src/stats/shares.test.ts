import { expect, it } from 'vitest';
import { chiSquaredTail, designEffect, falseDiscoveryRates, likelihoodRatio, type Clustered } from './shares.ts';

it.each([
  // scipy 1.17.1, chi2_contingency([[a, na - a], [b, nb - b]], correction=False, lambda_='log-likelihood')
  [3, 40, 17, 50, 9.932810980828618, 0.0016235840071657764],
  [0, 128, 12, 128, 17.225934403708077, 3.318747919195646e-5],
  [50, 100, 50, 100, 0, 1],
  [120, 128, 10, 256, 347.26201695972, 1.6725565216550773e-77],
])('%s of %s against %s of %s as scipy has it', (a, na, b, nb, statistic, p) => {
  const found = likelihoodRatio(a, na, b, nb);
  expect(found).toBeCloseTo(statistic, 9);
  expect(chiSquaredTail(found) / p).toBeCloseTo(1, 6);
});

it('false discovery rates as statsmodels has them', () => {
  // statsmodels 0.15.0, multipletests(p, method='fdr_bh')
  falseDiscoveryRates([0.01, 0.04, 0.03, 0.005, 0.9]).forEach((rate, at) =>
    expect(rate).toBeCloseTo([0.025, 0.05, 0.05, 0.025, 0.9][at], 12),
  );
  expect(falseDiscoveryRates([])).toEqual([]);
});

/** Groups of eight documents; how many of each have it. */
const side = (...counts: number[]): Clustered => ({
  ...{ documents: 8 * counts.length, groups: counts.length, squares: 64 * counts.length },
  having: counts.reduce((sum, one) => sum + one, 0),
  squaredHaving: counts.reduce((sum, one) => sum + one ** 2, 0),
  havingBySize: counts.reduce((sum, one) => sum + 8 * one, 0),
});

it('groups that are alike within count for fewer documents', () => {
  // all or nothing in each group: eight documents say no more than one (16 groups: 16 / 15 of that, for the variance of a sample)
  const wholes = side(...Array.from({ length: 16 }, (_, at) => (at % 2) * 8));
  expect(designEffect([wholes])).toBeCloseTo(8 * (16 / 15), 12);
  expect(designEffect([side(4, 4, 4, 4)])).toBe(1); // more even than chance
  expect(designEffect([side(0, 0), side(8, 8)])).toBe(1);
  expect(designEffect([side(3)])).toBe(1); // one group tells nothing of how groups differ
});
