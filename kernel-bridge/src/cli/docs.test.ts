import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { docsFile, PAGES } from './docs.ts';

describe('pages made from the code', () => {
  it.each(Object.keys(PAGES))('docs/%s is what the code gives (node kernel-bridge/src/cli/docs.ts writes it)', (name) => {
    expect(readFileSync(docsFile(name), 'utf8')).toBe(PAGES[name]());
  });
});
