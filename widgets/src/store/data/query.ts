/** Filters as values: what is chosen, how it reads, and how it is written in Python. Nothing here asks the backend. */
import { facetRow, FACETS, SORTS } from '@medr1/kernel-bridge/protocol/facets';
import type { ItemQuery } from '../../connector.ts';

export { SORTS };

/** A filter without the place in its pages. */
export type Filter = Omit<ItemQuery, 'limit' | 'cursor' | 'offset'>;

/** Runs whose answers can be shown at once (ItemQuery.runs). */
export const MOST_RUNS = 4;
const RUN = 'run:';

export const runFacet = (run: string): string => `${RUN}${run}`;
export const runOfFacet = (facet: string): string | null => (facet.startsWith(RUN) ? facet.slice(RUN.length) : null);

/** Runs that a filter's facets speak of. */
export const askedRuns = ({ facets = {} }: Filter): string[] => Object.keys(facets).flatMap((facet) => runOfFacet(facet) ?? []);

/** Takes what is well formed in a stored or foreign value; a place in pages is dropped. */
export function filterOf(json: unknown): Filter {
  if (!json || typeof json !== 'object') return {};
  const given = json as Record<string, unknown>;
  const filter: Filter = {};
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one !== '') : [];
  if (given.facets && typeof given.facets === 'object') {
    const facets = Object.entries(given.facets).map(([facet, values]) => [facet, texts(values)] as const);
    const chosen = facets.filter(([, values]) => values.length > 0);
    if (chosen.length > 0) filter.facets = Object.fromEntries(chosen);
  }
  if (typeof given.q === 'string' && given.q.trim() !== '') filter.q = given.q;
  if (Array.isArray(given.ids)) filter.ids = texts(given.ids);
  if (typeof given.image === 'string' && given.image !== '') filter.image = given.image;
  if (texts(given.runs).length > 0) filter.runs = texts(given.runs).slice(0, MOST_RUNS);
  if (typeof given.sort === 'string' && given.sort in SORTS && given.sort !== 'file') filter.sort = given.sort;
  if (given.descending === true) filter.descending = true;
  if (given.group === 'image') filter.group = 'image';
  return filter;
}

/** Chooses a value of a facet, or takes the choice back. */
export function toggled(filter: Filter, facet: string, value: string): Filter {
  const chosen = filter.facets?.[facet] ?? [];
  const values = chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
  return filterOf({ ...filter, facets: { ...filter.facets, [facet]: values } });
}

export const isChosen = (filter: Filter, facet: string, value: string): boolean => filter.facets?.[facet]?.includes(value) ?? false;

/** Whether anything is left out; an order or a grouping leaves nothing out. */
export const narrows = ({ facets, q, ids, image }: Filter): boolean =>
  Boolean(q || ids || image) || Object.values(facets ?? {}).some((values) => values?.length);

export const widened = ({ sort, descending, group, runs }: Filter): Filter => filterOf({ sort, descending, group, runs });

/** Each part of a filter with the filter that is left without it. */
export interface Chip {
  title: string;
  text: string;
  without: Filter;
}

/** `nameOf` gives a run's name. */
export function chips(filter: Filter, nameOf: (run: string) => string): Chip[] {
  const list: Chip[] = [];
  for (const [facet, values] of Object.entries(filter.facets ?? {}))
    for (const value of values ?? [])
      list.push({ title: facetTitle(facet, nameOf), text: valueText(facet, value), without: toggled(filter, facet, value) });
  if (filter.q) list.push({ title: 'Search', text: filter.q, without: filterOf({ ...filter, q: undefined }) });
  if (filter.image)
    list.push({ title: 'Image', text: filter.image.split('/').at(-1)!, without: filterOf({ ...filter, image: undefined }) });
  if (filter.ids) {
    const text = filter.ids.length === 1 ? filter.ids[0] : `${filter.ids.length.toLocaleString('en-US')} questions`;
    list.push({ title: 'Chosen', text, without: filterOf({ ...filter, ids: undefined }) });
  }
  return list;
}

export function facetTitle(facet: string, nameOf: (run: string) => string): string {
  const run = runOfFacet(facet);
  return run === null ? (facetRow(facet)?.title ?? facet) : `Answers of ${nameOf(run)}`;
}

/** How a value reads: the backend's `none` is a word of its own in some facets. */
export const valueText = (facet: string, value: string): string => facetRow(facet)?.words?.[value] ?? value;

const ANSWERS = ['right', 'mixed', 'wrong', 'unasked'];

/** Values with how many questions have them, most first; numbers, letters and answers in their own order. Where nothing passes, all of them. */
export function facetValues(facet: string, counts: Readonly<Record<string, number>>, chosen: readonly string[]): [string, number][] {
  const entries = Object.entries({ ...Object.fromEntries(chosen.map((value) => [value, 0])), ...counts });
  const found = entries.filter(([value, count]) => count > 0 || chosen.includes(value));
  const shown = entries.some(([, count]) => count > 0) ? found : entries;
  const compare = ([a, m]: [string, number], [b, n]: [string, number]): number => {
    if (runOfFacet(facet) !== null) return ANSWERS.indexOf(a) - ANSWERS.indexOf(b);
    const inOrder = facetRow(facet)?.ordered ?? false;
    return (inOrder ? 0 : n - m) || a.localeCompare(b, 'en', { numeric: true });
  };
  return shown.sort(compare);
}

/** Facets in the order they are shown: what runs said first, then the table's, then those that only the backend knows. */
export const facetOrder = (names: readonly string[]): string[] => {
  const known: readonly string[] = FACETS;
  const ofRuns = names.filter((name) => runOfFacet(name) !== null);
  return [
    ...ofRuns,
    ...known.filter((name) => names.includes(name)),
    ...names.filter((name) => !known.includes(name) && !ofRuns.includes(name)),
  ];
};

/** The line that gives the same questions as a DataFrame: `wb.dataset("omnimedvqa", facets={"modality": ["X-Ray"]})`. */
export function pythonOf(dataset: string, filter: Filter): string {
  const keys = ['ids', 'facets', 'q', 'image', 'runs', 'sort', 'descending'] as const;
  const given = keys.filter((key) => filter[key] !== undefined);
  return `wb.dataset(${[python(dataset), ...given.map((key) => `${key}=${python(filter[key])}`)].join(', ')})`;
}

/** A JSON value as Python writes it. JSON's escapes in strings are Python's too. */
function python(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (value === true || value === false) return value ? 'True' : 'False';
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, one]) => `${python(key)}: ${python(one)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}
