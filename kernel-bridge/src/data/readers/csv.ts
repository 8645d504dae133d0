/** Rows of a CSV or TSV file with a header line (RFC 4180: quoted cells may hold commas, quotes and line breaks). */
import { createReadStream } from 'node:fs';
import Papa from 'papaparse';
import type { Found } from './json.ts';

export async function* csvRecords(path: string, signal?: AbortSignal): AsyncGenerator<Found> {
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, {
    header: true,
    skipEmptyLines: 'greedy',
    delimiter: path.endsWith('.tsv') ? '\t' : '',
  });
  const file = createReadStream(path, { encoding: 'utf8', signal });
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let row = 0;
  for await (const value of parser as AsyncIterable<Record<string, unknown>>) {
    const invalid = Object.values(value).some((cell) => typeof cell === 'string' && cell.includes('\uFFFD'));
    yield { row: row++, value, problem: invalid ? 'text-invalid' : null };
  }
}
