/** 8-bit Adam states against torchao's AdamW8bit on the same gradients. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  generator,
  noGrad,
  readSafetensors,
  scope,
  torch,
  writeSafetensors,
  type DType,
  type Tensor,
} from '../../kernel-bridge/src/torch/index.ts';
import { dequantise } from '../../kernel-bridge/src/torch/eight-bit.ts';

const folder = mkdtempSync(join(tmpdir(), 'low-bit-adamw-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = 20;
const SETTINGS = { lr: 1e-3, weight_decay: 0.1, steps: STEPS };
const CASES: Record<string, { shape: number[]; dtype: DType }> = {
  matrix: { shape: [64, 128], dtype: 'float32' },
  bfloat16: { shape: [48, 256], dtype: 'bfloat16' },
  'too small for blocks': { shape: [40, 50], dtype: 'float32' },
  'not filled by blocks': { shape: [67, 67], dtype: 'float32' },
};

let start: Map<string, Tensor>;
let expected: Map<string, Tensor>;

beforeAll(() => {
  const random = generator(4);
  start = new Map(
    Object.entries(CASES).flatMap(([name, { shape, dtype }]) =>
      ['w', ...Array.from({ length: STEPS }, (_, step) => step)].map((part): [string, Tensor] => {
        const drawn = torch.randn(shape, { generator: random });
        // gradients of very different sizes, as layers and tokens have them
        const values = part === 'w' ? drawn : torch.mul(drawn, torch.exp(torch.mul(torch.randn(shape, { generator: random }), 2)));
        return [`${name}.${part}`, values.to({ dtype })];
      }),
    ),
  );
  writeSafetensors(join(folder, 'start.safetensors'), start);
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(Object.fromEntries(Object.keys(CASES).map((name) => [name, SETTINGS]))));
  execFileSync(join(import.meta.dirname, '../../.venv/bin/python'), [join(import.meta.dirname, 'python/low_bit_adamw.py'), folder], {
    env: { ...process.env, TORCHDYNAMO_DISABLE: '1', OMP_NUM_THREADS: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expected = readSafetensors(join(folder, 'expected.safetensors'));
});

const values = (tensor: Tensor): Float32Array => tensor.toFloat32();
const furthest = (ours: Tensor, theirs: Tensor): number =>
  scope(() => torch.amax(torch.abs(torch.sub(ours.to({ dtype: 'float32' }), theirs.to({ dtype: 'float32' })))).item());

describe.each(Object.keys(CASES))('%s', (name) => {
  it(`has the weights and moments of torchao after ${STEPS} steps`, () =>
    scope(() => {
      const weight = torch.clone(start.get(`${name}.w`)!);
      weight.requiresGrad = true;
      const { lr, weight_decay } = SETTINGS;
      const optimiser = new AdamW([weight], { lr, betas: [0.9, 0.99], eps: 1e-8, weight_decay, bits: 8 });
      for (let step = 0; step < STEPS; step++) {
        weight.grad = start.get(`${name}.${step}`)!;
        optimiser.step();
      }
      const state = optimiser.state();
      // A step is lr at most; a code that falls to the other side of a tie moves a weight by a part of one.
      expect(furthest(weight.detach(), expected.get(`${name}.w`)!)).toBeLessThan(CASES[name].dtype === 'bfloat16' ? 0.04 : 1e-5);
      for (const moment of ['exp_avg', 'exp_avg_sq']) {
        const codes = expected.get(`${name}.${moment}.codes`);
        const ours = state.get(`0.${moment}`)!;
        if (codes === undefined) {
          expect(ours.dtype).toBe('float32');
          const theirs = expected.get(`${name}.${moment}`)!;
          expect(furthest(ours, theirs) / torch.amax(torch.abs(theirs)).item()).toBeLessThan(1e-6);
          continue;
        }
        const [mine, theirs] = [values(ours), values(codes)];
        const apart = mine.filter((code, i) => code !== theirs[i]);
        // One rounding of the arithmetic apart may fall to the other side of a tie, and stays apart for some steps.
        expect(Math.max(...mine.map((code, i) => Math.abs(code - theirs[i])))).toBeLessThan(5);
        expect(apart.length / mine.length).toBeLessThan(1e-3);
        const scale = state.get(`0.${moment}.scale`)!;
        values(scale).forEach((value, block) => expect(value / values(expected.get(`${name}.${moment}.scale`)!)[block]).toBeCloseTo(1, 3));
        const wide = noGrad(() => dequantise(torch.reshape(codes, [-1]), expected.get(`${name}.${moment}.scale`)!, moment === 'exp_avg'));
        expect(furthest(torch.reshape(wide, codes.shape), expected.get(`${name}.${moment}`)!)).toBe(0); // the same map
      }
      optimiser.dispose();
    }));
});
