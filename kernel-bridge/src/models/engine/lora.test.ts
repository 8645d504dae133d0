import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noGrad, readSafetensors, scope, tensor, torch, writeSafetensors, type Tensor } from '../../torch/index.ts';
import { forward } from './forward.ts';
import { addLora, loadModel, saveAdapter, saveModel, type LoraOptions, type Model } from '../index.ts';
import type { Lora } from './lora.ts';
import { tinyConfig, tinyModel, tinyPrompts } from '../testing/tiny.ts';
import { initModel } from '../checkpoint.ts';

let dir: string;
let base: string;
const options = (changes: Partial<LoraOptions> = {}): LoraOptions => ({
  r: 4,
  lora_alpha: 8,
  target_modules: null,
  base,
  seed: 1,
  ...changes,
});
const prompts = tinyPrompts();
const logits = (model: Model): Float32Array => scope(() => noGrad(() => forward(model, [{ prompt: prompts[0] }]).logits.toFloat32()));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'medr1-lora-'));
  base = join(dir, 'base');
  using model = tinyModel();
  await saveModel(model, base);
});
afterAll(() => rm(dir, { recursive: true }));

describe('a fresh adapter', () => {
  it('changes no output, makes constants of the weights, and learns itself', () => {
    using model = tinyModel();
    const before = logits(model);
    const lora = addLora(model, options());
    expect(logits(model)).toEqual(before);
    expect([...model.trainable.keys()]).toEqual([...lora.params.keys()]);
    expect(lora.layers.size).toBe(2 * 7);
  });

  it('starts A uniform within 1 / sqrt(in) and B at zero, the same for the same seed', () => {
    using model = initModel({ ...tinyConfig, text_config: { ...tinyConfig.text_config, intermediate_size: 400 } });
    const layer = (seed: number) => addLora(model, options({ seed, r: 16 })).layers.get('model.layers.0.mlp.down_proj')!;
    const { A, B } = layer(7);
    const values = A.toFloat32();
    expect([A.shape, B.shape, A.dtype]).toEqual([[16, 400], [32, 16], 'float32']);
    expect(Math.max(...values)).toBeCloseTo(1 / 20, 3);
    expect(Math.min(...values)).toBeCloseTo(-1 / 20, 3);
    expect(values.reduce((sum, value) => sum + value * value, 0) / values.length).toBeCloseTo(1 / 20 ** 2 / 3, 4); // of a uniform
    expect(B.toFloat32().every((value) => value === 0)).toBe(true);
    expect(layer(7).A.toFloat32()).toEqual(values);
    expect(layer(8).A.toFloat32()).not.toEqual(values);
  });

  it.each<[string, string[], RegExp]>([
    ['a name that no layer has', ['query'], /lora_target_modules \["query"\]: no layer of the model has such a name/],
    ['the embedding', ['embed_tokens'], /model\.embed_tokens is no linear layer/],
    ['a convolution among linear layers', ['q_proj', 'proj'], /visual\.patch_embed\.proj is no linear layer/],
    ['a broken expression', ['(q_proj'], /no regular expression/],
  ])('refuses %s and leaves the model as it was', (_, target_modules, message) => {
    using model = tinyModel();
    expect(() => addLora(model, options({ target_modules }))).toThrow(message);
    expect(model.adapter).toBeNull();
  });
});

