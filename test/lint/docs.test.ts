import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('{docs,kernel-bridge/src,widgets,extension/src}/**/*.md', { cwd: root })].filter(
  (page) => !page.includes('node_modules'),
);

it.each(pages)('every link of %s leads somewhere', (page) => {
  const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link);
  const dead = links.filter((link) => !/^https?:/.test(link) && !existsSync(resolve(root, dirname(page), link)));
  expect(dead).toEqual([]);
});
