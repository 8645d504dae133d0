/**
 * Node ends a process whose standard error cannot be written. Logs lie on the disk of the run, or on one of a cluster with a quota: when that is full, a run
 * that waits for room would die of the line that says so.
 */

/** From now on a line that a disk refuses is lost, and later ones are written again. A pipe whose reader is gone ends the process, as before. */
export function loseRefusedLines(): void {
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') throw error;
  });
}
