/** Small models and prompts made by hand, for tests that need no file and no Python. */
import { setNumThreads, tensor } from '../../torch/index.ts';
import { initModel } from '../checkpoint.ts';
import type { ConfigJson } from '../family.ts';
import type { EncodedImage, EncodedPrompt } from '../prompt.ts';

const IMAGE = 90;

setNumThreads(1); // threads that wait for each other at every tiny operator cost more than they bring

export const tinyConfig: ConfigJson = {
  model_type: 'qwen2_vl',
  image_token_id: IMAGE,
  video_token_id: 91,
  vision_start_token_id: 92,
  vision_end_token_id: 93,
  tie_word_embeddings: true,
  text_config: {
    vocab_size: 100,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: 1e4, mrope_section: [1, 1, 2] },
    eos_token_id: 99,
    pad_token_id: 98,
  },
  vision_config: { depth: 2, embed_dim: 16, num_heads: 2, hidden_size: 32, mlp_ratio: 2 },
};

export const tinyModel = (seed = 0) => initModel(tinyConfig, { seed, std: 0.3 });

/** An image of h x w patches whose values follow `phase`. */
function tinyImage(h: number, w: number, phase: number): EncodedImage {
  const values = Float32Array.from({ length: h * w * 1176 }, (_, i) => Math.sin(i / 7 + phase));
  return { pixelValues: tensor(values, { shape: [h * w, 1176] }), grid: [1, h, w] };
}

/** Images first, then the given tokens. */
export function tinyPrompt(tokens: number[], images: EncodedImage[] = []): EncodedPrompt {
  const places = images.flatMap(({ grid: [t, h, w] }) => [92, ...new Array<number>((t * h * w) / 4).fill(IMAGE), 93]);
  return { inputIds: [...places, ...tokens], images, text: '' };
}

/** Two prompts with an image each, unlike in length and shape, and one of text alone. */
export const tinyPrompts = (): EncodedPrompt[] => [
  tinyPrompt([1, 2, 3, 4, 5], [tinyImage(4, 4, 0)]),
  tinyPrompt([6, 7], [tinyImage(2, 6, 1), tinyImage(4, 2, 2)]),
  tinyPrompt([8, 9, 10]),
];
