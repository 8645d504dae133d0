/**
 * The last step that was committed, in a file beside the database. Where SQLite's journal is gone or cut, as when somebody copied run.db alone, the
 * database opens as it was some steps ago and says nothing. This file tells that steps are missing.
 *
 * It is written after a commit and never synced: a power cut may leave an earlier step in it, never a later one than the database has.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readTextSync } from '../files/plain.ts';

const NAME = 'last-step';
/** "<epoch> <step>" at one length, so that one text takes the place of the other at once. */
const LENGTH = 40;

export interface LastStep {
  /** Of the history that the step is of: one that was dropped has another. */
  epoch: string;
  step: number;
}

export class LastStepFile implements Disposable {
  readonly #descriptor: number;

  constructor(directory: string) {
    this.#descriptor = openSync(join(directory, NAME), constants.O_WRONLY | constants.O_CREAT, 0o600);
  }

  write({ epoch, step }: LastStep): void {
    writeSync(this.#descriptor, `${epoch} ${step}`.padEnd(LENGTH), 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** Null where there is none: of a run that was made by an earlier version, or that has made no step. */
export function readLastStep(directory: string): LastStep | null {
  try {
    const [, epoch, step] = /^([0-9a-f]+) (\d+) *$/.exec(readTextSync(join(directory, NAME), 4096)) ?? [];
    return epoch === undefined ? null : { epoch, step: Number(step) };
  } catch {
    return null;
  }
}
