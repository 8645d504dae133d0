/**
 * LoRA (Hu et al. 2021) as PEFT computes it: a linear layer's output W x + b gets (alpha / r) B A x beside it, where A [r, in] and B [out, r] are
 * what is trained. A starts uniform in +-1 / sqrt(in) (Kaiming, a = sqrt 5), B at zero, so that a fresh adapter changes nothing. Both are float32
 * whatever the model's dtype, and so is the product before it is added (PEFT's autocast_adapter_dtype).
 *
 * Departure from PEFT: no dropout on the adapter's input (lora_dropout is 0), for a layer that is computed again in the backward pass, and
 * log-probabilities taken twice, would see different masks.
 */
import { DECODER_LINEARS, endsWithOneOf, linearLayers, loraTest } from '../../protocol/weight-names.ts';
import { customFunction, generator, keep, noGrad, scope, torch, type Generator, type Tensor } from '../../torch/index.ts';
import { errors } from '../errors.ts';
import type { Adapter, Model } from '../model.ts';

/** adapter_config.json of PEFT; keys that this file does not use are kept as they are. */
export interface AdapterConfig {
  peft_type: 'LORA';
  base_model_name_or_path: string;
  r: number;
  lora_alpha: number;
  target_modules: string | string[];
  [key: string]: unknown;
}

/** One adapted layer: A [r, in], B [out, r], both float32. */
export interface LowRank {
  A: Tensor;
  B: Tensor;
  /** alpha / r. */
  scale: number;
}

export class Lora implements Adapter {
  readonly config: AdapterConfig;
  /** By the name that the layer's weights start with in the model. */
  readonly layers: ReadonlyMap<string, LowRank>;

  constructor(config: AdapterConfig, layers: ReadonlyMap<string, LowRank>) {
    this.config = config;
    this.layers = layers;
  }

  /** `model.layers.0.self_attn.q_proj.lora_A.weight` and so on. */
  get params(): Map<string, Tensor> {
    return new Map(
      [...this.layers].flatMap(([name, { A, B }]): [string, Tensor][] => [
        [`${name}.lora_A.weight`, A],
        [`${name}.lora_B.weight`, B],
      ]),
    );
  }

  apply(name: string, x: Tensor, y: Tensor): Tensor {
    const layer = this.layers.get(name);
    return layer === undefined ? y : addLowRank(layer.scale)(y, x, layer.A, layer.B);
  }

  /** Lets the adapter learn, or be a constant. */
  setTrainable(trainable: boolean): void {
    for (const weight of this.params.values()) weight.requiresGrad = trainable;
  }

  /** A copy that no optimiser step of this adapter changes. */
  copyFrozen(): Lora {
    const copy = (weight: Tensor): Tensor => noGrad(() => keep(torch.clone(weight)));
    return new Lora(this.config, new Map([...this.layers].map(([name, { A, B, scale }]) => [name, { A: copy(A), B: copy(B), scale }])));
  }

  dispose(): void {
    for (const weight of this.params.values()) weight[Symbol.dispose]();
  }
}

/** (y [R, out], x [R, in], A, B) -> y + scale (x A^T) B^T. Keeps x as it is and no float32 copy of it. */
const addLowRank = (scale: number) =>
  customFunction<[y: Tensor, x: Tensor, A: Tensor, B: Tensor], Tensor>({
    forward(context, y, x, A, B) {
      const h = torch.linear(x.to({ dtype: A.dtype }), A); // [R, r]
      context.save(x, A, B, h);
      return torch.addmm(y.to({ dtype: A.dtype }), h, torch.t(B), { alpha: scale }).to({ dtype: y.dtype });
    },
    backward({ saved: [x, A, B, h] }, g) {
      const scaled = torch.mul(g!.to({ dtype: A.dtype }), scale); // [R, out]
      const dh = torch.mm(scaled, B); // [R, r]
      const dA = torch.mm(torch.t(dh), x.to({ dtype: A.dtype }));
      const dB = torch.mm(torch.t(scaled), h);
      return [g, x.requiresGrad ? torch.mm(dh, A).to({ dtype: x.dtype }) : null, dA, dB];
    },
  });

