/** Qwen2-VL and Qwen2.5-VL without tensors. */
import type { FamilyShape } from '../../family.ts';
import { configJson, parseConfig, visionWidth, type Qwen2VLConfig } from './config.ts';
import { weightShapes } from './weights.ts';

export const qwen2vlShape: FamilyShape<Qwen2VLConfig> = {
  modelTypes: ['qwen2_vl', 'qwen2_5_vl'],
  parseConfig,
  configJson,
  weightShapes,
  sizes(config) {
    const { text_config: text, vision_config: vision } = config;
    const visionGated = config.model_type === 'qwen2_5_vl';
    return {
      hidden: text.hidden_size,
      layers: text.num_hidden_layers,
      mlp: text.intermediate_size,
      queryWidth: text.num_attention_heads * text.head_dim,
      kvWidth: text.num_key_value_heads * text.head_dim,
      vocabulary: text.vocab_size,
      visionWidth: visionWidth(config),
      visionDepth: vision.depth,
      visionMlp: visionGated ? vision.intermediate_size! : visionWidth(config) * vision.mlp_ratio!,
      visionGated,
      patchSide: vision.patch_size,
      patchSize: vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2,
      patchesPerToken: vision.spatial_merge_size ** 2,
    };
  },
};
