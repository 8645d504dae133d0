/** What makes a model the same model, and a picture the same picture, without reading gigabytes. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, readSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { openPlainSync, readPlainSync, readTextSync } from '../files/plain.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { EvalSettings } from '../protocol/evals.ts';
import { errors } from '../runs/errors.ts';
import { isRunId } from '../runs/home.ts';
import { weightsDirectory } from '../runs/model-files.ts';

interface Manifest {
  /** When it was written: after all that it names. */
  mtimeMs: number;
  files: Record<string, { size: number; sha256: string }>;
}

/** Files beside the weights that decide what the model reads and writes. */
const SMALL =
  /^((config|generation_config|preprocessor_config|processor_config|tokenizer|tokenizer_config|chat_template|adapter_config)\.json|.*\.index\.json|chat_template\.jinja)$/;
const WEIGHTS = /^(model|adapter_model).*\.safetensors$/;
/** So many pieces of a file of weights are read, evenly spread: training moves all of it. */
const PIECES = 64;
const PIECE_BYTES = 1 << 16;
const TAIL_BYTES = 1 << 12;
/** The largest of the small files is a tokenizer: 11 MB. */
const MAX_SMALL = 64 << 20;

/** Of the small files whole, and of the weights what `weightsMark` says. Throws MODEL_INVALID where one of them is no file. */
export function modelHash(dir: string): string {
  try {
    return hashOf(dir);
  } catch (cause) {
    throw cause instanceof WorkbenchError
      ? cause
      : errors.modelUnreadable(dir, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function hashOf(dir: string): string {
  const manifest = readManifest(dir);
  const hash = createHash('sha256');
  for (const name of readdirSync(dir).toSorted()) {
    if (SMALL.test(name))
      hash
        .update(name)
        .update('\0')
        .update(readPlainSync(join(dir, name), MAX_SMALL));
    else if (WEIGHTS.test(name))
      hash
        .update(name)
        .update('\0')
        .update(weightsMark(join(dir, name), manifest));
  }
  const base = weightsDirectory(dir);
  if (base !== resolve(dir)) hash.update(hashOf(base)); // an adapter is another model on another base
  return hash.digest('hex');
}

/**
 * Pieces of the file, with the hash that its manifest has for it or, where there is none, its time. A file that is not of the size or was
 * written after its manifest counts as one without.
 */
function weightsMark(file: string, manifest: Manifest | null): string {
  const { size, mtimeMs } = statSync(file);
  const written = manifest?.files[basename(file)];
  const hash = createHash('sha256');
  const descriptor = openPlainSync(file);
  try {
    const step = Math.max(PIECE_BYTES, Math.floor((size - PIECE_BYTES) / (PIECES - 1)));
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let at = 0; at < size; at += step) hash.update(piece.subarray(0, readSync(descriptor, piece, 0, PIECE_BYTES, at)));
  } finally {
    closeSync(descriptor);
  }
  const whole = written?.size === size && mtimeMs <= manifest!.mtimeMs ? written.sha256 : mtimeMs;
  return `${size} ${whole} ${hash.digest('hex')}`;
}

/** Size and last bytes of an image file; the first bytes may be tables that many files share. "-" for a file that cannot be read. */
export function imageMark(root: string, image: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openPlainSync(join(root, image));
    const { size } = fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, tail, 0, tail.length, size - tail.length);
    return `${size} ${createHash('sha256').update(tail).digest('hex').slice(0, 16)}`;
  } catch {
    return '-';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function readManifest(dir: string): Manifest | null {
  const file = join(dir, 'manifest.json');
  if (!existsSync(file)) return null;
  try {
    const { files } = JSON.parse(readTextSync(file, MAX_SMALL)) as Pick<Manifest, 'files'>;
    return { files, mtimeMs: statSync(file).mtimeMs };
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
