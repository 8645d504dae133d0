/** What commands print: one JSON document on standard output under --json, errors with their remedy on standard error. */
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { printable, printableLines } from '../protocol/printable.ts';

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** Prints lines on standard output; names in them are shown, not obeyed. */
export function tell(...lines: string[]): void {
  process.stdout.write(`${lines.map(printable).join('\n')}\n`);
}

/** Prints the error and returns the exit code: 1 failed, 2 wrong usage. */
export function fail(error: unknown, json = false): number {
  const { code, message, remedy } = errorBody(error);
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: { code, message, remedy } })}\n`
      : `medr1: ${printableLines(message)}\n       ${printableLines(remedy)}\n`,
  );
  if (!(error instanceof WorkbenchError) && error instanceof Error) process.stderr.write(`${printableLines(error.stack ?? '')}\n`);
  return error instanceof WorkbenchError ? error.exit : 1;
}

/** What a model or a user's code said: as it is for a program that reads on, without power over a terminal. */
export const shown = (text: string): string => (process.stdout.isTTY ? printableLines(text) : text);

/** Rows as columns; numbers to the right. */
export function table(given: (string | number)[][]): string {
  const rows = given.map((row) => row.map((value) => (typeof value === 'number' ? value : printable(value))));
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const cell = (value: string | number, column: number): string =>
    typeof value === 'number' ? String(value).padStart(widths[column]) : value.padEnd(widths[column]);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
