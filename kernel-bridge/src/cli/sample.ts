import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { makeSample } from '../data/sample/sample.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { whole } from './arguments.ts';
import { note, printJson, Status, tell } from './output.ts';

/** Where the clone keeps the tiny model, seen from src/cli and from lib/cli alike. */
const TINY_MODEL = fileURLToPath(new URL('../../../examples/sample/model', import.meta.url));

export function register(program: Command): void {
  program
    .command('sample')
    .argument('[dir]', 'new or empty folder for the data set')
    .description("write the made sample data set in OmniMedVQA's layout, and the tiny model to train on it")
    .option('--seed <n>', 'same seed, same bytes', whole, 0)
    .option('--images <n>', 'images per data set (there are 16)', whole, 50)
    .option('--no-model', 'the data set alone')
    .option('--train-model <out>', 'make the tiny model anew: train it from random weights (some 50 minutes of CPU time)')
    .option('--after <phase>', 'with --train-model: go on after this phase, from the checkpoint OUT-<phase> of an earlier time')
    .option('--json', 'print one JSON document and nothing else')
    .action(async (dir: string | undefined, options: SampleArguments) => {
      if (options.trainModel) await trainModel(options.trainModel, options);
      else if (!dir)
        throw new WorkbenchError({ code: 'USAGE', exit: 2, message: 'medr1 sample needs a folder.', remedy: 'medr1 sample DIR' });
      if (dir) await writeSample(dir, options);
    });
}

interface SampleArguments {
  seed: number;
  images: number;
  model: boolean;
  trainModel?: string;
  after?: string;
  json?: boolean;
}

async function writeSample(dir: string, options: SampleArguments): Promise<void> {
  const status = new Status();
  const progress = (done: number, total: number): void => {
    if (!options.json) status.draw(`${done} of ${total} images`);
  };
  const summary = await makeSample(dir, { seed: options.seed, imagesPerDataset: options.images, progress });
  const model = options.model && existsSync(TINY_MODEL) ? join(summary.dir, 'model') : null;
  if (model) await cp(TINY_MODEL, model, { recursive: true });
  status.clear();
  if (options.json) printJson({ ...summary, model });
  else {
    tell(
      `${summary.dir}: ${summary.images} synthetic images, ${summary.questions} questions (${summary.train} train, ${summary.test} test)`,
    );
    if (model) tell(`${model}: the tiny Qwen2-VL to train on them`);
  }
}

/** Imported late: the data set alone must be made without libtorch. */
async function trainModel(out: string, options: SampleArguments): Promise<void> {
  const { makeTinyModel } = await import('../rl/warmstart/make.ts');
  await makeTinyModel(out, { seed: options.seed, after: options.after, log: (line) => note(line) });
}
