import { describe, expect, it } from 'vitest';
import { AdamW, backward, clipGradNorm, scope, tensor, torch, type Tensor } from './index.ts';

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
