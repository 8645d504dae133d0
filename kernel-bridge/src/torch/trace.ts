/**
 * A trace of what is computed: PyTorch's profiler writes operators, shapes and memory as Chrome trace JSON (Perfetto, chrome://tracing), and
 * `span` puts named stretches around them. Without a trace a span is one comparison.
 */
import { createReadStream, createWriteStream, openSync, closeSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { native } from './native.ts';

let tracing = false;

/**
 * Runs `work` and writes the trace of all that this process computed meanwhile to `file`. One trace at a time.
 * @throws what `work` throws, and then there is no trace; at once, when the file cannot be written
 */
export async function trace<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  if (tracing) throw new TypeError('trace: one is being written already');
  const raw = `${resolve(file)}.part`;
  closeSync(openSync(raw, 'w'));
  try {
    const result = await recorded(raw, work);
    await rewrite(raw, `${raw}2`);
    await rename(`${raw}2`, file);
    return result;
  } finally {
    await Promise.all([raw, `${raw}2`].map((part) => rm(part, { force: true })));
  }
}

async function recorded<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  process.env.KINETO_LOG_LEVEL ??= '99'; // it reports on standard error that a machine without a GPU has none
  native.traceStart();
  tracing = true;
  try {
    return await work();
  } finally {
    tracing = false;
    native.traceStop(file);
  }
}

/** Runs `work`, shown in a trace as a stretch of this name; its promise is waited for. Spans begin and end like brackets. */
export function span<T>(name: string, work: () => T): T {
  if (!tracing) return work();
  native.spanBegin(name);
  let result: T;
  try {
    result = work();
  } catch (error) {
    native.spanEnd();
    throw error;
  }
  if (!(result instanceof Promise)) {
    native.spanEnd();
    return result;
  }
  return result.finally(() => native.spanEnd()) as T;
}

/** The profiler's file with its memory events, which viewers show as ticks, as a counter that they draw. Its layout: one key or value a line. */
async function rewrite(from: string, to: string): Promise<void> {
  const lines = createInterface({ input: createReadStream(from, 'utf8'), crlfDelay: Infinity });
  async function* rewritten() {
    let memory = false; // within a memory event
    for await (const line of lines) {
      if (line.includes('"name": "[memory]"')) {
        memory = true;
        yield '    "ph": "C", "name": "allocated",\n';
        continue;
      }
      const allocated = memory ? /"Total Allocated": (\d+)/.exec(line)?.[1] : undefined;
      if (allocated !== undefined) {
        memory = false;
        yield `      "bytes": ${allocated}\n`;
      } else yield `${line}\n`;
    }
  }
  await pipeline(Readable.from(rewritten()), createWriteStream(to));
}
