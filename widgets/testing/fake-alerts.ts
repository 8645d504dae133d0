/** Rules and alerts as the backend tells them, a few of them. */
import type { Alert, AlertRule } from '../src/connector.ts';

export const ALERT_RULES: AlertRule[] = [
  {
    id: 'truncated',
    title: 'Completions are cut off',
    level: 'warning',
    metrics: ['completions/clipped_ratio'],
    window: 5,
    thresholds: [
      { name: 'share', default: 0.5, text: 'share of completions that ended at max_completion_length' },
      { name: 'growth', default: 0.25, text: 'the same, where it has grown by at least so much since the start' },
    ],
    why: 'A completion that is cut has no end and mostly no answer.',
    source: null,
  },
  {
    id: 'reward_flat',
    title: 'The reward stands still',
    level: 'info',
    metrics: ['reward'],
    window: 60,
    thresholds: [{ name: 'change', default: 0.01, text: 'change of the reward over the window below which it is flat' }],
    why: 'The reward has risen before and is where it was 60 steps ago.',
    source: null,
  },
];

export const ALERTS: Alert[] = [
  {
    rule: 'reward_flat',
    title: 'The reward stands still',
    level: 'info',
    since: 110,
    last: 143,
    on: true,
    seen: 'The reward was 1.82, 1.83 and 1.82 in thirds of steps 51 to 110.',
    why: 'The reward has risen before and is where it was 60 steps ago. Further steps cost the same as those that taught something.',
    metrics: ['reward'],
    evidence: { step: 110 },
    remedies: [{ kind: 'look', text: 'Stop here, or train on harder questions' }],
    snoozed: false,
  },
  {
    rule: 'format_saturated',
    title: 'A reward is at its ceiling',
    level: 'warning',
    since: 64,
    last: 90,
    on: false,
    seen: 'format had a mean of 0.99 and a spread of 0.08 in steps 57 to 64, from 0.71 at the start; accuracy moved by 0.01 since the start.',
    why: 'A function that nearly every completion earns in full tells them apart no more.',
    metrics: ['rewards/format/mean', 'rewards/format/std', 'accuracy'],
    evidence: { step: 64, shown: 'flat' },
    remedies: [{ kind: 'weights', text: 'Set the weight of format to 0.2', weights: { format: 0.2 } }],
    snoozed: false,
  },
  {
    rule: 'truncated',
    title: 'Completions are cut off',
    level: 'warning',
    since: 121,
    last: 143,
    on: true,
    seen: '61 % of the completions were cut at the longest length of 48 tokens in steps 117 to 121.',
    why: 'A completion that is cut has no end and mostly no answer. The words that are missing earn nothing.',
    metrics: ['completions/clipped_ratio'],
    evidence: { step: 121, shown: 'cut' },
    remedies: [
      { kind: 'settings', text: 'Set max_completion_length to 96', settings: { max_completion_length: 96 } },
      { kind: 'fork', text: 'Fork step 120 with loss_type dr_grpo', step: 120, settings: { loss_type: 'dr_grpo' } },
      { kind: 'rollback', text: 'Roll back to step 120', step: 120 },
    ],
    snoozed: false,
  },
];
