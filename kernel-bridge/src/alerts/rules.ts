/**
 * The rules of alerts, one row each: what is looked at, over how many steps, from which values on, what it says and what can be done about it.
 * Their order is their rank: of rules that see something at the same step, the first one is nearest to the cause.
 *
 * A rule looks back and never ahead. Its text says what was seen. Most rules compare a run with its own start, because what is usual differs from
 * model to model. Failures and figures of other doctors: GRPO's literature and trackers as listed in docs/guides/alerts.md.
 */
import {
  constantFunctions,
  heldOut,
  number,
  over,
  recent,
  rewardFunctions,
  rightness,
  rise,
  share,
  spike,
  start,
  START,
} from './looking.ts';
import { bind, fork, isAccuracy, less, longer, look, more, resample, ROLLBACK, set, slower, warmer, weights } from './remedies.ts';
import type { Rule } from './rule.ts';
import { mean, median } from './series.ts';

const MUST_BE_FINITE = ['loss', 'grad_norm', 'reward', 'kl', 'entropy'];

export const RULES: readonly Rule[] = [
  {
    id: 'not_finite',
    title: 'Not a finite number',
    level: 'critical',
    metrics: ['skipped_steps', ...MUST_BE_FINITE],
    window: 1,
    thresholds: {},
    why: 'The workbench leaves the update of such a step out; another trainer may have made it, and then the weights are lost. Weights that have grown out of range, a learning rate that is too high or a reward of huge values lie behind it as a rule.',
    seen(series) {
      const [before = { value: 0 }, now] = series.points('skipped_steps', 2).slice(-2);
      const [first] = series.points('skipped_steps', 1);
      const skipped = (now?.value ?? first?.value ?? 0) - (now ? before.value : 0);
      if (skipped > 0 && (now ?? first))
        return { seen: `The update of step ${series.step} was left out: its loss or gradient was not a finite number.` };
      const name = MUST_BE_FINITE.find((one) => series.now(one) !== undefined && !Number.isFinite(series.now(one)));
      return name ? { seen: `${name} of step ${series.step} was ${series.now(name)}.`, metrics: [name] } : null;
    },
    remedies: (inForce) => [...slower(inForce, 0.3), ROLLBACK],
  },
  {
    id: 'images_without_effect',
    title: 'Images have no effect',
    level: 'critical',
    metrics: ['check/image_sensitivity/grey', 'check/image_sensitivity/swapped', 'check/images_unseen'],
    window: 1,
    thresholds: {
      effect: { value: 0.01, text: 'nats by which a grey or another image moves the log-probability of an answer, at least' },
      unseen: { value: 0.25, text: "share of the probe's questions whose image moves nothing, while others' do" },
    },
    why: 'The training forward gave the answers the same log-probability with their own, a grey and another image. At exactly 0, images never reach it; else the policy answers without looking.',
    seen(series, t) {
      const [grey, swapped] = [series.now('check/image_sensitivity/grey'), series.now('check/image_sensitivity/swapped')];
      const unseen = series.now('check/images_unseen') ?? 0;
      if (grey === undefined) return null;
      const moved = Math.max(grey, swapped ?? 0);
      if (moved < t.effect)
        return {
          seen: `Other images moved the log-probability of the probe's answers by ${number(moved)} nats on average at step ${series.step}.`,
        };
      if (unseen < t.unseen) return null;
      return {
        seen: `At step ${series.step} the answers to ${share(unseen)} of the probe's questions had the same log-probability with any image.`,
      };
    },
    remedies: () => [
      look('Compare prompts and images of this step in Rollouts; a different attention or processor build may drop images'),
      ROLLBACK,
    ],
  },
  {
    id: 'images_mixed_up',
    title: 'Answers fit another image better',
    level: 'critical',
    metrics: ['check/images_elsewhere', 'check/image_gain/swapped', 'check/image_gain/grey'],
    window: 1,
    thresholds: {
      elsewhere: {
        value: 0.25,
        text: "share of the probe's questions to whose answer another question's image gives the sampler's log-probabilities",
      },
      gain: {
        value: 1,
        text: 'nats by which the answers are likelier with another image; by chance above x in one check of 8 in exp(8 x)',
      },
    },
    why: 'The sampler drew these answers with their own image. The training forward gave them the same log-probabilities with the image of another question only, or held them for likelier with it, so the two see different images: order, padding or placement of images differ.',
    seen(series, t) {
      const elsewhere = series.now('check/images_elsewhere') ?? 0;
      if (elsewhere >= t.elsewhere)
        return {
          seen: `At step ${series.step} the training forward met the sampler's log-probabilities of ${share(elsewhere)} of the probe's answers only with another question's image.`,
        };
      const gains = (['swapped', 'grey'] as const).flatMap((other) => {
        const gain = series.now(`check/image_gain/${other}`);
        return gain !== undefined && gain < -t.gain ? [{ other, gain }] : [];
      });
      if (gains.length === 0) return null;
      const [{ other, gain }] = gains;
      const what = other === 'grey' ? 'a grey image' : "another question's image";
      return {
        seen: `At step ${series.step} the probe's answers were likelier with ${what} than with their own, by ${number(-gain)} nats on average.`,
      };
    },
    remedies: () => [look('Look at the images of this step in Rollouts'), ROLLBACK],
  },
  {
    id: 'sampler_differs',
    title: 'Sampler and training forward differ',
    level: 'critical',
    metrics: ['sampling/sampling_logp_difference/mean'],
    window: 1,
    thresholds: {
      mean: { value: 0.05, text: 'nats a token on average, in bfloat16 or where the precision is not known' },
      float32: { value: 1e-3, text: 'the same in float32, whose rounding is thousands of times finer' },
    },
    why: 'Both are the same weights, so the same tokens get the same log-probability, but for rounding. A difference means that one of them sees another input or computes something else, and the gradient is of the wrong policy.',
    seen(series, t, { config: { dtype } }) {
      const value = series.now('sampling/sampling_logp_difference/mean');
      if (value === undefined || value <= (dtype === 'float32' ? t.float32 : t.mean)) return null;
      const most = series.now('sampling/sampling_logp_difference/max');
      return {
        seen: `Sampler and training forward differed by ${number(value)} nats a token on average${most === undefined ? '' : `, ${number(most)} at most,`} at step ${series.step}.`,
      };
    },
    remedies: ({ config: { dtype } }) => [
      dtype === 'float32'
        ? look('Compare prompts and images of this step in Rollouts: this is more than rounding')
        : look('Run the check again in float32 (dtype) to tell rounding from an error'),
    ],
  },
  {
    id: 'reward_missing',
    title: 'No reward applies',
    level: 'warning',
    metrics: ['frac_reward_missing'],
    window: 5,
    thresholds: { share: { value: 0.5, text: 'share of completions that no reward function judged' } },
    why: 'A completion without a reward has advantage 0: it teaches nothing. A parser that reads no answer, or a function that gives null, is the usual reason.',
    seen(series, t) {
      const value = recent(series, 'frac_reward_missing', 5);
      return value !== null && value >= t.share
        ? { seen: `No reward function applied to ${share(value)} of the completions ${over(series, 5)}.` }
        : null;
    },
    evidence: { shown: 'unread' },
    remedies: () => [look('Try the reward functions on these completions in the Rewards view')],
  },
  {
    id: 'truncated',
    title: 'Completions are cut off',
    level: 'warning',
    metrics: ['completions/clipped_ratio'],
    window: 5,
    thresholds: {
      share: { value: 0.5, text: 'share of completions that ended at max_completion_length' },
      growth: { value: 0.25, text: 'the same, where it has grown by at least so much since the start' },
    },
    why: 'A completion that is cut has no end and mostly no answer. The words that are missing earn nothing.',
    seen(series, t, { config }) {
      const value = recent(series, 'completions/clipped_ratio', 5);
      if (value === null) return null;
      const before = start(series, 'completions/clipped_ratio', 5);
      if (value < t.share && !(before !== null && value - before >= t.growth)) return null;
      const at = config.max_completion_length ? ` of ${config.max_completion_length} tokens` : '';
      const from = before !== null && value < t.share ? `, against ${share(before)} at the start` : '';
      return { seen: `${share(value)} of the completions were cut at the longest length${at} ${over(series, 5)}${from}.` };
    },
    evidence: { shown: 'cut' },
    remedies: (inForce) => [...longer(inForce), ROLLBACK],
  },
  {
    id: 'groups_identical',
    title: 'Groups hold one text',
    level: 'warning',
    metrics: ['frac_groups_identical'],
    window: 5,
    thresholds: { share: { value: 0.5, text: 'share of groups whose completions are all the same text, in the first steps' } },
    why: 'Where all completions of a question are the same text there is nothing to compare: no advantage, no gradient. A policy that learnt reaches this late; here it began so.',
    seen(series, t, { config }) {
      const values = series.first('frac_groups_identical', 5);
      const began = values.length >= 5 && mean(values) >= t.share;
      const value = recent(series, 'frac_groups_identical', 5);
      if (!began || value === null || value < t.share) return null;
      const at = config.temperature === undefined ? '' : `, at temperature ${config.temperature}`;
      return {
        seen: `In ${share(value)} of the groups all completions were the same text ${over(series, 5)}${at}; so they were from the start.`,
      };
    },
    evidence: { shown: 'flat' },
    remedies: (inForce) => [...warmer(inForce), ...more(inForce)],
  },
  {
    id: 'letter_taking_over',
    title: 'One letter takes over',
    level: 'warning',
    metrics: ['answers/{letter}'],
    window: 5,
    thresholds: {
      share: { value: 0.6, text: 'share of all answers that are this letter' },
      growth: { value: 0.2, text: 'by how much that share has grown since the start' },
    },
    why: 'The policy gives one letter whatever is asked. A reward that prefers it, or a data set whose answers do, pays for that.',
    seen(series, t) {
      for (const name of series.names(/^answers\/(?!none$)/)) {
        const value = recent(series, name, 5);
        const before = mean(series.first(name, 3));
        if (value !== null && value >= t.share && value - before >= t.growth) {
          const letter = name.slice('answers/'.length);
          return {
            seen: `${share(value)} of the answers were ${letter} ${over(series, 5)}, against ${share(before)} at the start.`,
            metrics: [name],
            of: letter,
          };
        }
      }
      return null;
    },
    evidence: { shown: 'wrong' },
    remedies: (inForce) => [look('See in Rewards which function pays for this letter'), ...bind(inForce), ROLLBACK],
  },
  {
    id: 'length_rewarded',
    title: 'Reward follows length',
    level: 'warning',
    metrics: ['reward_length_correlation', 'completions/mean_length', 'accuracy'],
    window: 10,
    thresholds: {
      correlation: {
        value: 0.6,
        text: 'correlation of reward and length among completions of one question, where lengths have moved that way',
      },
      growth: { value: 0.15, text: 'by how much, in parts of the start, the mean length has changed' },
      gain: { value: 0.1, text: 'rise of accuracy from which the change counts as earned' },
      alone: { value: 0.9, text: 'correlation from which the reward is length and little else, wherever lengths have gone' },
    },
    why: 'Among answers to one question the longer (or the shorter) ones earn more, and being right does not account for it: lengths moved while accuracy did not, or nothing but length tells rewards apart.',
    seen(series, t) {
      const [alone, correlation] = [recent(series, 'reward_length_correlation', 10), recent(series, 'reward_length_correlation', 5)];
      if (alone !== null && Math.abs(alone) >= t.alone)
        return { seen: `Reward and length of the answers to one question correlated by ${number(alone)} ${over(series, 10)}.` };
      const [before, length] = [start(series, 'completions/mean_length', 5, 3), recent(series, 'completions/mean_length', 5)];
      if (correlation === null || before === null || length === null) return null;
      const change = (length - before) / before;
      const earned = (rise(series, rightness(series), 5) ?? 0) >= t.gain;
      if (earned || Math.abs(correlation) < t.correlation || change * Math.sign(correlation) < t.growth) return null;
      return {
        seen: `Reward and length of the answers to one question correlated by ${number(correlation)} ${over(series, 5)}; the mean length was ${number(length)} tokens, against ${number(before)} at the start.`,
      };
    },
    evidence: { sort: 'advantage' },
    remedies: (inForce) => [
      ...Object.keys(inForce.weights)
        .filter((name) => /length|brevity|overlong/.test(name))
        .flatMap((name) => less(inForce, name)),
      ...bind(inForce),
      ROLLBACK,
    ],
  },
  {
    id: 'format_saturated',
    title: 'A reward is at its ceiling',
    level: 'warning',
    metrics: ['rewards/{function}/mean', 'rewards/{function}/std', 'accuracy'],
    window: 30,
    thresholds: {
      level: { value: 0.95, text: 'mean of the function, which is at most 1' },
      std: { value: 0.25, text: 'spread of the function, at most' },
      gain: { value: 0.03, text: 'rise of accuracy below which accuracy counts as flat' },
      solved: { value: 0.9, text: 'accuracy from which there is little left to rise' },
    },
    why: 'A function that nearly every completion earns in full tells them apart no more. Where no reward for being right is in force, or accuracy stands still, the policy has learnt the form alone.',
    seen(series, t) {
      const functions = rewardFunctions(series);
      const rewardsRight = functions.some(isAccuracy);
      // form is learnt first in runs that go well, too: where being right is rewarded it gets time to follow
      const window = rewardsRight ? 30 : 8;
      const gained = rise(series, rightness(series), window);
      const flat = gained !== null && gained < t.gain && recent(series, rightness(series), window)! < t.solved;
      if (rewardsRight && !flat) return null;
      for (const name of functions.filter((one) => !isAccuracy(one))) {
        const [value, std] = [recent(series, `rewards/${name}/mean`, window), recent(series, `rewards/${name}/std`, window)];
        if (value === null || std === null || value < t.level || value > 1.0001 || std > t.std) continue;
        const began = mean(series.first(`rewards/${name}/mean`, 3));
        const beside = rewardsRight ? `accuracy moved by ${number(gained!)} since the start` : 'no reward for the right answer is in force';
        return {
          seen: `${name} had a mean of ${number(value)} and a spread of ${number(std)} ${over(series, window)}, from ${number(began)} at the start; ${beside}.`,
          metrics: [`rewards/${name}/mean`, `rewards/${name}/std`, rightness(series)],
          of: name,
        };
      }
      return null;
    },
    evidence: { shown: 'flat' },
    remedies: (inForce, { of }) =>
      Object.keys(inForce.weights).some(isAccuracy) ? less(inForce, of) : [look('Add accuracy to the rewards: Rewards view, Add built in')],
  },
  {
    id: 'reward_against_held_out',
    title: 'Reward rises, held-out accuracy does not',
    level: 'warning',
    metrics: ['reward', 'eval_accuracy', 'eval_rewards/{accuracy}/mean'],
    window: 10,
    thresholds: {
      reward: { value: 0.15, text: 'rise of the reward since the first evaluation, in parts of its highest mean' },
      fall: { value: 0.05, text: 'fall of held-out accuracy since the best evaluation' },
    },
    why: 'The policy earns more, and answers questions that it does not train on no better, or worse: the reward is met in another way than by being right.',
    seen(series, t) {
      const { name, noise } = heldOut(series);
      const evals = series.points(name).filter(({ value }) => Number.isFinite(value));
      const newest = evals.at(-1);
      if (evals.length < 3 || newest!.step < series.step - series.stride) return null;
      const rewards = series.points('reward').filter(({ value }) => Number.isFinite(value));
      const around = (step: number): number => {
        const near = rewards.filter((one) => one.step <= step).slice(-10);
        return mean(near.map(({ value }) => value));
      };
      const [before, now] = [around(evals[0].step), around(series.step)];
      const best = Math.max(...evals.slice(0, -1).map(({ value }) => value));
      // the middle of the last three, so that one small evaluation decides nothing
      const held = median(evals.slice(-3).map(({ value }) => value));
      if (now - before < t.reward * Math.max(Math.abs(now), Math.abs(before)) || best - held < Math.max(t.fall, noise)) return null;
      return {
        metrics: ['reward', name],
        seen: `The reward rose from ${number(before)} to ${number(now)} while held-out accuracy went from ${share(best)} at its best to ${share(held)}.`,
      };
    },
    evidence: { sort: 'high' },
    remedies: (inForce) => [look('Read the completions of highest reward'), ...bind(inForce), ROLLBACK],
  },
  {
    id: 'kl_high',
    title: 'The policy is far from its reference',
    level: 'warning',
    metrics: ['kl'],
    window: 5,
    thresholds: {
      mean: { value: 1, text: 'nats a token, mean over the window' },
      spike: { value: 3, text: 'nats a token in one step, where it is also 8 robust deviations and 5 times above the steps before' },
    },
    why: 'The policy has moved far from the model that it began as. Steps that are too large do this, and so does a reward that pays for text the model would not write.',
    seen(series, t) {
      const now = series.now('kl');
      const value = recent(series, 'kl', 5);
      if (value !== null && value >= t.mean)
        return { seen: `The KL divergence to the reference was ${number(value)} nats a token ${over(series, 5)}.` };
      const jump = spike(series, 'kl', 10);
      if (now === undefined || now < t.spike || jump === null || jump.z < 8 || jump.times < 5) return null;
      return {
        seen: `The KL divergence to the reference was ${number(now)} nats a token at step ${series.step}, ${number(jump.times)} times that of the steps before.`,
      };
    },
    evidence: { sort: 'low' },
    remedies: (inForce) => [...slower(inForce, 0.1), ...bind(inForce), ROLLBACK],
  },
  {
    id: 'gradient_spikes',
    title: 'Gradient spikes',
    level: 'warning',
    metrics: ['grad_norm'],
    window: 20,
    thresholds: {
      times: { value: 10, text: 'times the median of the steps before' },
      count: { value: 3, text: 'such steps within the window' },
    },
    why: 'Single batches pull far harder than others. Clipping bounds the step, and its direction is still that of the few.',
    seen(series, t) {
      const values = series.last('grad_norm', 40);
      if (values.length < 30) return null;
      const middle = median(values);
      const spikes = values.slice(-20).filter((value) => value > t.times * middle);
      return spikes.length >= t.count && middle > 0
        ? {
            seen: `The gradient was more than ${t.times} times its median of ${number(middle)} in ${spikes.length} steps ${over(series, 20)}.`,
          }
        : null;
    },
    evidence: { sort: 'advantage' },
    remedies: (inForce) => [...slower(inForce, 0.5), ROLLBACK],
  },
  {
    id: 'groups_all_wrong',
    title: 'Most groups are all wrong',
    level: 'warning',
    metrics: ['frac_groups_all_wrong', 'frac_reward_zero_std'],
    window: 8,
    thresholds: { share: { value: 0.7, text: 'share of groups without one right answer' } },
    why: 'A group without a right answer says nothing about which answer is better. More tries, easier questions or a warmer sampler find some.',
    seen(series, t) {
      const value = recent(series, 'frac_groups_all_wrong', 8);
      return value !== null && value >= t.share
        ? { seen: `In ${share(value)} of the groups no completion answered right ${over(series, 8)}.` }
        : null;
    },
    evidence: { shown: 'wrong' },
    remedies: (inForce) => [...more(inForce), ...warmer(inForce), ...resample(inForce)],
  },
  {
    id: 'groups_all_right',
    title: 'Most groups are all right',
    level: 'info',
    metrics: ['frac_groups_all_right', 'frac_reward_zero_std'],
    window: 8,
    thresholds: {
      share: { value: 0.6, text: 'share of groups in which every completion answered right' },
      warning: { value: 0.97, text: 'share from which it is a warning' },
    },
    why: 'A group that is all right has no spread and teaches nothing: the questions are solved. What is still learnt comes from the others.',
    seen(series, t) {
      const value = recent(series, 'frac_groups_all_right', 8);
      if (value === null || value < t.share) return null;
      return {
        level: value >= t.warning ? 'warning' : 'info',
        seen: `In ${share(value)} of the groups every completion answered right ${over(series, 8)}.`,
      };
    },
    evidence: { shown: 'right' },
    remedies: (inForce) => [...resample(inForce), look('Stop here, or train on harder questions')],
  },
  {
    id: 'reward_constant',
    title: 'A reward tells nothing apart',
    level: 'warning',
    metrics: ['frac_reward_zero_std', 'frac_groups_all_right', 'rewards/{function}/mean', 'rewards/{function}/std'],
    window: 10,
    thresholds: {
      share: { value: 0.99, text: 'share of groups in which all completions earn the same' },
      right: { value: 0.5, text: 'share of groups that are all right from which that is no fault of the reward' },
      steps: { value: 20, text: 'steps without any spread after which one function among several is worth knowing of' },
    },
    why: 'Where all completions of a question earn the same nothing is learnt from them, except to stay near the reference. A function that nobody ever meets, as a format that the model does not write, counts for nothing.',
    seen(series, t) {
      const [flat, right] = [recent(series, 'frac_reward_zero_std', 10), recent(series, 'frac_groups_all_right', 10)];
      const isAll = flat !== null && flat >= t.share && (right ?? 0) < t.right;
      const [constant] = constantFunctions(series, isAll ? 10 : t.steps);
      if (isAll)
        return {
          seen: `In ${share(flat)} of the groups all completions earned the same ${over(series, 10)}${constant ? `; ${constant.name} was ${number(constant.value)} for each` : ''}.`,
          ...(constant && { of: constant.name }),
        };
      return constant
        ? {
            level: 'info',
            seen: `${constant.name} was ${number(constant.value)} for every completion ${over(series, t.steps)}.`,
            metrics: [`rewards/${constant.name}/mean`, `rewards/${constant.name}/std`],
            of: constant.name,
          }
        : null;
    },
    evidence: { shown: 'flat' },
    remedies: (inForce, { of }) => [
      look('Try the reward functions on these completions in the Rewards view; variant and prompt_template decide which form is asked for'),
      ...(of !== undefined && !isAccuracy(of) ? less(inForce, of, 0) : []),
    ],
  },
  {
    id: 'no_gradient',
    title: 'Updates of nothing',
    level: 'warning',
    metrics: ['grad_norm'],
    window: 10,
    thresholds: { share: { value: 0.5, text: 'share of steps whose gradient is exactly 0' } },
    why: 'No group of these steps had a spread, and there is no KL term: the weights did not move.',
    seen(series, t) {
      const values = series.last('grad_norm', 10);
      if (values.length < 10) return null;
      const zero = values.filter((value) => value === 0).length / values.length;
      return zero >= t.share ? { seen: `The gradient was exactly 0 in ${share(zero)} of the steps ${over(series, 10)}.` } : null;
    },
    evidence: { shown: 'flat' },
    remedies: (inForce) => [...resample(inForce), ...warmer(inForce), ...more(inForce)],
  },
  {
    id: 'entropy_collapsed',
    title: 'The policy is sure, and not right',
    level: 'warning',
    metrics: ['entropy', 'frac_reward_zero_std', 'frac_groups_all_right'],
    window: 8,
    thresholds: {
      share: { value: 0.2, text: "of the entropy of the run's first steps" },
      unsolved: { value: 0.3, text: 'share of groups without spread that are not all right' },
    },
    why: 'Little is left of the variety that the run began with, and groups are alike without being right: sampling finds nothing better any more.',
    seen(series, t) {
      const [before, now] = [start(series, 'entropy', 8, 5), recent(series, 'entropy', 8)];
      if (before === null || now === null || now > t.share * before) return null;
      const [flat, right] = [recent(series, 'frac_reward_zero_std', 8), recent(series, 'frac_groups_all_right', 8)];
      if (flat === null || flat - (right ?? 0) < t.unsolved) return null;
      return {
        seen: `The entropy was ${number(now)} nats ${over(series, 8)}, ${share(now / before)} of the first steps'; ${share(flat)} of the groups had no spread, ${share(right ?? 0)} were all right.`,
      };
    },
    evidence: { shown: 'flat' },
    remedies: (inForce) => [
      ...warmer(inForce),
      ...(inForce.config.epsilon_high === null ? [set({ epsilon_high: 0.28 })] : []),
      ...bind(inForce),
      ROLLBACK,
    ],
  },
  {
    id: 'entropy_exploded',
    title: 'The policy scatters',
    level: 'warning',
    metrics: ['entropy'],
    window: 5,
    thresholds: {
      times: { value: 3, text: "times the entropy of the run's first steps" },
      least: { value: 0.5, text: 'nats a token, at least' },
    },
    why: 'The policy draws its tokens more evenly than the model that it began as: what it knew is getting lost.',
    seen(series, t) {
      const [before, now] = [start(series, 'entropy', 5, 5), recent(series, 'entropy', 5)];
      if (before === null || now === null || now < t.times * before || now < t.least) return null;
      return { seen: `The entropy was ${number(now)} nats a token ${over(series, 5)}, against ${number(before)} in the first steps.` };
    },
    remedies: (inForce) => [...slower(inForce, 0.3), ...bind(inForce), ROLLBACK],
  },
  {
    id: 'accuracy_fell',
    title: 'Accuracy fell',
    level: 'warning',
    metrics: ['accuracy'],
    window: 8,
    thresholds: { fall: { value: 0.25, text: 'fall of accuracy from its best stretch of the run' } },
    why: 'The policy answered its training questions right more often earlier in this run.',
    seen(series, t) {
      const name = rightness(series);
      const now = recent(series, name, 8);
      if (now === null) return null;
      const values = series.points(name, 400).map(({ value }) => value);
      let best = 0;
      for (let end = 8; end <= values.length - 8; end++) best = Math.max(best, mean(values.slice(end - 8, end)));
      return best - now >= t.fall
        ? {
            metrics: [name],
            seen: `${share(now)} of the answers were right ${over(series, 8)}, against ${share(best)} in the best stretch of the run.`,
          }
        : null;
    },
    evidence: { shown: 'wrong' },
    remedies: (inForce) => [ROLLBACK, ...slower(inForce, 0.3)],
  },
  {
    id: 'think_disagrees',
    title: 'Reasoning and answer part',
    level: 'warning',
    metrics: ['think/disagrees'],
    window: 8,
    thresholds: {
      share: { value: 0.3, text: 'share of completions whose answer is not what their reasoning ends on' },
      growth: { value: 0.15, text: 'by how much that share has grown since the start' },
    },
    why: 'The text between the think tags ends on one option and the answer gives another, more often than at the start: the reasoning does not carry the answer.',
    seen(series, t) {
      const [before, now] = [start(series, 'think/disagrees', 8), recent(series, 'think/disagrees', 8)];
      if (before === null || now === null || now < t.share || now - before < t.growth) return null;
      return {
        seen: `${share(now)} of the completions answered another option than their reasoning ends on ${over(series, 8)}, against ${share(before)} at the start.`,
      };
    },
    remedies: ({ weights: inForce }) =>
      'think_answer_consistency' in inForce
        ? [weights({ think_answer_consistency: inForce.think_answer_consistency * 2 })]
        : [look('Add think_answer_consistency to the rewards: Rewards view, Add built in')],
  },
  {
    id: 'think_collapsed',
    title: 'Reasoning shrinks',
    level: 'warning',
    metrics: ['think/mean_words'],
    window: 8,
    thresholds: {
      share: { value: 0.4, text: 'of the words of the first steps' },
      least: { value: 4, text: 'words that the reasoning had at the start, at least' },
    },
    why: 'The text between the think tags is far shorter than at the start: the policy answers without writing down why.',
    seen(series, t) {
      const [before, now] = [start(series, 'think/mean_words', 8, 5), recent(series, 'think/mean_words', 8)];
      if (before === null || now === null || before < t.least || now > t.share * before) return null;
      return {
        seen: `The reasoning had ${number(now)} words on average ${over(series, 8)}, against ${number(before)} in the first steps.`,
      };
    },
    remedies: (inForce) => [look('Add length_band to the rewards, low at the length that you want to read'), ...bind(inForce), ROLLBACK],
  },
  {
    id: 'length_exploded',
    title: 'Completions grow',
    level: 'warning',
    metrics: ['completions/mean_length', 'accuracy'],
    window: 8,
    thresholds: {
      times: { value: 1.6, text: 'times the mean length of the first steps' },
      gain: { value: 0.1, text: 'rise of accuracy from which the growth counts as earned' },
    },
    why: 'Completions are much longer than at the start, and no more of them are right. Losses that divide by the length of each completion make long wrong answers cheap.',
    seen(series, t) {
      const [before, now] = [start(series, 'completions/mean_length', 8, 5), recent(series, 'completions/mean_length', 8)];
      if (before === null || now === null || now < t.times * before || (rise(series, rightness(series), 8) ?? 0) >= t.gain) return null;
      return {
        metrics: ['completions/mean_length', rightness(series)],
        seen: `Completions had ${number(now)} tokens on average ${over(series, 8)}, against ${number(before)} in the first steps.`,
      };
    },
    remedies: ({ config, ...rest }) => [
      ...(config.loss_type === 'grpo' ? [fork({ loss_type: 'dr_grpo' })] : []),
      ...bind({ config, ...rest }),
      ROLLBACK,
    ],
  },
  {
    id: 'answers_unreadable',
    title: 'Answers cannot be read',
    level: 'warning',
    metrics: ['answers/none'],
    window: 8,
    thresholds: {
      share: { value: 0.5, text: 'share of completions in which no offered letter could be read' },
      growth: { value: 0.1, text: 'by how much that share has grown since the start' },
      always: { value: 0.9, text: 'share from which no growth is asked for' },
    },
    why: 'An answer that cannot be read counts as wrong, whatever it says. The prompt, the tags or the reading do not fit what the policy writes.',
    seen(series, t) {
      const now = recent(series, 'answers/none', 8);
      const before = mean(series.first('answers/none', 3));
      if (now === null || now < t.share || (now < t.always && now - before < t.growth)) return null;
      return {
        seen: `No letter could be read in ${share(now)} of the completions ${over(series, 8)}, against ${share(before)} at the start.`,
      };
    },
    evidence: { shown: 'unread' },
    remedies: () => [look('Read them in Rollouts; prompt_template and variant decide which form is asked for'), ROLLBACK],
  },
  {
    id: 'clipped_updates',
    title: 'Many tokens are clipped',
    level: 'warning',
    metrics: ['clip_ratio/region_mean'],
    window: 10,
    thresholds: { share: { value: 0.3, text: 'share of tokens that the ratio bounds cut' } },
    why: 'Updates on the same rollouts moved the policy out of the range in which they count. With one update a batch the share is 0, and that is as it should be.',
    seen(series, t) {
      const value = recent(series, 'clip_ratio/region_mean', 10);
      return value !== null && value >= t.share ? { seen: `${share(value)} of the tokens were clipped ${over(series, 10)}.` } : null;
    },
    remedies: (inForce) => slower(inForce, 0.5),
  },
  {
    id: 'tiny_spread',
    title: 'Groups differ by next to nothing',
    level: 'warning',
    metrics: ['frac_groups_tiny_std', 'advantages/max_abs'],
    window: 8,
    thresholds: { share: { value: 0.3, text: "share of groups whose spread is under a hundredth of the batch's" } },
    why: 'Divided by the spread of their group, differences of no meaning become advantages as large as any other.',
    seen(series, t) {
      const value = recent(series, 'frac_groups_tiny_std', 8);
      if (value === null || value < t.share) return null;
      return {
        seen: `${share(value)} of the groups had a spread under a hundredth of the batch's ${over(series, 8)}; the largest advantage was ${number(series.now('advantages/max_abs') ?? NaN)}.`,
      };
    },
    evidence: { sort: 'spread' },
    remedies: ({ config }) => (config.scale_rewards === 'group' ? [fork({ scale_rewards: 'batch' })] : []),
  },
  {
    id: 'rewards_cancel',
    title: 'Different rewards add up to the same',
    level: 'info',
    metrics: ['frac_groups_rewards_cancel'],
    window: 20,
    thresholds: { share: { value: 0.5, text: 'share of groups in which that happens' } },
    why: 'Right without form and form without being right count as equally good: the sum hides the difference.',
    seen(series, t) {
      const value = recent(series, 'frac_groups_rewards_cancel', 20);
      return value !== null && value >= t.share
        ? { seen: `In ${share(value)} of the groups completions with different rewards had the same weighted sum ${over(series, 20)}.` }
        : null;
    },
    evidence: { sort: 'spread' },
    remedies: ({ config, weights: inForce }) => [
      ...Object.entries(inForce)
        .filter(([name]) => !isAccuracy(name))
        .slice(0, 1)
        .map(([name, weight]) => weights({ [name]: weight * 0.5 })),
      ...(config.multi_objective_aggregation === 'sum_then_normalize' ? [fork({ multi_objective_aggregation: 'normalize_then_sum' })] : []),
    ],
  },
  {
    id: 'reward_flat',
    title: 'The reward stands still',
    level: 'info',
    metrics: ['reward'],
    window: 60,
    thresholds: { change: { value: 0.01, text: 'change of the reward over the window, in parts of its mean, below which it is flat' } },
    why: 'The reward has risen before and is where it was 60 steps ago. Further steps cost the same as those that taught something.',
    seen(series, t) {
      const values = series.last('reward', 60);
      if (values.length < 60 || series.length <= 100) return null;
      const parts = [0, 20, 40].map((from) => mean(values.slice(from, from + 20)));
      const middle = mean(parts);
      const began = mean(series.first('reward', START));
      const flat = Math.max(...parts) - Math.min(...parts) <= t.change * Math.abs(middle);
      return flat && middle > began
        ? {
            seen: `The reward was ${number(parts[0])}, ${number(parts[1])} and ${number(parts[2])} in thirds of steps ${series.since(60)} to ${series.step}.`,
          }
        : null;
    },
    remedies: () => [look('Stop here, or train on harder questions')],
  },
];

/** What looks like a failure and is none; for the docs. */
export const NO_FAILURES: readonly { metric: string; seen: string; why: string }[] = [
  {
    metric: 'clip_ratio/*',
    seen: 'stays at 0',
    why: 'With one update a batch (num_iterations 1) the policy is the one that sampled, so every ratio is 1. Rule `clipped_updates` looks at the other end.',
  },
  {
    metric: 'loss',
    seen: 'is near 0, or negative',
    why: 'At the first update on a batch the advantages of a group add up to 0, so the loss is near its KL term. What counts is the gradient.',
  },
];
