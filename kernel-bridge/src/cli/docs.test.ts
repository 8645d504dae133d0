import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pageFile, PAGES } from './docs.ts';

describe('files made from the code', () => {
  it.each(Object.keys(PAGES))('%s is what the code gives (node kernel-bridge/src/cli/docs.ts writes it)', (name) => {
    expect(readFileSync(pageFile(name), 'utf8')).toBe(PAGES[name]());
  });
});
