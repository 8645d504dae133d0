import { expect, it } from 'vitest';
import { configRows } from './configuration.ts';

it('configurations side by side tell what differs, missing keys included', () => {
  const rows = configRows([
    { beta: 0.04, modality: ['CT'], seed: 1 },
    { beta: 0.04, modality: ['CT', 'MRI'] },
  ]);
  expect(rows).toEqual([
    { key: 'beta', values: [0.04, 0.04], differs: false },
    { key: 'modality', values: [['CT'], ['CT', 'MRI']], differs: true },
    { key: 'seed', values: [1, undefined], differs: true },
  ]);
});
