/** What a search looks for in texts: words or a regular expression. */
import type { SearchQuery } from '../protocol/search.ts';
import { errors } from './errors.ts';
import { phraseFilter, type FilterTest } from './stretches.ts';
import { joinedTest, markWords, matchExpression, needsReading, parseWords, wordTest, type Marks } from './words.ts';

export interface TextTest {
  /** FTS5 expression whose hits hold all of the test's; null where the index of words cannot help. */
  words: string | null;
  /** False where surely none of several texts of plain ASCII, joined, passes: a whole step is passed over at once. Null where only each text can tell. */
  maySay: ((joined: string) => boolean) | null;
  /** The same told by the step's filter of stretches, without reading it. */
  filter: FilterTest | null;
  /** The text itself must be read to know. */
  reads: boolean;
  test: (text: string) => boolean;
  marks: (text: string) => Marks;
}

/** Stretches of one text that are marked at most. */
const MOST_MARKS = 200;

/** Null where nothing is looked for. Throws SEARCH_REGEXP, SEARCH_EMPTY. */
export function textTest({ text = '', mode = 'words', case: exact = false }: Pick<SearchQuery, 'text' | 'mode' | 'case'>): TextTest | null {
  if (text.trim() === '') return null;
  if (mode === 'regexp') {
    const pattern = regexp(text, exact ? '' : 'i');
    const all = new RegExp(pattern, `${pattern.flags}g`);
    return {
      words: null,
      maySay: null,
      filter: null,
      reads: true,
      test: (one) => pattern.test(one),
      marks: (one) => markMatches(one, all),
    };
  }
  const query = parseWords(text);
  if (query.all.length === 0) throw errors.noWords(text);
  return {
    words: matchExpression(query),
    maySay: joinedTest(query),
    filter: phraseFilter(query),
    reads: needsReading(query),
    test: wordTest(query),
    marks: (one) => markWords(one, query, MOST_MARKS),
  };
}

/** ^ and $ are the ends of a line, the dot takes any character but a line's end. Unicode's rules where the expression allows them. */
function regexp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, `${flags}mu`);
  } catch (error) {
    try {
      return new RegExp(source, `${flags}m`); // "\-" is refused by Unicode's rules alone
    } catch {
      throw errors.badRegexp(source, error);
    }
  }
}

function markMatches(text: string, pattern: RegExp): Marks {
  const marks: Marks = [];
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (match !== '') marks.push([index, index + match.length]);
    if (marks.length === MOST_MARKS) break;
  }
  return marks;
}
