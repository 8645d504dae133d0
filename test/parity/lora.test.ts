/** LoRA against PEFT on transformers' models: adapters that either side wrote, read by the other; outputs, and the gradients of A and B. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forward } from '../../kernel-bridge/src/models/engine/forward.ts';
import {
  groupLogps,
  initModel,
  loadModel,
  Lora,
  saveAdapter,
  saveModel,
  addLora,
  type Model,
} from '../../kernel-bridge/src/models/index.ts';
import { tinyConfig, tinyPrompts } from '../../kernel-bridge/src/models/testing/tiny.ts';
import { moduleName } from '../../kernel-bridge/src/protocol/weight-names.ts';
import {
  backward,
  generator,
  noGrad,
  readSafetensors,
  scope,
  tensor,
  torch,
  writeSafetensors,
  type Tensor,
} from '../../kernel-bridge/src/torch/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'medr1-lora-'));

const BASES = {
  qwen2_vl: tinyConfig,
  qwen2_5_vl: {
    ...tinyConfig,
    model_type: 'qwen2_5_vl',
    tie_word_embeddings: false,
    vision_config: {
      depth: 2,
      num_heads: 2,
      hidden_size: 16,
      out_hidden_size: 32,
      intermediate_size: 24,
      window_size: 56,
      fullatt_block_indexes: [1],
    },
  },
};
type Family = keyof typeof BASES;

const COMPLETIONS = [
  [[1, 2, 3], [4, 5, 99]],
  [[6], [8, 9, 10, 11]],
  [[11, 12, 13, 14, 99], [7, 1]],
]; // prettier-ignore
const COEFFICIENT = [1, -0.5];

interface Case {
  name: string;
  family: Family;
  dtype: 'float32' | 'bfloat16';
  /** Made here with these targets... */
  targets?: string[] | null;
  /** ... or by PEFT with this LoraConfig. */
  config?: Record<string, unknown>;
}
const EVERYTHING = { r: 4, lora_alpha: 6, target_modules: 'all-linear', task_type: 'CAUSAL_LM' };
const CASES: Case[] = [
  { name: 'ours: the decoder', family: 'qwen2_vl', dtype: 'float32', targets: null },
  { name: "ours: the decoder of Qwen2.5-VL, whose vision tower's layers have the same names", family: 'qwen2_5_vl', dtype: 'float32', targets: null },
  { name: 'ours: all-linear', family: 'qwen2_5_vl', dtype: 'float32', targets: ['all-linear'] },
  { name: 'ours: by name', family: 'qwen2_vl', dtype: 'float32', targets: ['q_proj', 'visual.merger.mlp.0', 'layers.1.mlp.down_proj'] },
  { name: 'ours: by regular expression', family: 'qwen2_vl', dtype: 'float32', targets: ['.*language_model.*\\.(up|v)_proj'] },
  { name: 'ours: bfloat16', family: 'qwen2_vl', dtype: 'bfloat16', targets: null },
  { name: "PEFT's: all-linear", family: 'qwen2_vl', dtype: 'float32', config: EVERYTHING },
  {
    name: "PEFT's: ranks and alphas by pattern, rank-stabilised",
    family: 'qwen2_5_vl',
    dtype: 'float32',
    config: { ...EVERYTHING, use_rslora: true, rank_pattern: { q_proj: 2, '.*visual.*up_proj': 3 }, alpha_pattern: { 'layers.0.mlp.up_proj': 16 } },
  },
]; // prettier-ignore

let expected: { loss: number }[];
let values: Map<string, Tensor>;
const prompts = tinyPrompts();
const adapterDir = (number: number): string => join(dir, `adapter-${number}`);

/** A and B as they could be after training, not as they start. */
function stir(lora: Lora, seed: number): void {
  const random = generator(seed);
  noGrad(() => lora.layers.forEach(({ B }) => torch.normal_(B, 0, 0.2, { generator: random })));
}

