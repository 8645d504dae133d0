import { describe, expect, it } from 'vitest';
import {
  AdamW,
  backward,
  clipGradNorm,
  generator,
  getNumThreads,
  memoryStats,
  scope,
  setNumThreads,
  tensor,
  torch,
  withThreads,
  type Tensor,
} from './index.ts';

const MB = 2 ** 20;

it('10,000 training steps of a small net add less than 50 MB of resident memory and no handle', () => {
  setNumThreads(1);
  const random = generator(0);
  const weight = (...shape: number[]): Tensor => {
    const w = torch.mul(torch.randn(shape, { generator: random }), 0.3);
    w.requiresGrad = true;
    return w;
  };
  const [w1, b1, w2] = [weight(32, 8), weight(32), weight(1, 32)];
  const optimiser = new AdamW([w1, b1, w2], { lr: 1e-3 });
  const step = (): number =>
    scope(() => {
      const x = torch.randn([16, 8], { generator: random });
      const loss = torch.mse_loss(torch.linear(torch.tanh(torch.linear(x, w1, b1)), w2), torch.sum(x, [1], true));
      backward(loss);
      clipGradNorm([w1, b1, w2], 1);
      optimiser.step();
      optimiser.zeroGrad();
      return loss.item();
    });
  const first = step();
  for (let i = 0; i < 500; i++) step(); // caches fill, code is compiled
  const before = { rss: process.memoryUsage.rss(), ...memoryStats() };
  let last = 0;
  for (let i = 0; i < 10_000; i++) last = step();
  expect(last).toBeLessThan(first / 10); // it did train
  expect(memoryStats()).toMatchObject({ tensors: before.tensors, bytes: before.bytes });
  expect((process.memoryUsage.rss() - before.rss) / MB).toBeLessThan(50);
});

describe('memoryStats', () => {
  it('counts a storage once, however many handles share it', () =>
    scope(() => {
      const { tensors, bytes } = memoryStats();
      const t = tensor(new Float32Array(256));
      torch.reshape(t, [16, 16]);
      t.alias();
      const after = memoryStats();
      expect([after.tensors - tensors, after.bytes - bytes]).toEqual([3, 1024]);
    }));
});

it('withThreads holds for its work only, an error included, and never raises the number', () => {
  setNumThreads(2);
  expect(withThreads(1, getNumThreads)).toBe(1);
  expect(withThreads(3, getNumThreads)).toBe(2);
  expect(() =>
    withThreads(1, () => {
      throw new Error('broken off');
    }),
  ).toThrow('broken off');
  expect(getNumThreads()).toBe(2);
});

it('the collector frees what nobody disposed, once the event loop turns', async () => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const before = memoryStats().tensors;
  (() => {
    for (let i = 0; i < 100; i++) torch.ones([1]);
  })();
  expect(memoryStats().tensors).toBe(before + 100);
  for (let turn = 0; turn < 20 && memoryStats().tensors > before; turn++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(memoryStats().tensors).toBeLessThanOrEqual(before + 1);
});
