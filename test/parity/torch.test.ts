/** The binding against Python's torch of the same installation: values and gradients, one Python process for all cases. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  generator,
  grad,
  keep,
  readSafetensors,
  scope,
  setNumThreads,
  Tensor,
  tensor,
  torch,
  writeSafetensors,
  type Argument,
  type Generator,
  type Result,
} from '../../kernel-bridge/src/torch/index.ts';
import { CASES, type CaseArgument, type OperatorCase, type TensorSpec } from './torch-cases.ts';

type Float = 'float32' | 'bfloat16';
interface Run {
  name: string;
  test: OperatorCase;
  dtype: Float;
}

const RUNS: Run[] = CASES.flatMap((test) =>
  (test.bfloat16 === false ? (['float32'] as const) : (['float32', 'bfloat16'] as const)).map((dtype) => ({
    name: `${test.op}(${JSON.stringify(test.args).slice(1, -1)}) ${dtype}`,
    test,
    dtype,
  })),
);

const folder = mkdtempSync(join(tmpdir(), 'torch-parity-'));
const python = join(import.meta.dirname, '../../.venv/bin/python');
const script = (name: string): string => join(import.meta.dirname, 'python', name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const operators = torch as unknown as Record<string, (...args: Argument[]) => Result>;

function make({ shape, kind = 'normal', high = 2 }: TensorSpec, dtype: Float, random: Generator): Tensor {
  if (kind === 'ints') return torch.randint(high, shape, { generator: random });
  if (kind === 'bool') return torch.gt(torch.rand(shape, { generator: random }), 0.5);
  let values = kind === 'positive' ? torch.add(torch.rand(shape, { generator: random }), 0.5) : torch.randn(shape, { generator: random });
  if (kind === 'positive' && shape.length === 2 && shape[0] === shape[1]) values = torch.add(values, torch.mul(torch.eye(shape[0]), 5));
  const leaf = values.to({ dtype });
  leaf.requiresGrad = true;
  return leaf;
}

function resolve(argument: CaseArgument, tensors: Tensor[]): Argument {
  if (typeof argument === 'string' && argument.startsWith('$')) return tensors[Number(argument.slice(1))];
  if (Array.isArray(argument)) return argument.map((item) => resolve(item, tensors));
  if (typeof argument === 'object' && argument !== null)
    return Object.fromEntries(Object.entries(argument).map(([name, value]) => [name, resolve(value, tensors)]));
  return argument;
}

const flat = (result: Result): Result[] => (Array.isArray(result) ? result : [result]);
const asTensor = (value: Result): Tensor => (value instanceof Tensor ? value : tensor(value as number | boolean));

/** Runs one case here; what Python needs goes to `inputs`, what must agree to `ours`. */
function evaluate(index: number, { test, dtype }: Run, inputs: Map<string, Tensor>, ours: Map<string, Tensor>, random: Generator): void {
  scope(() => {
    const tensors = test.tensors.map((spec) => make(spec, dtype, random));
    tensors.forEach((value, i) => inputs.set(`${index}.in.${i}`, keep(value)));
    const results = flat(operators[test.op](...test.args.map((argument) => resolve(argument, tensors)))).map(asTensor);
    results.forEach((value, i) => ours.set(`${index}.out.${i}`, keep(value.detach())));
    const seeds = results.map((value) =>
      value.requiresGrad ? torch.randn(value.shape, { generator: random }).to({ dtype: value.dtype }) : null,
    );
    seeds.forEach((seed, i) => seed && inputs.set(`${index}.seed.${i}`, keep(seed)));
    const seeded = results.filter((_, i) => seeds[i]);
    if (seeded.length === 0) return;
    const leaves = tensors.filter((value) => value.requiresGrad);
    grad(seeded, leaves, { gradOutputs: seeds.filter((seed) => seed !== null), allowUnused: true }).forEach((gradient, i) => {
      if (gradient) ours.set(`${index}.grad.${i}`, keep(gradient));
    });
  });
}

/** Largest difference, relative to the largest value where that is above 1; NaN in the same places counts as equal. */
function difference(a: Tensor, b: Tensor): number {
  const [x, y] = [a.toFloat32(), b.toFloat32()];
  let most = 0;
  let scale = 1;
  for (let i = 0; i < x.length; i++) {
    if (Object.is(x[i], y[i]) || x[i] === y[i]) continue;
    most = Math.max(most, Number.isNaN(x[i] - y[i]) ? Infinity : Math.abs(x[i] - y[i]));
    scale = Math.max(scale, Math.abs(y[i]));
  }
  return most / scale;
}

const TOLERANCE: Record<Float, number> = { float32: 1e-6, bfloat16: 2 ** -8 };

describe('operators agree with Python in values, dtypes, shapes and gradients', () => {
  const ours = new Map<string, Tensor>();
  let theirs: Map<string, Tensor>;

  beforeAll(() => {
    setNumThreads(1);
    const inputs = new Map<string, Tensor>();
    const random = generator(1);
    RUNS.forEach((run, index) => evaluate(index, run, inputs, ours, random));
    writeSafetensors(join(folder, 'inputs.safetensors'), inputs);
    const cases = RUNS.map(({ test: { op, args, tensors } }) => ({ op, args, tensors: tensors.length }));
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
    execFileSync(python, [script('torch_ops.py'), folder], { stdio: ['ignore', 'inherit', 'pipe'] });
    theirs = readSafetensors(join(folder, 'outputs.safetensors'));
  });

  it('covers at least 60 operators and gives the same set of outputs and gradients', () => {
    expect(new Set(CASES.map(({ op }) => op)).size).toBeGreaterThanOrEqual(60);
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
  });

  it.each(RUNS.map((run, index) => ({ ...run, index })))('$name', ({ index, dtype }) => {
    const names = [...ours.keys()].filter((name) => name.startsWith(`${index}.`));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const [a, b] = [ours.get(name)!, theirs.get(name)!];
      expect({ name, dtype: a.dtype, shape: a.shape }).toEqual({ name, dtype: b.dtype, shape: b.shape });
      expect(difference(a, b), name).toBeLessThanOrEqual(TOLERANCE[dtype]);
    }
  });
});
