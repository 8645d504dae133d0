/** Rows of a CSV or TSV file with a header line (RFC 4180: quoted cells may hold commas, quotes and line breaks). */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import Papa from 'papaparse';
import type { Found } from './json.ts';
import { asText } from './text.ts';

/** Characters after which a row must have ended: a quote that is never closed would take the rest of the file. */
const MAX_ROW = 4 << 20;

export async function* csvRecords(path: string, signal?: AbortSignal): AsyncGenerator<Found> {
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, {
    header: true,
    skipEmptyLines: 'greedy',
    delimiter: path.toLowerCase().endsWith('.tsv') ? '\t' : '',
  });
  let sinceRow = 0;
  let givenUp = false;
  async function* bounded() {
    for await (const text of asText(createReadStream(path, { signal }) as AsyncIterable<Buffer>)) {
      if ((sinceRow += text.length) > MAX_ROW) return (givenUp = true);
      yield text;
    }
  }
  const file = Readable.from(bounded());
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let row = 0;
  for await (const value of parser as AsyncIterable<Record<string, unknown>>) {
    sinceRow = 0;
    const cells = Object.values(value).filter((cell) => typeof cell === 'string');
    if (givenUp && cells.some((cell) => cell.length > MAX_ROW / 2)) yield { row: row++, value: null, problem: 'record-too-large' };
    else yield { row: row++, value, problem: cells.some((cell) => cell.includes('\uFFFD')) ? 'text-invalid' : null };
  }
}
