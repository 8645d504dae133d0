/**
 * The language in which runs are searched, in the table and in the panel. Without a schema, so that pages load no more than they need.
 *
 *     pilot -draft tag:"seed 2" state:failed learning_rate<=1e-5 best:reward>1.5
 *
 * Words are looked for in name, id, tags, notes, variant and state; `column:value`, `column=value` and comparisons look at one column;
 * a minus in front turns a condition round. All conditions have to hold.
 */

export type Comparison = ':' | '=' | '!=' | '<' | '<=' | '>' | '>=';

export interface Condition {
  negated: boolean;
  /** null = a word. */
  column: string | null;
  comparison: Comparison;
  value: string;
}

/** What a condition may be compared with. */
export type CellValue = string | number | boolean | null | readonly string[];

const TERM = /(-?)(?:((?:(?:last|best|mean|config):)?[^\s:<>=!"]+)(>=|<=|!=|[:=<>]))?("(?:[^"]*)"?|[^\s"]*)/y;

/** Never fails: what is half typed is looked for as it stands. */
export function parseSearch(text: string): Condition[] {
  const conditions: Condition[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at])) {
      at++;
      continue;
    }
    TERM.lastIndex = at;
    const [whole, minus, column, comparison, quoted] = TERM.exec(text)!;
    at += Math.max(1, whole.length);
    const value = quoted.replace(/^"|"$/g, '');
    if (value === '') continue;
    conditions.push({ negated: minus === '-', column: column ?? null, comparison: (comparison ?? ':') as Comparison, value });
  }
  return conditions;
}

export interface Searchable {
  id: string;
  name: string;
  state: string;
  variant: string;
  annotations: { tags: readonly string[]; notes: string };
}

/** Whether a run passes; `valueOf` gives a column's value, undefined where there is no such column: then nothing passes. */
export function passes(conditions: readonly Condition[], run: Searchable, valueOf: (column: string) => CellValue | undefined): boolean {
  return conditions.every((condition) => {
    const seen = condition.column === null ? words(run) : valueOf(condition.column);
    return seen !== undefined && holds(condition, seen) !== condition.negated;
  });
}

const words = ({ id, name, state, variant, annotations }: Searchable): string =>
  [name, id, state, variant, annotations.notes, ...annotations.tags].join('\n');

function holds({ column, comparison, value }: Condition, seen: CellValue): boolean {
  if (comparison === '!=') return !holds({ negated: false, column, comparison: '=', value }, seen);
  if (Array.isArray(seen)) return seen.some((one) => sameText(one, value));
  if (typeof seen === 'boolean') return seen === isYes(value);
  if (typeof seen === 'number') return compares(seen, comparison, numberOf(value));
  if (seen === null) return comparison !== '<' && comparison !== '>' && /^(none|null)$/i.test(value);
  if (comparison === ':') return String(seen).toLowerCase().includes(value.toLowerCase());
  return comparison === '=' && sameText(String(seen), value);
}

function compares(seen: number, comparison: Comparison, wanted: number): boolean {
  switch (comparison) {
    case '<':
      return seen < wanted;
    case '<=':
      return seen <= wanted;
    case '>':
      return seen > wanted;
    case '>=':
      return seen >= wanted;
    default:
      return seen === wanted;
  }
}

/** A number, or a date in milliseconds since 1970; NaN for neither. */
export const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number.isNaN(Number(text)) ? Date.parse(text) : Number(text));

const isYes = (text: string): boolean => /^(yes|true|1|on)$/i.test(text);
const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
