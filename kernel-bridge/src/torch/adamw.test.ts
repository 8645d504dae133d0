import { describe, expect, it } from 'vitest';
import { joinBfloat16, roundStochastic, splitBfloat16 } from './bfloat16.ts';
import {
  AdamW,
  backward,
  clipGradNorm,
  generator,
  scope,
  tensor,
  torch,
  type AdamWStorage,
  type Bf16Update,
  type Tensor,
} from './index.ts';

const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

function stepTowards(target: number, optimiser: AdamW, param: Tensor): void {
  scope(() => {
    backward(torch.sum(torch.pow(torch.sub(param, target), 2)));
    optimiser.step();
    optimiser.zeroGrad();
  });
}

describe('AdamW', () => {
  inScope('goes on from a saved state as if it had not stopped', () => {
    const a = leaf([1, 2]);
    const first = new AdamW([a], { lr: 0.1 });
    for (let i = 0; i < 3; i++) stepTowards(5, first, a);

    const b = tensor(a.data() as Float32Array, { requiresGrad: true });
    const second = new AdamW([b], { lr: 0.1 });
    second.loadState(first.state());
    for (let i = 0; i < 3; i++) {
      stepTowards(5, first, a);
      stepTowards(5, second, b);
    }
    expect(b.data()).toEqual(a.data());
    expect(second.state().get('0.step')!.item()).toBe(6);
    first.dispose();
    second.dispose();
  });
  inScope('leaves parameters without a gradient alone, decay included', () => {
    const [a, frozen] = [leaf([1]), leaf([1])];
    const optimiser = new AdamW([a, frozen], { lr: 0.1, weight_decay: 0.5 });
    stepTowards(5, optimiser, a);
    expect(frozen.tolist()).toEqual([1]);
    expect([...optimiser.state().keys()]).toEqual(['0.step', '0.exp_avg', '0.exp_avg_sq']);
    optimiser.dispose();
  });
  inScope('refuses a state that does not fit and keeps its own', () => {
    const a = leaf([1, 2]);
    const optimiser = new AdamW([a]);
    stepTowards(5, optimiser, a);
    const before = optimiser.state().get('0.exp_avg')!.data();
    const bad = new Map(optimiser.state()).set('0.exp_avg', tensor([1]));
    expect(() => optimiser.loadState(bad)).toThrow(/state 0\.exp_avg is \[1\], the parameter asks for \[2\]/);
    expect(() => optimiser.loadState(new Map([...optimiser.state(), ['7.step', tensor(1)]]))).toThrow(/7\.step belongs to no parameter/);
    expect(optimiser.state().get('0.exp_avg')!.data()).toEqual(before);
    optimiser.dispose();
  });
  inScope('refuses a parameter given twice', () => {
    const a = leaf([1]);
    expect(() => new AdamW([a, a])).toThrow(/twice/);
  });
  inScope('steps parameters of several dtypes', () => {
    const wide = leaf([1]);
    const narrow = tensor([1], { dtype: 'bfloat16', requiresGrad: true });
    const optimiser = new AdamW([wide, narrow], { lr: 0.5 });
    backward(torch.add(torch.sum(wide), torch.sum(narrow)));
    optimiser.step();
    expect([wide.item() < 1, narrow.item() < 1]).toEqual([true, true]);
    optimiser.dispose();
  });
});

describe('clipGradNorm', () => {
  inScope('gives the norm before clipping and scales only what is too long', () => {
    const [a, b] = [leaf([3]), leaf([4])];
    const withGradients = (scale: number): void => {
      a.grad = tensor([3 * scale]);
      b.grad = tensor([4 * scale]);
    };
    withGradients(1);
    expect(clipGradNorm([a, b], 1)).toBe(5);
    expect(a.grad!.item()).toBeCloseTo(0.6, 5);
    withGradients(0.1);
    expect(clipGradNorm([a, b], 1)).toBeCloseTo(0.5, 6);
    expect(b.grad!.item()).toBeCloseTo(0.4, 6);
  });
  inScope('is 0 where nothing has a gradient', () => expect(clipGradNorm([leaf([1])], 1)).toBe(0));
});

