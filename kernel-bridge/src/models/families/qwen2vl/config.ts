/**
 * config.json of Qwen2-VL and Qwen2.5-VL, under Hugging Face's own key names.
 *
 * Two forms exist: the flat one of the published checkpoints (text keys at the top, `rope_scaling`, `in_chans`) and the
 * nested one that transformers 5 writes (`text_config`, `rope_parameters`). `parseConfig` reads both into the nested form.
 */
import { errors } from '../../errors.ts';
import type { ConfigJson, ModelConfig, TextConfig as AnyTextConfig } from '../../family.ts';

export interface TextConfig extends AnyTextConfig {
  /** Where config.json names none, hidden_size / num_attention_heads. transformers' Qwen2-VL knows no other. */
  head_dim: number;
  hidden_act: 'silu';
  initializer_range: number;
  /** mrope_section: frequency pairs of a head given to time, height and width; they add up to head_dim / 2. */
  rope_parameters: { rope_type: 'default'; rope_theta: number; mrope_section: number[] };
}

export interface VisionConfig {
  depth: number;
  num_heads: number;
  in_channels: number;
  patch_size: number;
  spatial_merge_size: number;
  temporal_patch_size: number;
  initializer_range: number;
  /** Qwen2-VL: the decoder's width. Qwen2.5-VL: the tower's own width. */
  hidden_size: number;
  /** Qwen2-VL only: the tower's own width, and MLP width / embed_dim. */
  embed_dim?: number;
  mlp_ratio?: number;
  hidden_act: 'quick_gelu' | 'silu';
  /** Qwen2.5-VL only. window_size in pixels; the blocks listed attend over the whole image, the others within windows. */
  intermediate_size?: number;
  out_hidden_size?: number;
  window_size?: number;
  fullatt_block_indexes?: number[];
  tokens_per_second?: number;
}

export interface Qwen2VLConfig extends ModelConfig {
  model_type: 'qwen2_vl' | 'qwen2_5_vl';
  text_config: TextConfig;
  vision_config: VisionConfig;
  image_token_id: number;
  video_token_id: number;
  vision_start_token_id: number;
  vision_end_token_id: number;
  tie_word_embeddings: boolean;
  initializer_range: number;
}

/** Reads config.json's content; keys left out take transformers' defaults. `where` names the file in errors. Throws MODEL_UNSUPPORTED. */
export function parseConfig(json: ConfigJson, where: string): Qwen2VLConfig {
  const model_type = json.model_type as Qwen2VLConfig['model_type'];
  const text: ConfigJson = json.text_config ?? json;
  const config: Qwen2VLConfig = {
    model_type,
    text_config: textConfig(text, where),
    vision_config: visionConfig(model_type, json.vision_config ?? {}),
    image_token_id: json.image_token_id ?? 151655,
    video_token_id: json.video_token_id ?? 151656,
    vision_start_token_id: json.vision_start_token_id ?? 151652,
    vision_end_token_id: json.vision_end_token_id ?? 151653,
    // Saves older than transformers 5 keep it in text_config.
    tie_word_embeddings: json.tie_word_embeddings || text.tie_word_embeddings || false,
    initializer_range: json.initializer_range ?? text.initializer_range ?? 0.02,
  };
  check(config, where);
  return config;
}

function textConfig(text: ConfigJson, where: string): TextConfig {
  const rope = text.rope_scaling ?? text.rope_parameters ?? {};
  const ropeType = rope.rope_type ?? rope.type ?? 'default';
  if (ropeType !== 'default' && ropeType !== 'mrope') {
    throw errors.unsupported(`${where}: rope type ${JSON.stringify(ropeType)}`, "'default' and 'mrope'");
  }
  if (text.use_sliding_window) throw errors.unsupported(`${where}: use_sliding_window is true`, 'full attention');
  const heads = text.num_attention_heads ?? 64;
  return {
    vocab_size: text.vocab_size ?? 152064,
    hidden_size: text.hidden_size ?? 8192,
    intermediate_size: text.intermediate_size ?? 29568,
    num_hidden_layers: text.num_hidden_layers ?? 80,
    num_attention_heads: heads,
    num_key_value_heads: text.num_key_value_heads ?? (text.num_key_value_heads === null ? heads : 8),
    head_dim: text.head_dim ?? (text.hidden_size ?? 8192) / heads,
    hidden_act: text.hidden_act ?? 'silu',
    max_position_embeddings: text.max_position_embeddings ?? 32768,
    initializer_range: text.initializer_range ?? 0.02,
    rms_norm_eps: text.rms_norm_eps ?? 1e-5,
    rope_parameters: {
      rope_type: 'default',
      rope_theta: rope.rope_theta ?? text.rope_theta ?? 1e6,
      mrope_section: rope.mrope_section ?? [16, 24, 24],
    },
    bos_token_id: text.bos_token_id ?? 151643,
    eos_token_id: text.eos_token_id ?? 151645,
    pad_token_id: text.pad_token_id ?? null,
  };
}

function visionConfig(modelType: Qwen2VLConfig['model_type'], vision: ConfigJson): VisionConfig {
  const common = {
    depth: vision.depth ?? 32,
    num_heads: vision.num_heads ?? 16,
    in_channels: vision.in_channels ?? vision.in_chans ?? 3,
    patch_size: vision.patch_size ?? 14,
    spatial_merge_size: vision.spatial_merge_size ?? 2,
    temporal_patch_size: vision.temporal_patch_size ?? 2,
    initializer_range: vision.initializer_range ?? 0.02,
    hidden_size: vision.hidden_size ?? 3584,
  };
  if (modelType === 'qwen2_vl') {
    const { embed_dim = 1280, mlp_ratio = 4, hidden_act = 'quick_gelu' } = vision;
    return { ...common, embed_dim, mlp_ratio, hidden_act };
  }
  const {
    hidden_act = 'silu',
    intermediate_size = 3420,
    out_hidden_size = 3584,
    window_size = 112,
    fullatt_block_indexes = [7, 15, 23, 31],
    tokens_per_second = 4,
  } = vision;
  return { ...common, hidden_act, intermediate_size, out_hidden_size, window_size, fullatt_block_indexes, tokens_per_second };
}

