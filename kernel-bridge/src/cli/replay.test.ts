import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register } from './replay.ts';
import { runJson } from './testing/run-json.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';

let tiny: Tiny;
let batch: string;

const medr1 = (...args: string[]) => runJson([register], args);

const rows = [
  {
    image: 'Images/0.png',
    prompt: 'it is A',
    completions: ['<answer> A </answer>', [8, 9, 2], 'B', 'it is'],
    rewards: { accuracy: [1, 0, 0, 0], format: [1, 1, 0, 0] },
  },
  {
    image: 'Images/1.png',
    prompt: 'it is',
    completions: [[10, 2], 'C', 'A', [12, 8, 13, 2]],
    rewards: { accuracy: [1, 1, 0, null], format: [0, 0, 1, 1] },
  },
];

beforeAll(async () => {
  tiny = await makeTiny();
  batch = join(tiny.directory, 'batch.jsonl');
  await writeFile(batch, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => tiny[Symbol.asyncDispose]());

describe('medr1 replay', () => {
  it('gives loss, gradient norm, advantages per group and metrics by name; the policy is its own reference', async () => {
    const seen = await medr1('replay', '--model', tiny.model, '--batch', batch);
    expect(seen.advantages).toHaveLength(2);
    expect(seen.advantages[0][0]).toBeCloseTo(1.25 / (Math.sqrt((1.25 ** 2 + 0.25 ** 2 + 2 * 0.75 ** 2) / 3) + 1e-4), 6);
    expect(seen.kl).toBe(0);
    expect(seen.grad_norm).toBeGreaterThan(0);
    expect(seen['rewards/accuracy/mean']).toBeCloseTo(3 / 7, 9);
    expect(seen['completions/clipped_ratio']).toBe(5 / 8);
  });

  it('weighs rewards as their schedules do at a step', async () => {
    const schedule = 'reward_weight_schedules={format: {schedule: linear, from: 1, to: 0, end: 5}}';
    const at = (...args: string[]) => medr1('replay', '--model', tiny.model, '--batch', batch, ...args);
    const half = await at('--set', 'reward_weights=[1, 0.5]');
    expect((await at('--set', schedule, '--step', '3')).advantages).toEqual(half.advantages);
    expect((await at('--set', schedule)).advantages).toEqual((await at()).advantages);
    expect(half.advantages).not.toEqual((await at()).advantages);
    await expect(at('--step', '0')).rejects.toThrow(/"0" is no step/);
  });

  it('records the update with --trace, and refuses a file that it could not write', async () => {
    const file = join(tiny.directory, 'replay.json');
    await medr1('replay', '--model', tiny.model, '--batch', batch, '--trace', file);
    const { traceEvents } = JSON.parse(await readFile(file, 'utf8')) as { traceEvents: { name: string }[] };
    const names = traceEvents.map(({ name }) => name);
    for (const name of ['reference', 'update', 'backward', 'clip', 'aten::mm']) expect(names).toContain(name);
    const absent = join(tiny.directory, 'absent', 'replay.json');
    await expect(medr1('replay', '--model', tiny.model, '--batch', batch, '--trace', absent)).rejects.toMatchObject({
      code: 'TRACE_FILE',
      message: expect.stringContaining(`there is no folder ${join(tiny.directory, 'absent')}`),
    });
  });

  it('answers what if: other settings, micro-batches that sum to the same update', async () => {
    const whole = await medr1('replay', '--model', tiny.model, '--batch', batch, '--set', 'loss_type=dapo', '--set', 'beta=0');
    const parts = await medr1(
      'replay',
      '--model',
      tiny.model,
      '--batch',
      batch,
      '--set',
      'loss_type=dapo',
      '--set',
      'beta=0',
      '--set',
      'per_device_train_batch_size=4',
    );
    expect(whole.kl).toBeNull();
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    expect(parts.grad_norm).toBeCloseTo(whole.grad_norm, 4);
  });

  it.each([
    [
      'groups of two sizes',
      [rows[0], { ...rows[1], completions: ['A'], rewards: { accuracy: [1], format: [1] } }],
      [],
      /row 2 has 1 completions, the group size is 4/,
    ],
    ['a reward that a row lacks', [rows[0], { ...rows[1], rewards: { accuracy: [1, 1, 0, 0] } }], [], /row 2 has no rewards of format/],
    ['no rewards', [{ ...rows[0], rewards: {} }], [], /row 1 has no rewards of any function/],
    ['an unknown key', rows, ['--set', 'betta=1'], /betta/],
    ['another group size than that of the batch', rows, ['--set', 'num_generations=2'], /num_generations is 2, but every row of .* has 4/],
    ['a setting that is no YAML', rows, ['--set', 'beta=['], /--set: "beta=\[" is not YAML: Flow sequence/],
    ['a setting without a value', rows, ['--set', 'beta'], /not key=value/],
  ] as const)('refuses %s', async (name, content, extra, message) => {
    const file = join(tiny.directory, `${name}.jsonl`);
    await writeFile(file, content.map((row) => JSON.stringify(row)).join('\n'));
    await expect(medr1('replay', '--model', tiny.model, '--batch', file, ...extra)).rejects.toThrow(message);
  });
});
