/** `medr1 score`: token ids and log-probabilities of given completions. */
import type { Command } from 'commander';
import { groupLogps, loadModel, loadProcessor, type ModelDtype, type Processor, type Model } from '../models/index.ts';
import { noGrad, scope, span } from '../torch/index.ts';
import { MODEL_DIRECTORY } from '../protocol/config.ts';
import { dtypeOption } from './arguments.ts';
import { encodeRow, readBatch, type BatchRow } from './batch.ts';
import { printJson, tell } from './output.ts';
import { traced, traceOption } from './trace.ts';

interface Options {
  model: string;
  batch: string;
  dtype?: ModelDtype;
  device?: string;
  trace?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('score')
    .description('token ids and log-probabilities (temperature 1) of given completions')
    .requiredOption('--model <dir>', MODEL_DIRECTORY)
    .requiredOption('--batch <file>', 'JSON lines: {"image", "prompt", "completions"}, one group a line')
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .addOption(traceOption())
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const rows = readBatch(options.batch);
  const processor = await loadProcessor(options.model);
  using model = await loadModel(options.model, options);
  const groups = await traced(options.trace, () => scoresOf(model, processor, rows));
  if (options.json) printJson(groups);
  else tell(...groups.flatMap((group, i) => group.completions.map((completion, j) => line(i, j, completion.logprobs))));
}

async function scoresOf(model: Model, processor: Processor, rows: BatchRow[]) {
  const groups = [];
  for (const row of rows) {
    const { prompt, completions } = await span('encode', () => encodeRow(processor, row));
    const logps = scope(() => noGrad(() => groupLogps(model, [prompt], [completions], { entropy: false }).logps.tolist())) as number[][];
    groups.push({ completions: completions.map((token_ids, i) => ({ token_ids, logprobs: logps[i].slice(0, token_ids.length) })) });
    for (const { pixelValues } of prompt.images) pixelValues.dispose();
  }
  return groups;
}

function line(group: number, completion: number, logprobs: number[]): string {
  const sum = logprobs.reduce((a, b) => a + b, 0);
  return `group ${group} completion ${completion}: ${logprobs.length} tokens, log-probability ${sum.toFixed(4)}`;
}
