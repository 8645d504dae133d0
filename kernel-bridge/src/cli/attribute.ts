/** `medr1 attribute`: where a model looked for one token of its answer. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { applyVariant, LETTERS } from '../answers/index.ts';
import { pixelsOfFile } from '../data/image/picture.ts';
import { attribution, generate, loadModel, loadProcessor, type ModelDtype, type Processor } from '../models/index.ts';
import { MODEL_DIRECTORY, VARIANTS, WorkbenchError, type Variant } from '../protocol/index.ts';
import { dtypeOption, count, whole } from './arguments.ts';
import { pass, printJson, table, tell } from './output.ts';

const ANSWER = '<answer>';
type Method = 'gradient' | 'integrated' | 'occlusion';

interface Options {
  model: string;
  image: string;
  question: string;
  variant: Variant;
  completion?: string;
  token?: number;
  against: string[];
  method: Method;
  steps: number;
  blocks: [rows: number, columns: number];
  check: boolean;
  maxNewTokens: number;
  dtype?: ModelDtype;
  device?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('attribute')
    .description('which parts of the image, and which words, a token of an answer follows from')
    .requiredOption('--model <dir>', MODEL_DIRECTORY)
    .requiredOption('--image <file>', 'the image')
    .requiredOption('--question <text>', 'question with its options, put into the prompt of --variant')
    .addOption(new Option('--variant <name>', 'which prompt the question goes into').choices(VARIANTS).default('think'))
    .option('--completion <text>', "an answer to explain, in place of the model's own greedy one")
    .option('--token <n>', "number of the token in the answer (default: the answer's letter)", whole)
    .option(
      '--against <letters>',
      'comma-separated letters that the token is set against: a contrast in place of its log-probability',
      letters,
      [],
    )
    .addOption(
      new Option(
        '--method <name>',
        'gradient: gradient x input. integrated: integrated gradients from a grey image. occlusion: blocks painted grey',
      )
        .choices(['gradient', 'integrated', 'occlusion'])
        .default('integrated'),
    )
    .option('--steps <n>', 'points of the path of integrated gradients', count, 50)
    .option('--blocks <rows>x<columns>', 'blocks of occlusion', blocks, [7, 7])
    .option('--no-check', 'leave out deletion and insertion against ten random orders')
    .option('--max-new-tokens <n>', 'longest answer', count, 256)
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const processor = await loadProcessor(options.model);
  using model = await loadModel(options.model, options);
  model.setTrainable(() => false);
  const prompt = await processor.prompt({
    images: [await pixelsOfFile(options.image)],
    text: applyVariant(options.question, options.variant),
  });
  const ids =
    options.completion === undefined
      ? (await generate(model, [prompt], { greedy: true, maxNewTokens: options.maxNewTokens, eosTokenIds: processor.eosTokenIds }))[0][0]
          .tokenIds
      : processor.encode(options.completion);
  const index = options.token ?? letterAt(processor, ids);
  if (index >= ids.length) throw absent(`the answer has ${ids.length} tokens, and --token is ${index}`);
  const token = ids[index];
  const question: attribution.Question = {
    prompt,
    imageConfig: processor.imageConfig,
    before: ids.slice(0, index),
    token,
    against: options.against.map((letter) => sameForm(processor, token, letter)),
  };

  const found = explain(model, question, options);
  const check = options.check ? await attribution.faithfulness(model, question, found.cells) : null;
  const text = processor.decode([token]);
  if (options.json) {
    printJson({
      text: processor.decode(ids),
      token_ids: ids,
      token: { index, id: token, text },
      against: options.against,
      method: options.method,
      ...found.document,
      faithfulness: check,
    });
    return;
  }
  pass(`${processor.decode(ids)}\n`);
  tell(
    `token ${index} ${JSON.stringify(text)}: log-probability ${found.document.score.toFixed(4)}${options.against.length ? ' (contrast)' : ''}`,
    ...table(found.cells.map((row) => row.map((value) => value.toFixed(3).padStart(8)))),
    ...(check ? verdict(check) : []),
  );
}

/** What a method gives: a value for each token of the image, and what stands in the document. */
function explain(
  model: Parameters<typeof attribution.scoreOf>[0],
  question: attribution.Question,
  { method, steps, blocks: [rows, columns] }: Options,
): { cells: number[][]; document: { score: number } & Record<string, unknown> } {
  if (method === 'occlusion') {
    const [height, width] = attribution.cellsOf(model, question.prompt, 0);
    const [r, c] = [Math.min(rows, height), Math.min(columns, width)];
    const { score, blocks: drops } = attribution.occlusion(model, question, { rows: r, columns: c });
    return { cells: attribution.overTokens(drops, [height, width]), document: { score, blocks: drops } };
  }
  const { images, tokens, score, baselineScore, gap } =
    method === 'gradient' ? attribution.gradientTimesInput(model, question) : attribution.integratedGradients(model, question, steps);
  return { cells: images[0], document: { score, baseline_score: baselineScore, gap, tokens, image: images[0] } };
}

