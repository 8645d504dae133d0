export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}
/** What Vitest's JSON reporter says of one file. */
export interface FileResult {
  /** Absolute path. */
  name: string;
  status: string;
  assertionResults: { fullName: string; status: string }[];
}
export const AT_MOST: number;
export function toRunAgain(files: readonly FileResult[], root: string): string[];
export function failedTests(files: readonly FileResult[], root: string): string[];
export function withSecondRun(first: Count, files: readonly FileResult[], alone: Count): Count;
