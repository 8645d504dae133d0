/**
 * What only a GPU can show: the device's results are the CPU's, the flash kernel is plain attention, and recorded steps are the steps that
 * were recorded. `npm test -- unit` on a machine with one runs it.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backward, cuda, memoryStats, noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { cudaFailure } from '../../torch/native.ts';
import { forward } from './forward.ts';
import { generate, type GenerateOptions } from './generate.ts';
import { groupLogps } from './group-logps.ts';
import { Model, type ModelDtype } from '../model.ts';
import { tinyModel, tinyPrompts } from '../testing/tiny.ts';
import { cacheAttention, segmentAttention, segmentsOf, usesFlash } from './varlen.ts';

const DEVICE = 'cuda:0';
const prompts = tinyPrompts();
const everyFifth = Array.from({ length: 20 }, (_, i) => 5 * i);
const completions = [
  [[1], [2, 3, 4, 5, 6, 7, 8, 99], [9, 10]],
  [[11, 12, 13]],
  [
    [14, 99],
    [20, 21, 22, 23, 24],
  ],
];

/** The tiny model's weights in that dtype, on that device. */
function modelOn(device: string, dtype: ModelDtype): Model {
  using source = tinyModel();
  const params = new Map([...source.params].map(([name, weight]) => [name, noGrad(() => torch.clone(weight.to({ dtype, device })))]));
  return new Model(source.family, source.config, params, dtype, device);
}

const distance = (found: ArrayLike<number>, wanted: ArrayLike<number>): number => {
  let [apart, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++)
    [apart, size] = [Math.max(apart, Math.abs(found[i] - wanted[i])), Math.max(size, Math.abs(wanted[i]))];
  return apart / size;
};
const onGpu = (t: Tensor) => t.to({ device: DEVICE, dtype: 'bfloat16' });
const rounded = (...shape: number[]) => torch.randn(shape).to({ dtype: 'bfloat16' }); // the same values in both places

