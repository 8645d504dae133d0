/** Rows of a CSV or TSV file with a header line (RFC 4180: quoted cells may hold commas, quotes and line breaks). */
import { Readable } from 'node:stream';
import Papa from 'papaparse';
import type { Found } from './json.ts';
import { asText } from './text.ts';

/** Characters after which a row must have ended: a quote that is never closed would take the rest of the file. */
const MAX_ROW = 4 << 20;
/** The same of a row with a picture in base64: the largest image file that is read, and the rest of the row. */
const MAX_PICTURE_ROW = (((64 << 20) * 4) / 3 + MAX_ROW) | 0;
/** The line by which Excel writes, and is told, what parts the cells. */
const SEPARATOR_LINE = /^"?sep=.?"?\r?\n/i;
/** A part of a picture and nothing else. */
const BASE64 = /^[A-Za-z0-9+/=_-]*$/;

export async function* csvRecords(chunks: AsyncIterable<Buffer>, delimiter: '' | '\t'): AsyncGenerator<Found> {
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, { header: true, skipEmptyLines: 'greedy', delimiter });
  let [sinceRow, pictureSinceRow] = [0, 0];
  let givenUp = false;
  let isStart = true;
  async function* bounded() {
    for await (const part of asText(chunks)) {
      const text = isStart ? part.replace(SEPARATOR_LINE, '') : part;
      isStart = false;
      if (BASE64.test(text)) pictureSinceRow += text.length;
      else sinceRow += text.length;
      if (sinceRow > MAX_ROW || sinceRow + pictureSinceRow > MAX_PICTURE_ROW) return (givenUp = true);
      yield text;
    }
  }
  const file = Readable.from(bounded());
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let row = 0;
  for await (const value of parser as AsyncIterable<Record<string, unknown>>) {
    [sinceRow, pictureSinceRow] = [0, 0];
    const cells = Object.values(value).filter((cell) => typeof cell === 'string');
    if (givenUp && cells.some((cell) => cell.length > MAX_ROW / 2)) yield { row: row++, value: null, problem: 'record-too-large' };
    else yield { row: row++, value, problem: cells.some((cell) => cell.includes('\uFFFD')) ? 'text-invalid' : null };
  }
}
