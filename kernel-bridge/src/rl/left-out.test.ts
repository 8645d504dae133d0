import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VqaItem } from '../protocol/index.ts';
import { createTrainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

/** Steps of a run of one epoch, checkpoints on the way, and what it tells. */
async function run(tiny: Tiny, items: VqaItem[], count: number, options: { resumeFrom?: string; save?: [step: number, dir: string] } = {}) {
  const told: string[] = [];
  const trainer = await createTrainer({
    config: tiny.config({ max_steps: 6, eval_steps: 1 }),
    items,
    evalItems: items,
    root: tiny.directory,
    resumeFrom: options.resumeFrom,
    tell: (error) => told.push(`${error.code} ${error.message}`),
  });
  const asked: string[][] = [];
  try {
    while (trainer.step < count) {
      const { groups, step } = await trainer.trainStep();
      asked.push(groups.map(({ item_id }) => item_id));
      if (options.save?.[0] === step) await trainer.saveCheckpoint(options.save[1]);
    }
    const evaluation = await trainer.evaluate();
    return { asked, told, evaluated: evaluation?.['eval_items'] };
  } finally {
    trainer.dispose();
  }
}

describe('a question that cannot be asked', () => {
  it.each([
    ['whose image vanished', async (path: string) => rm(path)],
    ['whose image is damaged', async (path: string) => writeFile(path, 'no image')],
  ])('%s is left out, told of once, and another stands in its place; a resumed run asks the same', async (_, spoil) => {
    await using tiny = await makeTiny();
    const lost = tiny.items[0];
    const items = tiny.items.map((item, i) => (i === 0 ? { ...item, image: 'lost.png' } : item));
    await copyFile(join(tiny.directory, lost.image), join(tiny.directory, 'lost.png'));
    const whole = await run(tiny, items, 6);
    expect(whole.told).toEqual([]);
    expect(whole.asked.flat()).toContain(lost.id);

    await spoil(join(tiny.directory, 'lost.png'));
    const checkpoint = join(tiny.directory, 'checkpoint');
    const spoilt = await run(tiny, items, 6, { save: [3, checkpoint] });
    expect(spoilt.asked.flat()).not.toContain(lost.id);
    expect(spoilt.asked.map((groups) => groups.length)).toEqual(whole.asked.map((groups) => groups.length));
    expect(spoilt.told).toEqual([
      expect.stringContaining(`TRAIN_QUESTION_LEFT_OUT question ${lost.id} is left out from here on (1 so far)`),
    ]);
    expect(spoilt.evaluated).toBe((whole.evaluated ?? 0) - 1);

    const resumed = await run(tiny, items, 6, { resumeFrom: checkpoint });
    expect(resumed.asked).toEqual(spoilt.asked.slice(3));
    expect(resumed.told.length).toBeLessThanOrEqual(1);
  });

  it('ends the run only where no other is left', async () => {
    await using tiny = await makeTiny();
    const items = tiny.items.map((item) => ({ ...item, image: 'none.png' }));
    await expect(run(tiny, items, 1)).rejects.toMatchObject({ code: 'TRAIN_NO_ITEMS' });
  });
});
