/** What is known of a family of models without tensors: its configuration, its weights by name, the sizes that the planner counts with. */

/** A config.json's content, nested or flat, possibly partial. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- files from anywhere; parseConfig makes them strict
export type ConfigJson = Record<string, any>;

/** What the engine reads of the decoder's part, in Hugging Face's names. */
export interface TextConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  /** Width of a head. */
  head_dim: number;
  max_position_embeddings: number;
  rms_norm_eps: number;
  bos_token_id: number | null;
  eos_token_id: number | number[] | null;
  pad_token_id: number | null;
}

/** What the engine reads of any family's config.json. */
export interface ModelConfig {
  model_type: string;
  text_config: TextConfig;
  /** Stands where an image's rows go. */
  image_token_id: number;
  video_token_id?: number;
  tie_word_embeddings: boolean;
  initializer_range: number;
}

/** Sizes in elements, for the planner. */
export interface ModelSizes {
  hidden: number;
  layers: number;
  mlp: number;
  /** Width of all queries of a token, and of its keys, which is that of its values. */
  queryWidth: number;
  kvWidth: number;
  vocabulary: number;
  visionWidth: number;
  visionDepth: number;
  /** Width of the vision tower's MLP, and whether it is gated. */
  visionMlp: number;
  visionGated: boolean;
  /** Of an image's patch: side in pixels, numbers in it, patches that become one token. */
  patchSide: number;
  patchSize: number;
  patchesPerToken: number;
}

/** A family as the planner and the server know it, which load no tensor. families/qwen2vl/shape.ts is one. */
export interface FamilyShape<C extends ModelConfig = ModelConfig> {
  /** What config.json calls the models of the family. */
  readonly modelTypes: readonly string[];
  /** Keys left out take transformers' defaults. `where` names the file in errors. Throws MODEL_UNSUPPORTED. */
  parseConfig(json: ConfigJson, where: string): C;
  /** config.json's content, as transformers reads it; `dtype` is that of the weights. */
  configJson(config: C, dtype: string): ConfigJson;
  /**
   * Shapes by name, in the order of the model. The decoder's layers are `model.layers.N`, the embedding `model.embed_tokens`, the last norm `model.norm`, the
   * output matrix, unless tied, `lm_head`, and all of the vision tower begins with `visual.`.
   */
  weightShapes(config: C): Map<string, number[]>;
  sizes(config: C): ModelSizes;
}