/** Weights as large as a model's, in bfloat16. */
const narrowWeights = (count: number): Tensor =>
  torch.mul(torch.randn([count], { generator: generator(1) }), 0.02).to({ dtype: 'bfloat16' });
const mean = (tensor: Tensor): number => torch.mean(tensor.to({ dtype: 'float64' })).item();

describe('bfloat16 weights and steps far below their last place', () => {
  const STEPS = 1000;
  const LR = 1e-7; // a weight of 0.02 shows steps of 1e-4
  /** Where 1,000 steps of the same size downhill lead. */
  function descend(bf16: Bf16Update): { moved: number; weight: Tensor; state: Map<string, Tensor>; optimiser: AdamW } {
    const weight = narrowWeights(8192);
    const before = mean(weight);
    weight.requiresGrad = true;
    const optimiser = new AdamW([weight], { lr: LR, weight_decay: 0, bf16 });
    const random = generator(2);
    for (let step = 0; step < STEPS; step++)
      scope(() => {
        weight.grad = torch.ones_like(weight);
        optimiser.step(random);
      });
    return { moved: mean(weight.detach()) - before, weight, state: optimiser.state(), optimiser };
  }

  inScope('plain rounding stalls, a master moves', () => {
    const [plain, master] = [descend('plain'), descend('master')];
    expect(Math.abs(plain.moved)).toBeLessThan(0.02 * STEPS * LR);
    expect(master.moved).toBeCloseTo(-STEPS * LR, 6);
    for (const { optimiser } of [plain, master]) optimiser.dispose();
  });
  inScope('kahan keeps the float32 of the master to the last bit, in half the bytes beside the weight', () => {
    const [master, kahan] = [descend('master'), descend('kahan')];
    const joined = joinBfloat16(kahan.weight.detach(), kahan.state.get('0.remainder')!);
    expect(joined.data()).toEqual(master.state.get('0.master')!.data());
    expect(kahan.state.get('0.remainder')!.dtype).toBe('int16');
    for (const { optimiser } of [master, kahan]) optimiser.dispose();
  });
  inScope('stochastic rounding moves the mean as far as the steps go, within five deviations', () => {
    const { moved, optimiser, state } = descend('stochastic');
    expect([...state.keys()]).toEqual(['0.step', '0.exp_avg', '0.exp_avg_sq']);
    // A rounding's variance is step x (ulp - step); the ulp of weights of 0.02 is at most 2^-12 for nearly all.
    const deviation = Math.sqrt((STEPS * LR * 2 ** -12) / 8192);
    expect(Math.abs(moved + STEPS * LR)).toBeLessThan(5 * deviation);
    optimiser.dispose();
  });
});

describe('roundStochastic', () => {
  inScope('gives one of the two neighbours, the mean being the value', () => {
    for (const value of [1 + 2 ** -9, -1 - 2 ** -10, 0.3, -3e-5, 7e20]) {
      const x = torch.full([20000], value, { dtype: 'float32' });
      const rounded = roundStochastic(x, generator(3)).to({ dtype: 'float64' });
      const exact = x.toFloat32()[0];
      const [low, high] = [torch.amin(rounded).item(), torch.amax(rounded).item()];
      const ulp = high - low;
      expect(low <= exact && exact <= high && ulp <= 2 ** -7 * Math.abs(exact), `${value} in ${low} .. ${high}`).toBe(true);
      expect(new Set(rounded.data() as Float64Array).size).toBe(2);
      expect(Math.abs(mean(rounded) - exact)).toBeLessThan((5 * ulp) / 2 / Math.sqrt(20000));
    }
  });
  inScope('leaves values that bfloat16 holds as they are', () => {
    const x = narrowWeights(4096);
    expect(roundStochastic(x.to({ dtype: 'float32' }), null).data()).toEqual(x.data());
  });
});

