/** When steps are recorded and replayed. In place of CUDA's graphs stands one that runs its function again, as a replay would. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { noGrad, scope, torch } from '../../torch/index.ts';
import { generate, type GenerateOptions } from './generate.ts';
import { tinyModel, tinyPrompts } from '../testing/tiny.ts';

const { seen, FakeGraph } = vi.hoisted(() => {
  const seen = { captured: 0, replayed: 0, disposed: 0, fails: false, pools: new Set<unknown>() };
  class FakeGraph {
    readonly #fn: () => void;
    constructor(fn: () => void) {
      this.#fn = fn;
    }
    static failure = () => null;
    static capture(fn: () => void, { warmup, pool }: { warmup: number; pool: unknown }): FakeGraph {
      for (let i = 0; i < warmup; i++) fn();
      if (seen.fails) throw new Error('operation not permitted when stream is capturing');
      seen.captured++;
      seen.pools.add(pool);
      return new FakeGraph(fn);
    }
    replay(): void {
      seen.replayed++;
      this.#fn();
    }
    dispose(): void {
      seen.disposed++;
    }
  }
  return { seen, FakeGraph };
});
vi.mock('../../torch/graph.ts', () => ({ CudaGraph: FakeGraph, graphPool: () => [seen.pools.size, 0] }));

beforeEach(() => void Object.assign(seen, { captured: 0, replayed: 0, disposed: 0, fails: false, pools: new Set() }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const prompts = tinyPrompts();
const draw = async (model: ReturnType<typeof tinyModel>, options: GenerateOptions) =>
  (await generate(model, prompts, options)).flat().map(({ tokenIds }) => tokenIds);
const long: GenerateOptions = { n: 2, maxNewTokens: 20, seed: 1, eosTokenIds: [] };

it('the first step runs and is recorded, all others are replays, and a second call only replays', async () => {
  const model = tinyModel();
  const wanted = await draw(model, { ...long, staticCache: false });
  expect(await draw(model, long)).toEqual(wanted);
  expect(seen).toMatchObject({ captured: 1, replayed: 18 });
  expect(await draw(model, long)).toEqual(wanted);
  expect(seen).toMatchObject({ captured: 1, replayed: 18 + 19 });
  model.dispose();
  expect(seen.disposed).toBe(1);
});

it('records once for a number of rows and a way of choosing, in one pool', async () => {
  using model = tinyModel();
  const everyFifth = Array.from({ length: 20 }, (_, i) => 5 * i);
  const dropping: GenerateOptions = { n: 12, maxNewTokens: 30, seed: 2, eosTokenIds: everyFifth };
  const wanted = await draw(model, { ...dropping, staticCache: false });
  expect(await draw(model, dropping)).toEqual(wanted);
  const { captured } = seen;
  expect(captured).toBeGreaterThan(2);
  expect(await draw(model, dropping)).toEqual(wanted);
  expect(seen.captured).toBe(captured);
  await draw(model, { ...dropping, topK: 3, maxNewTokens: 2 });
  expect(seen.captured).toBe(captured + 1);
  expect(seen.pools.size).toBe(1);
});

it('a later call of about as many rows replays the same graph', async () => {
  using model = tinyModel();
  await draw(model, { ...long, n: 8 });
  for (const n of [3, 4, 5]) {
    const wanted = await draw(model, { ...long, n, staticCache: false });
    expect(await draw(model, { ...long, n })).toEqual(wanted);
  }
  expect(seen.captured).toBe(2); // of 24 rows, and of 16 for 9, 12 and 15
});

it('weights trained in place are seen; weights exchanged are recorded anew', async () => {
  using model = tinyModel();
  const before = await draw(model, long);
  const norm = model.weight('model.norm.weight');
  noGrad(() => torch.neg_(norm));
  const after = await draw(model, long);
  expect(after).not.toEqual(before);
  expect(seen).toMatchObject({ captured: 1, disposed: 0 });
  model.params.set(
    'model.norm.weight',
    noGrad(() => scope(() => torch.neg(norm))),
  );
  expect(await draw(model, long)).toEqual(before);
  expect(seen).toMatchObject({ captured: 2, disposed: 1 });
  norm.dispose();
});

it('goes on step by step with one warning where a step cannot be recorded', async () => {
  using model = tinyModel();
  seen.fails = true;
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const wanted = await draw(model, { ...long, staticCache: false });
  expect(await draw(model, long)).toEqual(wanted);
  expect(await draw(model, { ...long, topK: 99 })).toHaveLength(6);
  expect(warn.mock.calls).toHaveLength(1);
  expect(warn.mock.calls[0]).toEqual([
    expect.stringContaining('operation not permitted when stream is capturing'),
    { code: 'MEDR1_CUDA_GRAPHS' },
  ]);
  expect(seen.replayed).toBe(0);
});

it('an error of the step itself is no failure to record', async () => {
  using model = tinyModel();
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const write = torch.index_copy_;
  let writes = 0;
  vi.spyOn(torch, 'index_copy_').mockImplementation(((...args: Parameters<typeof write>) => {
    if (++writes > 2) throw new Error('out of memory'); // the first draw writes an id and a log-probability
    return write(...args);
  }) as typeof write);
  await expect(draw(model, { ...long, maxNewTokens: 3 })).rejects.toThrow('out of memory');
  expect(warn.mock.calls).toEqual([]);
});

it.each<[string, () => GenerateOptions]>([
  ['MEDR1_CUDA_GRAPHS=0', () => (vi.stubEnv('MEDR1_CUDA_GRAPHS', '0'), long)],
  ['staticCache: false', () => ({ ...long, staticCache: false })],
])('%s records nothing', async (_, options) => {
  using model = tinyModel();
  await draw(model, options());
  expect([seen.captured, model.attached.size]).toEqual([0, 0]);
});
