/** The SFT step against transformers' label loss on the same prompts and targets. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadProcessor } from '../../kernel-bridge/src/models/index.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { targetIds } from '../../kernel-bridge/src/rl/sft-trainer.ts';
import { makeTiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';

const here = dirname(fileURLToPath(import.meta.url));

it("an SFT step has the loss and gradient norm of transformers' labels", async () => {
  await using tiny = await makeTiny({ items: 3 });
  const processor = await loadProcessor(tiny.model);
  const config = tiny.config({ trainer: 'sft', per_device_train_batch_size: 3, reward_funcs: ['accuracy'] });
  const trainer = await createTrainer({ config, items: tiny.items, evalItems: [], root: tiny.directory });
  const { metrics } = await trainer.trainStep();
  trainer.dispose();

  const examples = tiny.items.map((item) => ({
    image: join(tiny.directory, item.image),
    text: 'it is A)A, B)B, C)C, D)D',
    target: targetIds(processor, item.answer!),
  }));
  const [file, out] = [join(tiny.directory, 'sft.json'), join(tiny.directory, 'expected.json')];
  writeFileSync(file, JSON.stringify({ model: tiny.model, examples }));
  execFileSync(join(here, '../../.venv/bin/python'), [join(here, 'python/sft_expected.py'), file, out], {
    env: { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const expected = JSON.parse(readFileSync(out, 'utf8'));
  expect(metrics.loss).toBeCloseTo(expected.loss, 5);
  expect(metrics.grad_norm! / expected.grad_norm).toBeCloseTo(1, 4);
});
