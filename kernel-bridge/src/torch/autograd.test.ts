import { afterEach, describe, expect, it } from 'vitest';
import { backward, checkpoint, customFunction, enableGrad, grad, memoryStats, noGrad, scope, tensor, torch, type Tensor } from './index.ts';
import { native } from './native.ts';

const inScope = (name: string, fn: () => void): void => it(name, () => scope(fn));
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

describe('backward', () => {
  inScope('accumulates into grad, which null clears', () => {
    const x = leaf([1, 2]);
    backward(torch.sum(torch.mul(x, x)));
    torch.sum(torch.mul(x, x)).backward();
    expect(x.grad!.tolist()).toEqual([4, 8]);
    x.grad = null;
    expect(x.grad).toBeNull();
  });
  inScope('takes the gradient of a result that is no scalar', () => {
    const x = leaf([1, 2]);
    backward(torch.mul(x, 3), tensor([1, 10]));
    expect(x.grad!.tolist()).toEqual([3, 30]);
  });
  inScope('goes twice through a retained graph, and says so otherwise', () => {
    const x = leaf([2]);
    const y = torch.sum(torch.pow(x, 3));
    backward(y, null, { retainGraph: true });
    backward(y);
    expect(x.grad!.tolist()).toEqual([24]);
    expect(() => backward(y)).toThrow(/second time/);
  });
  inScope('of a tensor without a graph is refused', () => expect(() => backward(tensor(1))).toThrow(/does not require grad/));
  inScope('frees nothing of ours: intermediate handles may go before it', () => {
    const x = leaf([3]);
    const y = scope(() => torch.sum(torch.mul(torch.exp(x), 2)));
    backward(y);
    expect(x.grad!.item()).toBeCloseTo(2 * Math.exp(3), 3);
  });
});

describe('grad', () => {
  inScope('touches no grad field and gives higher derivatives with createGraph', () => {
    const x = leaf([2]);
    const [first] = grad(torch.sum(torch.pow(x, 3)), [x], { createGraph: true });
    const [second] = grad(torch.sum(first!), [x]);
    expect([first!.tolist(), second!.tolist(), x.grad]).toEqual([[12], [12], null]);
  });
  inScope('gives null for an unused input when allowed, and throws otherwise', () => {
    const [x, unused] = [leaf([1]), leaf([1])];
    expect(grad(torch.sum(x), [x, unused], { allowUnused: true })[1]).toBeNull();
    expect(() => grad(torch.sum(x), [unused])).toThrow(/allow_unused/);
  });
});

describe('grad mode', () => {
  inScope('noGrad records nothing, enableGrad inside it does', () => {
    const x = leaf([1]);
    noGrad(() => {
      expect(torch.mul(x, 2).requiresGrad).toBe(false);
      expect(enableGrad(() => torch.mul(x, 2)).requiresGrad).toBe(true);
    });
    expect(torch.mul(x, 2).requiresGrad).toBe(true);
  });
  it('is restored when the function throws, and async functions are refused', () => {
    expect(() =>
      noGrad(() => {
        throw new RangeError();
      }),
    ).toThrow(RangeError);
    expect(native.gradMode()).toBe(true);
    expect(() => noGrad(() => Promise.resolve())).toThrow(/synchronous/);
    expect(native.gradMode()).toBe(true);
  });
  inScope('requiresGrad can be changed on leaves only', () => {
    const y = torch.mul(leaf([1]), 2);
    expect(() => {
      y.requiresGrad = false;
    }).toThrow(/leaves only/);
  });
});

const scaledSquare = customFunction<[Tensor, number], Tensor>({
  forward(context, x, factor) {
    context.save(x);
    context.factor = factor;
    return torch.mul(torch.mul(x, x), factor);
  },
  backward({ saved: [x], factor }, gradient) {
    return [torch.mul(torch.mul(gradient!, x), 2 * (factor as number))];
  },
});

