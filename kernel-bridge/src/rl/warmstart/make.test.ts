import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel, loadProcessor } from '../../models/index.ts';
import { setNumThreads } from '../../torch/index.ts';
import { makeTinyModel } from './make.ts';
import { PHASES } from './phases.ts';
import type { Phase } from './phases.ts';

let dir: string;
/** Every phase for one step, on two demonstrations of each sort. */
const phases: Phase[] = PHASES.map((phase) => ({
  ...phase,
  steps: 1,
  measure: phase.name === 'flawed-both' ? ['think'] : [],
  draw: (rng, pool) => phase.draw(rng, pool).map(({ name, examples }) => ({ name, examples: examples.slice(0, 2) })),
}));
const make = (name: string, seed: number, after?: string) => {
  const lines: string[] = [];
  const options = { seed, phases, poolSize: 4, heldOutSize: 2, after, log: (line: string) => lines.push(line) };
  return makeTinyModel(join(dir, name), options).then(() => lines);
};
const weights = (name: string) => readFile(join(dir, name, 'model.safetensors'));

beforeAll(async () => {
  setNumThreads(1);
  dir = await mkdtemp(join(tmpdir(), 'medr1-make-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the command that makes the tiny model', () => {
  it('goes through all phases to a model that loads, the same from the same seed and from a checkpoint on', async () => {
    const lines = await make('first', 3);
    for (const { name } of PHASES) expect(lines.some((line) => line.startsWith(`${name} 1/1 `))).toBe(true);
    expect(lines.some((line) => line.startsWith('flawed-both think {"sampled":'))).toBe(true);
    expect(lines.at(-1)).toMatch(/^made in \d+ s, \d+ s of CPU time$/);
    using model = await loadModel(join(dir, 'first'));
    const processor = await loadProcessor(join(dir, 'first'));
    expect(model.config.image_token_id).toBe(processor.encode('<|image_pad|>')[0]);

    await make('again', 3);
    expect((await weights('again')).equals(await weights('first'))).toBe(true);
    await rm(join(dir, 'again'), { recursive: true });
    await make('again', 3, 'name');
    expect((await weights('again')).equals(await weights('first'))).toBe(true);
  }, 120_000);

  it('names the phases after which it can go on when asked for another', async () => {
    await expect(make('never', 3, 'flawed-both')).rejects.toMatchObject({
      code: 'USAGE',
      remedy: 'Name one of bind-long, joint, anneal, flawed, name, direct, settle.',
    });
  });
});