beforeAll(async () => {
  for (const [family, config] of Object.entries(BASES)) await saveModel(initModel(config, { seed: 3, std: 0.3 }), join(dir, family));
  for (const [number, { family, targets }] of CASES.entries()) {
    if (targets === undefined) continue;
    using model = await loadModel(join(dir, family));
    const lora = addLora(model, { r: 4, lora_alpha: 10, target_modules: targets, base: join(dir, family), seed: number });
    stir(lora, number);
    await saveAdapter(lora, adapterDir(number));
  }
  const pixels = new Map(
    prompts.flatMap(({ images }, i) => (images.length ? [[`pixels.${i}`, torch.cat(images.map((image) => image.pixelValues))]] : [])),
  );
  writeSafetensors(join(dir, 'inputs.safetensors'), pixels as Map<string, Tensor>);
  const file = join(dir, 'cases.json');
  writeFileSync(
    file,
    JSON.stringify({
      image_token_id: tinyConfig.image_token_id,
      prompts: prompts.map(({ inputIds, images }, i) => ({
        ids: inputIds,
        grids: images.map(({ grid }) => grid),
        pixels: `pixels.${i}`,
        completions: COMPLETIONS[i],
      })),
      cases: CASES.map(({ family, dtype, config }, number) => ({
        base: join(dir, family),
        dtype,
        config,
        seed: number,
        adapter: adapterDir(number),
      })),
    }),
  );
  execFileSync(join(root, '.venv/bin/python'), [join(here, 'python/lora_expected.py'), file, dir], {
    env: { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error', TQDM_DISABLE: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));
  values = readSafetensors(join(dir, 'expected.safetensors'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Largest difference over the largest value. */
const difference = (ours: Tensor, theirs: Tensor): number =>
  scope(() =>
    noGrad(() => torch.amax(torch.abs(torch.sub(ours.to({ dtype: 'float32' }), theirs))).item() / torch.amax(torch.abs(theirs)).item()),
  );

const logitsOf = (model: Model, i: number): Tensor => noGrad(() => torch.select(forward(model, [{ prompt: prompts[i] }]).logits, 0, 0));

/** bfloat16 keeps 8 bits, and the two sides round at different places: both are up to 0.17 off the gradients of float32. */
const TOLERANCE = { float32: { logits: 1e-4, gradients: 1e-3 }, bfloat16: { logits: 0.05, gradients: 0.2 } };

describe.each(CASES.map((one, number) => ({ ...one, number })))('$name', ({ family, dtype, number }) => {
  let model: Model;
  const { logits, gradients } = TOLERANCE[dtype];

  beforeAll(async () => {
    model = await loadModel(adapterDir(number), { dtype });
  });
  afterAll(() => model.dispose());

  it("gives PEFT's logits, and the base model's with the adapter off", () => {
    prompts.forEach((_, i) => {
      expect(difference(logitsOf(model, i), values.get(`${number}.logits.${i}`)!), `prompt ${i}`).toBeLessThan(logits);
      const off = model.withAdapter(null, () => logitsOf(model, i));
      expect(difference(off, values.get(`${number}.off.${i}`)!), `prompt ${i}, adapter off`).toBeLessThan(logits);
      expect(difference(off, values.get(`${number}.logits.${i}`)!), `prompt ${i}, that the adapter matters`).toBeGreaterThan(2 * logits);
    });
  });

  it.each([false, true])("gives PEFT's gradients of A and B, groups sharing their prefix; checkpointing %s", (checkpointing) => {
    const lora = model.adapter as Lora;
    lora.setTrainable(true);
    model.checkpointing = checkpointing;
    const loss = scope(() => {
      const { logps } = groupLogps(model, prompts, COMPLETIONS);
      const signs = tensor(
        COMPLETIONS.flatMap((group) => group.map((_, n) => COEFFICIENT[n % 2])),
        { dtype: 'float32', shape: [6, 1] },
      );
      const total = torch.sum(torch.mul(torch.mul(logps, torch.arange(1, logps.shape[1] + 1)), signs));
      backward(total);
      return total.item();
    });
    expect(Math.abs(loss / expected[number].loss - 1)).toBeLessThan(logits);
    const wanted = new Map([...values].filter(([key]) => key.startsWith(`${number}.grad.`)));
    expect([...wanted.keys()].toSorted()).toEqual(
      [...lora.params.keys()].map((name) => `${number}.grad.base_model.model.${moduleName(name)}`).toSorted(),
    );
    for (const [name, weight] of lora.params) {
      const far = difference(weight.grad!, wanted.get(`${number}.grad.base_model.model.${moduleName(name)}`)!);
      expect(far, name).toBeLessThan(gradients);
      weight.grad = null;
    }
    expect([...model.params.values()].every((weight) => weight.grad === null)).toBe(true);
    model.checkpointing = false;
  });

  it('computes the same merged into the weights, in a directory of its own', async () => {
    using merged = await loadModel(adapterDir(number), { dtype, merge: true });
    expect(merged.adapter).toBeNull();
    const whole = join(dir, `merged-${number}`);
    await saveModel(merged, whole);
    using again = await loadModel(whole, { dtype });
    prompts.forEach((_, i) =>
      expect(difference(logitsOf(again, i), values.get(`${number}.logits.${i}`)!), `prompt ${i}`).toBeLessThan(logits),
    );
    using base = await loadModel(join(dir, family), { dtype });
    expect(difference(logitsOf(base, 0), values.get(`${number}.off.0`)!)).toBeLessThan(logits); // the files are as they were
  });
});
