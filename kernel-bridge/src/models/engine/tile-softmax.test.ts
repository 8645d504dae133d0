import { describe, expect, it } from 'vitest';
import { generator, noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { gradientByOperators, logitGradient, nothingSeen, see, seeByOperators, softmaxOf } from './tile-softmax.ts';

const random = generator(11);
const [M, V] = [5, 203];
const logits = torch.mul(torch.randn([M, V], { generator: random }), 4);
const targets = tensor([0, 17, 99, 100, 202], { dtype: 'int64' });
const apart = (a: Tensor, b: Tensor): number => torch.max(torch.abs(torch.sub(a, b))).item();
/** Tiles of several sizes; the last is no whole number of vectors. */
const cuts = [
  [0, 100],
  [100, 96],
  [196, 7],
];

describe.each([
  ['kernels of our own', see, logitGradient],
  ['operators', seeByOperators, gradientByOperators],
] as [string, typeof see, typeof logitGradient][])('a softmax tile by tile, by %s', (_, look, gradient) => {
  it.each([1, 0.6])('is the whole one at temperature %f', (temperature) =>
    scope(() =>
      noGrad(() => {
        const seen = nothingSeen(M, 'cpu');
        const tileOf = ([first, size]: number[]) => ({
          logits: torch.clone(torch.narrow(logits, 1, first, size)),
          first,
          targets,
          temperature,
        });
        for (const cut of cuts) look(seen, tileOf(cut));
        const { lse, logps, correct, entropy } = softmaxOf(seen);

        const scaled = torch.div(logits, temperature);
        const logProbs = torch.log_softmax(scaled, 1);
        const p = torch.exp(logProbs);
        const index = torch.unsqueeze(targets, 1);
        expect(apart(lse, torch.logsumexp(scaled, [1]))).toBeLessThan(1e-5);
        expect(apart(logps, torch.squeeze(torch.gather(logProbs, 1, index), 1))).toBeLessThan(1e-5);
        expect(apart(entropy, torch.neg(torch.sum(torch.mul(p, logProbs), [1])))).toBeLessThan(1e-5);
        const best = torch.eq(torch.argmax(logits, 1), targets);
        expect(torch.equal(correct, best.to({ dtype: 'float32' }))).toBe(true);

        const g = tensor([1, -2, 0, 0.5, 3]);
        const onehot = torch.scatter(torch.zeros_like(p), 1, index, 1);
        const wanted = torch.mul(torch.sub(onehot, p), torch.unsqueeze(torch.div(g, temperature), 1));
        for (const cut of cuts) {
          const got = gradient(tileOf(cut), lse, torch.div(g, temperature));
          expect(apart(got, torch.narrow(wanted, 1, cut[0], cut[1]))).toBeLessThan(1e-5);
        }
      }),
    ),
  );
});

it('a target that is the best token of a tile before the last counts as the best', () =>
  scope(() => {
    const seen = nothingSeen(1, 'cpu');
    const tile = (values: number[], first: number) => ({
      logits: tensor([values]),
      first,
      targets: tensor([1], { dtype: 'int64' }),
      temperature: 1,
    });
    see(seen, tile([1, 5], 0));
    see(seen, tile([2, 3], 2));
    expect(softmaxOf(seen).correct.item()).toBe(1);
    see(seen, tile([6], 4));
    expect(softmaxOf(seen).correct.item()).toBe(0);
  }));