describe("an adapter's directory", () => {
  /** An adapter on disk, its config and weights changed. */
  async function written(
    name: string,
    change: { config?: object; weights?: (weights: Map<string, Tensor>) => void } = {},
  ): Promise<string> {
    const out = join(dir, name);
    using model = await loadModel(base);
    await saveAdapter(addLora(model, options()), out);
    const file = join(out, 'adapter_config.json');
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change.config }));
    if (change.weights !== undefined) {
      const weights = new Map([...readSafetensors(join(out, 'adapter_model.safetensors'))]);
      change.weights(weights);
      writeSafetensors(join(out, 'adapter_model.safetensors'), weights);
    }
    return out;
  }
  const first = 'base_model.model.model.language_model.layers.0.self_attn.q_proj';

  it('is found from where it lies, when its base moved with it', async () => {
    const place = await written('relative', { config: { base_model_name_or_path: '../base' } });
    using model = await loadModel(place);
    expect(model.adapter).not.toBeNull();
  });

  it('names its base by the path found, so that a copy saved elsewhere finds it too', async () => {
    using model = await loadModel(await written('by-relative-path', { config: { base_model_name_or_path: '../base' } }));
    const elsewhere = join(dir, 'far', 'away', 'copy');
    await saveAdapter(model.adapter as Lora, elsewhere);
    using again = await loadModel(elsewhere);
    expect(logits(again)).toEqual(logits(model));
  });

  it('made before transformers 4.52 keeps the scales of its paths, and is saved by the paths of today', async () => {
    const place = await written('old-paths', {
      config: {
        target_modules: '^model\\.layers\\.\\d+\\.(self_attn|mlp)\\..*',
        exclude_modules: '^visual.*',
        alpha_pattern: { '^model.layers.0.mlp.up_proj': 20, 'model.layers.1.self_attn.q_proj': 2, k_proj: 12 },
      },
      weights: (all) =>
        [...all].forEach(([name, weight]) => all.delete(name) && all.set(name.replace('model.language_model.', 'model.'), weight)),
    });
    const scales = ({ adapter }: Model) =>
      ['0.mlp.up_proj', '0.self_attn.q_proj', '1.self_attn.q_proj', '1.self_attn.k_proj'].map(
        (name) => (adapter as Lora).layers.get(`model.layers.${name}`)!.scale * 4,
      );
    using model = await loadModel(place);
    expect(scales(model)).toEqual([20, 8, 2, 12]);
    const saved = join(dir, 'old-paths-saved');
    await saveAdapter(model.adapter as Lora, saved);
    const { target_modules, exclude_modules, alpha_pattern } = JSON.parse(await readFile(join(saved, 'adapter_config.json'), 'utf8'));
    expect(target_modules.toSorted()).toEqual(
      [...readSafetensors(join(saved, 'adapter_model.safetensors')).keys()]
        .filter((name) => name.endsWith('.lora_A.weight'))
        .map((name) => name.slice('base_model.model.'.length, -'.lora_A.weight'.length))
        .toSorted(),
    );
    expect(exclude_modules).toBeNull();
    expect(alpha_pattern).toMatchObject({ 'model.language_model.layers.0.mlp.up_proj': 20 });
    using again = await loadModel(saved);
    expect(scales(again)).toEqual([20, 8, 2, 12]);
  });

  it('takes an alpha of zero and one below, as PEFT does', async () => {
    using model = await loadModel(await written('alphas', { config: { lora_alpha: -4, alpha_pattern: { q_proj: 0 } } }));
    const scale = (name: string) => (model.adapter as Lora).layers.get(`model.layers.0.self_attn.${name}`)!.scale;
    expect([scale('k_proj'), scale('q_proj')]).toEqual([-1, 0]);
  });

  it('that cannot be read says what to do with it in PEFT, or which base model it was tried on', async () => {
    const dora = await written('dora', { config: { use_dora: true } });
    await expect(loadModel(dora)).rejects.toMatchObject({
      code: 'ADAPTER_UNSUPPORTED',
      remedy: expect.stringContaining('merge_and_unload'),
    });
    const pickled = await written('pickled');
    await rename(join(pickled, 'adapter_model.safetensors'), join(pickled, 'adapter_model.bin'));
    await expect(loadModel(pickled)).rejects.toMatchObject({
      code: 'ADAPTER_INCOMPLETE',
      message: expect.stringMatching(/no adapter_model\.safetensors; it has adapter_model\.bin/),
      remedy: expect.stringContaining('save_pretrained'),
    });
    const other = join(dir, 'other-base');
    using wider = initModel({ ...tinyConfig, text_config: { ...tinyConfig.text_config, intermediate_size: 52 } });
    await saveModel(wider, other);
    await expect(loadModel(await written('of-another-base', { config: { base_model_name_or_path: other } }))).rejects.toMatchObject({
      code: 'ADAPTER_WEIGHTS_MISMATCH',
      message: expect.stringMatching(/its base model \/.*other-base: .*gate_proj\.lora_B is \[48,4\], expected \[52,4\]/),
    });
  });

  it("takes PEFT's alpha of 8 where its config leaves it out", async () => {
    using model = await loadModel(await written('no-alpha', { config: { lora_alpha: undefined } }));
    const [layer] = (model.adapter as Lora).layers.values();
    expect(layer.scale).toBe(8 / 4);
  });

  it.each<[string, Parameters<typeof written>[1], RegExp]>([
    ['DoRA', { config: { use_dora: true } }, /use_dora true/],
    ['trained modules beside it', { config: { modules_to_save: ['lm_head'] } }, /modules_to_save \["lm_head"\]/],
    ['biases', { config: { bias: 'all' } }, /bias all/],
    ['a start that changes the base model', { config: { init_lora_weights: 'pissa' } }, /init_lora_weights pissa/],
    ['another method', { config: { peft_type: 'IA3' } }, /peft_type "IA3"/],
    ['an alpha that is no number', { config: { lora_alpha: 'much' } }, /adapter_config\.json: lora_alpha is "much"/],
    ['a rank of zero for some', { config: { rank_pattern: { q_proj: 0 } } }, /rank_pattern "q_proj" is 0/],
    ['a pattern that is no expression', { config: { rank_pattern: { 'q_(proj': 4 } } }, /rank_pattern has "q_\(proj", which is no regular/],
    ['no base model', { config: { base_model_name_or_path: '/nowhere' } }, /adapter for "\/nowhere"/],
    ['a missing matrix', { weights: (all) => all.delete(`${first}.lora_B.weight`) }, /q_proj\.lora_B is missing/],
    [
      'a misshaped matrix',
      { weights: (all) => all.set(`${first}.lora_A.weight`, torch.zeros([4, 31])) },
      /lora_A is \[4,31\], expected \[4,32\]/,
    ],
    ['a rank that its config does not say', { config: { r: 8 } }, /lora_A has rank 4, adapter_config.json says 8/],
    [
      'a matrix of no layer',
      { weights: (all) => all.set(`${first}x.lora_A.weight`, tensor([1])) },
      /q_projx\.lora_A\.weight is no LoRA matrix/,
    ],
  ])('is refused with %s', async (name, change, message) => {
    await expect(loadModel(await written(name.replaceAll(' ', '-'), change))).rejects.toThrow(message);
  });
});
