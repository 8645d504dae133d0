/** What tokens can be coloured by, on which scale, and why not where it is not stored. Every scale is fixed: colours of two steps compare. */
import type { Completion, Group, TrainConfig } from '../../connector.ts';

export const COLOURINGS = {
  off: 'off',
  logprob: 'log-probability',
  entropy: 'entropy',
  kl: 'KL',
  ratio: 'ratio / clip',
  advantage: 'advantage',
} as const;
export type Colouring = keyof typeof COLOURINGS;
export type TokenQuantity = Exclude<Colouring, 'off'>;

/** What is known of the tokens of one completion, one value each; what is left out or null is not stored. */
export interface TokenFacts extends Partial<Pick<Completion, 'entropy' | 'kl' | 'ratio' | 'clipped'>> {
  logprobs: readonly number[];
  /** Of the completion: the policy gradient weighs each of its tokens by it. */
  advantage?: number;
}

interface Scale {
  /** 0 (no colour) to 1, or −1 to 1 with two sides; null = not stored. */
  share(facts: TokenFacts, token: number): number | null;
  /** Custom properties of theme.ts: above 0, and below where there are two sides. */
  above: string;
  below?: string;
  /** What stands at the ends of the legend, and what it is. */
  ends: readonly [string, string];
  about: string;
}

/** Probability at which a token is shaded fully. */
const LEAST = 0.02;
/** Entropy at which it is, in nats: as unsure as between twenty equal choices. */
const UNSURE = 3;
/** KL at which colour begins, and at which it is full, in nats. */
const KL = [1e-3, 1] as const;
/** Ratio, or its inverse, at which it is. */
const MOVED = 1.5;
/** Advantage at which it is: two standard deviations of its group. */
const MOST = 2;

const within = (low: number, value: number, high = 1): number => Math.min(high, Math.max(low, value));
const scaled = (value: number | null | undefined, scale: (value: number) => number): number | null =>
  value === null || value === undefined ? null : scale(value);

export const SCALES: Readonly<Record<TokenQuantity, Scale>> = {
  logprob: {
    share: ({ logprobs }, token) => scaled(logprobs[token], (logprob) => within(0, logprob / Math.log(LEAST))),
    above: '--medr1-scale',
    ends: ['certain', `${100 * LEAST} % or less`],
    about: 'Log-probability of the token when it was sampled',
  },
  entropy: {
    share: ({ entropy }, token) => scaled(entropy?.[token], (nats) => within(0, nats / UNSURE)),
    above: '--medr1-scale',
    ends: ['0', `${UNSURE} nats or more`],
    about: 'Entropy of the distribution that the token was drawn from; 3 nats: as unsure as between twenty equal choices',
  },
  kl: {
    share: ({ kl }, token) => scaled(kl?.[token], (nats) => within(0, Math.log(nats / KL[0]) / Math.log(KL[1] / KL[0]))),
    above: '--medr1-scale',
    ends: [`${KL[0]} or less`, `${KL[1]} nat or more`],
    about: "k3 estimate of the KL divergence to the reference at the token, on a logarithmic scale; a step's mean is the metric kl",
  },
  ratio: {
    share: ({ ratio }, token) => scaled(ratio?.[token], (rho) => within(-1, Math.log(rho) / Math.log(MOVED))),
    above: '--medr1-more',
    below: '--medr1-less',
    ends: [`÷ ${MOVED}`, `× ${MOVED}`],
    about: 'Probability of the token at the last update on these rollouts, as a multiple of that when it was sampled; underlined: clipped',
  },
  advantage: {
    share: ({ advantage }) => scaled(advantage, (value) => within(-1, value / MOST)),
    above: '--medr1-right',
    below: '--medr1-wrong',
    ends: [`−${MOST}`, `+${MOST}`],
    about: 'Advantage of the completion, the same for each of its tokens',
  },
};

/** Colour of one token; null leaves the token without colour. */
export function shade(
  quantity: TokenQuantity,
  facts: TokenFacts,
  token: number,
): { share: number; colour: string; clipped: boolean } | null {
  const { share, above, below } = SCALES[quantity];
  const value = share(facts, token);
  if (value === null) return null;
  const clipped = quantity === 'ratio' && (facts.clipped?.[token] ?? false);
  return { share: Math.abs(value), colour: value < 0 ? below! : above, clipped };
}

type Settings = Pick<TrainConfig, 'beta' | 'num_iterations'>;

/** Why these groups cannot be coloured so, in few words; null when they can. `last`: the run's last step. */
export function missing(quantity: TokenQuantity, groups: readonly Group[], config: Settings | null, last: number): string | null {
  if (quantity === 'logprob' || quantity === 'advantage' || groups.length === 0) return null;
  if (groups.some(({ completions }) => completions.some((one) => (one[quantity] ?? null) !== null))) return null;
  if (quantity === 'kl' && config?.beta === 0) return 'no reference: beta is 0';
  if (quantity === 'ratio') {
    if ((config?.num_iterations ?? 1) === 1) return 'always 1: num_iterations is 1';
    if (groups.some(({ step }) => step >= last)) return 'comes with the next update';
  }
  return 'not stored by the version that made this step';
}

/** Updates after the first that were made on the rollouts of a step: what is stored of them changes with each. */
export function laterUpdates(step: number, config: Settings | null, last: number): number {
  return Math.max(0, Math.min(last - step, (config?.num_iterations ?? 1) - 1));
}