export interface LoraOptions {
  r: number;
  lora_alpha: number;
  /** As TRL's lora_target_modules; null = all linear layers of the decoder. */
  target_modules: readonly string[] | null;
  /** Directory of the model that is adapted. */
  base: string;
  seed: number;
}

/** Puts a fresh adapter on the model, which then computes what it computed before. The model's own weights become constants. */
export function addLora(model: Model, options: LoraOptions): Lora {
  const { modules, written } = resolveTargets(model, options.target_modules);
  const shapes = model.family.weightShapes(model.config);
  const random = generator(options.seed, model.device);
  const scale = options.lora_alpha / options.r;
  const layers = new Map(
    modules.map((name) => [name, { ...freshLayer(shapes.get(`${name}.weight`)!, options.r, random, model.device), scale }]),
  );
  const lora = new Lora(adapterConfig(options, written), layers);
  model.setTrainable(() => false);
  lora.setTrainable(true);
  model.adapter = lora;
  return lora;
}

function freshLayer([out, inn]: number[], r: number, random: Generator, device: string): { A: Tensor; B: Tensor } {
  const float = { dtype: 'float32', device } as const;
  const bound = 1 / Math.sqrt(inn);
  return noGrad(() => ({
    A: keep(torch.uniform_(torch.empty([r, inn], float), -bound, bound, { generator: random })),
    B: keep(torch.zeros([out, r], float)),
  }));
}

const adapterConfig = ({ r, lora_alpha, base }: LoraOptions, target_modules: string | string[]): AdapterConfig => ({
  peft_type: 'LORA',
  task_type: 'CAUSAL_LM',
  base_model_name_or_path: base,
  r,
  lora_alpha,
  lora_dropout: 0,
  target_modules,
  bias: 'none',
  fan_in_fan_out: false,
  init_lora_weights: true,
  modules_to_save: null,
  use_rslora: false,
  inference_mode: true,
});

/** Adds the adapter's product to the weights themselves, and takes it off. In float32 before rounding, as PEFT's merge_and_unload. */
export function mergeLora(model: Model): void {
  const lora = model.adapter;
  if (!(lora instanceof Lora)) return;
  for (const [name, { A, B, scale }] of lora.layers) {
    const weight = model.weight(`${name}.weight`);
    const merged = noGrad(() =>
      scope(() => keep(torch.addmm(weight.to({ dtype: 'float32' }), B, A, { alpha: scale }).to({ dtype: weight.dtype }))),
    );
    weight[Symbol.dispose]();
    model.params.set(`${name}.weight`, merged);
  }
  model.adapter = null;
  lora.dispose();
}

/** Layers that an adapter can sit on: all that go through `linear` (layers.ts), by the name their weights start with. */
export const linearModules = ({ family, config }: Model): string[] => linearLayers(family.weightShapes(config));

/** Which layers are meant, and how to tell PEFT so. */
function resolveTargets(model: Model, targets: readonly string[] | null): { modules: string[]; written: string | string[] } {
  const linears = linearModules(model);
  const test = testOf(linears, targets);
  const modules = linears.filter(test);
  if (targets === null) {
    const listed = linears.filter(endsWithOneOf(DECODER_LINEARS)).length === modules.length;
    // Qwen2.5-VL's vision tower has layers of the same names.
    return { modules, written: listed ? [...DECODER_LINEARS] : `(?!.*visual).*\\.(?:${DECODER_LINEARS.join('|')})` };
  }
  const others = [...model.family.weightShapes(model.config).keys()]
    .map((name) => name.replace(/\.(weight|bias)$/, ''))
    .filter((name) => !linears.includes(name));
  const refused = others.find(test);
  if (refused !== undefined) throw errors.loraTarget(targets, `${refused} is no linear layer that LoRA can sit on here`, linears);
  if (modules.length === 0) throw errors.loraTarget(targets, 'no layer of the model has such a name', linears);
  const byName = targets[0] !== 'all-linear' && linears.some(endsWithOneOf(targets));
  return { modules, written: byName ? [...targets] : targets[0] };
}

function testOf(linears: string[], targets: readonly string[] | null): (name: string) => boolean {
  try {
    return loraTest(linears, targets);
  } catch (cause) {
    throw errors.loraTarget(targets ?? [], `it is no regular expression (${(cause as Error).message})`, linears);
  }
}
