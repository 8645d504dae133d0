/** Twelve series made by hand, one failure each, on top of a run that goes well until then. */
import { mulberry32 } from '../../kernel-bridge/src/stats/random.ts';
import type { TrainConfigInput } from '../../kernel-bridge/src/protocol/config.ts';

type Metrics = Record<string, number | null>;

export interface Made {
  name: string;
  /** The rule that names it first. */
  first: string;
  config: Partial<TrainConfigInput>;
  steps: number;
  rows: { step: number; metrics: Metrics }[];
}

const STEPS = 200;
/** The failure begins here, and is whole some steps later. */
const FROM = 40;

/** From 0 before `FROM` to 1 at `FROM` + 20. */
const onset = (step: number): number => Math.min(1, Math.max(0, (step - FROM) / 20));

function well(step: number, random: () => number): Metrics {
  const noise = (size: number): number => size * (random() - 0.5);
  const learnt = 1 - Math.exp(-step / 60);
  const accuracy = 0.35 + 0.4 * learnt + noise(0.06);
  return {
    accuracy,
    reward: accuracy + 0.8 + 0.15 * learnt + noise(0.03),
    reward_std: 0.5 + noise(0.05),
    'rewards/accuracy/mean': accuracy,
    'rewards/accuracy/std': 0.45 + noise(0.03),
    'rewards/format/mean': 0.7 + 0.2 * learnt + noise(0.04),
    'rewards/format/std': 0.35 + noise(0.05),
    frac_reward_zero_std: 0.1 + 0.25 * learnt + noise(0.1),
    frac_groups_all_right: 0.05 + 0.2 * learnt + noise(0.05),
    frac_groups_all_wrong: 0.15 - 0.1 * learnt + noise(0.05),
    frac_groups_identical: 0.02 + noise(0.02),
    frac_groups_tiny_std: 0,
    frac_groups_rewards_cancel: 0.1,
    frac_reward_missing: 0,
    'advantages/max_abs': 2.2 + noise(0.2),
    reward_length_correlation: noise(0.4),
    'answers/A': 0.24 + noise(0.06),
    'answers/B': 0.25 + noise(0.06),
    'answers/C': 0.25 + noise(0.06),
    'answers/D': 0.22 + noise(0.06),
    'answers/none': 0.04,
    'completions/mean_length': 120 + noise(8),
    'completions/clipped_ratio': 0.02 + noise(0.02),
    'think/mean_words': 70 + noise(8),
    'think/disagrees': 0.1 + noise(0.05),
    loss: noise(0.01),
    kl: 0.02 + 0.05 * learnt + noise(0.01),
    entropy: 0.6 - 0.3 * learnt + noise(0.03),
    'clip_ratio/region_mean': 0,
    grad_norm: 0.4 + noise(0.1),
    skipped_steps: 0,
    ...(step % 50 === 1
      ? {
          'check/image_sensitivity/grey': 6 + noise(1),
          'check/image_sensitivity/swapped': 7 + noise(1),
          'check/image_gain/grey': 5,
          'check/image_gain/swapped': 6,
          'sampling/sampling_logp_difference/mean': 2e-6,
          'sampling/sampling_logp_difference/max': 3e-5,
        }
      : {}),
  };
}

function made(
  name: string,
  first: string,
  fail: (metrics: Metrics, on: number, step: number) => Metrics,
  config: Made['config'] = {},
): Made {
  const random = mulberry32(first.length * 1000 + name.length);
  const rows = Array.from({ length: STEPS }, (_, i) => i + 1).flatMap((step) => {
    const metrics = well(step, random);
    const row = { step, metrics: { ...metrics, ...fail(metrics, onset(step), step) } };
    // an evaluation follows each twentieth step
    const held = 0.4 + 0.3 * (1 - Math.exp(-step / 60));
    const falls = first === 'reward_against_held_out' ? 0.45 - 0.004 * step : held;
    return step % 10 === 0
      ? [row, { step, metrics: { eval_accuracy: falls, eval_accuracy_low: falls - 0.03, eval_accuracy_high: falls + 0.03 } }]
      : [row];
  });
  return { name, first, config: { ...config }, steps: STEPS, rows };
}

const mix = (from: number | null, to: number, on: number): number => (from ?? 0) * (1 - on) + to * on;

export const MADE: readonly Made[] = [
  made('entropy falls to nothing while groups are wrong alike', 'entropy_collapsed', (m, on) => ({
    entropy: mix(m.entropy, 0.01, on),
    frac_reward_zero_std: mix(m.frac_reward_zero_std, 0.75, on),
    accuracy: mix(m.accuracy, 0.38, on),
    frac_groups_all_wrong: mix(m.frac_groups_all_wrong, 0.5, on),
  })),
  made('KL runs away', 'kl_high', (m, on) => ({ kl: mix(m.kl, 4, on), grad_norm: mix(m.grad_norm, 3, on) })),
  made('one step of KL far above all', 'kl_high', (m, _on, step) => ({ kl: step === 50 ? 6 : m.kl })),
  made('all groups wrong', 'groups_all_wrong', (m, on) => ({
    frac_groups_all_wrong: mix(m.frac_groups_all_wrong, 0.9, on),
    frac_reward_zero_std: mix(m.frac_reward_zero_std, 0.92, on),
  })),
  made('answers cut off more and more', 'truncated', (m, on) => ({
    'completions/clipped_ratio': mix(m['completions/clipped_ratio'], 0.8, on),
    'completions/mean_length': mix(m['completions/mean_length'], 240, on),
  })),
  made('length hacking', 'length_rewarded', (m, on) => ({
    reward_length_correlation: mix(m.reward_length_correlation, 0.9, on),
    'completions/mean_length': mix(m['completions/mean_length'], 190, on),
    accuracy: mix(m.accuracy, 0.4, Math.min(1, on * 4)),
  })),
  made('form at its ceiling, accuracy flat', 'format_saturated', (m, _on, step) => ({
    // form is learnt first, as it mostly is
    ...(step > 20 && { 'rewards/format/mean': 0.995, 'rewards/format/std': 0.05 }),
    accuracy: 0.37 + 0.1 * ((m.accuracy ?? 0) % 0.02),
    'rewards/accuracy/mean': 0.37,
  })),
  made('reward up, held-out accuracy down', 'reward_against_held_out', (m, on) => ({ reward: mix(m.reward, 1.95, on) })),
  made('one letter', 'letter_taking_over', (m, on) => ({
    'answers/C': mix(m['answers/C'], 0.95, on),
    'answers/A': mix(m['answers/A'], 0.01, on),
    'answers/B': mix(m['answers/B'], 0.01, on),
    'answers/D': mix(m['answers/D'], 0.01, on),
  })),
  made('reasoning says one thing, answer another', 'think_disagrees', (m, on) => ({
    'think/disagrees': mix(m['think/disagrees'], 0.6, on),
  })),
  made('reasoning shrinks to nothing', 'think_collapsed', (m, on) => ({
    'think/mean_words': mix(m['think/mean_words'], 3, on),
    'completions/mean_length': mix(m['completions/mean_length'], 20, on),
  })),
  made('updates that are not finite', 'not_finite', (_m, _on, step) => ({ skipped_steps: Math.max(0, step - 45) })),
];
