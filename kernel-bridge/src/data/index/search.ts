/**
 * The search box: plain words (all must occur, in question or options), "a phrase", -without, field:value and field:"two words".
 * What is no field is text, so that nothing a user types is an error.
 */
import { facetOfField, SEARCH_TERM, type Facet } from '../../protocol/facets.ts';
import { modalityName, questionTypeName } from '../names.ts';

export interface Search {
  facets: Partial<Record<Facet, string[]>>;
  /** Values that must not be: -modality:CT. */
  excluded: Partial<Record<Facet, string[]>>;
  /** FTS5 expressions of what must and must not occur; null when nothing is searched for. */
  text: string | null;
  without: string | null;
  id: string | null;
  image: string | null;
}

export function parseSearch(query: string): Search {
  const search: Search = { facets: {}, excluded: {}, text: null, without: null, id: null, image: null };
  const wanted: string[] = [];
  const unwanted: string[] = [];
  for (const [, minus, field, quoted, bare] of query.matchAll(SEARCH_TERM)) {
    const value = quoted ?? bare ?? '';
    const name = field?.toLowerCase() ?? '';
    const facet = facetOfField(name);
    if (facet) ((minus ? search.excluded : search.facets)[facet] ??= []).push(facetValue(facet, value));
    else if (name === 'id') search.id = value;
    else if (name === 'image') search.image = value;
    else {
      const column = name === 'question' ? 'question : ' : name === 'option' ? 'options : ' : '';
      const words = column === '' && field ? `${field}:${value}` : value;
      const term = phrase(words, quoted === undefined);
      if (term) (minus ? unwanted : wanted).push(column + term);
    }
  }
  if (wanted.length > 0) search.text = wanted.join(' AND ');
  if (unwanted.length > 0) search.without = unwanted.join(' OR ');
  return search;
}

/** A quoted string holds no operator for FTS5; a bare word also finds longer ones. */
function phrase(text: string, prefix: boolean): string | null {
  if (!/[\p{L}\p{N}]/u.test(text)) return null;
  return `"${text.replaceAll('"', '""').replaceAll('\0', ' ')}"${prefix ? '*' : ''}`;
}

function facetValue(facet: Facet, value: string): string {
  if (facet === 'modality') return modalityName(value);
  return facet === 'question_type' ? questionTypeName(value) : value;
}
