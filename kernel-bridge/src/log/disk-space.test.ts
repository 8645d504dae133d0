import { expect, it } from 'vitest';
import { isDiskError, isDiskFull } from './disk-space.ts';

it.each([
  [Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }), true, false],
  [new Error('disk I/O error'), true, false],
  [new Error('no checkpoint', { cause: Object.assign(new Error('x'), { code: 'EIO' }) }), true, false],
  [Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }), false, true],
  [new Error('database or disk is full'), false, true],
  [new Error('the trainer failed at step 3'), false, false],
  ['disk I/O error', false, false],
])('%s: a disk that fails %s, one that is full %s', (error, fails, full) => {
  expect([isDiskError(error), isDiskFull(error)]).toEqual([fails, full]);
});
