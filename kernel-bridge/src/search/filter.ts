/** Which completions of a step pass a search's filters, told from the step's columns alone. */
import { LETTERS } from '../answers/index.ts';
import type { SearchQuery } from '../protocol/search.ts';
import { CORRECT, LETTER, type StepBlock } from './block.ts';
import { FLAG, SKETCH, textSketch } from './facts.ts';
import type { IndexReader } from './index-reader.ts';
import { wrongByPrior } from './prior.ts';
import { finishCode } from './write.ts';
import { wordsOf } from './words.ts';

/** Takes from `mask` those that do not pass. */
export type Filter = (block: StepBlock, mask: Uint8Array) => void;

/** Less in common is not called alike. */
export const SIMILARITY = 0.7;

/** One list entry for each part of the query that filters; none at all where everything passes. `nearText`: of the completion that `near` names. */
export function filtersOf(query: SearchQuery, reader: IndexReader, nearText: string | null): Filter[] {
  const filters: Filter[] = [];
  const items = itemsOf(query, reader);
  if (items) filters.push(byItem(items));
  for (const key of ['reward', 'advantage', 'tokens'] as const) {
    const range = query[key];
    if (range) filters.push((block, mask) => keepRange(block[key], 0, range, mask));
  }
  const functions = query.rewards && Object.keys(query.rewards).length > 0 ? reader.functions() : new Map<string, number>();
  for (const [name, range] of Object.entries(query.rewards ?? {})) {
    const code = functions.get(name) ?? -1;
    filters.push((block, mask) => {
      const at = block.functions.indexOf(code);
      if (at === -1) mask.fill(0);
      else keepRange(block.rewards, at * mask.length, range, mask);
    });
  }
  if (query.finish) filters.push(among('finish', query.finish.map(finishCode)));
  if (query.verdict)
    filters.push(
      among(
        'correct',
        query.verdict.map((verdict) => CORRECT[verdict]),
      ),
    );
  if (query.letters) filters.push(among('letter', query.letters.map(codeOfLetter)));
  const bits = (query.flags ?? []).reduce((sum, flag) => sum | (flag === 'beats-prior' ? 0 : FLAG[flag]), 0);
  if (bits) filters.push(({ flags }, mask) => keep(mask, (row) => (flags[row] & bits) === bits));
  if (query.flags?.includes('beats-prior')) {
    filters.push(byItem(wrongByPrior(reader)), among('correct', [CORRECT.right]));
  }
  if (nearText !== null) filters.push(alike(textSketch(nearText), query.similarity ?? SIMILARITY));
  return filters;
}

function keep(mask: Uint8Array, passes: (row: number) => boolean): void {
  for (let row = 0; row < mask.length; row++) if (mask[row] && !passes(row)) mask[row] = 0;
}

function keepRange(
  column: Float32Array | Uint32Array,
  from: number,
  { min = -Infinity, max = Infinity }: { min?: number; max?: number },
  mask: Uint8Array,
): void {
  // what was written as 0.1 was kept as the nearest float32
  const [low, high] = column instanceof Float32Array ? [Math.fround(min), Math.fround(max)] : [min, max];
  for (let row = 0; row < mask.length; row++) if (!(column[from + row] >= low && column[from + row] <= high)) mask[row] = 0;
}

function among(column: 'finish' | 'correct' | 'letter', codes: readonly number[]): Filter {
  const wanted = new Uint8Array(256);
  for (const code of codes) wanted[code] = 1;
  return (block, mask) => {
    const values = block[column];
    for (let row = 0; row < mask.length; row++) if (!wanted[values[row]]) mask[row] = 0;
  };
}

function codeOfLetter(letter: string): number {
  if (letter === 'none') return LETTER.none;
  const at = LETTERS.indexOf(letter.toUpperCase());
  return at === -1 ? LETTER.other : at + 1;
}

function byItem(codes: ReadonlySet<number>): Filter {
  return ({ items, sizes }, mask) => {
    let row = 0;
    for (let group = 0; group < items.length; group++) {
      const end = row + sizes[group];
      if (!codes.has(items[group])) mask.fill(0, row, end);
      row = end;
    }
  };
}

/** Codes of the questions that the query lets through; null where it lets all. */
function itemsOf({ items, question, modality, question_type }: SearchQuery, reader: IndexReader): Set<number> | null {
  const words = wordsOf(question ?? '').map(({ word }) => word);
  if (!items && !modality && !question_type && words.length === 0) return null;
  const text = reader.db.prepare('SELECT question FROM rollout_group WHERE item_id = ? ORDER BY step DESC LIMIT 1');
  const has = (item: string): boolean => {
    const said = new Set(wordsOf((text.get(item)?.question as string | undefined) ?? '').map(({ word }) => word));
    return words.every((word) => said.has(word));
  };
  const found = reader
    .items()
    .filter((item) => !items || items.includes(item.item_id))
    .filter((item) => !modality || modality.includes(item.modality))
    .filter((item) => !question_type || question_type.includes(item.question_type))
    .filter((item) => words.length === 0 || has(item.item_id));
  return new Set(found.map(({ code }) => code));
}

/** Few that are alike differ in two bytes more than one expects of them; the texts tell which are. */
function alike(wanted: Uint8Array, similarity: number): Filter {
  const least = Math.max(1, Math.floor(SKETCH * similarity) - 2);
  return ({ sketch }, mask) => {
    for (let row = 0; row < mask.length; row++) {
      let same = 0;
      for (let k = 0; k < SKETCH; k++) if (sketch[row * SKETCH + k] === wanted[k]) same++;
      if (same < least) mask[row] = 0;
    }
  };
}