/** Number of the token that is the answer's letter: the first after the last answer tag that is a letter alone; without a tag the last of all. */
function letterAt(processor: Processor, ids: readonly number[]): number {
  const text = processor.decode([...ids]);
  const tag = text.lastIndexOf(ANSWER);
  const start = tag < 0 ? -1 : tag + ANSWER.length;
  const places = ids.flatMap((id, i) => (LETTERS.includes(processor.decode([id]).trim()) ? [i] : []));
  const inTag = places.find((i) => start >= 0 && processor.decode(ids.slice(0, i + 1)).length > start);
  const index = inTag ?? places.at(-1);
  if (index === undefined) throw absent(`no token of the answer ${JSON.stringify(text)} is a letter`);
  return index;
}

/** The token of another letter, written as this one is (with or without the space before it). */
function sameForm(processor: Processor, token: number, letter: string): number {
  const text = processor.decode([token]);
  const own = text.trim();
  if (!LETTERS.includes(own)) throw absent(`--against sets letters against a letter, and the token is ${JSON.stringify(text)}`);
  const ids = processor.encode(text.replace(own, letter));
  if (ids.length !== 1) throw absent(`the tokenizer has no single token for ${JSON.stringify(text.replace(own, letter))}`);
  return ids[0];
}

/** What the areas say of the map, in words. */
export function verdict({ seen, grey, deletion, insertion, random, beaten, verdict: found }: attribution.Faithfulness): string[] {
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [d, i] = [mean(random.map((one) => one.deletion)), mean(random.map((one) => one.insertion))];
  const said = {
    'no-image': 'the image hardly changes this token; it follows from what was written before.',
    better: `better than ${beaten} of ${random.length} random orders.`,
    chance: 'no better than chance; the map says little.',
  };
  return [
    `probability ${seen.toFixed(3)} with the image, ${grey.toFixed(3)} with a grey one`,
    `deletion ${deletion.toFixed(3)} (random ${d.toFixed(3)}, lower is better), insertion ${insertion.toFixed(3)} (random ${i.toFixed(3)}, higher is better): ${said[found]}`,
  ];
}

function absent(message: string): WorkbenchError {
  return new WorkbenchError({
    code: 'ATTRIBUTION_TOKEN',
    exit: 2,
    message,
    remedy: 'Give --token N, the number of a token of the answer (the first is 0); medr1 generate --json lists them.',
  });
}

export function letters(text: string): string[] {
  const all = text.split(',').map((one) => one.trim().toUpperCase());
  if (all.some((one) => !LETTERS.includes(one))) throw new InvalidArgumentError('Give letters, for example A,C.');
  return all;
}

export function blocks(text: string): [number, number] {
  const found = /^(\d+)x(\d+)$/.exec(text);
  if (!found || Number(found[1]) < 1 || Number(found[2]) < 1) throw new InvalidArgumentError('Give rows and columns, for example 7x7.');
  return [Number(found[1]), Number(found[2])];
}
