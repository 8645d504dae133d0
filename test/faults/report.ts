/** Counts of the fault matrix: a file a row in test/output/faults, and a table over all of them beside it. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, release, totalmem, type } from 'node:os';
import { join, resolve } from 'node:path';
import { ROWS, type Row, type RowId } from './rows.ts';

export interface Outcome {
  seed: number;
  whole: boolean;
  tries: number;
  broken: number;
  controls: number;
  controlsBroken: number;
  /** What tries came to, by name. */
  kinds?: Record<string, number>;
  /** What was measured beside, for reading. */
  figures?: string;
}

export type Reported = Outcome | { seed: number; whole: boolean; skipped: string };

const output = resolve(import.meta.dirname, '../output');
const folder = join(output, 'faults');

/** Keeps what a row came to, in place of what an earlier run of it did. */
export function report(id: RowId, what: Reported): void {
  mkdirSync(folder, { recursive: true });
  write(join(folder, `${id}.json`), JSON.stringify({ id, date: new Date().toISOString().slice(0, 10), ...what }, null, 1));
  write(join(output, 'faults.md'), table());
}

/** Whole or not at all: rows are tried by several processes at once. */
function write(file: string, text: string): void {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, text);
  renameSync(part, file);
}

const machine = (): string =>
  `${type()} ${release().split('-')[0]}, ${arch()}, ${availableParallelism()} processors, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;

type Kept = Reported & { id: RowId; date: string };

function table(): string {
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Kept)
    .filter(({ id }) => id in ROWS);
  const order = Object.keys(ROWS);
  const lines = kept.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id)).map(line);
  return `${machine()}\n\n| row | promise | tries | broken | control | broken by it | date, seed |\n|---|---|---|---|---|---|---|\n${lines.join('\n')}\n`;
}

function line(one: Kept): string {
  const { promise, control }: Row = ROWS[one.id];
  const when = `${one.date}, ${one.seed}${one.whole ? '' : ", a minute's worth"}`;
  if ('skipped' in one) return `| ${one.id} | ${promise} | 0 | | ${control} | not tried: ${one.skipped} | ${when} |`;
  const kinds = Object.entries(one.kinds ?? {}).map(([kind, count]) => `${kind} ${count}`);
  const tries = [`${one.tries}`, ...(kinds.length ? [kinds.join(', ')] : []), ...(one.figures ? [one.figures] : [])].join(': ');
  return `| ${one.id} | ${promise} | ${tries} | ${one.broken} | ${control} | ${one.controlsBroken} of ${one.controls} | ${when} |`;
}
