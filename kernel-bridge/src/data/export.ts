/** Chosen questions as files that other programs read. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { formatSolution, letterOf } from '../answers/index.ts';
import type { ExportFormat, VqaItem } from '../protocol/data.ts';

export interface Exported {
  bytes: Uint8Array;
  type: string;
  extension: string;
}

/**
 * jsonl: one item a line, as VqaItem. medr1: the {image, problem, solution} list of Med-R1's split files.
 * parquet: VqaItem's columns, options as JSON text; image paths, no image bytes.
 */
export function exportItems(items: readonly VqaItem[], format: ExportFormat): Exported {
  const text = (value: string) => new TextEncoder().encode(value);
  const plain = items.map(plainItem);
  if (format === 'jsonl')
    return { bytes: text(plain.map((item) => `${JSON.stringify(item)}\n`).join('')), type: 'application/x-ndjson', extension: 'jsonl' };
  if (format === 'medr1')
    return {
      bytes: text(`${JSON.stringify(items.filter((item) => item.answer !== null).map(medr1Record), null, 4)}\n`),
      type: 'application/json',
      extension: 'json',
    };
  return {
    bytes: new Uint8Array(parquetWriteBuffer({ columnData: columns(plain) })),
    type: 'application/vnd.apache.parquet',
    extension: 'parquet',
  };
}

const FIELDS = ['id', 'dataset', 'image', 'question', 'options', 'answer', 'modality', 'question_type', 'problem'] as const;

/** The item's own fields: a row of the browser holds more. */
function plainItem(item: VqaItem): VqaItem {
  return Object.fromEntries(FIELDS.map((field) => [field, item[field]])) as unknown as VqaItem;
}

/** Empty options are written too ("A), B)cyst"): read again, every letter is where it was. */
function medr1Record({ image, question, options, answer }: VqaItem): { image: string; problem: string; solution: string } {
  const listed = options.map((option, index) => `${letterOf(index)})${option}`).join(', ');
  return { image, problem: `${question} ${listed}`, solution: formatSolution(String(answer)) };
}

function columns(items: VqaItem[]) {
  return FIELDS.map((name) => ({
    name,
    data: items.map((item) => (name === 'options' ? JSON.stringify(item.options) : item[name])),
    type: 'STRING' as const,
    nullable: name === 'answer' || name === 'problem',
  }));
}
