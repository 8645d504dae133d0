import { afterEach, expect, it, vi } from 'vitest';
import { WorkbenchError } from '../protocol/errors.ts';
import { fail, shown, table } from './output.ts';

const HOSTILE = 'a\x1b[2J\rended: finished\x07\u202eb\u009b1m';

afterEach(() => vi.restoreAllMocks());

it('a terminal shows what a name, a log or a completion says and does not obey it', () => {
  expect(table([[HOSTILE, 1]])).toBe('a\\u001b[2J\\u000dended: finished\\u0007\\u202eb\\u009b1m  1');
  const { isTTY } = process.stdout;
  try {
    process.stdout.isTTY = true;
    expect(shown(`${HOSTILE}\nnext\tone`)).toBe('a\\u001b[2J\\u000dended: finished\\u0007\\u202eb\\u009b1m\nnext\tone');
    process.stdout.isTTY = false;
    expect(shown(HOSTILE)).toBe(HOSTILE); // a program reads it
  } finally {
    process.stdout.isTTY = isTTY;
  }
});

it('an error that quotes it is printed in the same way', () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(fail(new WorkbenchError({ code: 'X', message: `there is no ${HOSTILE}`, remedy: 'Look.' }))).toBe(1);
  expect(written.join('')).toBe('medr1: there is no a\\u001b[2J\\u000dended: finished\\u0007\\u202eb\\u009b1m\n       Look.\n');
});
