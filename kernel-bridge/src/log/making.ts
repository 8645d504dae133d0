/**
 * Folders that are made whole or not at all: they are filled under a name of their own and get the one that they are known by once they are on the disk.
 * What a process that was killed left of one is cleared away by the next that makes something there.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { renameDurably, writeDurably } from '../files/durable.ts';
import { tryLock, type Lock } from './lock.ts';

const NAME = /^(\.making-[0-9a-f]{8})(\.lock)?$/;
/** Beside the folder, and held by who makes it. */
const lockOf = (directory: string): string => `${directory}.lock`;
/** In a folder that belongs to another: the names of both. */
const BELONGS = 'belongs.json';

export class Making implements Disposable {
  readonly directory: string;
  readonly #lock: Lock;

  private constructor(directory: string, lock: Lock) {
    this.directory = directory;
    this.#lock = lock;
  }

  /** An empty folder, readable by the owner only, that becomes one of those in `parent`. */
  static in(parent: string): Making {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    clearAway(parent);
    for (;;) {
      const directory = join(parent, `.making-${randomBytes(4).toString('hex')}`);
      const lock = tryLock(lockOf(directory));
      if (lock && existsSync(lockOf(directory))) {
        mkdirSync(directory, { mode: 0o700 });
        return new Making(directory, lock);
      }
      lock?.release(); // another process cleared the file away before it was locked
    }
  }

  become(target: string): void {
    renameDurably(this.directory, target);
  }

  /** Removes the folder unless it has become what it was made for. */
  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(lockOf(this.directory), { force: true });
    this.#lock.release();
  }
}

/** All of them get their names, or none does: where the process is killed between two, the next that clears away gives the others theirs. */
export function becomeTogether(parts: readonly { making: Making; target: string }[]): void {
  const [first, ...others] = parts;
  for (const { making, target } of others)
    writeDurably(join(making.directory, BELONGS), JSON.stringify([first.target, target].map((path) => basename(path))));
  const renamed: string[] = [];
  try {
    for (const { making, target } of parts) {
      making.become(target);
      renamed.push(target);
    }
  } catch (error) {
    for (const target of renamed) rmSync(target, { recursive: true, force: true });
    throw error;
  }
  for (const { target } of others) rmSync(join(target, BELONGS), { force: true });
}

/** Removes what nobody makes any more. What cannot be removed now is left for the next time: it is in nobody's way. */
export function clearAway(parent: string): void {
  const left = new Set(readdirSync(parent).flatMap((name) => NAME.exec(name)?.[1] ?? []));
  for (const name of left) {
    const directory = join(parent, name);
    try {
      using lock = tryLock(lockOf(directory));
      if (!lock) continue;
      finish(directory);
      rmSync(directory, { recursive: true, force: true });
      rmSync(lockOf(directory), { force: true });
    } catch {
      // a disk that fails, a folder of another user
    }
  }
}

/** Of several that belong together the first has its name: so have the others to. */
function finish(directory: string): void {
  const file = join(directory, BELONGS);
  if (!existsSync(file)) return;
  const [first, own] = (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((name) => join(dirname(directory), basename(name)));
  if (!existsSync(first) || existsSync(own)) return;
  rmSync(file);
  renameDurably(directory, own);
}
