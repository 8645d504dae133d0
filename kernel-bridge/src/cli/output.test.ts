import { afterEach, expect, it, vi } from 'vitest';
import { WorkbenchError } from '../protocol/errors.ts';
import { exactly } from '../protocol/printable.ts';
import { printAudit } from './data.ts';
import { leftOut } from './eval.ts';
import { fail, note, pass, printJson, table, tellStriped } from './output.ts';
import { progress } from './progress.ts';

const HOSTILE = 'a\x1b[2J\rended: finished\x07\u202eb\u009b1m';

/** What HOSTILE is shown as, in one line. */
const SHOWN = 'a\\u001b[2J\\u000dended: finished\\u0007\\u202eb\\u009b1m';

afterEach(() => vi.restoreAllMocks());

/** What it writes on standard output, a terminal or not. */
function printed(what: () => void, isTTY = false): string {
  const out: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  const before = process.stdout.isTTY;
  try {
    process.stdout.isTTY = isTTY;
    what();
  } finally {
    process.stdout.isTTY = before;
  }
  return out.join('');
}

it('a terminal shows what a name, a log or a completion says and does not obey it', () => {
  expect(table([[HOSTILE, 1]])).toEqual([`${SHOWN}  1`]);
  expect(printed(() => pass(`${HOSTILE}\nnext\tone\n`), true)).toBe(`${SHOWN}\nnext\tone\n`);
  expect(printed(() => pass(HOSTILE))).toBe(HOSTILE); // a program reads it
  expect(printed(() => tellStriped([HOSTILE]), true)).toContain(SHOWN);
});

it('a cell of a megabyte is cut, and says how long it was: the others of its column are as wide', () => {
  const [long, short] = table([['x'.repeat(1 << 20), 1], ['b', 2]]); // prettier-ignore
  expect(long).toMatch(/^x{1000} … \(1048576 characters\) {2}1$/);
  expect(short).toHaveLength(long.length);
});

it('a token is shown to the letter: what takes no room too', () => {
  expect(exactly('a\u200b\u202eb\u00ad\ufeff\n')).toBe('a\\u200b\\u202eb\\u00ad\\ufeff\\u000a');
});

it('a JSON document holds it as JSON escapes it, for terminals and for programs', () => {
  const text = printed(() => printJson({ name: `${HOSTILE}\n` }));
  expect(text).toContain(`${SHOWN.replace('\\u000d', '\\r')}\\n`);
  expect(JSON.parse(text)).toEqual({ name: `${HOSTILE}\n` });
});

it('an error that quotes it is printed in the same way', () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(fail(new WorkbenchError({ code: 'X', message: `there is no ${HOSTILE}`, remedy: 'Look.' }))).toBe(1);
  expect(written.join('')).toBe('medr1: there is no a\\u001b[2J\\u000dended: finished\\u0007\\u202eb\\u009b1m\n       Look.\n');
});

it.each([true, false])('progress of a run says it in one line, on a terminal (%s) too', (isTTY) => {
  const written: string[] = [];
  const out = { isTTY, write: (text: string) => written.push(text) > 0 };
  const line = progress(out, () => 3, HOSTILE);
  const message = `reward mine threw\n${HOSTILE}`;
  line.event({ kind: 'state', seq: 1, time: 1, step: 1, state: 'failed', error: { code: 'X', message, remedy: '' } });
  line.event({ kind: 'alert', seq: 2, time: 1, step: 1, code: 'X', message, remedy: '' });
  const start = `${isTTY ? '\r\x1b[K' : ''}${SHOWN}  `;
  expect(written).toEqual([`${start}failed: reward mine threw\\u000a${SHOWN}\n`, `${start}step 1: reward mine threw\\u000a${SHOWN}\n`]);
});

it('findings of an audit and questions that an evaluation left out are told in the same way', () => {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const finding = { code: 'image-missing', text: `there is no ${HOSTILE}\n`, count: 1 };
  const facts = { items: 1, usable: 0, images: 1, splits: [], prior_matrix: {} };
  printAudit({ dataset: HOSTILE, ...facts, findings: [finding] } as unknown as Parameters<typeof printAudit>[0]);
  expect(written.join('')).toBe(`${SHOWN}: 1 questions (0 usable) on 1 images\n\nimage-missing (1): there is no ${SHOWN}\\u000a\n`);
  const summary = { left_out: 1, settings: { dataset: HOSTILE } } as unknown as Parameters<typeof leftOut>[0];
  const told: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
  note(...leftOut(summary, [{ id: `${HOSTILE}\n`, sight: 'image', why: HOSTILE }] as Parameters<typeof leftOut>[1]));
  expect(told.join('')).toBe(
    `1 questions of the split were left out, for something is wrong with them: \`medr1 data audit ${SHOWN}\` says what\n  ${SHOWN}\\u000a: ${SHOWN}\n`,
  );
});
