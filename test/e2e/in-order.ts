/** The tests of a file go on from where the one before left the page. After one that failed, the others are skipped: what they wait for never comes. */
import { beforeEach } from 'vitest';

let failed: string | null = null;
beforeEach(({ task, skip, onTestFailed }) => {
  if (failed !== null) skip(`"${failed}" failed before it`);
  onTestFailed(() => void (failed ??= task.name));
});
