/** Disks that fail: disk.c before a process, and a file system in a file that can lose its power. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const source = resolve(import.meta.dirname, 'disk.c');
const library = resolve(import.meta.dirname, '../output/faults/disk.so');

const compiler = (): string | undefined => ['cc', 'gcc'].find((name) => spawnSync(name, ['--version']).status === 0);

/** What is missing for processes with a disk of ours. */
export function lacksDisk(): string | null {
  if (process.platform !== 'linux') return 'LD_PRELOAD is of Linux';
  return compiler() === undefined ? 'there is no C compiler (apt-get install gcc)' : null;
}

/** How a disk refuses a call; with a plus that call and all that follow. */
export const REFUSALS = ['EIO', 'ENOSPC', 'EIO+'] as const;

/** Whether an error says that it was the disk. */
export const namesTheDisk = (error: string): boolean =>
  /DISK_(FULL|FAILED)|EIO|ENOSPC|disk I\/O error|input\/output error|database or disk is full|no space left/i.test(error);

export interface Faults {
  /** Folder whose files are watched. */
  dir: string;
  /** Number of the call that goes wrong, from 1. */
  at?: number;
  how?: 'kill' | 'killed' | 'EIO' | 'ENOSPC' | 'EIO+' | 'lie';
  /** File that gets the name of each call. */
  count?: string;
  /** File that gets the name of the call that goes wrong. */
  struck?: string;
  /** False: fsync does nothing. */
  sync?: boolean;
  /** Milliseconds that each fsync takes longer. */
  slow_ms?: number;
  /** File with the seconds by which the wall clock is wrong. */
  clock?: string;
}

/** Environment of a process whose disk does this. */
export function diskEnvironment({ dir, at, how, count, struck, sync, slow_ms, clock }: Faults): Record<string, string> {
  build();
  const given = {
    FAULT_DIR: dir,
    FAULT_AT: at,
    FAULT_HOW: how,
    FAULT_COUNT: count,
    FAULT_STRUCK: struck,
    FAULT_SYNC: sync === false ? 0 : undefined,
    FAULT_SLOW: slow_ms,
    FAULT_CLOCK: clock,
  };
  const set = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return { LD_PRELOAD: library, ...Object.fromEntries(set) };
}

function build(): void {
  if (existsSync(library) && statSync(library).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(resolve(library, '..'), { recursive: true });
  const part = `${library}.${process.pid}`;
  execFileSync(compiler()!, ['-shared', '-fPIC', '-O2', '-o', part, source, '-ldl']);
  renameSync(part, library);
}

/** A file system (ext4) in a file. What no fsync has brought to the file is what a power cut takes. */
export class LoopDisk implements Disposable {
  readonly mount: string;
  readonly #image: string;

  private constructor(image: string, mount: string) {
    this.#image = image;
    this.mount = mount;
  }

  static make(megabytes: number): LoopDisk {
    const folder = mkdtempSync(join(tmpdir(), 'medr1-loop-'));
    const image = join(folder, 'image');
    writeFileSync(image, '');
    truncateSync(image, megabytes << 20);
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
    return LoopDisk.#mounted(image);
  }

  static #mounted(image: string): LoopDisk {
    const mount = `${image}.mounted`;
    mkdirSync(mount, { recursive: true });
    execFileSync('mount', ['-o', 'loop', image, mount], { stdio: 'pipe' });
    return new LoopDisk(image, mount);
  }

  /** The disk as it would be found if the power went now; whoever writes to this one has been stopped. */
  cut(name: string): LoopDisk {
    const image = `${this.#image}.${name}`;
    copyFileSync(this.#image, image);
    return LoopDisk.#mounted(image);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.mount]);
    rmSync(this.mount, { recursive: true });
    rmSync(this.#image);
  }
}

/** What is missing for file systems in files. */
export function lacksLoop(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'to mount a file system in a file takes root on Linux';
  try {
    using _ = LoopDisk.make(16);
    return null;
  } catch (error) {
    return `a file system in a file cannot be mounted (${String((error as Error).message)
      .trim()
      .split('\n')
      .at(-1)})`;
  }
}

/** The calls that a process made, as disk.c counted them. */
export const callsIn = (count: string): string[] => readFileSync(count, 'utf8').trimEnd().split('\n');
