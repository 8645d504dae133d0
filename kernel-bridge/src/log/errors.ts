import { WorkbenchError } from '../protocol/errors.ts';

/** DISK_FULL: a disk refused what a command or a request was about to write. */
export const noRoom = (path: string, cause: unknown): WorkbenchError =>
  new WorkbenchError({
    code: 'DISK_FULL',
    http: 507,
    exit: 1,
    message: `The disk that holds ${path} is full.`,
    remedy: 'Make room (old runs, the trash), then repeat this. What was done so far is kept.',
    cause,
  });
