import { expect, it } from 'vitest';
import { AT_MOST, failedTests, type FileResult, toRunAgain, withSecondRun } from './second-run.mjs';

const file = (name: string, ...statuses: string[]): FileResult => ({
  name: `/clone/test/e2e/${name}`,
  status: statuses.includes('failed') || statuses.length === 0 ? 'failed' : 'passed',
  assertionResults: statuses.map((status, i) => ({ fullName: `test ${i}`, status })),
});
const FILES = [file('lab.test.ts', 'passed', 'passed'), file('pair.test.ts', 'passed', 'failed', 'pending'), file('tour.test.ts')];

it('the files that failed run again, and no other', () =>
  expect(toRunAgain(FILES, '/clone')).toEqual(['test/e2e/pair.test.ts', 'test/e2e/tour.test.ts']));

it('nothing runs again where nothing failed, or so much that it is no chance', () => {
  expect(toRunAgain([FILES[0]!], '/clone')).toEqual([]);
  const many = Array.from({ length: AT_MOST + 1 }, (_, i) => file(`${i}.test.ts`, 'failed'));
  expect(toRunAgain(many, '/clone')).toEqual([]);
  expect(toRunAgain(many.slice(1), '/clone')).toHaveLength(AT_MOST);
});

it('what failed is told by name, a file that did not load too', () =>
  expect(failedTests(FILES, '/clone')).toEqual(['test/e2e/pair.test.ts > test 1', 'test/e2e/tour.test.ts > (the file itself)']));

it('each test counts once: as it was alone, where its file ran again', () => {
  const first = { passed: 3, failed: 1, skipped: 1 };
  expect(withSecondRun(first, FILES, { passed: 5, failed: 0, skipped: 0 })).toEqual({ passed: 7, failed: 0, skipped: 0 });
  expect(withSecondRun(first, FILES, { passed: 2, failed: 2, skipped: 1 })).toEqual({ passed: 4, failed: 2, skipped: 1 });
});
