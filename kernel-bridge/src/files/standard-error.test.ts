import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const module = fileURLToPath(new URL('standard-error.ts', import.meta.url));

/** Standard output of a process that writes lines to `/dev/full` and goes on after them. */
function goesOn(before: string): string {
  const script = `${before} process.stderr.write('lost'); setTimeout(() => { process.stderr.write('lost too'); console.log('went on'); }, 10);`;
  const full = openSync('/dev/full', 'w');
  try {
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', full] }).stdout.toString();
  } finally {
    closeSync(full);
  }
}

describe.skipIf(!existsSync('/dev/full'))('a log on a full disk', () => {
  it('loses its lines, and the process goes on', () => {
    expect(goesOn('')).toBe(''); // what Node does by itself
    expect(goesOn(`import { loseRefusedLines } from ${JSON.stringify(module)}; loseRefusedLines();`)).toBe('went on\n');
  });
});
