import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lastLine } from './supervisor.ts';

const dir = mkdtempSync(join(tmpdir(), 'medr1-log-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('the last words of a process are the error that ended it, not the stack and version that Node prints after it', () => {
  const log = join(dir, 'worker.log');
  const { stderr } = spawnSync(process.execPath, ['-e', "throw Object.assign(new RangeError('no such thing'), { code: 'X' })"]);
  writeFileSync(log, stderr);
  expect(lastLine(log)).toBe('RangeError: no such thing');
  writeFileSync(log, 'first\nterminate called: out of memory\n');
  expect(lastLine(log)).toBe('terminate called: out of memory');
  expect(lastLine(join(dir, 'none.log'))).toBe('');
});
