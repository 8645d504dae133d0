import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { backward, noGrad, scope, torch, type Tensor } from '../../torch/index.ts';
import { initModel, loadModel, saveModel } from '../checkpoint.ts';
import { forward } from './forward.ts';
import { groupLogps, type GroupLogpsOptions } from './group-logps.ts';
import type { Model } from '../model.ts';
import { tinyConfig, tinyModel, tinyPrompt, tinyPrompts } from '../testing/tiny.ts';

const model = tinyModel();
const prompts = tinyPrompts();
/** log p of a completion by running prompt and completion alone. */
const alone = (prompt: (typeof prompts)[number], ids: number[], temperature = 1): number[] =>
  scope(() =>
    noGrad(() => {
      const logits = torch.select(forward(model, [{ prompt, completion: ids }]).logits, 0, 0);
      const logp = torch.log_softmax(torch.div(logits, temperature), -1);
      return ids.map((id, t) => torch.select(torch.select(logp, 0, prompt.inputIds.length - 1 + t), 0, id).item());
    }),
  );

const even = [
  [[1, 2, 3], [4, 5, 99]],
  [[6, 7, 99], [8, 9, 10]],
  [[11, 12, 13], [99, 1, 1]],
]; // prettier-ignore
const uneven = [
  [[1], [2, 3, 4, 5, 6, 7, 8, 99], [9, 10]],
  [[11, 12, 13]],
  [
    [14, 99],
    [20, 21, 22, 23, 24],
  ],
];

/** Log-probabilities, and what the weights get from them. */
const valuesAndGradients = (completions: number[][][], options: GroupLogpsOptions): [Float32Array, Float32Array[]] =>
  scope(() => {
    model.setTrainable(() => true);
    const { logps } = groupLogps(model, prompts, completions, options);
    backward(torch.sum(torch.mul(logps, torch.arange(logps.shape[1]))));
    const found = [...model.params.values()].map((weight) => weight.grad!.toFloat32());
    for (const weight of model.params.values()) weight.grad = null;
    model.setTrainable(() => false);
    return [logps.toFloat32(), found];
  });

