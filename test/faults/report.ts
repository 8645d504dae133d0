/** Counts of the fault matrix: a file a row in test/output/faults, and a table over all of them beside it. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, release, totalmem, type } from 'node:os';
import { join, resolve } from 'node:path';
import { ROWS, type Row, type RowId } from './rows.ts';

/** What was asked for: which tries, drawn by which seed. */
export interface Piece {
  seed: number;
  whole: boolean;
  /** All of them, or those that MEDR1_TRY names. */
  tries: string;
}

export interface Outcome {
  tried: number;
  broken: number;
  controls: number;
  controlsBroken: number;
  /** What tries came to, by name. */
  kinds?: Record<string, number>;
}

type Kept = Piece & { id: RowId; date: string } & (Outcome | { skipped: string });

const output = resolve(import.meta.dirname, '../output');
const folder = join(output, 'faults');

/** Keeps what a row came to, in place of what an earlier run of it did; pieces of one whole are added up. */
export function report(id: RowId, piece: Piece, what: Outcome | { skipped: string }): void {
  mkdirSync(folder, { recursive: true });
  for (const { file, kept } of read(id)) {
    const other = kept.seed !== piece.seed || kept.whole !== piece.whole;
    if (other || piece.tries === 'all' || kept.tries === 'all') rmSync(file, { force: true });
  }
  const kept: Kept = { id, date: new Date().toISOString().slice(0, 10), ...piece, ...what };
  write(join(folder, `${id}.${piece.tries}.json`), JSON.stringify(kept, null, 1));
  write(join(output, 'faults.md'), table());
}

/** Whole or not at all: rows are tried by several processes at once. */
function write(file: string, text: string): void {
  const part = `${file}.${process.pid}`;
  writeFileSync(part, text);
  renameSync(part, file);
}

const read = (id: string): { file: string; kept: Kept }[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith(`${id}.`) && name.endsWith('.json'))
    .map((name) => ({ file: join(folder, name), kept: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Kept }));

const machine = (): string =>
  `${type()} ${release().split('-')[0]}, ${arch()}, ${availableParallelism()} processors, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;

function table(): string {
  const lines = Object.entries(ROWS).flatMap(([id, row]) => {
    const pieces = read(id).map(({ kept }) => kept);
    return pieces.length ? [line(id, row, pieces)] : [];
  });
  return `${machine()}\n\n| row | promise | tries | broken | control | broken by it | date, seed |\n|---|---|---|---|---|---|---|\n${lines.join('\n')}\n`;
}

function line(id: string, { promise, control }: Row, pieces: Kept[]): string {
  const [{ date, seed, whole }] = pieces;
  const when = `${date}, ${seed}${whole ? '' : ", a minute's worth"}`;
  const skipped = pieces.find((one) => 'skipped' in one);
  if (skipped) return `| ${id} | ${promise} | 0 | | ${control} | not tried: ${skipped.skipped} | ${when} |`;
  const outcomes = pieces as (Kept & Outcome)[];
  const sum = (count: (one: Outcome) => number): number => outcomes.reduce((all, one) => all + count(one), 0);
  const names = [...new Set(outcomes.flatMap(({ kinds = {} }) => Object.keys(kinds)))];
  const tries = sum((one) => one.tried);
  const kinds = names.map((name) => (tries === 1 ? name : `${name} ${sum(({ kinds }) => kinds?.[name] ?? 0)}`)).join('; ');
  const tried = [String(tries), kinds].filter(Boolean).join(': ');
  const controls = `${sum((one) => one.controlsBroken)} of ${sum((one) => one.controls)}`;
  return `| ${id} | ${promise} | ${tried} | ${sum((one) => one.broken)} | ${control} | ${controls} | ${when} |`;
}
