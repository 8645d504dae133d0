/** What makes a model the same model: the bytes of its weights as its manifest has them, or their sizes, times and headers, and its small files whole. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { EvalSettings } from '../protocol/evals.ts';
import { isRunId } from '../runs/home.ts';

interface Manifest {
  files: Record<string, { size: number; sha256: string }>;
}

/** Files beside the weights that decide what the model reads and writes. */
const SMALL =
  /^((config|generation_config|preprocessor_config|tokenizer|tokenizer_config|chat_template|adapter_config)\.json|.*\.index\.json|chat_template\.jinja)$/;
const WEIGHTS = /^(model|adapter_model).*\.safetensors$/;
const HEADER_BYTES = 1 << 20;

export function modelHash(dir: string): string {
  const manifest = readManifest(dir);
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).toSorted()) {
    if (SMALL.test(name))
      hash
        .update(name)
        .update('\0')
        .update(readFileSync(join(dir, name)));
    else if (WEIGHTS.test(name))
      hash
        .update(name)
        .update('\0')
        .update(weightsMark(join(dir, name), manifest?.files[name]));
  }
  return hash.digest('hex');
}

/** 4 GB are not read for every evaluation. A file that is not as its manifest says counts as one without. */
function weightsMark(file: string, written: { size: number; sha256: string } | undefined): string {
  const { size, mtimeMs } = statSync(file);
  if (written?.size === size) return written.sha256;
  const head = Buffer.alloc(Math.min(size, HEADER_BYTES));
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return `${size} ${mtimeMs} ${createHash('sha256').update(head).digest('hex')}`;
}

function readManifest(dir: string): Manifest | null {
  const file = join(dir, 'manifest.json');
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch {
    return null;
  }
}

/** Run and step of a directory that is a checkpoint of a run: runs/<id>/checkpoints/step-000123. */
export function checkpointOf(model: string): Pick<EvalSettings, 'run' | 'step'> {
  const dir = resolve(model);
  const step = /^step-(\d+)$/.exec(basename(dir));
  const run = basename(dirname(dirname(dir)));
  const found = step !== null && basename(dirname(dir)) === 'checkpoints' && isRunId(run);
  return found ? { run, step: Number(step[1]) } : { run: null, step: null };
}
