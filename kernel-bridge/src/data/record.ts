/** Fields of a record, whatever file it came from. */

export type Record_ = Record<string, unknown>;

/** As it can be stored and compared: half of a surrogate pair and NUL become U+FFFD. */
export const text = (value: unknown): string =>
  typeof value === 'string'
    ? value.includes('\0')
      ? value.toWellFormed().replaceAll('\0', '\uFFFD')
      : value.toWellFormed()
    : typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
      ? String(value)
      : '';

/** What pandas and Python write for a value that is missing. "none" and "None." are words. */
const MISSING = new Set(['nan', 'NaN', '<NA>', 'NaT', 'None', 'null']);

/** Whether there is no value: nothing, blank, NaN, or a word that stands for a missing one. */
export const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'number' && Number.isNaN(value)) ||
  (typeof value === 'string' && (value.trim() === '' || MISSING.has(value.trim())));

/** The first of the fields that has a value. */
export function first(record: Record_, keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = Object.hasOwn(record, key) ? record[key] : undefined;
    if (!isEmpty(value)) return value;
  }
  return undefined;
}

/** What a list of one holds. */
export const oneOf = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

const plainNames = new Map<string, string>();

/** Column names in one spelling: "Option A", "option-a" and "option_A" are option_a. A name that is spelt so already comes before others. */
export function withPlainNames(value: object): Record_ {
  const record: Record_ = {}; // with a prototype: V8 gives records of equal names one shape
  for (const name of Object.keys(value)) {
    if (name === '__proto__') continue;
    let plain = plainNames.get(name);
    if (plain === undefined) {
      plain = name
        .trim()
        .toLowerCase()
        .replace(/[\s-]+/g, '_');
      if (plainNames.size < 1000) plainNames.set(name, plain);
    }
    if (plain === name || !Object.hasOwn(record, plain)) record[plain] = (value as Record_)[name];
  }
  return record;
}
