/** `medr1 eval`: greedy accuracy of a model on a split, with intervals and controls; every answer is stored, so that a killed one goes on where it was. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadItems } from '../data/load.ts';
import { prepareEvaluation } from '../evals/evals.ts';
import type { EvalStore } from '../evals/store.ts';
import {
  MOST_SAMPLES,
  CONTROLS,
  MODEL_DIRECTORY,
  VARIANTS,
  WorkbenchError,
  type Accuracy,
  type Control,
  type EvalState,
  type EvalDetail,
  type Evaluation,
  type EvalSummary,
  type Share,
  type Variant,
} from '../protocol/index.ts';
import { homeDir, prepareHome } from '../runs/home.ts';
import { openAnswerer } from '../worker/answerer.ts';
import { runEvaluation } from '../worker/evaluation.ts';
import { count, dtypeOption, usage, whole } from './arguments.ts';
import { note, printJson, Status, table, tell } from './output.ts';
import { requireFile, traced, traceOption } from './trace.ts';

interface Options {
  model: string;
  split: string;
  dataset?: string;
  trainSplit?: string;
  controls: Control[];
  variant?: Variant;
  template?: string;
  maxNewTokens: number;
  samples?: number;
  temperature: number;
  batchSize: number;
  limit?: number;
  seed: number;
  dtype?: string;
  device: string;
  resume: boolean;
  trace?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('eval')
    .description('greedy accuracy on a split, read strictly as published and tolerantly, with 95 % Wilson intervals')
    .requiredOption('--model <dir>', MODEL_DIRECTORY)
    .requiredOption('--split <name>', "a split of the data set, for example modality/test/Dermoscopy; or a split's file")
    .option('--dataset <name>', 'data set or directory that has the split (default: the made sample)')
    .option('--train-split <name>', 'split (or file) that option-prior learns from (default: the split with "test" replaced by "train")')
    .option('--controls <names>', `comma-separated: ${Object.keys(CONTROLS).join(', ')}`, controls, [])
    .addOption(
      new Option('--variant <name>', 'which evaluation prompt (default: that of the run that the checkpoint is of, else think)').choices(
        VARIANTS,
      ),
    )
    .option('--template <text>', "text of the user's turn with {question}, in place of the variant's")
    .option('--max-new-tokens <n>', 'longest answer', count, 256)
    .option('--batch-size <n>', 'questions answered together', count, 16)
    .option(
      '--samples <n>',
      `answers drawn to each question beside the greedy one, for the accuracy of majorities; ${MOST_SAMPLES} at most`,
      count,
    )
    .option('--temperature <t>', 'at which samples are drawn', Number, 1)
    .option('--limit <n>', 'only n questions, chosen by --seed', count)
    .option('--seed <s>', 'of --limit, shuffled-image and options-permuted', whole, 42)
    .addOption(dtypeOption())
    .option('--device <device>', 'cpu, cuda:0, ...', 'cpu')
    .option('--resume', 'go on with (or just show) the stored evaluation of the same weights, questions and settings: the default', true)
    .option('--no-resume', 'evaluate anew')
    .addOption(traceOption('all answers (choose few with --limit)'))
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(options: Options): Promise<void> {
  if (options.trace) requireFile(options.trace);
  const { samples = 0, temperature } = options;
  if (samples > MOST_SAMPLES) throw usage(`--samples is at most ${MOST_SAMPLES}`, 'A majority of more costs more than it tells.');
  if (!(temperature > 0 && temperature <= 10))
    throw usage('--temperature is a number above 0, 10 at most', 'For example --temperature 0.7.');
  const home = prepareHome(homeDir());
  const { split, dataset } = await whereIs(options.dataset, options.split);
  const { trainSplit } = options;
  const { store, found } = await prepareEvaluation(
    home,
    {
      model: options.model,
      dataset,
      split,
      controls: options.controls,
      variant: options.variant,
      prompt_template: options.template ?? null,
      max_new_tokens: options.maxNewTokens,
      batch_size: options.batchSize,
      samples,
      temperature,
      limit: options.limit ?? null,
      seed: options.seed,
      dtype: options.dtype ?? null,
      device: options.device,
      anew: !options.resume,
      ...(trainSplit !== undefined && { train_split: absolute(trainSplit) }),
    },
    { loadItems },
  );
  using evaluation = store;
  if (found !== null && !options.json) note(`evaluation ${store.row().id}: ${found} answers were there already`);
  const state = await traced(options.trace, () => answer(evaluation, home, options));
  const { summary, report, unasked } = evaluation.detail();
  if (summary.error) throw new WorkbenchError({ ...summary.error, exit: 1 });
  if (options.json) printJson(document(options, summary, report, unasked));
  else tell(...lines(report, summary));
  if (summary.left_out > 0 && !options.json) note(...leftOut(summary, unasked));
  if (state !== 'finished') throw unfinished(summary);
}

/** Answers what is open. Ctrl-C ends it after the batch at hand; a second one at once. */
async function answer(store: EvalStore, home: string, { json }: Options): Promise<EvalState> {
  const abort = new AbortController();
  const interrupted = (): void => (abort.signal.aborted ? process.exit(1) : abort.abort('stop'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  const status = new Status();
  try {
    return await runEvaluation({
      directory: store.directory,
      home,
      loadItems,
      openAnswerer,
      signal: abort.signal,
      log: (line) => void (process.env.MEDR1_DEBUG && note(line)),
      committed: () => {
        if (json || !status.draws) return;
        const { done, total } = store.summary();
        if (done < total) status.draw(`${done} of ${total}`);
        else status.keep(`${done} of ${total}`);
      },
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}

const absolute = (path: string): string => (existsSync(path) ? resolve(path) : path);

/** Without a data set the split may be a file or a directory of its own, else it is one of the sample's. Paths are told to a server, too. */
async function whereIs(dataset: string | undefined, split: string): Promise<{ dataset: string; split: string }> {
  if (dataset !== undefined) return { dataset: absolute(dataset), split };
  try {
    await loadItems(split, { usable: true });
    return { dataset: absolute(split), split: absolute(split) };
  } catch (error) {
    if (!(error instanceof WorkbenchError) || error.code !== 'DATA_NOT_FOUND') throw error;
    return { dataset: join(homeDir(), 'sample'), split };
  }
}

const document = (options: Options, summary: EvalSummary, report: Evaluation, unasked: EvalDetail['unasked']): Record<string, unknown> => ({
  id: summary.id,
  state: summary.state,
  model: options.model,
  split: options.split,
  split_hash: summary.split_hash,
  variant: summary.settings.variant,
  items: summary.items,
  left_out: summary.left_out,
  unasked,
  ...report,
});

export function leftOut({ left_out, settings }: EvalSummary, unasked: EvalDetail['unasked']): string[] {
  return [
    `${left_out} questions of the split were left out, for something is wrong with them: \`medr1 data audit ${settings.dataset}\` says what`,
    ...unasked.slice(0, 5).map(({ id, sight, why }) => `  ${id}${sight === 'image' ? '' : `, ${sight}`}: ${why}`),
    ...(unasked.length > 5 ? [`  and ${unasked.length - 5} more`] : []),
  ];
}

function unfinished({ id, done, total }: EvalSummary): WorkbenchError {
  return new WorkbenchError({
    code: 'EVAL_STOPPED',
    message: `evaluation ${id} was stopped after ${done} of ${total} answers`,
    remedy: 'The same command goes on from there.',
  });
}

function lines(evaluation: Evaluation, { reading }: EvalSummary): string[] {
  const percent = ({ rate, low, high }: Share): string =>
    rate === null ? '-' : `${(100 * rate).toFixed(1)} (${(100 * low!).toFixed(1)} to ${(100 * high!).toFixed(1)})`;
  const line = (name: string, { strict, tolerant }: Accuracy): (string | number)[] => [
    name,
    strict.total,
    percent(strict),
    percent(tolerant),
  ];
  const { 'option-prior': prior, ...seen } = evaluation.controls;
  const follows = seen['options-permuted']?.follows;
  return table([
    ['', 'items', `${reading}, %`, 'tolerant, %'],
    line('all', evaluation),
    ...[evaluation.by_modality, evaluation.by_question_type, evaluation.by_dataset].flatMap((part) =>
      Object.entries(part).map(([name, row]) => line(name, row)),
    ),
    ...Object.entries(seen).map(([name, row]) => line(`control: ${name}`, row)),
    ...(follows
      ? (['text', 'letter'] as const).map((what) =>
          line(`  the answer follows the ${what}`, { strict: follows.strict[what], tolerant: follows.tolerant[what] }),
        )
      : []),
    ...(prior === undefined ? [] : [['control: option-prior', prior.total, percent(prior), percent(prior)]]),
    ['answers that the readings take differently', evaluation.differing.length, '', ''],
  ]);
}

function controls(value: string): Control[] {
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(CONTROLS, name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${Object.keys(CONTROLS).join(', ')}.`);
  return names as Control[];
}
