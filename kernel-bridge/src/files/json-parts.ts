/** JSON in parts, so that what is long need not be in memory as a whole. */

/** A list that is read anew each time it is gone through. */
export const lazily = <T>(read: () => Generator<T>): Iterable<T> => ({ [Symbol.iterator]: read });

/** A value that is JSON already. */
export class Json<T = unknown> {
  readonly text: string;
  /** Of what it says; never there. */
  declare readonly value: T;

  constructor(text: string) {
    this.text = text;
  }
}

/** Several elements of a list as they stand in it; of an empty list there is nothing to say. */
export const elements = <T>(list: readonly T[]): Json<T> => new Json(JSON.stringify(list).slice(1, -1));

/** How deep lists and objects are taken apart: as deep as the numbers of a token in a completion of a group in a list. */
const DEPTH = 5;

/** The JSON of a value, in parts. Whatever can be gone through is a list. */
export const jsonParts = (value: unknown): Generator<string> => partsOf(value, DEPTH);

function* partsOf(value: unknown, depth: number): Generator<string> {
  if (value instanceof Json) yield value.text;
  else if (depth === 0 || typeof value !== 'object' || value === null || 'toJSON' in value) yield JSON.stringify(value) ?? 'null';
  else if (Symbol.iterator in value) yield* partsOfList(value as Iterable<unknown>, depth);
  else {
    let before = '{';
    for (const key of Object.keys(value)) {
      const held = (value as Record<string, unknown>)[key];
      if (held === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* partsOf(held, depth - 1);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  }
}

/** Elements of a list of numbers or texts that are written at once. */
const RUN = 4096;

function* partsOfList(list: Iterable<unknown>, depth: number): Generator<string> {
  let before = '[';
  if (Array.isArray(list) && typeof list[0] !== 'object') {
    for (let at = 0; at < list.length; at += RUN, before = ',') yield before + JSON.stringify(list.slice(at, at + RUN)).slice(1, -1);
  } else {
    for (const one of list) {
      yield before;
      yield* partsOf(one, depth - 1);
      before = ',';
    }
  }
  yield before === '[' ? '[]' : ']';
}
