/** A run in files that other tools read. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'yaml';
import { csvText } from '../files/csv.ts';
import { makeFolder, renameDurably } from '../files/durable.ts';
import { jsonParts } from '../files/json-parts.ts';
import { eachGroup, groupSteps } from './groups.ts';
import { notes } from '../search/notes.ts';
import { metricNames, metricRows } from './metrics.ts';
import type { RunStore } from './store.ts';

/** What one file can hold. */
export const TABLE_FORMATS = ['csv', 'jsonl'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];
export const EXPORT_FORMATS = ['dir', ...TABLE_FORMATS] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** csv: one row a step. jsonl: one group of rollouts a line, in parts. */
export function* tableLines(store: RunStore, format: TableFormat): Generator<string> {
  if (format === 'jsonl') yield* groupLines(store);
  else yield* metricLines(store);
}

/**
 * A table as above; or dir: both tables, events.jsonl, notes.jsonl, run.json and config.yaml. Under the name `out` it is whole or absent, whatever becomes
 * of the process or of the power.
 */
export async function exportRun(store: RunStore, out: string, format: ExportFormat): Promise<void> {
  const partial = `${out}.${randomBytes(4).toString('hex')}.partial`;
  try {
    if (format !== 'dir') await writeLines(partial, tableLines(store, format));
    else {
      await makeFolder(partial);
      await writeLines(join(partial, 'metrics.csv'), tableLines(store, 'csv'));
      await writeLines(join(partial, 'rollouts.jsonl'), tableLines(store, 'jsonl'));
      await writeLines(join(partial, 'events.jsonl'), eventLines(store));
      await writeLines(
        join(partial, 'notes.jsonl'),
        notes(store.db).map((note) => `${JSON.stringify(note)}\n`),
      );
      await writeFile(join(partial, 'run.json'), JSON.stringify(store.detail(), null, 2));
      await writeFile(join(partial, 'config.yaml'), stringify(store.row().config));
    }
    renameDurably(partial, out);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

function* metricLines({ db }: RunStore): Generator<string> {
  const names = metricNames(db);
  yield `${['step', 'time_ms', ...names.map(csvText)].join(',')}\n`;
  for (const row of metricRows(db, names)) yield `${row.join(',')}\n`; // null is empty there
}

function* groupLines(store: RunStore): Generator<string> {
  const [first, last] = groupSteps(store.db);
  for (const group of eachGroup(() => store, { from: first, to: last, limit: Infinity, offset: 0 })) {
    yield* jsonParts(group);
    yield '\n';
  }
}

function* eventLines(store: RunStore): Generator<string> {
  for (let since = 0; ;) {
    const events = store.events(since);
    if (events.length === 0) return;
    for (const event of events) yield `${JSON.stringify(event)}\n`;
    since = events.at(-1)!.seq;
  }
}

async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(lines), createWriteStream(file, { flags: 'wx' }));
}
