import { expect, it } from 'vitest';
import { tagsIn } from './tags.ts';

it('reads tags apart by commas, each once, without space around', () => {
  expect(tagsIn(' hard, odd one ,,hard,')).toEqual(['hard', 'odd one']);
  expect(tagsIn('  ')).toEqual([]);
  expect(tagsIn('x'.repeat(100))[0]).toHaveLength(60);
});
