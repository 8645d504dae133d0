/** What the rows of a data set tell about its answers: whether a field holds letters or texts, and whether its numbers begin at 0 or at 1. */
import { LETTERS } from '../answers/index.ts';
import type { Problem } from '../protocol/problems.ts';
import { by, type Answer } from './answer.ts';

/** Rows that can only be read one way, by field. */
class Counts {
  named = 0;
  text = 0;

  /** How all of them are read; null where there are none, or of both. */
  side(): 'named' | 'text' | null {
    return this.named > 0 === this.text > 0 ? null : this.named > 0 ? 'named' : 'text';
  }
  get empty(): boolean {
    return this.named + this.text === 0;
  }
}

interface Open {
  id: string;
  file: string;
  answer: Answer;
  /** Bit i is set where option i is not empty. */
  options: number;
}
export interface Settled {
  id: string;
  letter: string | null;
  problem: Problem | null;
}

/** Rows that must have been seen before their numbers are taken to begin at 1. */
const ENOUGH = 10;

export class AnswerEvidence {
  readonly #byFile = new Map<string, Counts>();
  readonly #byField = new Map<string, Counts>();
  /** Rows whose two readings differ. */
  readonly #open: Open[] = [];
  /** Rows whose answer is a number, by field. */
  readonly #numbers = new Map<string, Open[]>();

  add(id: string, file: string, options: readonly string[], answer: Answer): void {
    const { field, readings, open, number } = answer;
    if (field === null) return;
    const { named, text } = readings;
    if (number !== null || open) {
      const row: Open = {
        id,
        file,
        answer,
        options: options.slice(0, LETTERS.length).reduce((bits, text, i) => bits | (+(text !== '') << i), 0),
      };
      if (open) this.#open.push(row);
      if (number !== null && text === null) push(this.#numbers, field, row);
    }
    if (named === text || (named !== null && text !== null)) return; // says nothing, or both
    for (const counts of [entry(this.#byFile, `${field}\0${file}`), entry(this.#byField, field)])
      counts[named !== null ? 'named' : 'text']++;
  }

  /** Answers that come out otherwise than they were read alone. */
  *settled(): Generator<Settled> {
    for (const row of this.#open) {
      const side = this.#side(row);
      const letter = by(side, row.answer.readings);
      if (letter !== row.answer.letter) yield { id: row.id, letter, problem: problemOf(letter, side) };
    }
    for (const rows of this.#numbers.values()) yield* renumbered(rows);
  }

  /** The file's own rows come before those of the data set; the field's own rule holds where they tell nothing. */
  #side({ file, answer }: Open): 'named' | 'text' | null {
    const [ofFile, ofField] = [entry(this.#byFile, `${answer.field}\0${file}`), entry(this.#byField, answer.field!)];
    return (ofFile.empty ? ofField : ofFile).side() ?? answer.default;
  }
}

/**
 * Numbers of a field that holds no 0 and, somewhere, the number of the row's options count from 1: from 0 that row would have no answer. Where
 * there are too few rows to tell, they are ambiguous.
 */
function* renumbered(rows: readonly Open[]): Generator<Settled> {
  const numbers = rows.map(({ answer }) => answer.number!);
  if (numbers.some(({ value }) => value === 0) || !numbers.some(({ value, places }) => value === places)) return;
  for (const { id, answer, options } of rows) {
    const index = answer.number!.value - 1;
    if (rows.length < ENOUGH) yield { id, letter: null, problem: 'answer-ambiguous' };
    else if (LETTERS[index] !== undefined && options & (1 << index)) yield { id, letter: LETTERS[index], problem: null };
    else yield { id, letter: null, problem: 'answer-no-option' };
  }
}

const problemOf = (letter: string | null, side: 'named' | 'text' | null): Problem | null =>
  letter !== null ? null : side === null ? 'answer-ambiguous' : 'answer-no-option';

function entry(map: Map<string, Counts>, key: string): Counts {
  let counts = map.get(key);
  if (!counts) map.set(key, (counts = new Counts()));
  return counts;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
