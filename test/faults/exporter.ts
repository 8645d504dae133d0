/**
 * Exports a run as `medr1 runs export --format dir` does, to be disturbed: `node exporter.ts HOME RUN OUT`; it prints `written` at its end. For a control:
 * with FAULT_DIRECT the files are written under their final names.
 */
import { createWriteStream, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exportRun, tableLines } from '../../kernel-bridge/src/runs/export.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';

const [home, id, out] = process.argv.slice(2);
using store = openRun(home, id);
if (process.env.FAULT_DIRECT) {
  mkdirSync(out);
  for (const [name, format] of [
    ['metrics.csv', 'csv'],
    ['rollouts.jsonl', 'jsonl'],
  ] as const)
    await pipeline(Readable.from(tableLines(store, format)), createWriteStream(join(out, name)));
} else await exportRun(store, out, 'dir');
writeSync(1, 'written\n');
