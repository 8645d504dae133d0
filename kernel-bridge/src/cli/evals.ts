/** `medr1 evals`: stored evaluations, read from disk, so that it works without a server. */
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { letterOf } from '../answers/index.ts';
import { chooseEvaluations } from '../evals/choose.ts';
import { comparedOf, comparison } from '../evals/compare.ts';
import { errors } from '../evals/errors.ts';
import { evalDirectory, evaluatedCheckpoints, isEvaluating, listEvals, openEval, summaries, trashEval } from '../evals/evals.ts';
import { exportEvaluation } from '../evals/export.ts';
import { matrices } from '../evals/matrix.ts';
import type { EvalStore } from '../evals/store.ts';
import { comparisonLines } from '../evals/table.ts';
import {
  columnName,
  MATRIX_KINDS,
  READINGS,
  type EvalComparison,
  type EvalMatrix,
  type MatrixDifference,
  type MatrixKind,
  type Share,
} from '../protocol/evals.ts';
import { writeDurably } from '../files/durable.ts';
import { homeDir } from '../runs/home.ts';
import { usage } from './arguments.ts';
import { note, pass, printJson, table, tell } from './output.ts';

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const evals = program.command('evals').description('list, show, compare and export stored evaluations');
  const add = (name: string, text: string): Command => evals.command(name).description(text).option('--json', 'one JSON document');
  add('list', 'all evaluations, newest first').action(list);
  add('show', 'one evaluation: settings and tables').argument('<evaluation>').action(show);
  add('compare', "accuracies on the questions they share, McNemar's exact test and agreement of each pair")
    .argument('<names...>', 'two or more: evaluations, or runs as RUN, RUN@STEP, RUN:VARIANT')
    .option('--csv <file>', 'every question with every answer to it as CSV; - is standard output')
    .action(compareAll);
  add('matrix', 'what checkpoints were trained on against what they were tested on, by trainer and variant')
    .argument('[evaluations...]', 'all finished ones of checkpoints when left out')
    .addOption(new Option('--kind <kind>', 'rows and columns').choices(MATRIX_KINDS).default('modality'))
    .action(matrix);
  add('export', 'summary, tables and every answer as JSON on standard output').argument('<evaluation>').action(exportOne);
  add('delete', 'move an evaluation to the trash').argument('<evaluation>').action(remove);
}

const percent = (rate: number | null): string => (rate === null ? '-' : (100 * rate).toFixed(1));
const withInterval = ({ rate, low, high }: Share): string =>
  rate === null ? '-' : `${percent(rate)} (${percent(low)} to ${percent(high)})`;

function list({ json }: Json): void {
  const home = homeDir();
  const evaluations = summaries(home);
  if (json) return printJson({ evaluations });
  if (evaluations.length === 0) return tell('No evaluations yet: medr1 eval makes one.');
  const rows = evaluations.map((one) => [
    one.id,
    one.state,
    `${one.done}/${one.total}`,
    withInterval(one.strict),
    withInterval(one.tolerant),
    one.settings.variant,
    one.name,
  ]);
  const published = columnName(
    'strict',
    evaluations.map(({ reading }) => reading),
  ).toUpperCase();
  tell(...table([['EVALUATION', 'STATE', 'ANSWERS', `${published}, %`, 'TOLERANT, %', 'VARIANT', 'NAME'], ...rows]));
}

function show(id: string, { json }: Json): void {
  using store = openEval(homeDir(), id);
  const detail = store.detail();
  if (json) return printJson(detail);
  const { summary, report } = detail;
  const rows = Object.entries({ ...report.by_modality, ...report.by_question_type, ...report.by_dataset });
  tell(
    `${summary.id}  ${summary.name}`,
    `${summary.state}, ${summary.done} of ${summary.total} answers, in ${detail.directory}`,
    ...Object.entries(summary.settings).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
    ...table([
      ['', 'items', ...READINGS.map((reading) => `${columnName(reading, [summary.reading])}, %`)],
      ['all', report.strict.total, withInterval(report.strict), withInterval(report.tolerant)],
      ...rows.map(([name, { strict, tolerant }]) => [name, strict.total, withInterval(strict), withInterval(tolerant)]),
    ]),
  );
}

