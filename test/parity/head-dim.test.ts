/** A model that names a head_dim of its own, against transformers: logits, decoding and log-probabilities. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { forward, generate, groupLogps, initModel, loadModel, saveModel } from '../../kernel-bridge/src/models/index.ts';
import { tinyConfig, tinyPrompts } from '../../kernel-bridge/src/models/testing/tiny.ts';
import { noGrad, readSafetensors, torch } from '../../kernel-bridge/src/torch/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'medr1-head-dim-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const HEAD_DIM = 24; // hidden_size 32, 4 heads: 8 where nothing is said

it('gives the logits of transformers, and samples and scores by the same heads', async () => {
  const text_config = { ...tinyConfig.text_config, head_dim: HEAD_DIM, rope_parameters: { rope_theta: 1e4, mrope_section: [4, 4, 4] } };
  const made = initModel({ ...tinyConfig, text_config }, { seed: 3, std: 0.3 });
  await saveModel(made, join(dir, 'model'));
  expect(JSON.parse(readFileSync(join(dir, 'model/config.json'), 'utf8'))).toMatchObject({ head_dim: HEAD_DIM, hidden_size: 32 });
  using model = await loadModel(join(dir, 'model'));
  expect(model.weight('model.layers.0.self_attn.q_proj.weight').shape).toEqual([4 * HEAD_DIM, 32]);

  const [prompt] = tinyPrompts();
  const [{ pixelValues, grid }] = prompt.images;
  writeFileSync(join(dir, 'inputs.json'), JSON.stringify({ ids: prompt.inputIds, pixels: pixelValues.tolist(), grid }));
  const python = join(import.meta.dirname, '../../.venv/bin/python');
  const script = join(import.meta.dirname, 'python/head_dim_expected.py');
  execFileSync(python, [script, join(dir, 'model'), join(dir, 'inputs.json'), join(dir, 'out.safetensors')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const theirs = readSafetensors(join(dir, 'out.safetensors')).get('logits')!;
  const ours = noGrad(() => torch.select(forward(model, [{ prompt }]).logits, 0, 0));
  const apart = torch.amax(torch.abs(torch.sub(ours, theirs))).item() / torch.amax(torch.abs(theirs)).item();
  expect(apart).toBeLessThan(1e-4);

  for (const staticCache of [false, true]) {
    const [drawn] = await generate(model, [prompt], { n: 2, maxNewTokens: 6, seed: 1, eosTokenIds: [], staticCache });
    const { logps } = noGrad(() => groupLogps(model, [prompt], [drawn.map(({ tokenIds }) => tokenIds)]));
    const scored = logps.tolist() as number[][];
    drawn.forEach(({ logprobs }, n) => logprobs.forEach((value, t) => expect(Math.abs(value - scored[n][t])).toBeLessThan(1e-4)));
  }
});
