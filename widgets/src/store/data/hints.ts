/** Slips in a search ("modalty:CT") and the search that was probably meant. A slip is no error: what names no field is searched as text. */
import { facetOfField, FACET_TABLE, filters, SEARCH_TERM } from '@medr1/kernel-bridge/protocol/facets';
import { nearest } from '@medr1/kernel-bridge/protocol/nearest';

/** Fields as people write them, with what each finds. */
export const SEARCH_HELP: readonly [example: string, finds: string][] = [
  ['lung nodule', 'questions or options that hold both words, or longer ones that begin so'],
  ['"no finding"', 'these words one after another'],
  ['-fracture', 'without the word'],
  ['modality:CT', 'a value of a facet; also type, dataset, split, tag, options, answer, problem'],
  ['type:"Disease Diagnosis"', 'a value of two words'],
  ['-answer:A', 'any other value'],
  ['question:where', 'in the question alone; option:… in the options alone'],
  ['id:ACRIMA_0001', 'one question; image:… by its path'],
];

const TEXT_FIELDS = ['question', 'option'];
const OTHER_FIELDS = [...TEXT_FIELDS, 'id', 'image'];
const FIELDS = [...FACET_TABLE.flatMap((row) => [row.name, ...('aliases' in row ? row.aliases : [])]), ...OTHER_FIELDS];
/** One name of each. */
const FIELDS_TOLD = [...FACET_TABLE.map(({ name }) => name), ...OTHER_FIELDS].join(', ');
/** Facets that a data set has only once something was done: what to do. */
const NOTED: ReadonlyMap<string, string> = new Map([
  ['tag', 'No question of this data set has a tag yet. The button Tag, below the questions, gives one.'],
  ['split', 'This data set has no split yet. In Audit you can draw one.'],
]);
/** Values named in full where none is near. */
const FEW = 8;

export interface Hint {
  text: string;
  /** The search put right; null where that is not known. */
  instead: string | null;
}

type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** `counts`: the values that each facet has, whatever passes. `found`: whether a question passes. */
export function hintsOf(query: string, counts: Counts, found: boolean): Hint[] {
  const hints: Hint[] = [];
  const put = (at: number, old: string, now: string): string => query.slice(0, at) + now + query.slice(at + old.length);
  if ((query.match(/"/g)?.length ?? 0) % 2 === 1) hints.push({ text: 'A quote is not closed.', instead: `${query.trimEnd()}"` });
  for (const { 0: term, 1: minus, 2: field, 3: quoted, 4: bare, index } of query.matchAll(SEARCH_TERM)) {
    if (field === undefined) continue;
    const name = field.toLowerCase();
    const value = quoted ?? bare ?? '';
    const facet = facetOfField(name);
    if (facet) {
      const values = Object.keys(counts[facet] ?? {});
      if (values.some((one) => one.toLowerCase() === value.toLowerCase())) continue;
      if (values.length === 0) {
        if (NOTED.has(facet) && minus === '') hints.push({ text: NOTED.get(facet)!, instead: null });
        continue;
      }
      const meant = nearest(value, values);
      if (meant !== undefined)
        hints.push({
          text: `${field} has no ${value}.`,
          instead: put(index, term, `${minus}${fieldWith(field, meant)}`),
        });
      else {
        const known = values.slice(0, FEW).join(', ') + (values.length > FEW ? ` and ${values.length - FEW} more` : '');
        hints.push({ text: `${field} has no ${value}. It has ${known}.`, instead: null });
      }
    } else if (!filters(name) && !TEXT_FIELDS.includes(name)) {
      const meant = nearest(name, FIELDS);
      if (meant !== undefined)
        hints.push({ text: `There is no field ${field}.`, instead: put(index, term, term.replace(`${field}:`, `${meant}:`)) });
      // a colon may stand in a text: only where none has these words was a field meant
      else if (!found && minus === '' && value !== '')
        hints.push({ text: notAField(field, term), instead: put(index, term, fieldOfValue(value, counts) ?? `${field} ${value}`) });
    }
  }
  return hints;
}

const fieldWith = (field: string, value: string): string => `${field}:${/\s/.test(value) ? `"${value}"` : value}`;

const notAField = (field: string, term: string): string =>
  `There is no field ${field}, so ${term} was looked for as text. The fields are ${FIELDS_TOLD}.`;

/** "CT" is a modality: "modality:CT". */
function fieldOfValue(value: string, counts: Counts): string | undefined {
  for (const { name } of FACET_TABLE) {
    const known = Object.keys(counts[name] ?? {}).find((one) => one.toLowerCase() === value.toLowerCase());
    if (known !== undefined) return fieldWith(name, known);
  }
  return undefined;
}
