/** `medr1 data add`: names a folder, and has its index made by a process of its own. */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expandHome } from '../../files/user-path.ts';
import { WorkbenchError, type ErrorBody } from '../../protocol/errors.ts';
import { datasetDir, homeDir } from '../home.ts';
import { findLayout } from '../layout.ts';
import type { IndexProgress } from './build.ts';
import { hasQuestions, namesAt, nameTaken, realDir, summary } from './list.ts';
import { lockDataset } from './dataset-lock.ts';

export interface AddOptions {
  /** Left out: the name under which the folder was added before, else the folder's own. Letters, digits, dot, dash and underscore. */
  name?: string;
  home?: string;
  images?: boolean;
  /** Folder of the images where they lie apart from the questions; remembered when left out later. */
  imagesDir?: string;
  /** Gives way to every other process. */
  background?: boolean;
  signal?: AbortSignal;
  progress?: (progress: IndexProgress) => void;
}

/** Words that stand where a data set's name does in addresses. */
const RESERVED: readonly string[] = ['browse', 'downloads'];
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Throws DATA_NAME unless the name can be a folder's and part of an address. */
export function checkName(name: string): string {
  if (NAME.test(name) && !name.includes('..') && !RESERVED.includes(name)) return name;
  throw new WorkbenchError({
    code: 'DATA_NAME',
    exit: 2,
    message: `${JSON.stringify(name)} is no name for a data set`,
    remedy: 'Use up to 64 letters, digits, dots, dashes and underscores; choose one with --name.',
  });
}

/** What a folder is called that is added without a name: as it was before, whatever name it was given since; else after itself. */
export function nameFor(path: string, home?: string): string {
  const known = namesAt(path, home);
  const own = nameOf(path);
  return known.includes(own) ? own : (known[0] ?? own);
}

export function nameOf(dir: string): string {
  const name = basename(resolve(dir))
    .replace(/\.[a-z]+$/i, '')
    .replace(/[^a-z0-9._-]+/gi, '-')
    .replace(/^[^a-z0-9]+|-+$/gi, '')
    .replace(/\.{2,}/g, '.')
    .slice(0, 64);
  return name === '' ? 'data' : RESERVED.includes(name) ? `${name}-data` : name;
}

/** Indexes a folder or file under a name; a second time only what changed. Rejects with the signal's reason when it is given up. */
export async function addDataset(dir: string, options: AddOptions = {}): Promise<{ name: string }> {
  const path = resolve(expandHome(dir));
  const name = checkName(options.name ?? nameFor(path, options.home));
  options.signal?.throwIfAborted();
  await findLayout(path); // a folder without questions leaves no index behind
  if (options.imagesDir !== undefined) await requireFolder(options.imagesDir);
  refuseTaken(path, name, options.home);
  try {
    await build(path, name, options);
  } catch (error) {
    if (!hasQuestions(name, options.home)) clearAway(name, options.home);
    throw error;
  }
  return { name };
}

async function requireFolder(dir: string): Promise<void> {
  const info = await stat(expandHome(dir)).catch(() => null);
  if (info?.isDirectory()) return;
  throw new WorkbenchError({
    code: 'DATA_NOT_FOUND',
    http: 404,
    message: `${dir} is no folder of images`,
    remedy: 'Name the folder from which the image paths of the records start.',
  });
}

/** Throws DATA_NAME_TAKEN when the name is that of a data set in another folder, which is still there. */
export function refuseTaken(dir: string, name: string, home?: string): void {
  if (!isTaken(dir, name, home)) return;
  throw nameTaken(name, home);
}

/** Whether the name is that of a data set in another folder, which is still there. */
export function isTaken(dir: string, name: string, home?: string): boolean {
  const other = hasQuestions(name, home) ? realDir(summary(name, home).dir) : null;
  return other !== null && other !== realDir(dir);
}

/** What an index that never had a question left; not while another process makes it. */
function clearAway(name: string, home?: string): void {
  try {
    using _lock = lockDataset(name, home);
    rmSync(datasetDir(name, home), { recursive: true, force: true });
  } catch {
    // it is the other process's now
  }
}

function build(dir: string, name: string, { home, images, imagesDir, background, signal, progress }: AddOptions): Promise<void> {
  return new Promise((done, fail) => {
    signal?.throwIfAborted(); // given up while the layout was looked at
    const child = fork(fileURLToPath(new URL('./build-main.ts', import.meta.url)), { serialization: 'advanced', execArgv: [] });
    if (background && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    let result: { error?: ErrorBody | null } | null = null;
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    child.on('message', (message: { progress?: IndexProgress; done?: true; error?: ErrorBody | null }) => {
      if (message.progress) progress?.(message.progress);
      else result = message;
    });
    child.on('exit', (code, killed) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) fail(signal.reason as Error);
      else if (result?.error) fail(new WorkbenchError(result.error));
      else if (result) done();
      else fail(died(dir, code, killed));
    });
    child.send({ dir, name, home: homeDir(home), images, imagesDir: imagesDir && resolve(expandHome(imagesDir)) });
  });
}

function died(dir: string, code: number | null, signal: string | null): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_INDEX_DIED',
    http: 500,
    message: `the process that indexed ${dir} ended with ${signal ?? `exit code ${code}`}`,
    remedy: 'Start the indexing again: it goes on where it stopped. If it ends at the same image each time, remove that image.',
  });
}