describe('groupLogps', () => {
  it('of one token gives the same bits from weights in memory and from a file where they lie askew', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'medr1-askew-'));
    try {
      using wide = initModel({ ...tinyConfig, text_config: { ...tinyConfig.text_config, vocab_size: 6000 } }, { seed: 1, std: 0.3 });
      await saveModel(wide, dir);
      const file = join(dir, 'model.safetensors');
      const bytes = await readFile(file);
      const data = 8 + Number(bytes.readBigUInt64LE());
      const pad = 64 - (data % 64) + 8; // as far beyond a multiple of 64 as the format's reference writer may leave it
      bytes.writeBigUInt64LE(BigInt(data - 8 + pad));
      await writeFile(file, Buffer.concat([bytes.subarray(0, data), Buffer.alloc(pad, ' '), bytes.subarray(data)]));
      using askew = await loadModel(dir);
      const values = (of: Model): Float32Array[] =>
        Array.from({ length: 20 }, (_, id) => scope(() => groupLogps(of, [tinyPrompt([1, 2, id])], [[[id]]]).logps.toFloat32()));
      expect(values(askew)).toEqual(values(wide));
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it.each([
    ['groups of one size', even, 1],
    ['groups and completions of different sizes', uneven, 1],
    ['temperature 0.7', uneven, 0.7],
  ])('equals running each prompt and completion alone: %s', (_, completions, temperature) => {
    const { logps, mask } = groupLogps(model, prompts, completions, { temperature });
    const rows = logps.tolist() as number[][];
    let n = 0;
    completions.forEach((group, b) =>
      group.forEach((ids) => {
        alone(prompts[b], ids, temperature).forEach((value, t) => expect(rows[n][t]).toBeCloseTo(value, 4));
        expect(rows[n].slice(ids.length).every((value) => value === 0)).toBe(true);
        expect((mask.tolist() as boolean[][])[n]).toEqual(rows[n].map((_v, t) => t < ids.length));
        n++;
      }),
    );
  });

  it.each([
    ['rows with padding', even],
    ['rows without', uneven],
  ])('gives the same values and gradients by segments as by padded blocks: %s', (_, completions) => {
    const [[values, found], [wanted, wantedGradients]] = [true, false].map((packed) => valuesAndGradients(completions, { packed }));
    values.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 4));
    found.forEach((gradient, p) => {
      const size = Math.max(...wantedGradients[p].map(Math.abs));
      gradient.forEach((value, i) => expect(Math.abs(value - wantedGradients[p][i])).toBeLessThan(1e-4 * size + 1e-5));
    });
  });

  it('gives the same values and gradients in one tile of the vocabulary as in many', () => {
    const [whole, wholeGradients] = valuesAndGradients(uneven, { temperature: 0.9 });
    const [parts, partGradients] = valuesAndGradients(uneven, { temperature: 0.9, tileBytes: 1 });
    whole.forEach((value, i) => expect(parts[i]).toBeCloseTo(value, 5));
    wholeGradients.forEach((gradient, i) => gradient.forEach((value, j) => expect(partGradients[i][j]).toBeCloseTo(value, 3)));
  });

  it('gives the same values and gradients when layers are computed again in the backward pass', () => {
    const layers = vi.spyOn(torch, 'silu');
    const run = (checkpointing: boolean): { computed: number; values: Float32Array[] } =>
      scope(() => {
        layers.mockClear();
        model.setTrainable(() => true);
        model.checkpointing = checkpointing;
        const { logps } = groupLogps(model, prompts, uneven);
        backward(torch.sum(torch.mul(logps, torch.arange(logps.shape[1]))));
        const values = [logps, ...[...model.params.values()].map((weight) => weight.grad!)].map((t) => t.toFloat32());
        for (const weight of model.params.values()) weight.grad = null;
        model.setTrainable(() => false);
        model.checkpointing = false;
        return { computed: layers.mock.calls.length, values };
      });
    const [plain, again] = [run(false), run(true)];
    layers.mockRestore();
    expect([plain.computed, again.computed]).toEqual([2, 4]);
    plain.values.forEach((values, i) => values.forEach((value, j) => expect(again.values[i][j]).toBeCloseTo(value, 4)));
  });

  it('gives entropy and the most probable token only when asked, without gradient', () => {
    model.setTrainable(() => true);
    const { entropy, correct, logps } = groupLogps(model, prompts, even, { correct: true });
    model.setTrainable(() => false);
    expect([entropy!.requiresGrad, correct!.requiresGrad, logps.requiresGrad]).toEqual([false, false, true]);
    expect(Math.max(...entropy!.toFloat32())).toBeLessThanOrEqual(Math.log(100));
    expect(groupLogps(model, prompts, even, { entropy: false }).entropy).toBeNull();
  });

  it('answers a batch without any token with empty tensors', () => {
    expect(groupLogps(model, prompts, [[], [[]], []]).logps.shape).toEqual([1, 0]);
  });

  it('refuses tokens outside the vocabulary and prompts whose images do not fit their placeholders', () => {
    expect(() => groupLogps(model, [prompts[2]], [[[100]]])).toThrow('completion 0 holds token 100; the vocabulary has 100');
    expect(() => groupLogps(model, [tinyPrompt([1, 90, 2])], [[[1]]])).toThrow('prompt 0 has 1 image tokens, its 0 images give 0');
    expect(() => groupLogps(model, prompts, [[[1]]])).toThrow('3 prompts with completions for 1');
  });

  it('pairs every image with its own prompt: a batch equals its prompts alone, and exchanged images change the result', () => {
    const [a, b] = [prompts[0], { ...prompts[0], images: prompts[1].images.slice(0, 0).concat(otherImage()) }];
    const pair = (images: (typeof prompts)[number][]) => groupLogps(model, images, [[[1, 2]], [[1, 2]]]).logps.tolist() as number[][];
    const [[first], [second]] = [pair([a, b]), pair([b, a])].map((rows) => rows);
    expect(first[0]).toBeCloseTo(alone(a, [1, 2])[0], 4);
    expect(second[0]).toBeCloseTo(alone(b, [1, 2])[0], 4);
    expect(Math.abs(first[0] - second[0])).toBeGreaterThan(1e-3);
  });

  it('frees what it makes: calls in a row leave no tensor behind', async () => {
    const { memoryStats } = await import('../../torch/index.ts');
    const before = memoryStats().tensors;
    for (let i = 0; i < 3; i++) {
      const { logps, entropy, mask } = groupLogps(model, prompts, even);
      for (const t of [logps, entropy!, mask] satisfies Tensor[]) t.dispose();
    }
    expect(memoryStats().tensors).toBe(before);
  });
});

function otherImage() {
  const [image] = tinyPrompts()[0].images;
  return { ...image, pixelValues: torch.neg(image.pixelValues) as Tensor };
}
