/**
 * Which completions say which words: FTS5, by the number of the completion. FTS5 writes a segment in each transaction that adds texts, and merges segments
 * later; for one step's texts that costs more than the rest of the index. So texts are added for several steps together. Those that wait for it lie in
 * search_step like all others, and are looked through by a small index in memory.
 */
import { DatabaseSync } from 'node:sqlite';
import { prepared } from '../log/database.ts';
import { readFacts, readTexts } from './block.ts';
import { WORD_TABLE } from './tables.ts';

/** Texts that are added together, at least. */
const TOGETHER = 2048;

/** Inside the transaction that put a step's completions into search_step: the numbers from `first` up to, not including, `next`. */
export function addWords(db: DatabaseSync, first: number, next: number): void {
  const known = addedUpTo(db);
  const added = known ?? first; // before there was such a number, each step added its own
  const full = next - added >= TOGETHER;
  if (full) copyWords(db, db, added);
  if (full || known === undefined)
    prepared(db, 'INSERT OR REPLACE INTO search_added (only, number) VALUES (1, ?)').run(full ? next : added);
}

/**
 * 1 at the number of each completion that an FTS5 expression matches; null where the index cannot tell, or more than the share `most` of all match, of
 * which it is told before they are all looked for.
 */
export function matchWords(db: DatabaseSync, expression: string, most: number): Uint8Array | null {
  const { number: size = 1 } = (db.prepare('SELECT number FROM search_next').get() ?? {}) as { number?: number };
  const found = new Uint8Array(size);
  try {
    const counted = 'SELECT count(*) AS count FROM (SELECT 1 FROM search_word WHERE search_word MATCH ? LIMIT ?)';
    if (most < 1 && (db.prepare(counted).get(expression, Math.floor(most * size) + 1)!.count as number) > most * size) return null;
    markWaiting(db, expression, found); // first: another process may add them meanwhile
    mark(db, expression, found);
  } catch (error) {
    if (/phrase queries are not supported/.test(String(error))) return null; // a letter that SQLite's older Unicode does not know cuts a word in two
    throw error;
  }
  return found;
}

function addedUpTo(db: DatabaseSync): number | undefined {
  return prepared(db, 'SELECT number FROM search_added').get()?.number as number | undefined;
}

/** Texts from that number on, out of search_step of the one database into search_word of the other. */
function copyWords(from: DatabaseSync, to: DatabaseSync, first: number): void {
  const word = prepared(to, 'INSERT INTO search_word (rowid, text) VALUES (?, ?)');
  for (const step of from.prepare('SELECT first, facts, texts FROM search_step WHERE first >= ? ORDER BY first').all(first)) {
    const { joined } = readTexts(step.texts as Uint8Array);
    let number = step.first as number;
    let at = 0;
    for (const length of readFacts(step.facts as Uint8Array).lengths) word.run(number++, joined.slice(at, (at += length)));
  }
}

function markWaiting(db: DatabaseSync, expression: string, found: Uint8Array): void {
  const added = addedUpTo(db);
  if (added === undefined) return;
  using waiting = new DatabaseSync(':memory:');
  waiting.exec(WORD_TABLE);
  copyWords(db, waiting, added);
  mark(waiting, expression, found);
}

function mark(db: DatabaseSync, expression: string, found: Uint8Array): void {
  // one text of all numbers: a million rows to JavaScript one by one take four times as long
  const { numbers } = db.prepare('SELECT group_concat(rowid) AS numbers FROM search_word WHERE search_word MATCH ?').get(expression) as {
    numbers: string | null;
  };
  let number = 0;
  for (let at = 0; numbers !== null && at <= numbers.length; at++) {
    const digit = numbers.charCodeAt(at) - 48;
    if (digit >= 0 && digit < 10) number = number * 10 + digit;
    else {
      found[number] = 1;
      number = 0;
    }
  }
}
