/** A model in memory: its config and its weights by name. The forward passes are functions over it. */
import { checkpoint, isGradEnabled, isSlow, keep, noGrad, scope, span, torch, type DType, type Tensor } from '../torch/index.ts';
import type { Rotation } from './engine/rotary.ts';
import { errors } from './errors.ts';
import type { ConfigJson, FamilyShape, ModelConfig } from './family.ts';
import type { RawImage } from './image.ts';
import type { EncodedImage, Grid } from './prompt.ts';

export type ModelDtype = 'float32' | 'bfloat16';

/** Something that adds its part to a linear layer's output; LoRA is one. */
export interface Adapter {
  /** Its own weights by name, each name starting with that of the layer it belongs to. */
  readonly params: ReadonlyMap<string, Tensor>;
  /** x [R, in], y = linear(x) [R, out] -> [R, out]. */
  apply(name: string, x: Tensor, y: Tensor): Tensor;
  dispose(): void;
}

/** Positions of a prompt's tokens. */
export interface Positions {
  /** Per axis, `positionAxes` of them, the positions of all tokens. */
  axes: number[][];
  /** The position of the token that follows, the same on every axis. */
  next: number;
}

/** q [R, H, D], k and v [R, Hkv, D], positions applied -> [R, H * D]: how tokens see each other is the engine's. */
export type SelfAttend = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** What a processor needs to know of a family. */
export interface ProcessorParts {
  /** The token that stands for an image in the chat template; it is repeated once per image token. */
  imageToken: string;
  /** Ends a turn, and so a completion where generation_config.json names no end. */
  endOfTurn: string;
  /** Texts that no message may hold. */
  reserved: readonly string[];
  /** Throws MODEL_UNSUPPORTED for a step that would make other pixels. `where` names the file. */
  parseImageProcessorConfig(json: ConfigJson, where: string): ImageProcessorConfig;
  /** The image's patches, on the CPU; they live until disposed. */
  encodeImage(image: RawImage, config: ImageProcessorConfig): EncodedImage;
}

/** preprocessor_config.json, in Hugging Face's names. */
export interface ImageProcessorConfig {
  patch_size: number;
  temporal_patch_size: number;
  /** Patches a side that become one token. */
  merge_size: number;
  min_pixels: number;
  max_pixels: number;
  rescale_factor: number;
  image_mean: number[];
  image_std: number[];
}

/** A family of models: what the engine asks of it. families/qwen2vl/index.ts is one. */
export interface Family<C extends ModelConfig = ModelConfig> extends FamilyShape<C> {
  /** 1 where a token has one position, 3 where it has one in time, height and width. */
  readonly positionAxes: number;
  /** Positions of a prompt's tokens, with the grids of its images in order. */
  positions(config: C, ids: number[], grids: Grid[]): Positions;
  /** Rotation of the decoder's heads for positions [positionAxes, R] float32. */
  rotation(config: C, positions: Tensor, dtype: DType): Rotation;
  /** Tokens that an image of this grid gives. */
  imageTokens(config: C, grid: Grid): number;
  /** Rows of all images, one after another: [sum of imageTokens, hidden]. */
  encodeImages(model: Model<C>, images: EncodedImage[]): Tensor;
  /** One decoder layer, x [R, hidden] -> [R, hidden], by the weights that begin with `name`. */
  layer(model: Model<C>, name: string, x: Tensor, turn: Rotation, attend: SelfAttend): Tensor;
  readonly processor: ProcessorParts;
}

export class Model<C extends ModelConfig = ModelConfig> {
  readonly family: Family<C>;
  readonly config: C;
  /** Weights under the names that checkpoints on disk use, in the model's own order. They live until `dispose`. */
  readonly params: Map<string, Tensor>;
  readonly dtype: ModelDtype;
  readonly device: string;
  /** Products in bfloat16 are computed in float32 (product.ts), for this CPU is slow at them. */
  readonly widens: boolean;
  adapter: Adapter | null = null;
  /** Activation checkpointing: a layer keeps its input only, and is computed again in the backward pass. */
  checkpointing = false;
  /** Kept between calls by what runs the model, by name; freed with it. */
  readonly attached = new Map<string, Disposable>();

  constructor(family: Family<C>, config: C, params: Map<string, Tensor>, dtype: ModelDtype, device: string) {
    this.family = family;
    this.config = config;
    this.params = params;
    this.dtype = dtype;
    this.device = device;
    this.widens = isSlow(this);
  }

  weight(name: string): Tensor {
    const weight = this.params.get(name);
    if (weight === undefined) {
      throw errors.badArgument(`the model has no weight ${name}`, `It has ${this.params.size} weights: see model.params.keys().`);
    }
    return weight;
  }

  /** The matrix that turns hidden states into logits [V, D]: the embedding itself when tied. */
  get outputEmbedding(): Tensor {
    return this.weight(this.config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
  }

  /** Runs the layer whose weights' names start with `name`, freeing what it makes; checkpointed if the model is. */
  runLayer(name: string, x: Tensor, layer: (x: Tensor) => Tensor): Tensor {
    const shown = (input: Tensor): Tensor => span(name, () => layer(input));
    if (!this.checkpointing || !isGradEnabled()) return scope(() => shown(x));
    const all = [...this.params, ...(this.adapter?.params ?? [])];
    return checkpoint(
      shown,
      [x],
      all.flatMap(([key, weight]) => (key.startsWith(`${name}.`) ? [weight] : [])),
    );
  }

  get parameterCount(): number {
    return [...this.params.values()].reduce((sum, weight) => sum + weight.numel, 0);
  }

  /** Chooses which weights get gradients; all others are constants. */
  setTrainable(predicate: (name: string) => boolean): void {
    for (const [name, weight] of this.params) weight.requiresGrad = predicate(name);
  }

  /** What gets gradients, by name: weights of the model, and those of its adapter. */
  get trainable(): Map<string, Tensor> {
    return new Map([...this.params, ...(this.adapter?.params ?? [])].filter(([, weight]) => weight.requiresGrad));
  }

  /** Runs `compute` with this adapter in place of the model's own; null = the bare model. */
  withAdapter<T>(adapter: Adapter | null, compute: () => T): T {
    const own = this.adapter;
    this.adapter = adapter;
    try {
      return compute();
    } finally {
      this.adapter = own;
    }
  }

  /** A copy that no optimiser step of this model changes: the KL term's reference. */
  copyFrozen(): Model<C> {
    const params = noGrad(() => new Map([...this.params].map(([name, weight]) => [name, keep(torch.clone(weight))])));
    return new Model(this.family, this.config, params, this.dtype, this.device);
  }

  dispose(): void {
    for (const held of this.attached.values()) held[Symbol.dispose]();
    this.attached.clear();
    for (const weight of this.params.values()) weight[Symbol.dispose]();
    this.params.clear();
    this.adapter?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
