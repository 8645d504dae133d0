/**
 * Lists and dicts in a table's cell, as programs write them: JSON; Python's repr (None, nan, single quotes, tuples); numpy's, which
 * Dataset.to_csv writes and which has no commas (['cyst' 'mass'\n 'lymph node']); array([...], dtype=object) and np.str_('cyst').
 */

/** Characters of a literal: far more than options take. */
const MAX_LITERAL = 20_000;
const MAX_DEPTH = 20;

/** The value; undefined when the text is no such literal. */
export function parseLiteral(text: string): unknown {
  if (text.length > MAX_LITERAL) return undefined;
  try {
    return new LiteralReader(text).whole();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const WORDS = new Map<string, unknown>([
  ['None', null],
  ['null', null],
  ['nan', null],
  ['NaN', null],
  ['NaT', null],
  ['<NA>', null],
  ['True', true],
  ['true', true],
  ['False', false],
  ['false', false],
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);
const ESCAPES = new Map(
  [...'\'"\\/'].map((char): [string, string] => [char, char]).concat(Object.entries({ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' })),
);
const CLOSING = new Map([
  ['[', ']'],
  ['(', ')'],
]);

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value(0);
    this.#space();
    return this.#at === this.#text.length ? value : this.#fail();
  }

  #fail(): never {
    throw new SyntaxError(`no literal at ${this.#at}`);
  }
  #space(): void {
    this.#take(/\s*/y);
  }
  /** What the expression (sticky) finds here, gone past; null when nothing. */
  #take(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text);
    if (found) this.#at = expression.lastIndex;
    return found;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) this.#fail();
    this.#space();
    const char = this.#text[this.#at];
    const close = CLOSING.get(char);
    if (close !== undefined) return this.#list(close, depth);
    if (char === '{') return this.#dict(depth);
    if (this.#take(/[rubRUB]{0,2}(?=['"])/y)) return this.#string();
    // array([...], dtype=object), np.str_('x'), np.float64(1.0): the first argument is the value
    if (this.#take(/(?:(?:np|numpy)\.[A-Za-z_]\w*|array)\(/y)) return this.#call(depth);
    const word = this.#take(/<NA>|-?[A-Za-z]+/y)?.[0];
    if (word !== undefined) return WORDS.has(word) ? WORDS.get(word) : this.#fail();
    const number = this.#take(/[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y)?.[0];
    return number === undefined ? this.#fail() : Number(number);
  }

  #call(depth: number): unknown {
    const value = this.#value(depth + 1);
    this.#take(/\s*(?:,\s*\w+\s*=\s*[^()[\]]*?)*\)/y) ?? this.#fail();
    return value;
  }

  /** Elements stand between commas or, as numpy prints them, between spaces. */
  #list(close: string, depth: number): unknown[] {
    const values: unknown[] = [];
    this.#at++;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] === close) {
        this.#at++;
        return values;
      }
      values.push(this.#value(depth + 1));
      this.#take(/\s*,/y);
    }
  }

  #dict(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#at++;
    for (;;) {
      this.#space();
      if (this.#take(/\}/y)) return Object.fromEntries(entries);
      const key = this.#value(depth + 1);
      this.#take(/\s*:/y) ?? this.#fail();
      entries.push([String(key), this.#value(depth + 1)]);
      this.#take(/\s*,/y);
    }
  }

  #string(): string {
    const quote = this.#text[this.#at++];
    let value = '';
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined) this.#fail();
      if (char === quote) return value;
      value += char === '\\' ? this.#escaped() : char;
    }
  }

  #escaped(): string {
    const code = this.#take(/u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})/y);
    if (code) {
      const point = parseInt(code[1] ?? code[2] ?? code[3], 16);
      return point > 0x10ffff ? this.#fail() : code[1] === undefined ? String.fromCodePoint(point) : String.fromCharCode(point);
    }
    const char = this.#text[this.#at++];
    return ESCAPES.get(char) ?? (char === undefined ? this.#fail() : `\\${char}`);
  }
}