interface CompareOptions extends Json {
  csv?: string;
}

/** Names may be evaluations, or runs with a step and a variant (choose.ts). */
function compareAll(names: string[], { json, csv }: CompareOptions): void {
  const home = homeDir();
  const ids = [...new Set(chooseEvaluations(summaries(home), names).map(({ id }) => id))];
  if (ids.length < 2)
    throw usage('a comparison takes two evaluations or more', '`medr1 evals list` lists them; `medr1 evals show` shows one.');
  if (csv !== undefined && csv !== '-' && existsSync(csv))
    throw usage(`${csv} exists already`, 'Name a file that does not exist yet; nothing is written over.');
  const stores = openAll(ids);
  try {
    const parts = stores.map(comparedOf);
    if (csv !== undefined) {
      const text = comparisonLines(parts).join('');
      if (csv === '-') return pass(text);
      writeDurably(csv, text);
      note(`written: ${csv}`);
    }
    const made = comparison(parts);
    if (json) printJson(made);
    else tell(...told(made));
  } finally {
    for (const store of stores) store[Symbol.dispose]();
  }
}

/** Figures of each, what was left out, the settings that differ, then a line a pair and reading. */
/** Tables with an empty line between them. */
function told(comparison: EvalComparison): string[] {
  const { evaluations, items, questions, apart, reports, pairs } = comparison;
  const readings = evaluations.map(({ reading }) => reading);
  const letterFor = (id: string): string => letterOf(evaluations.findIndex((one) => one.id === id));
  const leftOut = questions.flatMap((one, at) => {
    const parts = LEFT_OUT.flatMap(([key, text]) => (one[key] > 0 ? [`${one[key]} ${text}`] : []));
    return parts.length === 0 ? [] : [`left out of ${letterOf(at)}: ${parts.join(', ')}`];
  });
  const several = pairs.length > 1;
  const parts = [
    [`${items} questions that all of them answered`, ...leftOut],
    table([
      ['', 'EVALUATION', `${columnName('strict', readings).toUpperCase()}, %`, 'TOLERANT, %', 'TOKENS', 'A RIGHT ONE', 'VARIANT', 'NAME'],
      ...evaluations.map((one, i) => [
        ...[letterOf(i), one.id, withInterval(reports[i].strict), withInterval(reports[i].tolerant)],
        ...[reports[i].mean_tokens?.toFixed(1) ?? '-', reports[i].tokens_per_correct?.toFixed(1) ?? '-', one.settings.variant, one.name],
      ]),
    ]),
    apart.length > 0
      ? table([['THEY DIFFER IN', ...evaluations.map((_, i) => letterOf(i))], ...apart.map(({ setting, values }) => [setting, ...values])])
      : [],
    table([
      [
        'PAIR',
        'READING',
        'POINTS',
        'ONLY THE FIRST',
        'ONLY THE SECOND',
        'McNEMAR p',
        ...(several ? ['p, HOLM'] : []),
        'SAME ANSWER, %',
        'KAPPA',
      ],
      ...pairs.flatMap((pair) =>
        READINGS.map((reading) => {
          const test = pair[reading];
          const { letter } = pair.agreement[reading];
          return [
            ...[`${letterFor(pair.a)} → ${letterFor(pair.b)}`, columnName(reading, readings), percent(test.difference)],
            ...[test.only_a, test.only_b, test.p.toPrecision(3), ...(several ? [test.p_holm.toPrecision(3)] : [])],
            ...[percent(letter.rate), letter.kappa?.toFixed(3) ?? '-'],
          ];
        }),
      ),
    ]),
    votesLines(comparison),
    several ? [`p, HOLM: corrected for the ${pairs.length} pairs of this comparison (Holm 1979).`] : [],
  ];
  return parts.filter((part) => part.length > 0).flatMap((part, at) => [...(at > 0 ? [''] : []), ...part]);
}

