/**
 * Under CI a file of tests that failed beside others runs once more, alone.
 *
 * The machines that carry CI are shared. Tests that drive browsers, kernels and many processes wait for state and not for time, and still one file
 * in some hundreds fails there for a reason that nobody can repeat. A second failure is the code's; a first alone is told by name at the end of the
 * run, so that it is looked at. Where a person runs the tests, nothing runs twice.
 */
import { relative } from 'node:path';

/** So many files failing at once are no chance. */
export const AT_MOST = 3;

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Count
 * @typedef {{ name: string, status: string, assertionResults: { fullName: string, status: string }[] }} FileResult of Vitest's JSON reporter
 */

/** Files to run once more, from `root`: none where none failed, or too many. @param {FileResult[]} files */
export function toRunAgain(files, root) {
  const failed = files.filter((file) => file.status === 'failed').map((file) => relative(root, file.name));
  return failed.length <= AT_MOST ? failed : [];
}

/** Names of the tests that failed, with their file; a file that does not load counts as one. @param {FileResult[]} files */
export const failedTests = (files, root) =>
  files
    .filter((file) => file.status === 'failed')
    .flatMap((file) => {
      const failed = file.assertionResults.filter((test) => test.status === 'failed').map((test) => test.fullName);
      return (failed.length ? failed : ['(the file itself)']).map((test) => `${relative(root, file.name)} > ${test}`);
    });

/** The counts of a first run, with those of its failed files replaced by what they gave alone. @param {Count} first @param {FileResult[]} files @param {Count} alone */
export function withSecondRun(first, files, alone) {
  const results = files.filter((file) => file.status === 'failed').flatMap((file) => file.assertionResults);
  const passed = results.filter((test) => test.status === 'passed').length;
  const failed = results.filter((test) => test.status === 'failed').length;
  return {
    passed: first.passed - passed + alone.passed,
    failed: alone.failed,
    skipped: first.skipped - (results.length - passed - failed) + alone.skipped,
  };
}
