/** `medr1 eval`: greedy accuracy of a model on a split, with intervals and controls. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { join } from 'node:path';
import { homeDir } from '../data/home.ts';
import { loadItems } from '../data/load.ts';
import { CONTROLS, evaluate, type Control, type Evaluation } from '../evals/evaluation.ts';
import type { Report } from '../evals/accuracy.ts';
import type { Share } from '../evals/wilson.ts';
import { VARIANTS, WorkbenchError, type Variant, type VqaItem } from '../protocol/index.ts';
import { loadModel, loadProcessor, type ModelDtype } from '../qwen2vl/index.ts';
import { mixSeed, permutation } from '../rl/random.ts';
import { dtypeOption } from './generate.ts';
import { printJson, table } from './output.ts';

interface Options {
  model: string;
  split: string;
  dataset?: string;
  trainSplit?: string;
  controls: Control[];
  variant: Variant;
  template?: string;
  maxNewTokens: number;
  batchSize: number;
  limit?: number;
  seed: number;
  dtype?: ModelDtype;
  device: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('eval')
    .description('greedy accuracy on a split, read strictly as published and tolerantly, with 95 % Wilson intervals')
    .requiredOption('--model <dir>', 'Hugging Face directory of a Qwen2-VL or Qwen2.5-VL')
    .requiredOption('--split <name>', "a split of the data set, for example modality/test/Dermoscopy; or a split's file")
    .option('--dataset <name>', 'data set or directory that has the split (default: the made sample)')
    .option('--train-split <name>', 'split that option-prior learns from (default: the split with "test" replaced by "train")')
    .option('--controls <names>', `comma-separated: ${Object.keys(CONTROLS).join(', ')}`, controls, [])
    .addOption(new Option('--variant <name>', 'which evaluation prompt').choices(VARIANTS).default('think'))
    .option('--template <text>', "text of the user's turn with {question}, in place of the variant's")
    .option('--max-new-tokens <n>', 'longest answer', count, 256)
    .option('--batch-size <n>', 'questions answered together', count, 16)
    .option('--limit <n>', 'only n questions, chosen by --seed', count)
    .option('--seed <s>', 'of --limit and shuffled-image', Number, 42)
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { items: all, root, hash } = await load(options.dataset, options.split);
  const items = limited(all, options);
  const train = options.controls.includes('option-prior') ? (await load(options.dataset, trainSplit(options))).items : [];
  const processor = await loadProcessor(options.model);
  using model = await loadModel(options.model, options);
  const evaluation = await evaluate({
    model,
    processor,
    items,
    train,
    root,
    controls: options.controls,
    options: {
      variant: options.variant,
      template: options.template ?? null,
      maxNewTokens: options.maxNewTokens,
      batch: options.batchSize,
      seed: options.seed,
      minPixels: 3136,
      maxPixels: 401408,
      progress: options.json || !process.stderr.isTTY ? undefined : (done, total) => process.stderr.write(`\r${done} of ${total} `),
    },
  });
  if (options.json)
    printJson({
      model: options.model,
      split: options.split,
      split_hash: hash,
      variant: options.variant,
      items: items.length,
      ...evaluation,
    });
  else console.log(text(evaluation));
}

/** Usable items of a split; without a data set the split may be a file or a directory of its own, else it is one of the sample's. */
async function load(dataset: string | undefined, split: string): Promise<{ items: VqaItem[]; root: string; hash: string }> {
  if (dataset !== undefined) return loadItems(dataset, { split, usable: true });
  try {
    return await loadItems(split, { usable: true });
  } catch (error) {
    if (!(error instanceof WorkbenchError) || error.code !== 'DATA_NOT_FOUND') throw error;
    return loadItems(join(homeDir(), 'sample'), { split, usable: true });
  }
}

function trainSplit({ trainSplit: given, split }: Options): string {
  if (given !== undefined) return given;
  if (/test/.test(split)) return split.replaceAll('test', 'train');
  throw new WorkbenchError({
    code: 'EVAL_TRAIN_SPLIT',
    message: `option-prior learns from training questions, and split ${split} does not say which`,
    remedy: 'Name them with --train-split.',
    exit: 2,
  });
}

function limited(items: VqaItem[], { limit, seed }: Options): VqaItem[] {
  if (limit === undefined || limit >= items.length) return items;
  return permutation(items.length, mixSeed(seed))
    .slice(0, limit)
    .map((index) => items[index]);
}

function text(evaluation: Evaluation): string {
  const percent = ({ rate, low, high }: Share): string =>
    rate === null ? '-' : `${(100 * rate).toFixed(1)} (${(100 * low!).toFixed(1)} to ${(100 * high!).toFixed(1)})`;
  const line = (name: string, { strict, tolerant }: Pick<Report, 'strict' | 'tolerant'>): (string | number)[] => [
    name,
    strict.total,
    percent(strict),
    percent(tolerant),
  ];
  const { 'option-prior': prior, ...seen } = evaluation.controls;
  return table([
    ['', 'items', 'strict, %', 'tolerant, %'],
    line('all', evaluation),
    ...[evaluation.by_modality, evaluation.by_question_type, evaluation.by_dataset].flatMap((part) =>
      Object.entries(part).map(([name, row]) => line(name, row)),
    ),
    ...Object.entries(seen).map(([name, row]) => line(`control: ${name}`, row)),
    ...(prior === undefined ? [] : [['control: option-prior', prior.total, percent(prior), percent(prior)]]),
  ]);
}

function controls(value: string): Control[] {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(name in CONTROLS));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${Object.keys(CONTROLS).join(', ')}.`);
  return names as Control[];
}

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}
