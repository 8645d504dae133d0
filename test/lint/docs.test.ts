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

it.each(pages.filter((page) => readFileSync(join(root, page), 'utf8').includes('npx medr1')))(
  '%s says how to call medr1 outside the clone',
  (page) => {
    expect(readFileSync(join(root, page), 'utf8')).toContain("the clone's `.venv/bin/medr1`"); // npx would ask a registry there
  },
);
