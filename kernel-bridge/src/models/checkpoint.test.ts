import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSafetensors, torch, writeSafetensors, type Tensor } from '../torch/index.ts';
import { initModel, loadModel, saveModel } from './checkpoint.ts';
import { parseConfig } from './families/shapes.ts';
import { tinyConfig, tinyModel } from './testing/tiny.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'medr1-model-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const sameWeights = (a: Map<string, Tensor>, b: Map<string, Tensor>) => [...a].every(([name, weight]) => torch.equal(weight, b.get(name)!));

/** Saves a tiny model after `change` on its weights; the weights' file stays a valid one. */
async function damaged(change: (weights: Map<string, Tensor>) => void): Promise<string> {
  const target = join(dir, 'damaged');
  await saveModel(tinyModel(), target);
  const file = join(target, 'model.safetensors');
  const weights = new Map([...readSafetensors(file)].map(([name, weight]) => [name, torch.clone(weight) as Tensor]));
  change(weights);
  rmSync(file);
  writeSafetensors(file, weights);
  return target;
}

describe('saveModel and loadModel', () => {
  it('give back the same weights and config, and replace a directory that stood there', async () => {
    const model = tinyModel(1);
    const target = join(dir, 'model');
    await saveModel(tinyModel(2), target);
    await saveModel(model, target);
    const read = await loadModel(target);
    expect(sameWeights(read.params, model.params)).toBe(true);
    expect(read.config).toEqual(model.config);
    expect(readdirSync(dir)).toEqual(['model']);
  });

  it('cast to the dtype asked for', async () => {
    await saveModel(tinyModel(), join(dir, 'model'));
    const read = await loadModel(join(dir, 'model'), { dtype: 'bfloat16' });
    expect(new Set([...read.params.values()].map((weight) => weight.dtype))).toEqual(new Set(['bfloat16']));
  });

  it('take the files of a processor along', async () => {
    writeFileSync(join(dir, 'tokenizer.json'), '{}');
    writeFileSync(join(dir, 'processor_config.json'), '{}');
    writeFileSync(join(dir, 'notes.txt'), 'left behind');
    await saveModel(tinyModel(), join(dir, 'model'), dir);
    expect(readdirSync(join(dir, 'model')).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'processor_config.json',
      'tokenizer.json',
    ]);
  });

  it('changing a loaded weight in place does not touch the file', async () => {
    const target = join(dir, 'model');
    await saveModel(tinyModel(), target);
    const before = readFileSync(join(target, 'model.safetensors'));
    const read = await loadModel(target);
    torch.zero_(read.weight('model.norm.weight'));
    expect(readFileSync(join(target, 'model.safetensors')).equals(before)).toBe(true);
  });

  it('name weights that are missing, misshaped or not expected', async () => {
    const target = await damaged((weights) => {
      weights.delete('model.norm.weight');
      weights.set('model.layers.0.mlp.up_proj.weight', torch.zeros([3, 4]));
      weights.set('model.layers.7.mlp.up_proj.weight', torch.zeros([1]));
    });
    const loading = loadModel(target);
    await expect(loading).rejects.toThrow('model.norm.weight is missing');
    await expect(loading).rejects.toThrow('model.layers.0.mlp.up_proj.weight is [3,4], expected [48,32]');
    await expect(loading).rejects.toThrow('model.layers.7.mlp.up_proj.weight is not part of a qwen2_vl of this config');
  });

  it('read the names under which transformers 4.52 to 4.57 keeps weights in memory', async () => {
    const target = await damaged((weights) => {
      for (const [name, weight] of [...weights]) {
        weights.delete(name);
        weights.set(name.startsWith('visual.') ? `model.${name}` : name.replace(/^model\./, 'model.language_model.'), weight);
      }
    });
    expect(sameWeights((await loadModel(target)).params, tinyModel().params)).toBe(true);
  });

  it('do not tie an output matrix of its own values, and say so; one equal to the embedding, or alone, is one with it', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const headed = (head: Tensor, alone = false) =>
      damaged((weights) => {
        weights.set('lm_head.weight', head);
        if (alone) weights.delete('model.embed_tokens.weight');
      });
    const embedding = tinyModel().weight('model.embed_tokens.weight');
    try {
      const other = torch.add(embedding, 1);
      const untied = await loadModel(await headed(other));
      expect(untied.config.tie_word_embeddings).toBe(false);
      expect(torch.equal(untied.outputEmbedding, other)).toBe(true);
      expect(torch.equal(untied.weight('model.embed_tokens.weight'), embedding)).toBe(true);
      expect(warn.mock.calls).toEqual([
        [expect.stringContaining('lm_head.weight has values of its own'), { code: 'MEDR1_UNTIED_LM_HEAD' }],
      ]);
      await saveModel(untied, join(dir, 'again'));
      expect(torch.equal((await loadModel(join(dir, 'again'))).outputEmbedding, other)).toBe(true);

      warn.mockClear();
      for (const alone of [false, true]) {
        const tied = await loadModel(await headed(torch.clone(embedding), alone));
        expect([...tied.params.keys()]).toEqual([...tinyModel().params.keys()]);
        expect(torch.equal(tied.outputEmbedding, embedding)).toBe(true);
      }
      // Equal once rounded to what the model holds.
      const near = await loadModel(await headed(embedding.to({ dtype: 'bfloat16' }).to({ dtype: 'float32' })), { dtype: 'bfloat16' });
      expect(near.config.tie_word_embeddings).toBe(true);
      expect(warn).not.toHaveBeenCalled();
    } finally {
      warn.mockRestore();
    }
  });

  it('say what a directory lacks', async () => {
    await expect(loadModel(join(dir, 'nowhere'))).rejects.toThrow(/nowhere is not a model directory: config.json cannot be read/);
    writeFileSync(join(dir, 'config.json'), JSON.stringify(tinyConfig));
    await expect(loadModel(dir)).rejects.toThrow('it has neither model.safetensors nor model.safetensors.index.json');
    writeFileSync(join(dir, 'config.json'), '{');
    await expect(loadModel(dir)).rejects.toThrow('config.json is not valid JSON');
  });
});

