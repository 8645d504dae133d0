import { existsSync, globSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ofServer } from './dev.mjs';
import { filesNamed, SLOW } from './test-files.mjs';

const root = resolve(import.meta.dirname, '../..');

it('a test file is found by its path and by a part of it, in either language', () => {
  expect(filesNamed(['kernel-bridge/setup/test-files.test.ts'])).toEqual({
    vitest: ['kernel-bridge/setup/test-files.test.ts'],
    python: [],
  });
  expect(filesNamed(['./test/parity/grpo', 'test_relay'])).toEqual({
    vitest: ['test/parity/grpo.test.ts'],
    python: ['test/python/test_relay.py'],
  });
  expect(filesNamed(['no such file'])).toEqual({ vitest: [], python: [] });
});

it('every slow test is there', () => {
  expect(SLOW.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)).toEqual([]);
  expect(existsSync(resolve(root, 'kernel-bridge/src/rl/grpo-trainer.test.ts'))).toBe(true);
});

it('the backend starts again for what it reads, not for tests or for what a training process loads', () =>
  expect(['server/hub.ts', 'protocol/run.ts', 'rl/grpo.ts', 'server/hub.test.ts', 'data/README.md'].filter(ofServer)).toEqual([
    'server/hub.ts',
    'protocol/run.ts',
  ]));
