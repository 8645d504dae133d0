import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBatch } from './batch.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'medr1-batch-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const batch = (text: string) => {
  writeFileSync(join(dir, 'b.jsonl'), text);
  return join(dir, 'b.jsonl');
};

describe('readBatch', () => {
  it('reads groups of text or token ids, with rewards, and finds images beside the file', () => {
    mkdirSync(join(dir, 'Images'));
    writeFileSync(join(dir, 'Images', 'a.png'), '');
    const row = { image: 'Images/a.png', prompt: 'Q', completions: ['A', [1, 2]], rewards: { accuracy: [1, null] } };
    expect(readBatch(batch(`${JSON.stringify(row)}\n\n{"prompt": "Q", "completions": ["B"]}\n`))).toEqual([
      { ...row, image: join(dir, 'Images', 'a.png') },
      { prompt: 'Q', completions: ['B'], image: undefined, rewards: undefined },
    ]);
  });

  it.each([
    ['{"prompt": "Q"', 'not valid JSON'],
    ['[1]', 'a row is a JSON object'],
    ['{"completions": ["A"]}', '"prompt" is not text'],
    ['{"prompt": "Q", "completions": []}', '"completions" is not a list with at least one entry'],
    ['{"prompt": "Q", "completions": ["A", [1.5]]}', 'completion 1 is neither text nor a list of token ids'],
    ['{"prompt": "Q", "completions": ["A"], "image": 3}', '"image" is not a path'],
    ['{"prompt": "Q", "completions": ["A"], "rewards": {"format": [1, 0]}}', 'rewards.format is not a list of 1 numbers or nulls'],
  ])('names file, line and fault: %s', (line, fault) => {
    expect(() => readBatch(batch(`{"prompt": "Q", "completions": ["A"]}\n${line}\n`))).toThrow(`b.jsonl:2: ${fault}`);
  });

  it('refuses a file that is missing or holds nothing', () => {
    expect(() => readBatch(join(dir, 'none.jsonl'))).toThrow('none.jsonl');
    expect(() => readBatch(batch('\n'))).toThrow('it has no rows');
  });
});