/** Majorities of one, two, four, ... samples and of all, of the evaluations that have samples. */
function votesLines({ evaluations, votes }: EvalComparison): string[] {
  const rows = votes.flatMap((of, at) =>
    (of?.by_count ?? [])
      .filter(({ n }) => Number.isInteger(Math.log2(n)) || n === of!.samples)
      .map(({ n, tokens, strict, tolerant }) => [
        ...[letterOf(at), evaluations[at].settings.variant, n, of!.questions],
        ...[strict, tolerant].map(({ majority, low, high }) => `${percent(majority)} (${percent(low)} to ${percent(high)})`),
        ...[percent(strict.any), tokens.toFixed(1)],
      ]),
  );
  if (rows.length === 0) return [];
  const published = columnName(
    'strict',
    evaluations.map(({ reading }) => reading),
  ).toUpperCase();
  return table([
    ['', 'VARIANT', 'SAMPLES', 'QUESTIONS', `MAJORITY ${published}, %`, 'MAJORITY TOLERANT, %', 'ONE RIGHT, %', 'TOKENS'],
    ...rows,
  ]);
}

/** Questions of an evaluation that a comparison says nothing about. */
const LEFT_OUT = [
  ['unanswered', 'not answered yet'],
  ['unshared', 'not answered by all others'],
  ['changed', 'with other words, options, answer or image under the same id'],
] as const;

function matrix(ids: string[], { kind, json }: Json & { kind: MatrixKind }): void {
  const made = matrices(evaluatedCheckpoints(homeDir(), ids.length > 0 ? ids : null), kind);
  if (json) return printJson(made);
  if (made.matrices.length === 0) return tell(`No finished evaluation of a checkpoint that was trained on one ${kind.replace('_', ' ')}.`);
  for (const one of made.matrices) tell(...matrixLines(one), '');
  for (const one of made.differences) tell(...differenceLines(one), '');
}

const matrixLines = ({ name, readings, names, cells, in_domain, off_diagonal }: EvalMatrix): string[] => [
  `${name}, ${columnName('strict', readings)}, %: rows trained on, columns tested on`,
  ...table([['', ...names], ...cells.map((row, i) => [names[i], ...row.map((cell) => percent(cell?.strict.rate ?? null))])]),
  `in domain ${percent(in_domain.strict)}, off the diagonal ${percent(off_diagonal.strict)}`,
];

const differenceLines = ({ minuend, subtrahend, readings, names, strict, in_domain, off_diagonal }: MatrixDifference): string[] => [
  `${minuend} minus ${subtrahend}, ${columnName('strict', readings)}, points`,
  ...table([['', ...names], ...strict.map((row, i) => [names[i], ...row.map(percent)])]),
  `in domain ${percent(in_domain.strict)}, off the diagonal ${percent(off_diagonal.strict)}`,
];

function exportOne(id: string): void {
  const { answers, ...rest } = exportEvaluation(() => openEval(homeDir(), id));
  printJson({ ...rest, answers: [...answers] });
}

function remove(id: string, { json }: Json): void {
  const home = homeDir();
  openEval(home, id)[Symbol.dispose]();
  if (isEvaluating(evalDirectory(home, id))) throw errors.wrongState(id, 'be deleted', 'running', 'Stop it first.');
  const trash = trashEval(home, id);
  if (json) printJson({ trash });
  else tell(`moved to ${trash}`);
}

/** All or none: the ones already open are closed when one cannot be. */
function openAll(ids: readonly string[]): EvalStore[] {
  const unknown = ids.find((id) => !listEvals(homeDir()).includes(id));
  if (unknown !== undefined) throw errors.unknown(unknown);
  return ids.map((id) => openEval(homeDir(), id));
}
