import { describe, expect, it } from 'vitest';
import { tinyModel } from '../models/testing/tiny.ts';
import { completeConfig } from '../runs/config.ts';
import { keep, memoryStats, noGrad, scope, torch } from '../torch/index.ts';
import { PolicyOptimizer } from './optimizer.ts';
import { alone, type Ranks } from './ranks.ts';

const config = completeConfig({ model_name_or_path: 'tiny', dataset_name: 'none' });

/** A rank of two that sees what it gives as the other's too. */
const oneOfTwo = (rank: number): Ranks => ({
  ...alone,
  rank,
  size: 2,
  gather: (value) => [value, value],
  reduceScatter: (flat) => keep(scope(() => torch.clone(torch.narrow(flat, 0, (rank * flat.numel) / 2, flat.numel / 2)))),
  allGather: (flat) => torch.cat([flat, flat]),
});

/** Bytes that the optimiser's state takes on that rank after a step over all weights. */
function stateBytes(ranks: Ranks): number {
  using model = tinyModel();
  model.setTrainable(() => true);
  const optimizer = new PolicyOptimizer(model, config, ranks);
  const before = memoryStats().bytes;
  optimizer.sumGradients([[...model.params.values()].map((weight) => keep(noGrad(() => torch.ones_like(weight))))]);
  optimizer.clip();
  optimizer.step(1e-3, 1);
  optimizer.zeroGrad();
  const bytes = memoryStats().bytes - before;
  optimizer.dispose();
  return bytes;
}

describe('the optimiser of several ranks', () => {
  it('keeps each moment on one rank', () => {
    const whole = stateBytes(alone);
    const parts = [0, 1].map((rank) => stateBytes(oneOfTwo(rank)));
    expect(parts[0] + parts[1]).toBe(whole);
    for (const part of parts) expect(part / whole).toBeCloseTo(0.5, 1);
  });

  it('refuses a state of another model before it takes any of it', () => {
    using model = tinyModel();
    model.setTrainable(() => true);
    const optimizer = new PolicyOptimizer(model, config, oneOfTwo(1));
    const stray = `${model.params.size}.step`;
    expect(() => optimizer.loadState(new Map([[stray, torch.zeros([])]]))).toThrow(`state ${stray} belongs to no parameter`);
    optimizer.dispose();
  });
});
