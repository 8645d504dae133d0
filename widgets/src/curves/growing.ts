/**
 * Columns that only ever grow, and what is made of them: of a column that has grown only what is new is computed. A column that is changed
 * otherwise is another array (store/followed-run.ts), so that what was made of it is forgotten with it.
 */

/** Of a column: null where none was logged. */
export type Value = number | null;

type Columns = readonly (readonly unknown[])[];

/** What was made of an array, by what it is called. */
const kept = new WeakMap<object, Map<string, { value: unknown; others: readonly unknown[]; lengths: readonly number[] }>>();

/** What `make` gave for these columns under this name; made anew where one of them is another array than then. */
export function keptFor<T>(columns: Columns, name: string, make: () => T): T {
  return look(columns, name, make, false);
}

/** The same for what has to be made anew whenever one of the columns has grown. */
export function latestFor<T>(columns: Columns, name: string, make: () => T): T {
  return look(columns, name, make, true);
}

function look<T>([first, ...others]: Columns, name: string, make: () => T, exact: boolean): T {
  let own = kept.get(first);
  if (!own) kept.set(first, (own = new Map()));
  const lengths = [first, ...others].map(({ length }) => length);
  const found = own.get(name);
  const same = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((one, at) => one === b[at]);
  if (found && same(found.others, others) && (!exact || same(found.lengths, lengths))) return found.value as T;
  const value = make();
  own.set(name, { value, others, lengths });
  return value;
}

/** A column as long as the first of these, whose value at a place is made of theirs and of its own values before. */
export function derived<T>(columns: Columns, name: string, value: (at: number, before: readonly T[]) => T): T[] {
  const out = keptFor<T[]>(columns, name, () => []);
  for (let at = out.length; at < columns[0].length; at++) out.push(value(at, out));
  return out;
}