describe('initModel', () => {
  it('draws the same weights for the same seed: normal matrices, ones for norms, zero biases, a zero padding row', () => {
    expect(sameWeights(tinyModel(4).params, tinyModel(4).params)).toBe(true);
    expect(sameWeights(tinyModel(4).params, tinyModel(5).params)).toBe(false);
    const model = initModel({ ...tinyConfig, initializer_range: 0.05 }, { seed: 1 });
    expect(torch.std(model.weight('model.embed_tokens.weight')).item()).toBeCloseTo(0.05, 2);
    expect(new Set(model.weight('model.norm.weight').tolist() as number[])).toEqual(new Set([1]));
    expect(new Set(model.weight('visual.merger.mlp.0.bias').tolist() as number[])).toEqual(new Set([0]));
    expect(new Set((model.weight('model.embed_tokens.weight').tolist() as number[][])[98])).toEqual(new Set([0]));
  });
});

describe('parseConfig', () => {
  it('reads the flat form of the published Qwen2-VL-2B-Instruct', () => {
    const config = parseConfig({
      model_type: 'qwen2_vl',
      hidden_size: 1536,
      intermediate_size: 8960,
      num_attention_heads: 12,
      num_hidden_layers: 28,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
      rope_theta: 1e6,
      tie_word_embeddings: true,
      use_sliding_window: false,
      vocab_size: 151936,
      vision_config: { depth: 32, embed_dim: 1280, num_heads: 16, in_chans: 3, hidden_size: 1536, spatial_patch_size: 14 },
    });
    expect(config.text_config).toMatchObject({ num_hidden_layers: 28, rope_parameters: { rope_theta: 1e6, mrope_section: [16, 24, 24] } });
    expect(config).toHaveProperty(
      'vision_config',
      expect.objectContaining({ embed_dim: 1280, mlp_ratio: 4, in_channels: 3, patch_size: 14, hidden_act: 'quick_gelu' }),
    );
    expect(config.tie_word_embeddings).toBe(true);
  });

  it('refuses what it could not compute, naming it', () => {
    expect(() => parseConfig({ model_type: 'llama' })).toThrow('model_type is "llama"');
    const text = (change: object) => ({ ...tinyConfig, text_config: { ...tinyConfig.text_config, ...change } });
    expect(() => parseConfig(text({ use_sliding_window: true }))).toThrow('use_sliding_window is true');
    expect(() => parseConfig(text({ rope_parameters: { mrope_section: [1, 1, 1] } }))).toThrow('mrope_section adds up to 3');
    expect(() => parseConfig(text({ rope_parameters: { rope_type: 'yarn' } }))).toThrow('rope type "yarn"');
  });
});
