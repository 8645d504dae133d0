/**
 * Every metric a trainer logs, by TRL's name where TRL has one; `ours` marks those it lacks. Tooltips, docs/metrics.md and the check that
 * nothing unlisted is logged come from this table. `{...}` in a name stands for any text without a slash.
 */
export interface MetricInfo {
  name: string;
  group: 'Reward' | 'Completions' | 'Loss' | 'Optimisation' | 'Self-check' | 'Time' | 'Evaluation';
  /** One line for people. */
  text: string;
  /** How it is computed. N completions in groups of G, T tokens, r reward, A advantage, rho ratio, pi policy. */
  formula: string;
  unit: string;
  ours?: true;
  /** No measurement: a setting that holds until it is changed, or a count. It has no noise, so that it is drawn as it is and never smoothed. */
  exact?: 'setting' | 'count';
}

const SHARE = 'share';
const TOKENS = 'tokens';
const SECONDS = 's';

export const METRICS: readonly MetricInfo[] = [
  { name: 'reward', group: 'Reward', text: 'Mean weighted reward of the batch.', formula: 'mean_N sum_k w_k r_k', unit: '' },
  {
    name: 'reward_std',
    group: 'Reward',
    text: 'Spread of the weighted reward over the whole batch.',
    formula: 'std_N(sum_k w_k r_k), N - 1',
    unit: '',
  },
  {
    name: 'frac_reward_zero_std',
    group: 'Reward',
    text: 'Completions whose group got one and the same reward: they teach nothing.',
    formula: 'mean_N [std of its group = 0]',
    unit: SHARE,
  },
  {
    name: 'frac_groups_all_right',
    group: 'Reward',
    text: 'Groups in which every completion answered right, by the reading that the run counts by: too easy by now.',
    formula: 'groups all right / groups with a known answer',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'frac_groups_all_wrong',
    group: 'Reward',
    text: 'Groups in which no completion answered right, by the reading that the run counts by: too hard so far.',
    formula: 'groups all wrong / groups with a known answer',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'rewards/{function}/mean',
    group: 'Reward',
    text: 'Mean of one reward function, raw and unweighted, where it applied.',
    formula: 'mean_N r_k',
    unit: '',
  },
  {
    name: 'rewards/{function}/std',
    group: 'Reward',
    text: 'Spread of one reward function over the batch, where it applied.',
    formula: 'std_N r_k, N - 1',
    unit: '',
  },
  {
    name: 'reward_weights/{function}',
    group: 'Reward',
    text: 'Weight of one reward function in force at this step.',
    formula: 'w_k',
    unit: '',
    ours: true,
    exact: 'setting',
  },
  {
    name: 'reward_parameters/{function}/{parameter}',
    group: 'Reward',
    text: 'A parameter of a reward function that follows the step, as it counts for this step.',
    formula: '',
    unit: '',
    ours: true,
    exact: 'setting',
  },
  {
    name: 'answers/{letter}',
    group: 'Reward',
    text: 'Completions whose answer is this letter, by the reading that the run counts by; "none" when it finds none, or what the question does not offer. They add up to 1. One letter taking over is a collapse.',
    formula: 'count / N',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'accuracy',
    group: 'Reward',
    text: 'Completions that answer right, by the reading that the run counts by, whether or not a reward asks for it.',
    formula: 'right / completions with a known answer',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'frac_groups_identical',
    group: 'Reward',
    text: 'Groups whose completions are all the same text: nothing was tried beside it.',
    formula: 'groups of one text / groups',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'frac_groups_tiny_std',
    group: 'Reward',
    text: 'Groups whose rewards differ, but by less than a hundredth of the spread of the batch. Divided by their own spread, such differences count as much as any other.',
    formula: 'mean_groups [0 < std of the group < 0.01 std_N]',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'frac_groups_rewards_cancel',
    group: 'Reward',
    text: 'Groups in which completions with different rewards get the same weighted sum, so that they count as equally good.',
    formula: 'mean_groups [r_i != r_j and sum_k w_k r_ik = sum_k w_k r_jk for some i, j]',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'frac_reward_missing',
    group: 'Reward',
    text: 'Completions to which no reward function applied: they move nothing.',
    formula: 'mean_N [every r_k is null]',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'advantages/max_abs',
    group: 'Reward',
    text: 'Largest advantage of the batch, whatever its sign.',
    formula: 'max_N |A|',
    unit: '',
    ours: true,
  },
  {
    name: 'reward_length_correlation',
    group: 'Reward',
    text: 'How far reward goes with length among completions of one question: 1 when the longer one always earns more in proportion.',
    formula: 'Pearson correlation over N of reward and T, both minus the mean of their group',
    unit: '',
    ours: true,
  },
  {
    name: 'dynamic_sampling/resampled',
    group: 'Reward',
    text: 'Groups without spread that were replaced by newly sampled questions in this step.',
    formula: 'count of groups',
    unit: 'groups',
    ours: true,
  },

  { name: 'completions/mean_length', group: 'Completions', text: 'Mean length of the completions.', formula: 'mean_N T', unit: TOKENS },
  { name: 'completions/min_length', group: 'Completions', text: 'Shortest completion.', formula: 'min_N T', unit: TOKENS },
  { name: 'completions/max_length', group: 'Completions', text: 'Longest completion.', formula: 'max_N T', unit: TOKENS },
  {
    name: 'completions/clipped_ratio',
    group: 'Completions',
    text: 'Completions cut at the longest length before they ended.',
    formula: 'mean_N [no end token]',
    unit: SHARE,
  },
  {
    name: 'completions/mean_terminated_length',
    group: 'Completions',
    text: 'Mean length of the completions that ended by themselves; 0 when none did.',
    formula: 'mean T over ended',
    unit: TOKENS,
  },
  {
    name: 'completions/min_terminated_length',
    group: 'Completions',
    text: 'Shortest completion that ended by itself; 0 when none did.',
    formula: 'min T over ended',
    unit: TOKENS,
  },
  {
    name: 'completions/max_terminated_length',
    group: 'Completions',
    text: 'Longest completion that ended by itself; 0 when none did.',
    formula: 'max T over ended',
    unit: TOKENS,
  },
  {
    name: 'think/mean_words',
    group: 'Completions',
    text: 'Mean length of the reasoning, of completions that have a think tag.',
    formula: 'mean of words between <think> and </think>',
    unit: 'words',
    ours: true,
  },
  {
    name: 'think/disagrees',
    group: 'Completions',
    text: 'Completions whose answer is another option than their reasoning ends on, of those whose reasoning names one.',
    formula: '1 - mean think_answer_consistency',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'num_tokens',
    group: 'Completions',
    text: 'Tokens of prompts and completions seen since the start; a prompt counts once per completion, its image tokens included.',
    formula: 'sum over steps',
    unit: TOKENS,
    exact: 'count',
  },

  {
    name: 'loss',
    group: 'Loss',
    text: 'The loss that was minimised. Near zero at the first pass over a batch: what counts is its gradient.',
    formula: 'see src/rl/README.md',
    unit: '',
  },
  {
    name: 'kl',
    group: 'Loss',
    text: 'Divergence of the policy from the reference model, per token. Logged when beta is not 0.',
    formula: 'mean_tokens exp(ref - logp) - (ref - logp) - 1',
    unit: 'nats',
  },
  {
    name: 'entropy',
    group: 'Loss',
    text: 'Mean entropy of the next-token distribution: falls as the policy gets sure.',
    formula: 'mean_tokens -sum pi log pi',
    unit: 'nats',
  },
  {
    name: 'clip_ratio/low_mean',
    group: 'Loss',
    text: 'Tokens whose ratio fell below the clip range with a negative advantage.',
    formula: 'mean_tokens [rho < 1 - epsilon and A < 0]',
    unit: SHARE,
  },
  { name: 'clip_ratio/low_min', group: 'Loss', text: 'Smallest such share of one completion.', formula: 'min_N of the above', unit: SHARE },
  {
    name: 'clip_ratio/high_mean',
    group: 'Loss',
    text: 'Tokens whose ratio rose above the clip range with a positive advantage.',
    formula: 'mean_tokens [rho > 1 + epsilon_high and A > 0]',
    unit: SHARE,
  },
  { name: 'clip_ratio/high_max', group: 'Loss', text: 'Largest such share of one completion.', formula: 'max_N of the above', unit: SHARE },
  {
    name: 'clip_ratio/region_mean',
    group: 'Loss',
    text: 'Tokens clipped on either side.',
    formula: 'mean_tokens [low or high]',
    unit: SHARE,
  },
  {
    name: 'cispo_clip_ratio',
    group: 'Loss',
    text: 'Tokens whose ratio CISPO capped. Loss cispo only.',
    formula: 'mean_tokens [rho > epsilon_high and A > 0]',
    unit: SHARE,
  },
  {
    name: 'vespo/phi_seq_mean',
    group: 'Loss',
    text: 'Weight that VESPO gives a sequence, 1 where the policy is the one that sampled. Loss vespo only.',
    formula: 'mean_tokens e^lambda w^k e^(-lambda w)',
    unit: '',
  },
  {
    name: 'mean_token_accuracy',
    group: 'Loss',
    text: 'SFT: target tokens that were the likeliest ones.',
    formula: 'mean_tokens [argmax pi = target]',
    unit: SHARE,
  },

  {
    name: 'grad_norm',
    group: 'Optimisation',
    text: 'Norm of the whole gradient before clipping.',
    formula: 'sqrt(sum g^2)',
    unit: '',
  },
  {
    name: 'learning_rate',
    group: 'Optimisation',
    text: 'Learning rate of this update.',
    formula: 'schedule(step)',
    unit: '',
    exact: 'setting',
  },
  {
    name: 'epoch',
    group: 'Optimisation',
    text: 'Passes over the training questions so far.',
    formula: 'questions drawn / questions',
    unit: '',
    exact: 'count',
  },
  {
    name: 'num_questions',
    group: 'Optimisation',
    text: 'Questions drawn since the start; one that is drawn again counts again, the completions to it do not.',
    formula: 'sum over steps',
    unit: 'questions',
    ours: true,
    exact: 'count',
  },
  {
    name: 'skipped_steps',
    group: 'Optimisation',
    text: 'Updates left out since the start because loss or gradient was not finite.',
    formula: 'count',
    unit: 'steps',
    ours: true,
    exact: 'count',
  },

  {
    name: 'check/image_sensitivity/{other}',
    group: 'Self-check',
    text: 'How far the log-probability of the answers moves, in the training forward, when their image is a grey one (grey) or that of another question (swapped). 0: the image has no effect.',
    formula: 'mean over the probe |log p(answer | image) - log p(answer | other image)|',
    unit: 'nats',
    ours: true,
  },
  {
    name: 'check/image_gain/{other}',
    group: 'Self-check',
    text: 'The same with its sign. The sampler drew the answers with their image, so on average they are likelier with it; below 0, the training forward saw another image.',
    formula: 'mean over the probe log p(answer | image) - log p(answer | other image)',
    unit: 'nats',
    ours: true,
  },
  {
    name: 'check/images_unseen',
    group: 'Self-check',
    text: 'Share of the questions of the probe whose answer neither a grey image nor that of another question moves in the training forward: their image does not reach it.',
    formula: 'share of the probe with |log p(answer | image) - log p(answer | other image)| < 0.0001 for each other image',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'check/images_elsewhere',
    group: 'Self-check',
    text: "Share of the questions of the probe to whose answer the training forward gives the sampler's log-probabilities only with the image of another question of the probe: images are mixed up. Looked for where sampler and training forward differ; 0 else.",
    formula: 'share of the probe with min over other images of mean_tokens |log p_sampler - log p_training| < 1/4 of the same with its own',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'sampling/sampling_logp_difference/mean',
    group: 'Self-check',
    text: 'Difference of the log-probabilities that sampler and training forward give the tokens of the probe. Both are the same weights: near 0.',
    formula: 'mean_tokens |log p_sampler - log p_training|',
    unit: 'nats',
  },
  {
    name: 'sampling/sampling_logp_difference/max',
    group: 'Self-check',
    text: 'Largest such difference of one token.',
    formula: 'max_tokens of the above',
    unit: 'nats',
  },

  { name: 'step_time', group: 'Time', text: 'Wall time of the step, sampling included.', formula: '', unit: SECONDS },
  {
    name: 'rollouts_per_s',
    group: 'Time',
    text: 'Completions trained on per second of the whole step.',
    formula: 'N / step_time',
    unit: '1/s',
    ours: true,
  },
  { name: 'time/sample_s', group: 'Time', text: 'Sampling completions.', formula: '', unit: SECONDS, ours: true },
  { name: 'time/reward_s', group: 'Time', text: 'Computing rewards.', formula: '', unit: SECONDS, ours: true },
  {
    name: 'time/logps_s',
    group: 'Time',
    text: 'Log-probabilities of the old policy and the reference.',
    formula: '',
    unit: SECONDS,
    ours: true,
  },
  { name: 'time/probe_s', group: 'Time', text: 'The self-check, in steps that make one.', formula: '', unit: SECONDS, ours: true },
  { name: 'time/backward_s', group: 'Time', text: 'Forward and backward pass of the update.', formula: '', unit: SECONDS, ours: true },
  { name: 'time/optimizer_s', group: 'Time', text: 'Clipping and the optimiser.', formula: '', unit: SECONDS, ours: true },
  {
    name: 'time/rank_{rank}_wait_s',
    group: 'Time',
    text: 'A rank waiting for the others and sending, in a run of several processes. The rank that waits least is the slowest.',
    formula: '',
    unit: SECONDS,
    ours: true,
  },

  {
    name: 'eval_accuracy',
    group: 'Evaluation',
    text: 'Held-out accuracy, greedy, by the reading of the published evaluation: strict, or bare where the prompt asks for no tags.',
    formula: 'right / items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_accuracy_tolerant',
    group: 'Evaluation',
    text: 'Held-out accuracy, greedy, by the reading tolerant.',
    formula: 'right / items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_accuracy_low',
    group: 'Evaluation',
    text: 'Lower end of the 95 % interval of eval_accuracy.',
    formula: 'Wilson score interval of right of items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_accuracy_high',
    group: 'Evaluation',
    text: 'Upper end of the 95 % interval of eval_accuracy.',
    formula: 'Wilson score interval of right of items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_accuracy_tolerant_low',
    group: 'Evaluation',
    text: 'Lower end of the 95 % interval of eval_accuracy_tolerant.',
    formula: 'Wilson score interval of right of items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_accuracy_tolerant_high',
    group: 'Evaluation',
    text: 'Upper end of the 95 % interval of eval_accuracy_tolerant.',
    formula: 'Wilson score interval of right of items',
    unit: SHARE,
    ours: true,
  },
  {
    name: 'eval_items',
    group: 'Evaluation',
    text: 'Questions of the held-out slice.',
    formula: 'items',
    unit: '',
    ours: true,
    exact: 'count',
  },
  {
    name: 'eval_reward',
    group: 'Evaluation',
    text: 'Mean weighted reward on the held-out slice, greedy.',
    formula: 'mean sum_k w_k r_k',
    unit: '',
  },
  {
    name: 'eval_rewards/{function}/mean',
    group: 'Evaluation',
    text: 'Mean of one reward function on the held-out slice.',
    formula: 'mean r_k',
    unit: '',
  },
  {
    name: 'eval_completions/mean_length',
    group: 'Evaluation',
    text: 'Mean length of the greedy completions on the held-out slice.',
    formula: 'mean T',
    unit: TOKENS,
  },
];

const patterns = METRICS.map((info) => ({
  info,
  pattern: new RegExp(`^${info.name.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`),
}));

/** The table's row for a metric as it is logged; undefined for a name that no trainer logs. */
export function describeMetric(name: string): MetricInfo | undefined {
  return patterns.find(({ pattern }) => pattern.test(name))?.info;
}

/** Whether the best value of a metric is its lowest one: losses, distances, times and shares of what is not wanted. */
export const lowerIsBetter = (name: string): boolean =>
  /(^|_)loss$|^(eval_)?kl$|(^|\/)clipped_ratio$|^frac_(reward_zero_std|groups_all_wrong)$|^step_time$|^time\//.test(name);
