/** Made-up answers to questions about a completion; the same question gives the same answer. */
import { choicesOf, reasoningOf } from '@medr1/kernel-bridge/answers';
import type { Alternatives, AskAttribution, Attribution, Decision, ExplainTarget } from '../src/connector.ts';
import { random, seedOf } from './drawing.ts';

export interface FakeSaid {
  text: string;
  options: string[];
  /** Of the policy that answers, and the one that was looked for. */
  step: number;
  wanted: number | null;
}

export const tokensOf = (text: string): string[] => text.match(/<\/?[a-z]+>|\s*(?:(?!<\/?[a-z]+>)\S)+|\s/g) ?? [];

const facts = ({ text, step, wanted }: FakeSaid) => ({
  run: 'r1',
  step,
  wanted_step: wanted,
  live: false,
  model: `runs/r1/checkpoints/step-${step}`,
  prompt: {
    text: '',
    tokens: [
      { id: 1, text: '<|image_pad|>', image: 49 },
      ...['What', ' is', ' shown', '?', ' A)', ' cyst', ',', ' B)', ' nodule'].map((word, i) => ({ id: i + 2, text: word })),
    ],
    image: { width: 196, height: 196, resized_width: 196, resized_height: 196, tokens: 49 },
  },
  token_ids: tokensOf(text).map((_, i) => i),
  tokens: tokensOf(text),
  seconds: 0.2,
});

const WORDS = [' the', ' a', ' round', ' mass', ' cyst', ' B', ' is', ' of'];

export function fakeAlternatives(said: FakeSaid): Alternatives {
  const chance = random(seedOf(said.text));
  return {
    ...facts(said),
    temperature: 1,
    places: tokensOf(said.text).map((token, at) => {
      const own = 0.35 + 0.6 * chance();
      const others = WORDS.filter((word) => word !== token).slice(0, 4);
      const top = [token, ...others].map((text, i) => ({ id: i, text, logprob: Math.log(i === 0 ? own : (1 - own) / 2 ** i) }));
      return { logprob: Math.log(own), rank: 1, entropy: 1 - own + at / 1000, top };
    }),
  };
}

export function fakeAttribution(
  { token: asked, against = [], method = 'integrated', orders = 10 }: AskAttribution,
  said: FakeSaid,
): Attribution {
  const chance = random(seedOf(`${said.text} ${method} ${asked ?? ''}`));
  const all = facts(said);
  const index = asked ?? all.tokens.length - 2;
  const image = Array.from({ length: 7 }, (_, y) =>
    Array.from({ length: 7 }, (_, x) => 2 * Math.exp(-((x - 4) ** 2 + (y - 2) ** 2) / 2) - 0.3 * chance()),
  );
  return {
    ...all,
    token: { index, id: 1, text: all.tokens[index] ?? '' },
    against,
    method,
    score: -0.08,
    baseline_score: method === 'integrated' ? -1.9 : null,
    gap: method === 'integrated' ? 0.004 : null,
    image,
    blocks: method === 'occlusion' ? image : null,
    words:
      method === 'gradient'
        ? { prompt: all.prompt.tokens.map(() => chance() - 0.4), completion: all.tokens.slice(0, index).map(() => chance() - 0.4) }
        : null,
    check:
      orders === 0
        ? null
        : {
            ...{ seen: 0.92, grey: 0.15, deletion: 0.31, insertion: 0.78, beaten: 10 },
            random: Array.from({ length: orders }, () => ({ deletion: 0.5 + 0.1 * chance(), insertion: 0.5 + 0.1 * chance() })),
            verdict: 'better',
          },
  };
}

export function fakeDecision({ order, blank }: ExplainTarget, said: FakeSaid): Decision {
  const all = facts(said);
  const choices = choicesOf(said.options);
  const options = choices.map(({ letter }, at) => {
    const from = choices[order?.[at] ?? at];
    return { letter, text: from.text, index: from.index };
  });
  const { sentences, bridge, token, from } = reasoningOf(all.tokens);
  const cuts = [{ from, to: from }, ...sentences].map((cut, n) => {
    const sure = blank ? 1 / options.length : 0.95 - 0.6 / (n + 1);
    const rest = (1 - sure) / Math.max(1, options.length - 1);
    return {
      ...cut,
      kept: sentences.length === 0 ? 0 : n / sentences.length,
      probabilities: options.map((_, i) => (i === 0 ? sure : rest) * 0.99),
      other: 0.01,
    };
  });
  return { ...all, options, cuts, decided: Math.min(1, cuts.length - 1), asked_by: bridge, own_words: token !== null };
}
