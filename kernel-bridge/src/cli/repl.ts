/** `medr1 repl`: a JavaScript prompt with a model and encoded questions loaded, to look into what happens. */
import { start } from 'node:repl';
import type { Command } from 'commander';
import { loadItems } from '../data/load.ts';

import { forward, generate, groupLogps, loadModel, loadProcessor, type ModelDtype, type Processor } from '../models/index.ts';
import { MODEL_DIRECTORY } from '../protocol/config.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { completeConfig } from '../runs/config.ts';
import { homeDir } from '../runs/home.ts';
import { QuestionEncoder } from '../rl/encoder.ts';
import * as engine from '../torch/index.ts';
import { count, dtypeOption } from './arguments.ts';
import { tell, tellStriped } from './output.ts';

interface Options {
  model: string;
  dataset: string;
  split?: string;
  count: number;
  dtype?: ModelDtype;
}

const HELP = `model, processor            the model and its processor
items, prompts              questions, and the same as the model gets them
torch, tensor, scope, ...   everything of src/torch
generate, forward, groupLogps
inspect(t)                  shape, dtype, range, mean and what is not finite
tokens(ids)                 token by token, in colour`;

export function register(program: Command): void {
  program
    .command('repl')
    .description('a JavaScript prompt with a model and a batch of questions loaded')
    .requiredOption('--model <dir>', MODEL_DIRECTORY)
    .requiredOption('--dataset <name>', 'an indexed data set or a folder')
    .option('--split <name>', 'one of its splits')
    .option('--count <n>', 'questions to load', count, 4)
    .addOption(dtypeOption())
    .action(run);
}

async function run(options: Options): Promise<void> {
  const processor = await loadProcessor(options.model);
  using model = await loadModel(options.model, options);
  const { items: all, root } = await loadItems(options.dataset, { home: homeDir(), split: options.split, usable: true });
  const items = all.slice(0, options.count);
  const config = completeConfig({ model_name_or_path: options.model, dataset_name: options.dataset });
  const encoder = new QuestionEncoder(processor, config, root);
  const prompts = (await encoder.encode(items)).map(({ prompt }) => prompt);

  tell(...HELP.split('\n'));
  const prompt = start({ prompt: 'medr1> ', useGlobal: false });
  const named = { model, processor, items, prompts, generate, forward, groupLogps, inspect, tokens: colouring(processor) };
  Object.assign(prompt.context, engine, named);
  await new Promise((resolve) => prompt.once('exit', resolve));
  encoder.dispose();
}

/** "float32[2, 3] min -1.2 mean 0.03 max 4 std 1.1, 2 of 6 not finite"; the statistics are of what is finite. */
export function inspect(t: engine.Tensor): string {
  const head = `${t.dtype}[${t.shape.join(', ')}]${t.device === 'cpu' ? '' : ` on ${t.device}`}`;
  const values = engine.scope(() => Float64Array.from(engine.noGrad(() => t.to({ dtype: 'float32' })).toFloat32()));
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return `${head}, ${values.length === 0 ? 'empty' : 'none finite'}`;
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const std = Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, finite.length - 1));
  const range = finite.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const [min, max, middle, spread] = [...range, mean, std].map((value) => Number(value.toPrecision(4)));
  const odd = values.length - finite.length;
  return `${head} min ${min} mean ${middle} max ${max} std ${spread}${odd === 0 ? '' : `, ${odd} of ${values.length} not finite`}`;
}

const colouring =
  (processor: Processor) =>
  (ids: readonly number[]): void =>
    tellStriped(tokenTexts(processor, ids));
