import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generator, medr1, scope, setNumThreads, tensor, torch, withThreads, type Tensor } from './index.ts';

const random = generator(5);
const randn = (...shape: number[]): Tensor => torch.randn(shape, { generator: random });
const bfloat16 = (t: Tensor): Tensor => t.to({ dtype: 'bfloat16' });
const float32 = (t: Tensor): Tensor => t.to({ dtype: 'float32' });
const apart = (a: Tensor, b: Tensor): number => torch.max(torch.abs(torch.sub(float32(a), float32(b)))).item();

describe('few_rows_linear', () => {
  it.each([
    [1, 1, 1],
    [1, 7, 5],
    [3, 256, 6],
    [16, 300, 13],
    [17, 513, 100],
    [64, 33, 1000],
    [128, 1030, 61],
  ])('of %i rows, %i in, %i out is torch.linear, in float32 and over bfloat16 weights', (N, K, V) =>
    scope(() => {
      const [x, W, b] = [randn(N, K), randn(V, K), randn(V)];
      const close = 2e-6 * K;
      expect(apart(medr1.few_rows_linear(x, W, b), torch.linear(x, W, b))).toBeLessThan(close);
      expect(apart(medr1.few_rows_linear(x, W), torch.linear(x, W))).toBeLessThan(close);
      const narrow = bfloat16(W);
      expect(apart(medr1.few_rows_linear(x, narrow, bfloat16(b)), torch.linear(x, float32(narrow), float32(bfloat16(b))))).toBeLessThan(
        close,
      );
      const rounded = medr1.few_rows_linear(bfloat16(x), narrow);
      expect(rounded.dtype).toBe('bfloat16');
      expect(torch.equal(rounded, bfloat16(medr1.few_rows_linear(float32(bfloat16(x)), narrow)))).toBe(true);
    }),
  );

  it('takes rows of W that lie apart, and x as any view', () =>
    scope(() => {
      const [wide, x] = [randn(40, 90), randn(64, 5)];
      const W = torch.narrow(wide, 1, 10, 64);
      expect(apart(medr1.few_rows_linear(torch.t(x), W), torch.linear(torch.t(x), W))).toBeLessThan(1e-4);
    }));

  it('gives the same bits on one thread and on two', () =>
    scope(() => {
      const [x, W] = [randn(16, 256), randn(20_000, 256)];
      setNumThreads(2); // OMP_NUM_THREADS may say one
      const two = medr1.few_rows_linear(x, W);
      const one = withThreads(1, () => medr1.few_rows_linear(x, W));
      expect(torch.equal(one, two)).toBe(true);
    }));

  it('refuses what does not fit, by name', () =>
    scope(() => {
      const [x, W] = [randn(2, 8), randn(3, 8)];
      expect(() => medr1.few_rows_linear(randn(2, 9), W)).toThrow(/input \[2, 9\] and weight \[3, 8\]/);
      expect(() => medr1.few_rows_linear(randn(129, 8), W)).toThrow(/129 rows are more than 128/);
      expect(() => medr1.few_rows_linear(x, torch.t(randn(8, 3)))).toThrow(/rows contiguous/);
      expect(() => medr1.few_rows_linear(x, W, randn(4))).toThrow(/bias is not \[3\]/);
      expect(() => medr1.few_rows_linear(x, W.to({ dtype: 'float64' }))).toThrow(/float32 or bfloat16/);
    }));
});

describe('weigh_logits_', () => {
  it.each([1, 0.7])('gives exp((logit - the largest) / %f) and the sums of its blocks', (temperature) =>
    scope(() => {
      const logits = torch.mul(randn(3, 120), 5);
      const scaled = torch.div(logits, temperature);
      const wanted = torch.exp(torch.sub(scaled, torch.amax(scaled, [1], true)));
      const sums = medr1.weigh_logits_(logits, 12, temperature);
      expect(apart(logits, wanted)).toBeLessThan(1e-6);
      expect(apart(sums, torch.sum(torch.view(wanted, [3, 10, 12]), [2]))).toBeLessThan(1e-5);
    }),
  );
  it('refuses blocks that do not divide the vocabulary', () =>
    scope(() => expect(() => medr1.weigh_logits_(randn(2, 10), 4, 1)).toThrow(/blocks of 4 do not divide 10/)));
});

it('a logit that is no number reaches the result', () =>
  scope(() => {
    const targets = tensor([0], { dtype: 'int64' });
    for (const at of [0, 9, 19]) {
      const logits = torch.zeros([1, 20], { dtype: 'float32' });
      torch.fill_(torch.select(logits, 1, at), NaN);
      const seen = tensor([[-Infinity, 0, 0, 0]], { dtype: 'float32' });
      medr1.see_logits_(seen, logits, targets, 0, 1);
      expect(torch.select(seen, 1, 0).item()).toBeNaN();
      expect(torch.sum(medr1.weigh_logits_(logits, 20, 1)).item()).toBeNaN();
    }
  }));

/** PyTorch's own switch for the instruction set; read when it is loaded. */
it('a CPU without AVX2 gives the same, but for the last bits', () => {
  const script = fileURLToPath(new URL('./testing/kernel-values.ts', import.meta.url));
  const values = (env: Record<string, string>): number[] =>
    JSON.parse(execFileSync(process.execPath, [script], { env: { ...process.env, ...env }, encoding: 'utf8' })) as number[];
  const [plain, best] = [values({ ATEN_CPU_CAPABILITY: 'default' }), values({})];
  expect(plain.length).toBe(best.length);
  plain.forEach((value, i) => expect(value).toBeCloseTo(best[i], 3));
});
