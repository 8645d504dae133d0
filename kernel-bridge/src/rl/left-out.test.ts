import { createHash } from 'node:crypto';
import { copyFile, readFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrainConfig, VqaItem } from '../protocol/index.ts';
import type { LeftOutQuestion } from './left-out.ts';
import { createTrainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

/** Steps of a run of one epoch, checkpoints on the way, and what it tells. */
interface Options {
  resumeFrom?: string;
  save?: [step: number, dir: string];
  config?: Partial<TrainConfig>;
  images?: ReadonlyMap<string, string>;
  leftOut?: readonly LeftOutQuestion[];
  after?: (step: number) => Promise<void>;
}
async function run(tiny: Tiny, items: VqaItem[], count: number, options: Options = {}) {
  const told: string[] = [];
  const leftOut: LeftOutQuestion[] = [];
  const trainer = await createTrainer({
    config: tiny.config({ max_steps: 6, eval_steps: 1, dataset_test_split: 'test', ...options.config }),
    items,
    evalItems: items,
    root: tiny.directory,
    resumeFrom: options.resumeFrom,
    images: options.images,
    leftOut: options.leftOut,
    onLeftOut: ({ questions, alert }) => {
      told.push(`${alert.code} ${alert.message}`);
      leftOut.push(...questions);
    },
  });
  const asked: string[][] = [];
  try {
    while (trainer.step < count) {
      const { groups, step } = await trainer.trainStep();
      asked.push(groups.map(({ item_id }) => item_id));
      await options.after?.(step);
      if (options.save?.[0] === step) await trainer.saveCheckpoint(options.save[1]);
    }
    const evaluation = await trainer.evaluate();
    return { asked, told, leftOut, evaluated: evaluation?.['eval_items'] };
  } finally {
    trainer.dispose();
  }
}

describe('a question that cannot be asked', () => {
  it.each([
    ['whose image vanished', async (path: string) => rm(path)],
    ['whose image is damaged', async (path: string) => writeFile(path, 'no image')],
    ['whose image is a directory now', async (path: string) => rm(path).then(() => mkdir(path))],
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
      expect.stringContaining(`TRAIN_QUESTION_LEFT_OUT 1 question is left out from here on, 1 so far: ${lost.id} (lost.png`),
    ]);
    expect(spoilt.evaluated).toBe((whole.evaluated ?? 0) - 1);

    const resumed = await run(tiny, items, 6, { resumeFrom: checkpoint });
    expect(resumed.asked).toEqual(spoilt.asked.slice(3));
    expect(resumed.told).toEqual([]);
  });

  it('stays out from its step on when the run is resumed after the image came back', async () => {
    await using tiny = await makeTiny();
    const file = join(tiny.directory, tiny.items[0].image);
    const bytes = await readFile(file);
    const [first, others] = [tiny.items[0].id, tiny.items.length];
    const checkpoint = join(tiny.directory, 'checkpoint');
    // a prompt that was read ahead is used, so the picture goes at the very start of a run whose checkpoint comes before it is asked for
    const vanish = async (step: number): Promise<void> => void (step === 1 && (await rm(file, { force: true })));
    const whole = await run(tiny, tiny.items, 6, { after: vanish, save: [1, checkpoint] });
    expect(whole.leftOut).toHaveLength(1);
    expect(whole.leftOut[0]).toMatchObject({ id: first });
    await writeFile(file, bytes);
    const again = await run(tiny, tiny.items, 6, { resumeFrom: checkpoint, leftOut: whole.leftOut });
    expect(again.asked).toEqual(whole.asked.slice(1));
    expect(again.told).toEqual(whole.told);
    expect(again.evaluated).toBe(others - 1);
  });

  it('is one whose image is no longer the one that was indexed', async () => {
    await using tiny = await makeTiny();
    const images = new Map<string, string>();
    for (const { image } of tiny.items) {
      const bytes = await readFile(join(tiny.directory, image));
      images.set(image, createHash('sha256').update(bytes).digest('hex'));
    }
    expect((await run(tiny, tiny.items, 6, { images })).told).toEqual([]);
    const changed = tiny.items[0];
    await copyFile(join(tiny.directory, tiny.items[1].image), join(tiny.directory, changed.image));
    const { told, asked } = await run(tiny, tiny.items, 6, { images });
    expect(asked.flat()).not.toContain(changed.id);
    expect(told).toEqual([expect.stringContaining(`${changed.image} is no longer the image that was indexed`)]);
  });

  it('is one whose prompt and completion have more tokens than the model has positions for, told of before the first step is over', async () => {
    await using tiny = await makeTiny();
    const config = { max_completion_length: 8 };
    const long = tiny.items.map((item, i) => (i < 2 ? { ...item, question: `${item.question} ${'really '.repeat(40_000)}` } : item));
    const { told, asked, evaluated } = await run(tiny, long, 1, { config });
    expect(told).toEqual([
      expect.stringMatching(/^TRAIN_QUESTION_LEFT_OUT 2 questions are left out .* tokens and a completion of up to 8 /),
    ]);
    expect(asked.flat()).not.toContain(long[0].id);
    expect(evaluated).toBe(long.length - 2);
  });

  it('is not taught by SFT either', async () => {
    await using tiny = await makeTiny();
    await rm(join(tiny.directory, tiny.items[0].image));
    const { told, evaluated } = await run(tiny, tiny.items, 6, { config: { trainer: 'sft' } });
    expect(told).toHaveLength(1);
    expect(evaluated).toBe(tiny.items.length - 1);
  });

  it('among the rollouts of a checkpoint has other questions asked in their place', async () => {
    await using tiny = await makeTiny();
    const checkpoint = join(tiny.directory, 'checkpoint');
    const config = { num_iterations: 2 };
    const before = await run(tiny, tiny.items, 1, { config, save: [1, checkpoint] });
    const image = tiny.items.find(({ id }) => id === before.asked[0][0])!.image;
    await rm(join(tiny.directory, image));
    const { asked, told } = await run(tiny, tiny.items, 2, { config, resumeFrom: checkpoint });
    expect(told).toHaveLength(1);
    expect(asked[0].length).toBe(before.asked[0].length);
    expect(asked[0]).not.toContain(before.asked[0][0]);
  });

  it('is none where the whole data folder is gone: the run can go on once it is back', async () => {
    await using tiny = await makeTiny();
    await rm(join(tiny.directory, tiny.items[0].image));
    const init = { config: tiny.config({ max_steps: 6 }), items: tiny.items, evalItems: [], root: join(tiny.directory, 'unmounted') };
    const trainer = await createTrainer(init);
    await expect(trainer.trainStep()).rejects.toMatchObject({ code: 'DATA_GONE' });
    trainer.dispose();
  });

  it('ends the run only where no other is left', async () => {
    await using tiny = await makeTiny();
    const items = tiny.items.map((item) => ({ ...item, image: 'none.png' }));
    await expect(run(tiny, items, 1)).rejects.toMatchObject({ code: 'TRAIN_NO_ITEMS' });
  });
});
