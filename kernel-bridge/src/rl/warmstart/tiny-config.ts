import type { ConfigJson } from '../../models/index.ts';

const INIT_STD = 0.05;

/** The tiny model's shapes: all of Qwen2-VL's parts, 1.5 M parameters with 4 decoder layers and 1.9 M with 6. */
export function tinyConfig(ids: ReadonlyMap<string, number>, layers = 4): ConfigJson {
  const id = (token: string) => ids.get(token)!;
  return {
    model_type: 'qwen2_vl',
    image_token_id: id('<|image_pad|>'),
    video_token_id: id('<|video_pad|>'),
    vision_start_token_id: id('<|vision_start|>'),
    vision_end_token_id: id('<|vision_end|>'),
    tie_word_embeddings: true,
    initializer_range: INIT_STD,
    text_config: {
      vocab_size: ids.size,
      hidden_size: 128,
      intermediate_size: 384,
      num_hidden_layers: layers,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 2048,
      initializer_range: INIT_STD,
      rms_norm_eps: 1e-6,
      rope_parameters: { rope_type: 'default', rope_theta: 1e4, mrope_section: [4, 6, 6] },
      bos_token_id: id('<|endoftext|>'),
      eos_token_id: id('<|im_end|>'),
      pad_token_id: id('<|endoftext|>'),
    },
    vision_config: {
      depth: 3,
      embed_dim: 96,
      num_heads: 4,
      hidden_size: 128,
      mlp_ratio: 4,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      in_channels: 3,
      initializer_range: INIT_STD,
    },
  };
}

/** Images above 112 x 112 pixels are shrunk to 16 image tokens: what this model was trained on. */
export const PREPROCESSOR = {
  image_processor_type: 'Qwen2VLImageProcessor',
  processor_class: 'Qwen2VLProcessor',
  min_pixels: 56 * 56,
  max_pixels: 112 * 112,
  patch_size: 14,
  temporal_patch_size: 2,
  merge_size: 2,
  rescale_factor: 1 / 255,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};
