/** The weights that a config asks for: name (as checkpoints on disk hold it) -> shape. */
import { visionOut, visionWidth, type Qwen2VLConfig } from './config.ts';

export function weightShapes(config: Qwen2VLConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const linear = (name: string, out: number, inn: number, bias: boolean) => {
    shapes.set(`${name}.weight`, [out, inn]);
    if (bias) shapes.set(`${name}.bias`, [out]);
  };
  const { text_config: text } = config;
  const hidden = text.hidden_size;
  const queries = text.head_dim * text.num_attention_heads;
  const kv = text.head_dim * text.num_key_value_heads;
  shapes.set('model.embed_tokens.weight', [text.vocab_size, hidden]);
  for (let i = 0; i < text.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    shapes.set(`${layer}.input_layernorm.weight`, [hidden]);
    linear(`${layer}.self_attn.q_proj`, queries, hidden, true);
    linear(`${layer}.self_attn.k_proj`, kv, hidden, true);
    linear(`${layer}.self_attn.v_proj`, kv, hidden, true);
    linear(`${layer}.self_attn.o_proj`, hidden, queries, false);
    shapes.set(`${layer}.post_attention_layernorm.weight`, [hidden]);
    linear(`${layer}.mlp.gate_proj`, text.intermediate_size, hidden, false);
    linear(`${layer}.mlp.up_proj`, text.intermediate_size, hidden, false);
    linear(`${layer}.mlp.down_proj`, hidden, text.intermediate_size, false);
  }
  shapes.set('model.norm.weight', [hidden]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [text.vocab_size, hidden]);
  visionShapes(config, shapes, linear);
  return shapes;
}

function visionShapes(
  config: Qwen2VLConfig,
  shapes: Map<string, number[]>,
  linear: (name: string, out: number, inn: number, bias: boolean) => void,
): void {
  const { vision_config: vision } = config;
  const width = visionWidth(config);
  const rms = config.model_type === 'qwen2_5_vl';
  const norm = (name: string) => {
    shapes.set(`${name}.weight`, [width]);
    if (!rms) shapes.set(`${name}.bias`, [width]);
  };
  shapes.set('visual.patch_embed.proj.weight', [
    width,
    vision.in_channels,
    vision.temporal_patch_size,
    vision.patch_size,
    vision.patch_size,
  ]);
  for (let i = 0; i < vision.depth; i++) {
    const block = `visual.blocks.${i}`;
    norm(`${block}.norm1`);
    linear(`${block}.attn.qkv`, 3 * width, width, true);
    linear(`${block}.attn.proj`, width, width, true);
    norm(`${block}.norm2`);
    if (rms) {
      linear(`${block}.mlp.gate_proj`, vision.intermediate_size!, width, true);
      linear(`${block}.mlp.up_proj`, vision.intermediate_size!, width, true);
      linear(`${block}.mlp.down_proj`, width, vision.intermediate_size!, true);
    } else {
      linear(`${block}.mlp.fc1`, width * vision.mlp_ratio!, width, true);
      linear(`${block}.mlp.fc2`, width, width * vision.mlp_ratio!, true);
    }
  }
  const merged = width * vision.spatial_merge_size ** 2;
  norm('visual.merger.ln_q');
  linear('visual.merger.mlp.0', merged, merged, true);
  linear('visual.merger.mlp.2', visionOut(config), merged, true);
}
