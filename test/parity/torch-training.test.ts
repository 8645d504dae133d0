/** A training loop and random numbers, held against torch.optim.AdamW, clip_grad_norm_ and torch.Generator. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  backward,
  clipGradNorm,
  generator,
  manualSeed,
  readSafetensors,
  scope,
  setNumThreads,
  torch,
  writeSafetensors,
  type DType,
  type Tensor,
} from '../../kernel-bridge/src/torch/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'torch-training-'));
const python = join(import.meta.dirname, '../../.venv/bin/python');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = 20;
let expected: Map<string, Tensor>;
let norms: number[];
let start: Map<string, Tensor>;

beforeAll(() => {
  setNumThreads(1);
  const random = generator(0);
  start = new Map(
    Object.entries({ w: [5, 4], b: [5], x: [8, 4], y: [8, 5] }).map(([name, shape]) => [name, torch.randn(shape, { generator: random })]),
  );
  writeSafetensors(join(folder, 'start.safetensors'), start);
  execFileSync(python, [join(import.meta.dirname, 'python/torch_training.py'), folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  expected = readSafetensors(join(folder, 'expected.safetensors'));
  norms = JSON.parse(readFileSync(join(folder, 'norms.json'), 'utf8')) as number[];
});

/** The loop of torch_training.py. */
function train(dtype: DType): { w: Tensor; b: Tensor; exp_avg_sq: Tensor; norms: number[] } {
  const [w, b] = ['w', 'b'].map((name) => torch.to(start.get(name)!, { dtype, copy: true }));
  const [x, y] = ['x', 'y'].map((name) => start.get(name)!.to({ dtype }));
  w.requiresGrad = true;
  b.requiresGrad = true;
  const groups = [
    { params: [w], weight_decay: 0.1 },
    { params: [b], weight_decay: 0 },
  ];
  const optimiser = new AdamW(groups, { lr: 1e-2, betas: [0.9, 0.99], eps: 1e-8 });
  const seen: number[] = [];
  for (let step = 0; step < STEPS; step++)
    scope(() => {
      optimiser.setLr(1e-2 * (1 - step / STEPS));
      backward(torch.mse_loss(torch.tanh(torch.linear(x, w, b)), y));
      seen.push(clipGradNorm([w, b], 0.1));
      optimiser.step();
      optimiser.zeroGrad();
    });
  return { w, b, exp_avg_sq: optimiser.state().get('0.exp_avg_sq')!, norms: seen };
}

describe('twenty steps of AdamW with two groups, a falling learning rate and clipping', () => {
  it.each(['float32', 'bfloat16'] as const)('end in the very bits that Python ends in, in %s', (dtype) => {
    const { norms: seen, ...tensors } = train(dtype);
    for (const [name, value] of Object.entries(tensors)) expect(value.data(), name).toEqual(expected.get(`${dtype}.${name}`)!.data());
    expect(seen).toEqual(dtype === 'float32' ? norms.slice(0, STEPS) : norms.slice(STEPS));
  });
});

describe('random numbers', () => {
  it('from a seeded generator are those of torch.Generator, and so is its state', () => {
    const random = generator(7);
    expect(torch.rand([5], { generator: random }).data()).toEqual(expected.get('rand')!.data());
    expect(random.getState()).toEqual(expected.get('state')!.data());
  });

  it('after manualSeed are those after torch.manual_seed', () => {
    manualSeed(3);
    expect(torch.randn([5]).data()).toEqual(expected.get('randn')!.data());
  });
});
