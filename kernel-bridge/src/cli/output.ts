/**
 * What commands print: the one place of the command line that writes to standard output and standard error (eslint.config.mjs refuses it elsewhere).
 * Names, logs, answers and paths come from data sets, models and other people. Here they are shown and have no power over a terminal.
 *
 *     tell('run x', ...table(rows))     lines of the answer        note('written: out.csv')      beside it
 *     printJson(document)               under --json               pass(csv)                     a whole text for another program
 */
import { styleText } from 'node:util';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { printable, printableLines } from '../protocol/printable.ts';

/** The part of a stream that is written to here. */
export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write: (text: string) => unknown;
}

/** One JSON document on standard output. JSON reads the escapes as the characters that they stand for. */
export function printJson(document: unknown): void {
  process.stdout.write(`${printable(JSON.stringify(document))}\n`);
}

/** Lines on standard output. */
export function tell(...lines: string[]): void {
  process.stdout.write(written(lines));
}

/** Lines on standard error: what is no part of the answer. */
export function note(...lines: string[]): void {
  process.stderr.write(written(lines));
}

const written = (lines: string[]): string => lines.map((line) => `${printable(line)}\n`).join('');

/** What a model, a user's code or a table said, on standard output: as it is for a program that reads on, as `tell` has it on a terminal. */
export function pass(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printableLines(text) : text);
}

/** Texts one after the other, on a terminal told apart by two colours. */
export function tellStriped(texts: readonly string[]): void {
  process.stdout.write(`${texts.map((text, i) => styleText(i % 2 === 0 ? 'cyan' : 'yellow', printableLines(text))).join('')}\n`);
}

/** Prints the error and returns the exit code: 1 failed, 2 wrong usage. */
export function fail(error: unknown, json = false): number {
  const { code, message, remedy } = errorBody(error);
  if (json) process.stderr.write(`${printable(JSON.stringify({ error: { code, message, remedy } }))}\n`);
  else process.stderr.write(`medr1: ${printableLines(message)}\n       ${printableLines(remedy)}\n`);
  if (!(error instanceof WorkbenchError) && error instanceof Error) process.stderr.write(`${printableLines(error.stack ?? '')}\n`);
  return error instanceof WorkbenchError ? error.exit : 1;
}

/** What the parser of arguments says of them and of their usage, which quotes them. */
export const PARSER_OUTPUT = {
  writeOut: (text: string): void => void process.stdout.write(printableLines(text)),
  writeErr: (text: string): void => void process.stderr.write(printableLines(text)),
};

/** How far something is: a line of standard error that a terminal draws over. */
export class Status {
  readonly #out: Terminal;

  constructor(out: Terminal = process.stderr) {
    this.#out = out;
  }

  /** Whether there is a terminal to draw on. */
  get draws(): boolean {
    return this.#out.isTTY ?? false;
  }

  /** On a terminal alone, until the next text takes its place. */
  draw(text: string): void {
    if (this.draws) this.#out.write(`${ANEW}${printable(text).slice(0, (this.#out.columns || 80) - 1)}`);
  }

  /** Stays. */
  keep(text: string): void {
    this.#out.write(`${this.draws ? ANEW : ''}${printable(text)}\n`);
  }

  clear(): void {
    if (this.draws) this.#out.write(ANEW);
  }
}

/** To the first column, and the line is empty. */
const ANEW = '\r\x1b[K';

/** Characters of a cell: every cell of a column is as wide as its widest, and a model may say a sentence of a megabyte. */
const MOST = 1000;
const cut = (text: string): string => (text.length <= MOST ? text : `${text.slice(0, MOST)} … (${text.length} characters)`);

/** Rows as lines of columns; numbers to the right. */
export function table(given: (string | number)[][]): string[] {
  const rows = given.map((row) => row.map((value) => (typeof value === 'number' ? value : printable(cut(value)))));
  if (rows.length === 0) return [];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value: string | number, column: number): string =>
    typeof value === 'number' ? String(value).padStart(widths[column]) : value.padEnd(widths[column]);
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}
