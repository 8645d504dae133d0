/** `medr1 generate`: answers of a model to one prompt. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { pixelsOfFile } from '../data/image/picture.ts';
import { MODEL_DIRECTORY, VARIANTS, WorkbenchError, type Variant } from '../protocol/index.ts';
import { loadModel, loadProcessor, type ModelDtype } from '../models/index.ts';
import { applyVariant } from '../answers/index.ts';
import { ask } from '../rl/ask.ts';
import { span } from '../torch/index.ts';
import { count, dtypeOption, whole } from './arguments.ts';
import { pass, printJson } from './output.ts';
import { traced, traceOption } from './trace.ts';

interface Options {
  model: string;
  image: string[];
  question?: string;
  prompt?: string;
  variant: Variant;
  greedy?: boolean;
  temperature: number;
  maxNewTokens: number;
  n: number;
  seed?: number;
  dtype?: ModelDtype;
  device?: string;
  trace?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('generate')
    .description("a model's answers to a question or a prompt")
    .requiredOption('--model <dir>', MODEL_DIRECTORY)
    .option('--image <file>', 'image that comes before the text, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--question <text>', 'question with its options, put into the prompt of --variant')
    .addOption(new Option('--variant <name>', 'which prompt the question goes into').choices(VARIANTS).default('think'))
    .option('--prompt <text>', "text of the user's turn as it stands")
    .option('--greedy', 'the most probable token at every step')
    .option('--temperature <t>', 'logits are divided by it', positive, 1)
    .option('--max-new-tokens <n>', 'longest answer', count, 256)
    .option('--n <n>', 'answers', count, 1)
    .option('--seed <s>', 'same seed, same answers', whole)
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .addOption(traceOption())
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const text = textOf(options);
  const processor = await loadProcessor(options.model);
  using model = await loadModel(options.model, options);
  const { n, greedy, temperature, maxNewTokens, seed } = options;
  const how = { n, greedy, temperature, maxNewTokens, seed, specialTokens: true };
  const [replies] = await traced(options.trace, async () => {
    const prompt = await span('encode', async () => processor.prompt({ images: await Promise.all(options.image.map(pixelsOfFile)), text }));
    return span('sampling', () => ask(model, processor, [prompt], how));
  });
  const answers = replies.map(({ text: said, tokenIds, logprobs, finishReason }) => ({
    text: said,
    token_ids: tokenIds,
    logprobs,
    finish_reason: finishReason,
  }));
  if (options.json) printJson({ completions: answers });
  else for (const answer of answers) pass(`${answer.text}\n`);
}

function textOf({ question, prompt, variant }: Options): string {
  if ((question === undefined) === (prompt === undefined)) {
    throw new WorkbenchError({
      code: 'USAGE',
      exit: 2,
      message: `medr1 generate needs either --question or --prompt${question === undefined ? '' : ', not both'}.`,
      remedy: 'medr1 generate --model DIR --image F --question "What is shown? A)cyst, B)tumor" --variant think',
    });
  }
  return prompt ?? applyVariant(question!, variant);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
