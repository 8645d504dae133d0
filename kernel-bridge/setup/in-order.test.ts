/** The setup file of the end-to-end suite, in a suite of its own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const output = join(root, 'test/output');

it('after a test that failed the others of its file are skipped, with the reason; those of other files run', () => {
  mkdirSync(output, { recursive: true });
  const folder = mkdtempSync(join(output, 'in-order-'));
  try {
    const config = { test: { include: ['*.test.mjs'], maxWorkers: 1, setupFiles: [join(root, 'test/e2e/in-order.ts')] } };
    writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`);
    const file = `
      import { expect, it } from 'vitest';
      it('opens', () => {});
      it('shows', () => expect(1).toBe(import.meta.url.endsWith('broken.test.mjs') ? 2 : 1));
      it('closes', () => {});`;
    for (const name of ['broken', 'whole']) writeFileSync(join(folder, `${name}.test.mjs`), file);
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--reporter=verbose'];
    const { stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    const lines = [...stdout.matchAll(/^ *([✓×↓]) (\w+)\.test\.mjs > (\w+)(?: \d+ms)?(?: \[(.*)\])?$/gm)].map((match) =>
      match.slice(1).join(' ').trim(),
    );
    expect(lines.sort()).toEqual(
      [
        '✓ broken opens',
        '× broken shows',
        '↓ broken closes "shows" failed before it',
        '✓ whole opens',
        '✓ whole shows',
        '✓ whole closes',
      ].sort(),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