const why = cuda.isAvailable() ? '' : ` (skipped: no CUDA device, ${cudaFailure ?? 'the driver lists none'})`;
describe.skipIf(!cuda.isAvailable())(`on a GPU${why}`, () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it.each<[ModelDtype, number]>([
    ['float32', 1e-4],
    ['bfloat16', 0.05],
  ])('logits in %s are the CPU’s', (dtype, bound) =>
    scope(() =>
      noGrad(() => {
        const logits = (model: Model) => {
          const { logits, mask } = forward(
            model,
            prompts.map((prompt) => ({ prompt, completion: [1, 2, 3] })),
          );
          return torch.mul(logits.to({ dtype: 'float32' }), torch.unsqueeze(mask, 2)).toFloat32();
        };
        expect(distance(logits(modelOn(DEVICE, dtype)), logits(modelOn('cpu', 'float32')))).toBeLessThan(bound);
      }),
    ),
  );

  it('takes the flash kernel in bfloat16, and only there', () => {
    using wide = modelOn(DEVICE, 'float32');
    using narrow = modelOn(DEVICE, 'bfloat16');
    expect([usesFlash(wide), usesFlash(narrow)]).toEqual([false, true]);
  });

  it.each([
    ['causal, from the end', true],
    ['of all keys', false],
  ])('flash attention within segments is plain attention, with its gradients: %s', (_, causal) =>
    scope(() => {
      const [queries, keys] = [
        [3, 70, 4],
        [3, 130, 4],
      ];
      const inputs = [rounded(77, 4, 64), rounded(137, 2, 64), rounded(137, 2, 64)];
      const run = (device: string): Float32Array[] => {
        const leaves = inputs.map((t) => (device === 'cpu' ? t.to({ dtype: 'float32' }) : onGpu(t)));
        for (const leaf of leaves) leaf.requiresGrad = true;
        const out = segmentAttention(leaves[0], leaves[1], leaves[2], segmentsOf(queries, keys, device), { causal });
        const wide = out.to({ dtype: 'float32' });
        backward(torch.sum(torch.mul(wide, torch.sin(torch.reshape(torch.arange(out.numel, { device, dtype: 'float32' }), out.shape)))));
        return [out, ...leaves.map((leaf) => leaf.grad!)].map((t) => t.toFloat32());
      };
      const [found, wanted] = [run(DEVICE), run('cpu')];
      found.forEach((values, i) => expect(distance(values, wanted[i])).toBeLessThan(0.02));
    }),
  );

  it('flash attention over a cache looks at the places in use, whatever the others hold', () =>
    scope(() =>
      noGrad(() => {
        const [N, C] = [5, 200];
        const used = [1, 17, 64, 129, 200];
        const [q, k, v] = [rounded(N, 12, 128), rounded(N, C, 2, 128), rounded(N, C, 2, 128)];
        const starts = segmentsOf(
          used.map(() => 1),
          used.map(() => C),
          DEVICE,
        );
        const spoilt = (t: Tensor) => {
          const unused = torch.ge(torch.reshape(torch.arange(C), [1, C, 1, 1]), tensor(used, { dtype: 'int64', shape: [N, 1, 1, 1] }));
          return onGpu(torch.masked_fill(t, unused, NaN));
        };
        const places = { ...starts, used: tensor(used, { dtype: 'int32', device: DEVICE }), mask: null };
        const found = cacheAttention(onGpu(q), spoilt(k), spoilt(v), places).toFloat32();
        const wide = [q, k, v].map((t) => t.to({ dtype: 'float32' }));
        const rows = used.map((length, n) => {
          const [query, keys, values] = wide.map((t) => torch.narrow(t, 0, n, 1));
          const part = (t: Tensor) => torch.squeeze(torch.narrow(t, 1, 0, length), 0);
          return segmentAttention(query, part(keys), part(values), segmentsOf([1], [length], 'cpu'));
        });
        expect(distance(found, torch.cat(rows, 0).toFloat32())).toBeLessThan(0.02);
      }),
    ));

  it.each<[ModelDtype, boolean, number]>([
    ['float32', false, 1e-3],
    ['bfloat16', true, 0.1],
    ['bfloat16', false, 0.1],
  ])('log-probabilities and gradients in %s are the CPU’s; by segments: %s', (dtype, packed, bound) =>
    scope(() => {
      const run = (model: Model, byParts: boolean): [Float32Array, Float32Array] => {
        model.setTrainable(() => true);
        const { logps } = groupLogps(model, prompts, completions, { packed: byParts });
        backward(torch.sum(logps));
        return [logps.toFloat32(), model.weight('model.layers.0.self_attn.k_proj.weight').grad!.toFloat32()];
      };
      const [found, wanted] = [run(modelOn(DEVICE, dtype), packed), run(modelOn('cpu', 'float32'), false)];
      found.forEach((values, i) => expect(distance(values, wanted[i])).toBeLessThan(bound));
    }),
  );

  const ways: [string, GenerateOptions][] = [
    ['greedy', { greedy: true, maxNewTokens: 30, n: 2 }],
    ['sampled, ended rows dropped', { n: 12, maxNewTokens: 40, seed: 2, eosTokenIds: everyFifth }],
    ['truncated', { n: 4, maxNewTokens: 20, topK: 20, topP: 0.9, minP: 0.05, seed: 3 }],
    ['repetition penalty', { n: 4, maxNewTokens: 24, repetitionPenalty: 1.4, seed: 4, eosTokenIds: everyFifth }],
  ];
  const draw = async (model: Model, options: GenerateOptions, recorded: boolean) => {
    vi.stubEnv('MEDR1_CUDA_GRAPHS', recorded ? '1' : '0');
    return (await generate(model, prompts, { ...options, staticCache: true })).flat();
  };
  describe.each<ModelDtype>(['float32', 'bfloat16'])('recorded steps in %s', (dtype) => {
    it.each(ways)('draw what the steps themselves draw, in a first call and in one that only replays: %s', async (_, options) => {
      const warn = vi.spyOn(process, 'emitWarning');
      using plain = modelOn(DEVICE, dtype);
      using recorded = modelOn(DEVICE, dtype);
      const wanted = await draw(plain, options, false);
      for (const _call of ['records', 'replays']) {
        const found = await draw(recorded, options, true);
        expect(found.map(({ tokenIds }) => tokenIds)).toEqual(wanted.map(({ tokenIds }) => tokenIds));
        found.forEach(({ logprobs }, row) => expect(distance(logprobs, wanted[row].logprobs)).toBeLessThan(1e-3));
      }
      expect(warn.mock.calls.filter(([, how]) => (how as { code?: string } | undefined)?.code === 'MEDR1_CUDA_GRAPHS')).toEqual([]);
    });
  });

  it('greedy tokens in float32 are the CPU’s', async () => {
    using gpu = modelOn(DEVICE, 'float32');
    using cpu = modelOn('cpu', 'float32');
    const options = { greedy: true, maxNewTokens: 30 };
    const made = await generate(gpu, prompts, options);
    expect(made.flat().map(({ tokenIds }) => tokenIds)).toEqual(
      (await generate(cpu, prompts, options)).flat().map(({ tokenIds }) => tokenIds),
    );
  });

  it('gives the memory of graphs and caches back with the model', async () => {
    const use = async () => {
      using model = modelOn(DEVICE, 'bfloat16');
      await generate(model, prompts, { n: 8, maxNewTokens: 40, seed: 1, eosTokenIds: [] });
    };
    await use();
    const before = memoryStats(DEVICE).cuda!.allocated;
    await use();
    expect(memoryStats(DEVICE).cuda!.allocated).toBe(before);
  });
});
