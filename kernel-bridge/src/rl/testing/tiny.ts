/** For tests: a Qwen2-VL of a few thousand weights with a vocabulary of a few words, and questions about drawn images. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { Value } from 'typebox/value';
import { TrainConfig, type TrainConfigInput, type VqaItem } from '../../protocol/index.ts';
import { initModel, saveModel, type ConfigJson, type ModelDtype } from '../../models/index.ts';
import { mulberry32 } from '../../stats/random.ts';

const SPECIAL = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
  '[UNK]',
];
const WORDS = ['A', 'B', 'C', 'D', '<answer>', '</answer>', '<think>', '</think>', 'it', 'is'];
const VOCABULARY = [...SPECIAL, ...WORDS];

const CONFIG: ConfigJson = {
  model_type: 'qwen2_vl',
  image_token_id: 5,
  video_token_id: 6,
  vision_start_token_id: 3,
  vision_end_token_id: 4,
  tie_word_embeddings: true,
  text_config: {
    vocab_size: VOCABULARY.length,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: 1e4, mrope_section: [2, 3, 3] },
    bos_token_id: 0,
    eos_token_id: 2,
    pad_token_id: 0,
  },
  vision_config: { depth: 1, num_heads: 2, embed_dim: 16, hidden_size: 32, mlp_ratio: 2 },
};

const TEMPLATE =
  "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + ' ' }}{%- for part in message['content'] -%}" +
  "{%- if part['type'] == 'image' -%}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{%- else -%}{{ part['text'] }}{%- endif -%}" +
  "{%- endfor -%}{{ '<|im_end|>' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant ' }}{%- endif -%}";

const TOKENIZER = {
  version: '1.0',
  added_tokens: SPECIAL.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
  },
};

export interface Tiny {
  directory: string;
  model: string;
  items: VqaItem[];
  config(changes?: Partial<TrainConfig>): TrainConfig;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A fresh directory with `model/`, images and items; removed on disposal. `model`: another config; `side`: pixels of the square images. */
export async function makeTiny(
  options: { items?: number; seed?: number; std?: number; model?: ConfigJson; dtype?: ModelDtype; side?: number } = {},
): Promise<Tiny> {
  const { items: count = 6, seed = 0, std = 0.3, dtype, side = 56 } = options;
  const directory = await mkdtemp(join(tmpdir(), 'medr1-rl-'));
  const model = join(directory, 'model');
  using weights = initModel({ ...CONFIG, ...options.model }, { seed, std, dtype });
  await saveModel(weights, model);
  const files = {
    'tokenizer.json': TOKENIZER,
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      unk_token: '[UNK]',
    },
    'generation_config.json': { eos_token_id: [2, 0], pad_token_id: 0, bos_token_id: 0 },
    'preprocessor_config.json': {
      image_processor_type: 'Qwen2VLImageProcessor',
      min_pixels: 784,
      max_pixels: 401408,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
    },
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(model, name), JSON.stringify(content));
  await writeFile(join(model, 'chat_template.jinja'), TEMPLATE);
  await mkdir(join(directory, 'Images'));
  const items = await Promise.all(Array.from({ length: count }, (_, index) => makeItem(directory, index, side)));
  const config = (changes: Partial<TrainConfig> = {}): TrainConfig =>
    completeConfig({
      model_name_or_path: model,
      dataset_name: directory,
      reward_funcs: ['accuracy_tolerant', 'soft_overlong_punishment'],
      num_generations: 4,
      per_device_train_batch_size: 8,
      max_completion_length: 8,
      learning_rate: 1e-3,
      max_steps: 20,
      prompt_template: '{question}',
      device: 'cpu',
      ...changes,
    });
  return { directory, model, items, config, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Every key left out takes its default. */
export function completeConfig(input: TrainConfigInput): TrainConfig {
  return Value.Parse(TrainConfig, Value.Default(TrainConfig, structuredClone(input)));
}

async function makeItem(directory: string, index: number, side: number): Promise<VqaItem> {
  const random = mulberry32(index);
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => Math.floor(random() * 256));
  const image = `Images/${index}.png`;
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(join(directory, image));
  const answer = 'ABCD'[index % 4];
  return {
    id: `tiny-${index}`,
    dataset: 'Tiny',
    image,
    question: 'it is',
    options: ['A', 'B', 'C', 'D'],
    answer,
    modality: index % 2 === 0 ? 'CT' : 'MR',
    question_type: 'Modality Recognition',
    problem: null,
  };
}