describe('splitBfloat16', () => {
  inScope('loses nothing, ties included', () => {
    const x = torch.cat([torch.randn([5000], { generator: generator(5) }), tensor([1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -8, 0, 3e38])]);
    const { rounded, remainder } = splitBfloat16(x);
    expect(joinBfloat16(rounded, remainder).data()).toEqual(x.data());
    const nearest = x.to({ dtype: 'bfloat16' }).toFloat32();
    const far = rounded.toFloat32().filter((value, i) => value !== nearest[i]);
    expect(far.length).toBeLessThanOrEqual(2); // ties, which go away from zero here and to the even one there
  });
});

describe('8-bit moments', () => {
  /** Least squares on the same data, weights after 200 steps. */
  function fit(storage: AdamWStorage): { loss: number; bytes: number } {
    return scope(() => {
      const random = generator(6);
      const [X, y] = [torch.randn([512, 128], { generator: random }), torch.randn([512, 64], { generator: random })];
      const w = torch.zeros([64, 128]);
      w.requiresGrad = true;
      const optimiser = new AdamW([w], { lr: 1e-2, weight_decay: 0, ...storage });
      let loss = NaN;
      for (let step = 0; step < 200; step++)
        scope(() => {
          const error = torch.mse_loss(torch.linear(X, w), y);
          backward(error);
          optimiser.step();
          optimiser.zeroGrad();
          loss = error.item();
        });
      const bytes = [...optimiser.state().values()].reduce((sum, tensor) => sum + tensor.numel * (tensor.dtype === 'uint8' ? 1 : 4), 0);
      optimiser.dispose();
      return { loss, bytes };
    });
  }
  inScope('come within 1 % of the loss of AdamW, in a quarter of the memory', () => {
    const [wide, narrow] = [fit({}), fit({ bits: 8 })];
    expect(narrow.loss / wide.loss).toBeLessThan(1.01);
    expect(narrow.bytes / wide.bytes).toBeLessThan(0.26);
  });
});

describe('a saved state of narrow weights or moments', () => {
  it.each<[string, AdamWStorage, Tensor['dtype']]>([
    ['master', { bf16: 'master' }, 'bfloat16'],
    ['kahan', { bf16: 'kahan' }, 'bfloat16'],
    ['stochastic', { bf16: 'stochastic' }, 'bfloat16'],
    ['8 bits', { bits: 8 }, 'float32'],
    ['8 bits, kahan', { bits: 8, bf16: 'kahan' }, 'bfloat16'],
  ])('goes on bit for bit: %s', (_, storage, dtype) =>
    scope(() => {
      const start = torch.randn([4096], { generator: generator(8) });
      const gradients = Array.from({ length: 6 }, (_value, i) => torch.randn([4096], { generator: generator(9 + i) }).to({ dtype }));
      const fresh = (from: Tensor): Tensor => {
        const weight = torch.clone(from.to({ dtype }));
        weight.requiresGrad = true;
        return weight;
      };
      const run = (weight: Tensor, optimiser: AdamW, steps: number[]): void =>
        steps.forEach((step) => {
          weight.grad = gradients[step];
          optimiser.step(generator(step));
        });
      const whole = fresh(start);
      const straight = new AdamW([whole], storage);
      run(whole, straight, [0, 1, 2, 3, 4, 5]);

      const half = fresh(start);
      const first = new AdamW([half], storage);
      run(half, first, [0, 1, 2]);
      const rest = fresh(half.detach());
      const second = new AdamW([rest], storage);
      second.loadState(first.state());
      run(rest, second, [3, 4, 5]);
      expect(rest.detach().data()).toEqual(whole.detach().data());
      for (const [name, tensor] of straight.state()) expect(second.state().get(name)!.data(), name).toEqual(tensor.data());
      for (const optimiser of [straight, first, second]) optimiser.dispose();
    }),
  );
});
