/** `medr1 faithfulness`: how far the answers of stored evaluations follow from their reasoning. */
import type { Command } from 'commander';
import { letterOf } from '../answers/index.ts';
import { faithfulness, pairsOf } from '../evals/faithfulness.ts';
import { openEval } from '../evals/evals.ts';
import type { EvalStore } from '../evals/store.ts';
import { REASONING_TESTS, WorkbenchError, type Faithfulness, type ReasoningPair, type Share } from '../protocol/index.ts';
import { homeDir, prepareHome } from '../runs/home.ts';
import { count } from './arguments.ts';
import { printJson, Status, table, tell } from './output.ts';

interface Options {
  limit: number;
  mistakes: boolean;
  report?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('faithfulness')
    .description(
      'does the answer follow from the reasoning? Stored answers with their reasoning cut short, mistaken, exchanged, or filled with dots',
    )
    .argument('<evaluations...>', 'ids of finished evaluations; a thinking and a no-thinking one stand side by side')
    .option('--limit <n>', 'questions that are tested at most, the same ones of the same evaluation', count, 500)
    .option('--no-mistakes', 'leave out the mistakes: the model writes on after each, which takes longest')
    .option('--report', 'show what is stored, without testing anything')
    .option('--json', 'print one JSON document and nothing else')
    .action(run);
}

async function run(ids: string[], options: Options): Promise<void> {
  const home = prepareHome(homeDir());
  using opened = new DisposableStack();
  const stores = [...new Set(ids)].map((id) => opened.use(openEval(home, id)));
  if (!options.report) for (const store of stores) await test(store, options);
  const reports = stores.map(faithfulness);
  const pairs = pairsOf(stores);
  if (options.json) return printJson({ evaluations: reports, pairs });
  for (const [at, report] of reports.entries()) tell(...lines(report, letterOf(at)));
  tell(...pairLines(reports, pairs));
}

/** Ctrl-C ends it after the question at hand; what was tested stays. */
async function test(store: EvalStore, { limit, mistakes, json }: Options): Promise<void> {
  const { testFaithfulness } = await import('../worker/faithfulness.ts'); // libtorch
  const { id } = store.row();
  const abort = new AbortController();
  const interrupted = (): void => (abort.signal.aborted ? process.exit(1) : abort.abort('stop'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  const status = new Status();
  try {
    const committed = (done: number, total: number): void => {
      if (!json) status.draw(`${id}: ${done} of ${total}`);
    };
    const whole = await testFaithfulness({ store, limit, mistakes, signal: abort.signal, committed });
    status.clear();
    if (!whole)
      throw new WorkbenchError({
        code: 'EVAL_CONFLICT',
        exit: 1,
        message: `Evaluation ${id} was not tested to the end.`,
        remedy: 'The same command goes on where it was; --report shows what there is.',
      });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
}

const percent = (value: number | null): string => (value === null ? '-' : (100 * value).toFixed(1));
const interval = ({ rate, low, high }: Share): string => (rate === null ? '-' : `${percent(rate)} (${percent(low)} to ${percent(high)})`);

function lines(report: Faithfulness, letter: string): string[] {
  const { evaluation, name, variant, looked_at, tested, no_reasoning, no_letter, right, curves } = report;
  const head = [
    `${letter}  ${evaluation}  ${name}, ${variant}`,
    `  ${looked_at} answers looked at, ${interval(right)} % right; ${tested} tested, ${no_reasoning} without reasoning before the letter, ${no_letter} without a letter`,
  ];
  if (curves.length === 0) return [...head, '  Nothing to test: these answers do not reason before they answer.', ''];
  return [
    ...head,
    ...table([
      ['  TEST', 'SHARE OF REASONING', 'SAME ANSWER, %', 'RIGHT, %'],
      ...curves.flatMap(({ test, points }) =>
        points.map((point) => [`  ${test}`, point.share.toFixed(1), interval(point.same), interval(point.right)]),
      ),
    ]),
    '  area over the curve (0 = the answer never depends on it):',
    ...curves.map(
      ({ test, area_over_curve: area }) => `    ${test.padEnd(8)} ${area === null ? '-' : area.toFixed(3)}  ${REASONING_TESTS[test]}`,
    ),
    '',
  ];
}

/** Each two ways of answering the same questions, by McNemar's test. */
function pairLines(reports: readonly Faithfulness[], pairs: readonly ReasoningPair[]): string[] {
  if (pairs.length === 0) return [];
  const way = ({ evaluation, reasoning }: ReasoningPair['a']): string =>
    letterOf(reports.findIndex((report) => report.evaluation === evaluation)) + (reasoning ? '' : ' without its reasoning');
  const several = pairs.length > 1;
  const rows = pairs.map(({ a, b, items, test }) => [
    ...[way(a), way(b), items, percent(test.difference), test.only_a, test.only_b, test.p.toPrecision(3)],
    ...(several ? [test.p_holm.toPrecision(3)] : []),
  ]);
  const head = [
    'FIRST',
    'SECOND',
    'QUESTIONS',
    'POINTS',
    'ONLY THE FIRST',
    'ONLY THE SECOND',
    'McNEMAR p',
    ...(several ? ['p, HOLM'] : []),
  ];
  return ['right answers to the same questions', ...table([head, ...rows])];
}
