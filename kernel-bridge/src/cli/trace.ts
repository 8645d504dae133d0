/** `--trace FILE` of the commands that compute. */
import { Option } from 'commander';
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { kindOf } from '../files/plain.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { trace } from '../torch/index.ts';

export const traceOption = (what = 'all that is computed'): Option =>
  new Option('--trace <file>', `also record ${what}, operator by operator, as Chrome trace JSON (docs/guides/trace.md)`);

/** Runs `work`, traced when a file is given. */
export async function traced<T>(file: string | undefined, work: () => T | Promise<T>): Promise<T> {
  if (file === undefined) return work();
  requireFile(file);
  return trace(file, work);
}

/** Refuses before anything is computed. */
export function requireFile(file: string): void {
  const folder = dirname(resolve(file));
  const refuse = (reason: string, remedy: string): never => {
    throw new WorkbenchError({ code: 'TRACE_FILE', message: `The trace ${file} cannot be written: ${reason}`, remedy });
  };
  if (!existsSync(folder)) refuse(`there is no folder ${folder}`, `mkdir -p ${folder}, or give --trace a file elsewhere.`);
  if (existsSync(file) && !statSync(file).isFile()) refuse(`it is ${kindOf(statSync(file))}`, 'Give --trace the name of a file.');
  try {
    const there = existsSync(file);
    closeSync(openSync(file, 'a')); // no question about permissions tells what /proc or a full disk does
    if (!there) rmSync(file);
  } catch (error) {
    refuse((error as Error).message, 'Give --trace a file where you may write.');
  }
}
