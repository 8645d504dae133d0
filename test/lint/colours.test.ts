import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
/** A colour written out: #hex, which no bracket follows (`#add(` is a method), or a function that makes one of numbers. */
const LITERAL = /(?<=[:,(\s'"`])#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b(?!\()|\b(?:rgba?|hsla?|oklch)\(\s*\d/gi;

const literals = (text: string): string[] => text.match(LITERAL) ?? [];

it('a literal colour would be found', () =>
  expect(literals('color: #fff; a:hover { background: light-dark(#d7e6f3, rgb(0 0 0 / 25%)) }')).toEqual(['#fff', '#d7e6f3', 'rgb(0']));

it('colours are written in the theme and nowhere else', () => {
  const files = globSync('widgets/src/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && file !== 'widgets/src/theme.ts',
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) => literals(readFileSync(join(root, file), 'utf8')).map((colour) => `${file}: ${colour}`));
  expect(found).toEqual([]);
});
