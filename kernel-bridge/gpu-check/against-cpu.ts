/**
 * One GRPO update and one of SFT's kind on the device, held to the same on the CPU in float32: loss, metrics, gradients, and weights after the optimiser.
 * Completions are given, for generators of different devices draw differently.
 */
import { groupLogps, Model, type ModelDtype } from '../src/models/index.ts';
import { tinyModel, tinyPrompts } from '../src/models/testing/tiny.ts';
import { frozenLogps, grpoUpdate } from '../src/rl/grpo.ts';
import { Meters } from '../src/rl/meters.ts';
import { PolicyOptimizer } from '../src/rl/optimizer.ts';
import { completeConfig } from '../src/runs/config.ts';
import { backward, noGrad, scope, torch } from '../src/torch/index.ts';
import { answer, settingOf } from './part.ts';

const { device } = await settingOf(process.argv[2]);
const prompts = tinyPrompts();
const completions = [
  [[1], [2, 3, 4, 5, 6, 7, 8, 99], [9, 10]],
  [[11, 12, 13], [14], [15, 16]],
  [
    [14, 99],
    [20, 21, 22, 23, 24],
    [25, 26],
  ],
];
const advantages = [1, -1, 0.5, 0.3, -0.2, 1.5, -0.7, 0.1, -0.5];
const config = completeConfig({ model_name_or_path: 'tiny', dataset_name: 'none', beta: 0.04, learning_rate: 1e-3, loss_type: 'grpo' });

interface Numbers {
  figures: Record<string, number>;
  gradients: Record<string, Float32Array>;
  weights: Record<string, Float32Array>;
}

/** The tiny model's weights in that dtype on that device, trainable. */
function modelOn(where: string, dtype: ModelDtype): Model {
  using source = tinyModel();
  const moved = [...source.params].map(([name, weight]) => [name, noGrad(() => torch.clone(weight.to({ dtype, device: where })))] as const);
  const model = new Model(source.family, source.config, new Map(moved), dtype, where);
  model.setTrainable(() => true);
  return model;
}

const valuesOf = (model: Model, read: (name: string) => Float32Array): Record<string, Float32Array> =>
  Object.fromEntries([...model.params.keys()].map((name) => [name, read(name)]));

function grpo(where: string, dtype: ModelDtype): Numbers {
  using model = modelOn(where, dtype);
  const optimizer = new PolicyOptimizer(model, config);
  const rows = { prompts, completions };
  const micro = { ...rows, advantages, counted: advantages.map(() => true), logpOld: null, logpRef: frozenLogps(model, rows, 1) };
  const meters = new Meters();
  const { loss } = grpoUpdate(model, [micro], config, meters);
  const gradients = valuesOf(model, (name) => model.params.get(name)!.grad?.toFloat32() ?? new Float32Array());
  const grad_norm = optimizer.clip();
  optimizer.step(config.learning_rate, 1);
  const weights = valuesOf(model, (name) => model.params.get(name)!.toFloat32());
  optimizer.dispose();
  const read = Object.entries(meters.read()).filter((entry): entry is [string, number] => entry[1] !== null);
  return { figures: { loss, grad_norm, ...Object.fromEntries(read) }, gradients, weights };
}

function sft(where: string, dtype: ModelDtype): Numbers {
  using model = modelOn(where, dtype);
  return scope(() => {
    const { logps } = groupLogps(model, prompts, completions);
    const loss = torch.neg(torch.mean(logps));
    backward(loss);
    const gradients = valuesOf(model, (name) => model.params.get(name)!.grad?.toFloat32() ?? new Float32Array());
    return { figures: { loss: loss.item() }, gradients, weights: {} };
  });
}

/** The greatest difference as a share of the greatest value. */
function distance(found: Float32Array, wanted: Float32Array): number {
  let [apart, size] = [0, 0];
  wanted.forEach((value, i) => {
    apart = Math.max(apart, Math.abs(found[i] - value));
    size = Math.max(size, Math.abs(value));
  });
  return size === 0 ? apart : apart / size;
}

const worst = (found: Record<string, Float32Array>, wanted: Record<string, Float32Array>) =>
  Object.keys(wanted)
    .map((name) => ({ name, distance: distance(found[name], wanted[name]) }))
    .toSorted((a, b) => b.distance - a.distance)
    .at(0) ?? null;

/** |found - wanted| / |wanted| over all of them as one vector. */
function overall(found: Record<string, Float32Array>, wanted: Record<string, Float32Array>): number {
  let [apart, size] = [0, 0];
  for (const [name, values] of Object.entries(wanted))
    values.forEach((value, i) => {
      apart += (found[name][i] - value) ** 2;
      size += value ** 2;
    });
  return Math.sqrt(apart / size);
}

/**
 * In float32 every gradient and weight counts by itself. In bfloat16 the gradient as a whole: single small ones are rounding alone, and Adam's first step
 * takes only their sign.
 */
const BOUNDS = { float32: 1e-3, bfloat16: 0.2 };

const rows = (['float32', 'bfloat16'] as const).flatMap((dtype) =>
  [grpo, sft].map((update) => {
    const [found, wanted] = [update(device, dtype), update('cpu', 'float32')];
    const figures = Object.keys(wanted.figures).map((name) => ({
      name,
      found: found.figures[name],
      wanted: wanted.figures[name],
      distance: Math.abs(found.figures[name] - wanted.figures[name]) / Math.max(1, Math.abs(wanted.figures[name])),
    }));
    const gradient = overall(found.gradients, wanted.gradients);
    const worstGradient = worst(found.gradients, wanted.gradients);
    const worstWeight = worst(found.weights, wanted.weights);
    const single = dtype === 'float32' ? [worstGradient?.distance ?? 0, worstWeight?.distance ?? 0] : [];
    const most = Math.max(...figures.map((figure) => figure.distance), gradient, ...single);
    const bound = BOUNDS[dtype];
    return {
      update: update.name,
      dtype,
      figures,
      gradient,
      worst_gradient: worstGradient,
      worst_weight: worstWeight,
      worst: most,
      bound,
      ok: most <= bound,
    };
  }),
);
answer({ ok: rows.every(({ ok }) => ok), rows });
