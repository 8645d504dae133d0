/**
 * A family that is not Qwen2-VL, as small as one can be: one position a token, norms of queries and keys as Qwen3 has them, no biases, and a vision tower of
 * one product. The engine, LoRA, the checkpoints and the planner take it as it stands (family.test.ts).
 */
import { tensor, torch } from '../../torch/index.ts';
import { linear, rmsNorm, swiglu } from '../engine/layers.ts';
import { product } from '../engine/product.ts';
import { inverseFrequencies, rotate, rotationBy } from '../engine/rotary.ts';
import type { FamilyShape, ModelConfig } from '../family.ts';
import { encodeImage, parseImageProcessorConfig } from '../families/qwen2vl/image-processor.ts';
import type { Family } from '../model.ts';

interface ToyConfig extends ModelConfig {
  vision_config: { patch_size: number; in_channels: number };
}

export const toyConfig = {
  model_type: 'toy_vl',
  image_token_id: 90,
  tie_word_embeddings: false,
  text_config: { vocab_size: 100, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8, max_position_embeddings: 512, rms_norm_eps: 1e-6, bos_token_id: 0, eos_token_id: 99, pad_token_id: null },
  vision_config: { patch_size: 14, in_channels: 3 },
}; // prettier-ignore

/** Two frames, as the image processor of Qwen2-VL makes patches. */
const patchSize = ({ patch_size, in_channels }: ToyConfig['vision_config']): number => 2 * in_channels * patch_size ** 2;

export const toyShape: FamilyShape<ToyConfig> = {
  modelTypes: ['toy_vl'],
  parseConfig: (json) => ({ initializer_range: 0.3, ...json }) as ToyConfig,
  configJson: (config, dtype) => ({ ...config, torch_dtype: dtype }),
  weightShapes({ text_config: text, vision_config, tie_word_embeddings }) {
    const { hidden_size: D, head_dim, intermediate_size: M } = text;
    const [queries, keys] = [text.num_attention_heads * head_dim, text.num_key_value_heads * head_dim];
    const layer = (i: number): [string, number[]][] =>
      (
        [
          ['input_layernorm', [D]],
          ['self_attn.q_proj', [queries, D]],
          ['self_attn.k_proj', [keys, D]],
          ['self_attn.v_proj', [keys, D]],
          ['self_attn.o_proj', [D, queries]],
          ['self_attn.q_norm', [head_dim]],
          ['self_attn.k_norm', [head_dim]],
          ['post_attention_layernorm', [D]],
          ['mlp.gate_proj', [M, D]],
          ['mlp.up_proj', [M, D]],
          ['mlp.down_proj', [D, M]],
        ] as const
      ).map(([name, shape]) => [`model.layers.${i}.${name}.weight`, [...shape]]);
    return new Map<string, number[]>([
      ['model.embed_tokens.weight', [text.vocab_size, D]],
      ...Array.from({ length: text.num_hidden_layers }, (_, i) => layer(i)).flat(),
      ['model.norm.weight', [D]],
      ...(tie_word_embeddings ? [] : [['lm_head.weight', [text.vocab_size, D]] as [string, number[]]]),
      ['visual.proj.weight', [D, patchSize(vision_config)]],
    ]);
  },
  sizes: ({ text_config: text, vision_config }) => ({
    hidden: text.hidden_size,
    layers: text.num_hidden_layers,
    mlp: text.intermediate_size,
    queryWidth: text.num_attention_heads * text.head_dim,
    kvWidth: text.num_key_value_heads * text.head_dim,
    vocabulary: text.vocab_size,
    visionWidth: text.hidden_size,
    visionDepth: 0,
    visionMlp: 0,
    visionGated: false,
    patchSide: vision_config.patch_size,
    patchSize: patchSize(vision_config),
    patchesPerToken: 1,
  }),
};

export const toy: Family<ToyConfig> = {
  ...toyShape,
  positionAxes: 1,
  positions: (_config, ids) => ({ axes: [ids.map((_, i) => i)], next: ids.length }),
  rotation: ({ text_config: { head_dim } }, positions, dtype) => {
    const inverse = inverseFrequencies(1e4, head_dim, positions.device);
    return rotationBy(torch.mul(torch.reshape(positions, [-1, 1]), inverse), dtype);
  },
  imageTokens: (_config, [t, h, w]) => t * h * w,
  encodeImages: (model, images) =>
    product(
      model,
      torch.cat(
        images.map(({ pixelValues }) => pixelValues.to({ dtype: model.dtype, device: model.device })),
        0,
      ),
      model.weight('visual.proj.weight'),
      null,
    ),
  layer(model, name, x, turn, attend) {
    const { head_dim, rms_norm_eps: eps } = model.config.text_config;
    const h = rmsNorm(model, `${name}.input_layernorm`, x, eps);
    const heads = (part: string) => torch.reshape(linear(model, `${name}.self_attn.${part}_proj`, h), [x.shape[0], -1, head_dim]);
    const turned = (part: string) => rotate(rmsNorm(model, `${name}.self_attn.${part}_norm`, heads(part), eps), turn);
    const seen = torch.add(x, linear(model, `${name}.self_attn.o_proj`, attend(turned('q'), turned('k'), heads('v'))));
    return torch.add(seen, swiglu(model, `${name}.mlp`, rmsNorm(model, `${name}.post_attention_layernorm`, seen, eps)));
  },
  processor: { imageToken: '<|object_ref_start|>', endOfTurn: '<|im_end|>', reserved: ['<|object_ref_start|>'], parseImageProcessorConfig, encodeImage },
}; // prettier-ignore

/** An image of so many patches, then these tokens. */
export const toyPrompt = (patches: number, tokens: number[]) => ({
  inputIds: [...new Array<number>(patches).fill(toyConfig.image_token_id), ...tokens],
  images: [
    {
      pixelValues: tensor(
        Float32Array.from({ length: patches * 1176 }, (_, i) => Math.sin(i / 9)),
        { shape: [patches, 1176] },
      ),
      grid: [1, patches, 1] as [number, number, number],
    },
  ],
  text: '',
});
