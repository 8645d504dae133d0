/** Seconds from one token of every completion to the next, at several batch sizes, with the steps recorded as CUDA graphs and without. */
import { generate, initModel, type ConfigJson, type EncodedPrompt } from '../src/models/index.ts';
import { native } from '../src/torch/native.ts';
import { tensor } from '../src/torch/index.ts';
import { answer, settingOf } from './part.ts';

const { device, rehearse } = await settingOf(process.argv[2]);
const graphs = process.env.MEDR1_CUDA_GRAPHS !== '0';
const [ROWS, TOKENS, GRID] = rehearse ? [[1, 2, 4], 9, 4] : [[1, 16, 64], 128, 28];

/** Qwen2-VL-2B's shapes, or a hundredth of them. */
const CONFIG: ConfigJson = {
  model_type: 'qwen2_vl',
  image_token_id: 151_655,
  video_token_id: 151_656,
  vision_start_token_id: 151_652,
  vision_end_token_id: 151_653,
  tie_word_embeddings: true,
  text_config: {
    vocab_size: 151_936,
    ...(rehearse
      ? { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 2, num_key_value_heads: 1 }
      : { hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28, num_attention_heads: 12, num_key_value_heads: 2 }),
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: 1e6, mrope_section: rehearse ? [2, 3, 3] : [16, 24, 24] },
    eos_token_id: 151_645,
    pad_token_id: 151_643,
  },
  vision_config: rehearse
    ? { depth: 1, num_heads: 2, embed_dim: 16, hidden_size: 32, mlp_ratio: 2 }
    : { depth: 32, num_heads: 16, embed_dim: 1280, hidden_size: 1536, mlp_ratio: 4 },
};

/** An image of GRID x GRID patches and forty words. */
function prompt(): EncodedPrompt {
  const patches = GRID * GRID;
  const values = Float32Array.from({ length: patches * 1176 }, (_, i) => Math.sin(i / 7));
  const image = { pixelValues: tensor(values, { shape: [patches, 1176] }), grid: [1, GRID, GRID] as [number, number, number] };
  const places = new Array<number>(patches / 4).fill(CONFIG.image_token_id as number);
  const words = Array.from({ length: 40 }, (_, i) => 100 + i);
  return { inputIds: [151_652, ...places, 151_653, ...words], images: [image], text: '' };
}

const dtype = device.startsWith('cuda') ? 'bfloat16' : 'float32';
using model = initModel(CONFIG, { dtype, device, std: 0.02, seed: 1 });
const one = prompt();
const now = (): number => {
  native.synchronize(device);
  return performance.now() / 1000;
};
async function seconds(n: number, maxNewTokens: number): Promise<number> {
  const start = now();
  await generate(model, [one], { n, maxNewTokens, seed: 1, eosTokenIds: [], staticCache: graphs || undefined });
  return now() - start;
}

const batches = [];
for (const rows of ROWS) {
  await seconds(rows, TOKENS); // libraries set themselves up, and steps are recorded
  const times = [];
  for (let round = 0; round < 2; round++) times.push(((await seconds(rows, TOKENS)) - (await seconds(rows, 1))) / (TOKENS - 1));
  const token_seconds = Math.min(...times);
  batches.push({ rows, token_seconds, tokens_per_second: rows / token_seconds });
}
answer({ ok: batches.every(({ token_seconds }) => Number.isFinite(token_seconds)), graphs, dtype, tokens: TOKENS, batches });
