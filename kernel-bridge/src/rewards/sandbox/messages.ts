/** What the host and the sandbox's thread say to each other: text and numbers, no objects that act. */
import type { Limits } from './limits.ts';

/** Given to the thread as it starts. */
export interface Start {
  file: string;
  source: string;
  limits: Limits;
  /** QuickJS, compiled once for all threads. */
  engine: WebAssembly.Module;
}

/** Columns hold one entry a completion, constants one for all. */
export interface Batch {
  completions: string[];
  columns: Record<string, unknown[]>;
  constants: Record<string, unknown>;
}

/** `failing`: which completions of a batch does it fail on when it is given them alone? */
export type Ask = { kind: 'score' | 'failing'; batch: Batch } | { kind: 'tests' };
export type Job = Ask & { id: number };

export type FailureKind = 'syntax' | 'export' | 'threw' | 'time' | 'memory' | 'length' | 'value' | 'tests';
export interface Failure {
  kind: FailureKind;
  /** What was thrown, returned or found. */
  what: string;
  /** In the user's file, from 1; null where the engine names none. */
  line: number | null;
  /** Index of the completion that does it alone; null where none does, or it was not looked for. */
  completion: number | null;
}

export interface TestCount {
  passed: number;
  total: number;
}

export type Outcome = { log: string[] } & (
  | { failure: Failure }
  /** One value a completion. */
  | { values: (number | null)[] }
  | { failing: number[] }
  | { tests: TestCount | null }
);
export type Answer = { id: number; outcome: Outcome };