/** More layers than any model has: a file that asks for them would only take memory. */
const MOST_LAYERS = 1000;
/** Settings of the vision tower that are counts or widths; Qwen2.5-VL's may be absent. */
const VISION_SIZES = [
  'depth',
  'num_heads',
  'in_channels',
  'patch_size',
  'spatial_merge_size',
  'temporal_patch_size',
  'hidden_size',
  'embed_dim',
  'mlp_ratio',
  'intermediate_size',
  'out_hidden_size',
] as const;
const TEXT_SIZES = [
  'vocab_size',
  'hidden_size',
  'intermediate_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
] as const;

function sizeProblems({ text_config: text, vision_config: vision }: Qwen2VLConfig): string[] {
  const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
  const named: [string, unknown][] = [
    ...TEXT_SIZES.map((key): [string, unknown] => [key, text[key]]),
    ...VISION_SIZES.filter((key) => vision[key] !== undefined).map((key): [string, unknown] => [`vision ${key}`, vision[key]]),
  ];
  const wrong = named
    .filter(([, value]) => !isSize(value))
    .map(([key, value]) => `${key} is ${JSON.stringify(value)}, no whole number above 0`);
  const layers = text.num_hidden_layers > MOST_LAYERS || vision.depth > MOST_LAYERS;
  const sections: unknown = text.rope_parameters.mrope_section;
  return [
    ...wrong,
    ...(layers ? [`it has more than ${MOST_LAYERS} layers`] : []),
    ...(Array.isArray(sections) && sections.every(isSize)
      ? []
      : [`mrope_section is ${JSON.stringify(sections)}, no list of whole numbers`]),
  ];
}

function check(config: Qwen2VLConfig, where: string): void {
  const { text_config: text, vision_config: vision } = config;
  const unfit = sizeProblems(config);
  if (unfit.length > 0) throw errors.unsupported(`${where}: ${unfit.join('; ')}`, 'the shapes of Qwen2-VL and Qwen2.5-VL');
  const headDim = text.head_dim;
  const sections = text.rope_parameters.mrope_section.reduce((a, b) => a + b, 0);
  const problems = [
    !Number.isInteger(headDim) &&
      `head_dim ${headDim} is no whole number (hidden_size ${text.hidden_size} / num_attention_heads ${text.num_attention_heads})`,
    text.num_attention_heads % text.num_key_value_heads !== 0 &&
      `num_attention_heads ${text.num_attention_heads} is not divisible by num_key_value_heads ${text.num_key_value_heads}`,
    sections * 2 !== headDim && `mrope_section adds up to ${sections}, half of head_dim ${headDim} is ${headDim / 2}`,
    text.hidden_act !== 'silu' && `text hidden_act ${text.hidden_act}`,
    !['quick_gelu', 'silu'].includes(vision.hidden_act) && `vision hidden_act ${vision.hidden_act}`,
    visionOut(config) !== text.hidden_size && `the vision tower gives ${visionOut(config)} features, the decoder takes ${text.hidden_size}`,
    (visionWidth(config) / vision.num_heads) % 4 !== 0 && `vision head_dim ${visionWidth(config) / vision.num_heads} is not divisible by 4`,
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw errors.unsupported(`${where}: ${problems.join('; ')}`, 'the shapes of Qwen2-VL and Qwen2.5-VL');
}

/** The tower's own width: embed_dim of Qwen2-VL, hidden_size of Qwen2.5-VL. */
export function visionWidth({ vision_config: vision }: Qwen2VLConfig): number {
  return vision.embed_dim ?? vision.hidden_size;
}

/** What the merger gives: the decoder's width. */
export function visionOut({ vision_config: vision }: Qwen2VLConfig): number {
  return vision.out_hidden_size ?? vision.hidden_size;
}

/**
 * config.json in the flat form of the published checkpoints, which transformers 4.45 to 5 and vLLM read alike: text keys at the top, `rope_theta`
 * and `rope_scaling`, `torch_dtype`. transformers 4.49 cannot read the nested form, and 4.57 takes its `rope_parameters` for no M-RoPE at all.
 */
export function configJson(config: Qwen2VLConfig, dtype: string): ConfigJson {
  const { model_type, text_config, vision_config, ...ids } = config;
  const { rope_parameters, head_dim, ...text } = text_config;
  return {
    architectures: [model_type === 'qwen2_vl' ? 'Qwen2VLForConditionalGeneration' : 'Qwen2_5_VLForConditionalGeneration'],
    model_type,
    ...text,
    ...(head_dim !== text.hidden_size / text.num_attention_heads && { head_dim }),
    use_sliding_window: false,
    rope_theta: rope_parameters.rope_theta,
    rope_scaling: { type: 'mrope', mrope_section: rope_parameters.mrope_section },
    vision_config: { ...vision_config, model_type },
    ...ids,
    torch_dtype: dtype,
    // Whose form this is. Without a version 4.57 warns of a tokenizer that is wrong, which it is not.
    transformers_version: '4.49.0',
  };
}