// With a GPU the engine calls back from its own threads: the second row takes that way on the CPU.
describe.each([
  ['on this thread', false],
  ['on the thread of the engine', true],
])('a custom function with its backward %s', (_, threaded) => {
  const threadedScope = (name: string, fn: () => void): void =>
    it(name, () => {
      native.setBackwardThread(threaded);
      scope(fn);
    });
  afterEach(() => native.setBackwardThread(false));

  threadedScope('gives the gradient that its backward computes', () => {
    const x = leaf([1, 2]);
    backward(torch.sum(torch.mul(scaledSquare(x, 3), 10)));
    expect(x.grad!.tolist()).toEqual([60, 120]);
  });
  threadedScope('hands null for outputs that were not used, and takes null for inputs without gradient', () => {
    const seen: unknown[] = [];
    const both = customFunction<[Tensor, Tensor], Tensor[]>({
      forward: (_context, x, y) => [torch.add(x, 1), torch.add(y, 1)],
      backward(_context, gx, gy) {
        seen.push(gx?.tolist(), gy);
        return [gx, null];
      },
    });
    const [x, y] = [leaf([1]), leaf([2])];
    backward(torch.sum(both(x, y)[0]));
    expect(seen).toEqual([[1], null]);
    expect([x.grad!.tolist(), y.grad]).toEqual([[1], null]);
  });
  threadedScope('passes on what its backward throws, as it was thrown', () => {
    const failing = customFunction<[Tensor], Tensor>({
      forward: (_context, x) => torch.neg(x),
      backward() {
        throw new RangeError('from JavaScript');
      },
    });
    expect(() => backward(torch.sum(failing(leaf([1]))))).toThrow(new RangeError('from JavaScript'));
  });
  threadedScope('refuses a wrong number of gradients', () => {
    const wrong = customFunction<[Tensor], Tensor>({ forward: (_context, x) => torch.neg(x), backward: () => [] });
    expect(() => backward(torch.sum(wrong(leaf([1]))))).toThrow(/0 gradients for 1 tensor arguments/);
  });
  threadedScope('detects that a saved tensor was changed in place', () => {
    const x = torch.mul(leaf([1]), 1);
    const y = scaledSquare(x, 1);
    torch.add_(x, 1);
    expect(() => backward(torch.sum(y))).toThrow(/modified by an inplace operation/);
  });
  threadedScope('goes through a graph once, unless retained', () => {
    const y = torch.sum(scaledSquare(leaf([1]), 1));
    backward(y, null, { retainGraph: true });
    backward(y);
    expect(() => backward(y)).toThrow(/second time/);
  });
  threadedScope('may compute gradients inside its backward: nested checkpoints equal the plain computation', () => {
    const [x, w] = [leaf([1, 2]), leaf([3, 4])];
    const block = (h: Tensor): Tensor => torch.tanh(torch.mul(torch.mul(h, h), w));
    const plain = grad(torch.sum(block(block(x))), [x, w]);
    const inner = (h: Tensor): Tensor => checkpoint(block, [h], [w]);
    const nested = grad(torch.sum(checkpoint((h) => inner(inner(h)), [x], [w])), [x, w]);
    expect(nested.map((g) => g!.tolist())).toEqual(plain.map((g) => g!.tolist()));
  });
  it('leaves no handle behind', () => {
    native.setBackwardThread(threaded);
    const before = memoryStats().tensors;
    scope(() =>
      backward(
        torch.sum(
          scaledSquare(
            checkpoint((h) => torch.exp(h), [leaf([1])]),
            2,
          ),
        ),
      ),
    );
    expect(memoryStats().tensors).toBe(before);
  });
});

it('a custom function runs plainly where no gradient is wanted', () =>
  scope(() => {
    expect(noGrad(() => scaledSquare(leaf([2]), 1)).requiresGrad).toBe(false);
    expect(scaledSquare(tensor([2]), 1).tolist()).toEqual([4]);
  }));
