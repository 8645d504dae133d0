/** A run's index as a search reads it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { readFacts, readTexts, type Range, type SortColumn, type StepBlock } from './block.ts';
import { matchWords } from './word-index.ts';

/** A step that is in the index. */
export interface IndexedStep {
  step: number;
  /** Number of its first completion among the words. */
  first: number;
  rows: number;
}

export interface Item {
  code: number;
  dataset: string;
  item_id: string;
  modality: string;
  question_type: string;
}

export class IndexReader {
  readonly db: DatabaseSync;
  readonly #facts: StatementSync;
  readonly #texts: StatementSync;
  readonly #filter: StatementSync;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.#facts = db.prepare('SELECT facts FROM search_step WHERE step = ?');
    this.#texts = db.prepare('SELECT texts FROM search_step WHERE step = ?');
    this.#filter = db.prepare('SELECT filter FROM search_stretch WHERE step = ?');
  }

  /** Oldest first. */
  steps(from = 0, to = Number.MAX_SAFE_INTEGER): IndexedStep[] {
    const sql = 'SELECT step, first, rows FROM search_step WHERE step BETWEEN ? AND ? ORDER BY step';
    return this.db.prepare(sql).all(from, to) as unknown as IndexedStep[];
  }

  facts(step: number): StepBlock {
    return readFacts(this.#facts.get(step)!.facts as Uint8Array);
  }

  /** Texts of a step's completions, in their order. */
  texts(step: number, block: StepBlock): string[] {
    const { joined } = this.joined(step);
    const texts: string[] = [];
    let at = 0;
    for (const length of block.lengths) texts.push(joined.slice(at, (at += length)));
    return texts;
  }

  /** The same one after another, and whether they are plain ASCII. */
  joined(step: number): { joined: string; ascii: boolean } {
    return readTexts(this.#texts.get(step)!.texts as Uint8Array);
  }

  /** Of the stretches of words that the step says (stretches.ts); null where there is none. */
  stretchFilter(step: number): Uint8Array | null {
    return (this.#filter.get(step)?.filter as Uint8Array | undefined) ?? null;
  }

  /** Of each step that the index has one of. */
  ranges(column: SortColumn): Map<number, Range> {
    const rows = this.db.prepare(`SELECT step, ${column}_least AS least, ${column}_most AS most FROM search_range`).all();
    return new Map(rows.map(({ step, least, most }) => [step as number, [(least as number) ?? NaN, (most as number) ?? NaN]]));
  }

  items(): Item[] {
    return this.db.prepare('SELECT code, dataset, item_id, modality, question_type FROM search_item').all() as unknown as Item[];
  }

  functions(): Map<string, number> {
    const rows = this.db.prepare('SELECT code, name FROM search_function').all() as { code: number; name: string }[];
    return new Map(rows.map(({ code, name }) => [name, code]));
  }

  /** matchWords of the run. */
  matching(expression: string, most = 1): Uint8Array | null {
    return matchWords(this.db, expression, most);
  }
}
