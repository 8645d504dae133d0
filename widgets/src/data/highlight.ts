/** Where a search matches in a text, so that the match can be marked. The text itself is never changed. */
import { filters, SEARCH_TERM } from '@medr1/kernel-bridge/protocol/facets';

export interface Terms {
  question: RegExp | null;
  options: RegExp | null;
}

/** The words of a search that stand for text: without those it excludes and without field:value. A bare word also finds longer ones. */
export function termsOf(query: string): Terms {
  const question: string[] = [];
  const options: string[] = [];
  for (const [, minus, field, quoted, bare] of query.matchAll(SEARCH_TERM)) {
    const name = field?.toLowerCase() ?? '';
    if (minus || filters(name)) continue;
    const value = quoted ?? bare ?? '';
    const words = (name && name !== 'question' && name !== 'option' ? `${field}:${value}` : value).match(/[\p{L}\p{N}]+/gu);
    if (!words) continue;
    const pattern = words.join('[^\\p{L}\\p{N}]+') + (quoted === undefined ? '[\\p{L}\\p{N}]*' : '(?![\\p{L}\\p{N}])');
    if (name !== 'option') question.push(pattern);
    if (name !== 'question') options.push(pattern);
  }
  const regExp = (patterns: string[]) => (patterns.length > 0 ? new RegExp(`(?<![\\p{L}\\p{N}])(?:${patterns.join('|')})`, 'giu') : null);
  return { question: regExp(question), options: regExp(options) };
}
