import { describe, expect, it } from 'vitest';
import { cuda, CudaGraph, scope, tensor, torch } from './index.ts';

describe.runIf(cuda.isAvailable())('a CUDA graph, on a machine with a GPU', () => {
  it('replays its kernels on new input, and its result lives until it is disposed', () => {
    const x = torch.ones([4], { device: 'cuda:0' });
    const graph = CudaGraph.capture(() => torch.add(torch.mul(x, 2), 1));
    scope(() => torch.copy_(x, tensor([1, 2, 3, 4]).to({ device: 'cuda:0' })));
    expect(graph.replay().tolist()).toEqual([3, 5, 7, 9]);
    graph.dispose();
    expect(graph.result.isDisposed).toBe(true);
    expect(() => graph.replay()).toThrow(/disposed/);
  });
  it('refuses a function that waits for the device, and the next capture works', () => {
    const x = torch.ones([4], { device: 'cuda:0' });
    expect(() => CudaGraph.capture(() => torch.sum(x).item(), { warmup: 0 })).toThrow();
    expect(
      CudaGraph.capture(() => torch.add(x, 1))
        .replay()
        .tolist(),
    ).toEqual([2, 2, 2, 2]);
  });
});

describe.skipIf(cuda.isAvailable())('without a GPU', () => {
  it('cuda says why, and a graph is refused with the same words', () => {
    expect(cuda.deviceCount()).toBe(0);
    expect(() => cuda.open()).toThrow(/^no CUDA device: /);
    expect(() => CudaGraph.capture(() => torch.ones([1]))).toThrow(/^no CUDA device: /);
  });
});
