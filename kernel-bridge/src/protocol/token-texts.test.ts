import { resolve } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { loadProcessor, type Processor } from '../models/index.ts';
import { tokenTexts } from './token-texts.ts';

let processor: Processor;
beforeAll(async () => {
  processor = await loadProcessor(resolve(import.meta.dirname, '../../../examples/sample/model'));
});

it('a character of several tokens stands at its last', () => {
  const ids = processor.encode('a😀b');
  expect(ids.length).toBeGreaterThan(3);
  const texts = tokenTexts(processor, ids);
  expect(texts.filter((text) => text !== '')).toEqual(['a', '😀', 'b']);
});

it('bytes that never become a character are shown as such, and what follows them is read anew', () => {
  const [first] = processor.encode('😀');
  const texts = tokenTexts(processor, [first, ...processor.encode('ab')]);
  expect(texts).toHaveLength(3);
  expect(texts.join('')).toBe('\ufffdab');
});

it.each([
  ['\ufffd\u00a0', ['\ufffd', '\u00a0']],
  ['\ufffd\ufffdé', ['\ufffd', '\ufffd', 'é']],
])('the replacement character itself is a character: %j', (text, texts) => {
  expect(tokenTexts(processor, processor.encode(text)).filter((part) => part !== '')).toEqual(texts);
});

it('texts of the tokens together are the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const ids = processor.encode(text);
      expect(tokenTexts(processor, ids).join('')).toBe(processor.decode(ids));
    }),
  );
});

it('texts of any bytes together are what they read as', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 12 }) /* the first tokens are bytes */, (ids) => {
      expect(tokenTexts(processor, ids).join('')).toBe(processor.decode(ids));
    }),
  );
});

it('ids beyond the tokenizer, as padded embeddings have them, read as nothing and crash nothing', () => {
  const [a] = processor.encode('a');
  expect(processor.decode([a, 151_900, a])).toBe('aa');
  expect(tokenTexts(processor, [151_900, a])).toEqual(['', 'a']);
});
