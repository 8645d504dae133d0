/**
 * The planner's memory against the peak that a process was seen to take: two steps of models of 15 to 60 M parameters, each in a process of its own.
 * Each row has another phase or part in its peak; the larger models are where a smaller one would be lost in what any process takes.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { makeTiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { estimate } from '../../kernel-bridge/src/runs/estimate.ts';
import { WORKER_FLAGS } from '../../kernel-bridge/src/server/fork-worker.ts';

/** Qwen2-VL's proportions: few key heads, an MLP several times as wide, a vision tower of a quarter of the weights. */
const shaped = (
  text: { hidden: number; layers: number; heads: number; mlp: number; vocabulary: number },
  depth: number,
  width: number,
) => ({
  text_config: {
    vocab_size: text.vocabulary,
    hidden_size: text.hidden,
    intermediate_size: text.mlp,
    num_hidden_layers: text.layers,
    num_attention_heads: text.heads,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-6,
    rope_parameters: { rope_type: 'default', rope_theta: 1e6, mrope_section: [8, 12, 12] },
    bos_token_id: 0,
    eos_token_id: 2,
    pad_token_id: 0,
  },
  vision_config: { depth, num_heads: width / 64, embed_dim: width, hidden_size: text.hidden, mlp_ratio: 4 },
});
const WIDE = shaped({ hidden: 512, layers: 4, heads: 8, mlp: 1408, vocabulary: 16000 }, 4, 256);
const DEEP = shaped({ hidden: 256, layers: 8, heads: 4, mlp: 1024, vocabulary: 20000 }, 5, 192);
/** For bfloat16, whose weights take half: of the smaller models a fifth of the peak is the process's own. */
const LARGE_WIDE = shaped({ hidden: 640, layers: 6, heads: 10, mlp: 1792, vocabulary: 24000 }, 5, 320);
const LARGE_DEEP = shaped({ hidden: 384, layers: 10, heads: 6, mlp: 1536, vocabulary: 32000 }, 6, 256);

interface Case {
  name: string;
  model: typeof WIDE;
  side: number;
  settings: Partial<TrainConfig>;
}
const GRPO: Partial<TrainConfig> = { num_generations: 4, per_device_train_batch_size: 8, max_completion_length: 24 };
// bfloat16 is slow on a CPU without its instructions, so those cases are short.
const SHORT: Partial<TrainConfig> = { num_generations: 2, per_device_train_batch_size: 4, max_completion_length: 4 };
const CASES: Case[] = [
  { name: 'all weights, more completions', model: DEEP, side: 196, settings: { ...GRPO, per_device_train_batch_size: 16, beta: 0 } },
  { name: 'the vision tower frozen', model: WIDE, side: 280, settings: { ...GRPO, freeze_vision: true } },
  { name: 'LoRA on every linear layer', model: WIDE, side: 280, settings: { ...GRPO, use_peft: true, lora_r: 32, lora_target_modules: ['all-linear'] } },
  { name: 'activation checkpointing, 8-bit moments', model: WIDE, side: 336, settings: { ...GRPO, gradient_checkpointing: true, optim: 'adamw_torch_8bit' } },
  { name: 'SFT in two passes', model: DEEP, side: 252, settings: { trainer: 'sft', per_device_train_batch_size: 4, gradient_accumulation_steps: 2 } },
  { name: 'two processes', model: LARGE_WIDE, side: 112, settings: { ...GRPO, beta: 0, processes: 2, dp_shards: 2 } },
  { name: 'bfloat16 with float32 masters', model: LARGE_WIDE, side: 112, settings: { ...SHORT, dtype: 'bfloat16' } },
  { name: 'bfloat16, stochastic rounding, 8-bit moments', model: LARGE_DEEP, side: 112, settings: { ...SHORT, dtype: 'bfloat16', bf16_update: 'stochastic', optim: 'adamw_torch_8bit' } },
]; // prettier-ignore

it.each(CASES)('is within 15 % of the measured peak: $name', async ({ model, side, settings }) => {
  await using made = await makeTiny({ items: 16, std: 0.02, model, side, dtype: settings.dtype });
  // Rewards that random weights can earn are not needed: every completion is as long as it may be.
  const config = made.config({ max_steps: 5, reward_funcs: ['soft_overlong_punishment'], max_pixels: side * side, ...settings });
  const job = join(made.directory, 'job.json');
  writeFileSync(job, JSON.stringify({ config, items: made.items, root: made.directory }));
  const measure = async (rank: number): Promise<number> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...WORKER_FLAGS, join(import.meta.dirname, 'measure-memory.ts'), job, String(rank)],
      { env: { ...process.env, OMP_NUM_THREADS: '1' } },
    );
    const { base, peak } = JSON.parse(stdout) as { base: number; peak: number };
    return peak - base;
  };
  const measured = Math.max(...(await Promise.all(Array.from({ length: config.processes ?? 1 }, (_, rank) => measure(rank)))));
  const { total_bytes, memory } = estimate(config, made.items);
  const ratio = (total_bytes - memory.process) / measured;
  expect(ratio, `predicted / measured, of ${Math.round(measured / 2 ** 20)} MiB`).toBeGreaterThan(0.85);
  expect(ratio).toBeLessThan(1.15);
});
