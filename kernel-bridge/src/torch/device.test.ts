/** The device for tests is as strict as a GPU, or what passes on it would say nothing. */
import { describe, expect, it } from 'vitest';
import {
  AdamW,
  backward,
  customFunction,
  deviceCount,
  generator,
  medr1,
  memoryStats,
  scope,
  tensor,
  torch,
  type AdamWOptions,
  type AdamWStorage,
  type DType,
} from './index.ts';
import { native } from './native.ts';
import { crossings, hasTestDevice, TEST_DEVICE } from './testing/test-device.ts';

const here = (values: number[], shape = [values.length]) => tensor(values, { dtype: 'float32', shape });
const there = (values: number[], shape = [values.length]) => tensor(values, { dtype: 'float32', shape, device: TEST_DEVICE });

describe.skipIf(!hasTestDevice)('the device for tests', () => {
  it('is counted beside the CPU, and only under its name', () => {
    expect(['testing', 'cuda', 'no_such_device'].map(deviceCount)).toEqual([1, 0, 0]);
  });

  it('keeps results, views and what is written in place on the device', () => {
    const x = there([1, 2, 3, 4, 5, 6], [2, 3]);
    const sum = torch.matmul(x, torch.transpose(x, 0, 1));
    expect([sum.device, Array.from(sum.toFloat32())]).toEqual([TEST_DEVICE, [14, 32, 32, 77]]);
    torch.add_(torch.narrow(x, 0, 0, 1), 10);
    expect(Array.from(x.toFloat32())).toEqual([11, 12, 13, 4, 5, 6]);
    torch.resize_(x, [2, 4]);
    expect(Array.from(torch.narrow(torch.flatten(x), 0, 0, 6).toFloat32())).toEqual([11, 12, 13, 4, 5, 6]);
  });

  it('refuses tensors of two devices in one operator, but for a scalar of the host', () => {
    expect(() => torch.add(there([1, 2]), here([1, 2]))).toThrow('found at least two devices');
    expect(() => torch.index_select(there([1, 2]), 0, tensor([0], { dtype: 'int64' }))).toThrow('found at least two devices');
    expect(Array.from(torch.mul(there([1, 2]), torch.squeeze(here([3]))).toFloat32())).toEqual([3, 6]);
  });

  it('refuses generators of the host, and has the CPU’s numbers for a seed', () => {
    const draw = (device: string, random = generator(3, device)) => torch.rand([4], { device, generator: random }).toFloat32();
    expect(draw(TEST_DEVICE)).toEqual(draw('cpu'));
    expect(() => draw(TEST_DEVICE, generator(3))).toThrow('generator');
  });

  it.each<[string, DType, AdamWOptions & AdamWStorage]>([
    ['float32', 'float32', {}],
    ['eight-bit moments', 'float32', { bits: 8 }],
    ['bfloat16', 'bfloat16', {}],
    ['a float32 copy', 'bfloat16', { bf16: 'master' }],
    ['stochastic rounding', 'bfloat16', { bf16: 'stochastic' }],
    ['what rounding took off', 'bfloat16', { bf16: 'kahan' }],
  ])('updates weights without a copy or a wait, the counts of their steps included: %s', (_, dtype, options) =>
    scope(() => {
      const weights = [1, 2, 3].map(() => torch.ones([64, 64], { dtype, device: TEST_DEVICE }));
      for (const weight of weights) weight.grad = torch.ones([64, 64], { dtype, device: TEST_DEVICE });
      const optimizer = new AdamW(weights, options);
      optimizer.step(); // makes its state
      crossings();
      optimizer.step();
      expect(crossings()).toEqual({ toDevice: 0, toHost: 0, values: 0 });
      optimizer.dispose();
    }),
  );

  it('has no kernels of our own, which are for the CPU', () => {
    expect(() => medr1.weigh_logits_(there([1, 2, 3, 4], [1, 4]), 2, 1)).toThrow('weigh_logits_');
  });

  it('counts copies and the values that the host waits for', () => {
    crossings();
    const x = there([1, 2, 3]);
    expect(crossings()).toEqual({ toDevice: 1, toHost: 0, values: 0 });
    torch.sum(x).item();
    torch.nonzero(x);
    native.synchronize(TEST_DEVICE);
    expect(crossings()).toEqual({ toDevice: 0, toHost: 0, values: 3 });
    x.toFloat32();
    torch.mul(x, 2);
    expect(crossings()).toEqual({ toDevice: 0, toHost: 1, values: 0 });
  });

  it('runs backward on a thread of its own, from which functions written in JavaScript are called', () => {
    const square = customFunction<[x: ReturnType<typeof there>], ReturnType<typeof there>>({
      forward(context, x) {
        context.save(x);
        return torch.mul(x, x);
      },
      backward: ({ saved: [x] }, g) => [torch.mul(torch.mul(g!, x), 2)],
    });
    const x = there([1, 2, 3]);
    x.requiresGrad = true;
    backward(torch.sum(square(x)));
    expect([x.grad!.device, Array.from(x.grad!.toFloat32())]).toEqual([TEST_DEVICE, [2, 4, 6]]);
  });

  it('gives memory back', () => {
    const [before] = native.deviceMemory(TEST_DEVICE);
    scope(() => void torch.zeros([1000, 1000], { device: TEST_DEVICE }));
    const [after, , peak] = native.deviceMemory(TEST_DEVICE);
    expect(after).toBe(before);
    expect(peak).toBeGreaterThanOrEqual(before + 4e6);
    expect(memoryStats().cuda).toBeNull();
  });
});
