import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pieces } from '../marked.ts';
import { termsOf } from './highlight.ts';

const marked = (query: string, text: string): string[] => pieces(text, termsOf(query).question).filter((_, at) => at % 2 === 1);

describe('a search marks', () => {
  it.each([
    ['lung', 'The LUNG and the lungs', ['LUNG', 'lungs']],
    ['ung', 'the lung', []], // words are found from their beginning
    ['"no finding"', 'No  finding, no findings', ['No  finding']],
    ['-lung heart', 'heart and lung', ['heart']],
    ['modality:CT lung', 'a CT of the lung', ['lung']],
    ['question:lung', 'lung', ['lung']],
    ['option:lung', 'lung', []],
    ['a:b', 'ratio a:b', ['a:b']],
    ['(.*', 'plain (.* text', []],
    ['Ödem', 'ein Ödem', ['Ödem']],
    ['', 'anything', []],
  ])('%s in "%s": %j', (query, text, found) => expect(marked(query, text)).toEqual(found));

  it('options, where the search names them', () => {
    const { question, options } = termsOf('option:lung');
    expect(question).toBeNull();
    expect(pieces('the lung', options)).toEqual(['the ', 'lung', '']);
  });
});

it('pieces joined are the text, whatever is searched for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 30 }), (text, query) => {
      const { question, options } = termsOf(query);
      expect(pieces(text, question).join('')).toBe(text);
      expect(pieces(text, options).join('')).toBe(text);
    }),
  );
});
