/** `medr1 evals`: stored evaluations, read from disk, so that it works without a server. */
import { Option, type Command } from 'commander';
import { compare } from '../evals/compare.ts';
import { errors } from '../evals/errors.ts';
import { evalDirectory, evaluatedCheckpoints, isEvaluating, listEvals, openEval, summaries, trashEval } from '../evals/evals.ts';
import { exportEvaluation } from '../evals/export.ts';
import { matrices } from '../evals/matrix.ts';
import type { EvalStore } from '../evals/store.ts';
import { printable } from '../protocol/printable.ts';
import {
  columnName,
  MATRIX_KINDS,
  READINGS,
  type EvalMatrix,
  type MatrixDifference,
  type MatrixKind,
  type Share,
} from '../protocol/evals.ts';
import { homeDir } from '../runs/home.ts';
import { usage } from './arguments.ts';
import { printJson, table } from './output.ts';

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const evals = program.command('evals').description('list, show, compare and export stored evaluations');
  const add = (name: string, text: string): Command => evals.command(name).description(text).option('--json', 'one JSON document');
  add('list', 'all evaluations, newest first').action(list);
  add('show', 'one evaluation: settings and tables').argument('<evaluation>').action(show);
  add('compare', "accuracies on the questions they share, and McNemar's exact test of each pair")
    .argument('<evaluations...>', 'two or more of the same split')
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
  if (evaluations.length === 0) return void process.stdout.write('No evaluations yet: medr1 eval makes one.\n');
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
  process.stdout.write(`${table([['EVALUATION', 'STATE', 'ANSWERS', `${published}, %`, 'TOLERANT, %', 'VARIANT', 'NAME'], ...rows])}\n`);
}

function show(id: string, { json }: Json): void {
  using store = openEval(homeDir(), id);
  const detail = store.detail();
  if (json) return printJson(detail);
  const { summary, report } = detail;
  const rows = Object.entries({ ...report.by_modality, ...report.by_question_type, ...report.by_dataset });
  process.stdout.write(
    `${[
      `${summary.id}  ${summary.name}`,
      `${summary.state}, ${summary.done} of ${summary.total} answers, in ${detail.directory}`,
      ...Object.entries(summary.settings).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
    ]
      .map(printable)
      .join('\n')}\n` +
      `${table([
        ['', 'items', ...READINGS.map((reading) => `${columnName(reading, [summary.reading])}, %`)],
        ['all', report.strict.total, withInterval(report.strict), withInterval(report.tolerant)],
        ...rows.map(([name, { strict, tolerant }]) => [name, strict.total, withInterval(strict), withInterval(tolerant)]),
      ])}\n`,
  );
}

function compareAll(ids: string[], { json }: Json): void {
  if (new Set(ids).size < 2)
    throw usage('a comparison takes two evaluations or more', '`medr1 evals list` lists them; `medr1 evals show` shows one.');
  const stores = openAll(ids);
  try {
    const comparison = compare(stores);
    if (json) return printJson(comparison);
    const { evaluations, items, reports, pairs } = comparison;
    const readings = evaluations.map(({ reading }) => reading);
    const name = (id: string): string => `${evaluations.findIndex((one) => one.id === id) + 1}`;
    process.stdout.write(
      `${items} questions that all of them answered\n` +
        `${table([
          ['', 'EVALUATION', `${columnName('strict', readings).toUpperCase()}, %`, 'TOLERANT, %', 'VARIANT', 'NAME'],
          ...evaluations.map((one, i) => [
            i + 1,
            one.id,
            withInterval(reports[i].strict),
            withInterval(reports[i].tolerant),
            one.settings.variant,
            one.name,
          ]),
        ])}\n\n` +
        `${table([
          ['PAIR', 'READING', 'ONLY THE FIRST', 'ONLY THE SECOND', 'McNEMAR p'],
          ...pairs.flatMap(({ a, b, strict, tolerant }) =>
            (
              [
                ['strict', strict],
                ['tolerant', tolerant],
              ] as const
            ).map(([reading, test]) => [
              `${name(a)}, ${name(b)}`,
              columnName(reading, readings),
              test.only_a,
              test.only_b,
              test.p.toPrecision(3),
            ]),
          ),
        ])}\n`,
    );
  } finally {
    for (const store of stores) store[Symbol.dispose]();
  }
}

function matrix(ids: string[], { kind, json }: Json & { kind: MatrixKind }): void {
  const made = matrices(evaluatedCheckpoints(homeDir(), ids.length > 0 ? ids : null), kind);
  if (json) return printJson(made);
  if (made.matrices.length === 0)
    return void process.stdout.write(`No finished evaluation of a checkpoint that was trained on one ${kind.replace('_', ' ')}.\n`);
  for (const one of made.matrices) process.stdout.write(`${matrixText(one)}\n\n`);
  for (const one of made.differences) process.stdout.write(`${differenceText(one)}\n\n`);
}

const matrixText = ({ name, readings, names, cells, in_domain, off_diagonal }: EvalMatrix): string =>
  `${printable(name)}, ${columnName('strict', readings)}, %: rows trained on, columns tested on\n` +
  `${table([['', ...names], ...cells.map((row, i) => [names[i], ...row.map((cell) => percent(cell?.strict.rate ?? null))])])}\n` +
  `in domain ${percent(in_domain.strict)}, off the diagonal ${percent(off_diagonal.strict)}`;

const differenceText = ({ minuend, subtrahend, readings, names, strict, in_domain, off_diagonal }: MatrixDifference): string =>
  `${printable(`${minuend} minus ${subtrahend}`)}, ${columnName('strict', readings)}, points\n` +
  `${table([['', ...names], ...strict.map((row, i) => [names[i], ...row.map(percent)])])}\n` +
  `in domain ${percent(in_domain.strict)}, off the diagonal ${percent(off_diagonal.strict)}`;

function exportOne(id: string): void {
  using store = openEval(homeDir(), id);
  printJson(exportEvaluation(store));
}

function remove(id: string, { json }: Json): void {
  const home = homeDir();
  openEval(home, id)[Symbol.dispose]();
  if (isEvaluating(evalDirectory(home, id))) throw errors.wrongState(id, 'be deleted', 'running', 'Stop it first.');
  const trash = trashEval(home, id);
  if (json) printJson({ trash });
  else process.stdout.write(`moved to ${trash}\n`);
}

/** All or none: the ones already open are closed when one cannot be. */
function openAll(ids: readonly string[]): EvalStore[] {
  const unknown = ids.find((id) => !listEvals(homeDir()).includes(id));
  if (unknown !== undefined) throw errors.unknown(unknown);
  return ids.map((id) => openEval(homeDir(), id));
}
