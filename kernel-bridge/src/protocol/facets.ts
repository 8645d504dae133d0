/**
 * What questions are filtered and sorted by, in the order in which it is shown. Names are those of filters, search, counts and Python; the SQL
 * of each stands in data/index (facets.ts, dataset.ts), where one that is missing does not compile. Without a schema, so that pages load it.
 */
interface FacetRow {
  name: string;
  title: string;
  /** Further names in the search box: type:"Disease Diagnosis". */
  aliases?: readonly string[];
  /** Values are shown in their own order, not by how many questions have them. */
  ordered?: true;
  /** How values read that are no words of the data. */
  words?: Readonly<Record<string, string>>;
}

export const FACET_TABLE = [
  { name: 'modality', title: 'Modality' },
  { name: 'question_type', title: 'Question type', aliases: ['type'] },
  { name: 'dataset', title: 'Data set of origin', aliases: ['data'] },
  { name: 'split', title: 'Split' },
  { name: 'tag', title: 'Tag', aliases: ['tags'] },
  { name: 'options', title: 'Number of options', aliases: ['option_count'], ordered: true },
  { name: 'answer', title: 'Right answer', ordered: true, words: { none: 'not known' } },
  { name: 'problem', title: 'Problem', words: { none: 'usable' } },
] as const satisfies readonly FacetRow[];

export type Facet = (typeof FACET_TABLE)[number]['name'];
export const FACETS: readonly Facet[] = FACET_TABLE.map(({ name }) => name);

const rows: readonly FacetRow[] = FACET_TABLE;
/** The row of a facet; undefined for run:<id> and for what a newer backend has. */
export const facetRow = (name: string): FacetRow | undefined => rows.find((row) => row.name === name);

/** The facet that a field of the search box names, by its name or another one. */
export const facetOfField = (field: string): Facet | undefined =>
  rows.find(({ name, aliases = [] }) => name === field || aliases.includes(field))?.name as Facet | undefined;

/** Orders by name, with how they read. */
export const SORTS = {
  file: 'order of the files',
  id: 'id',
  dataset: 'data set of origin',
  modality: 'modality',
  question_type: 'question type',
  question: 'question',
  image: 'image',
} as const;
export type Sort = keyof typeof SORTS;

/** A term of the search box: [, minus, field, text in quotes, bare word]. */
export const SEARCH_TERM = /(-?)(?:([a-z_]+):)?(?:"([^"]*)"?|([^\s"]+))/gi;
/** Fields that name one question or image. */
const KEYS = ['id', 'image'];
/** Whether field:value filters; other fields are text, or say where text is looked for. */
export const filters = (field: string): boolean => facetOfField(field) !== undefined || KEYS.includes(field);
