import { expect, it } from 'vitest';
import type { TrainConfig } from './config.ts';
import { configAt, sourcesAt } from './fork.ts';
import type { RewardRevision } from './run.ts';

const source = { file: 'mine.ts', source: 'a', sha256: '0' };
const config = { reward_funcs: ['accuracy', '/home/a/mine.ts'], reward_weights: null, beta: 0.04 } as TrainConfig;
const revision = (number: number, step: number | null, change: Partial<RewardRevision>): RewardRevision =>
  ({ revision: number, step, weights: { accuracy: 1, mine: 1 }, sources: { mine: source }, ...change }) as RewardRevision;

const REVISIONS = [
  revision(1, 1, {}),
  revision(2, 5, { weights: { accuracy: 1, format: 0.3 }, sources: {}, settings: { beta: 0.01 } as RewardRevision['settings'] }),
  revision(3, null, { weights: { accuracy: 9 } }),
];

it('a run as it began goes by its configuration, own functions by their files', () =>
  expect(configAt(config, REVISIONS, 4)).toEqual({ ...config, reward_funcs: ['accuracy', 'mine.ts'] }));

it('after an edit what the edit brought takes the place of what was configured; one that still waits does not', () =>
  expect(configAt(config, REVISIONS, 9)).toEqual({
    beta: 0.01,
    reward_funcs: ['accuracy', 'format'],
    reward_weights: [1, 0.3],
    reward_weight_schedules: null,
    reward_parameters: null,
  }));

it('functions that an edit took away can be named again', () => expect(sourcesAt(REVISIONS, 9)).toEqual({ mine: source }));
