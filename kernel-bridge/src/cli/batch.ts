/** Batch files of `medr1 score` and `medr1 replay`: JSON lines, one group of completions each. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { readTextSync } from '../files/plain.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { pixelsOfFile } from '../data/image/picture.ts';
import type { EncodedPrompt, Processor } from '../models/index.ts';

export interface BatchRow {
  image?: string;
  prompt: string;
  completions: (string | number[])[];
  /** Values by reward function, one per completion. */
  rewards?: Record<string, (number | null)[]>;
  /** Of the question, for reward functions; `prompt` stands in for a question left out. */
  question?: string;
  options?: string[];
  answer?: string;
  modality?: string;
  question_type?: string;
}

export interface BatchGroup {
  prompt: EncodedPrompt;
  /** Text given is tokenised as it stands, nothing appended. */
  completions: number[][];
  rewards: Record<string, (number | null)[]>;
}

const MAX_BATCH = 256 << 20;

/** Reads and checks all rows before anything is computed. Image paths are relative to the file, else to the working directory. */
export function readBatch(file: string): BatchRow[] {
  let text: string;
  try {
    text = readTextSync(file, MAX_BATCH);
  } catch (cause) {
    throw invalid(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const rows = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parseRow(line, `${file}:${i + 1}`)]));
  if (rows.length === 0) throw invalid(file, 'it has no rows');
  return rows.map((row) => ({ ...row, image: row.image === undefined ? undefined : located(row.image, file) }));
}

function parseRow(line: string, where: string): BatchRow {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw invalid(where, `not valid JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw invalid(where, 'a row is a JSON object');
  const { image, prompt, completions, rewards } = row as Record<string, unknown>;
  if (image !== undefined && image !== null && typeof image !== 'string') throw invalid(where, '"image" is not a path');
  if (typeof prompt !== 'string') throw invalid(where, '"prompt" is not text');
  if (!Array.isArray(completions) || completions.length === 0) throw invalid(where, '"completions" is not a list with at least one entry');
  completions.forEach((completion: unknown, i) => {
    const ids = Array.isArray(completion) && completion.every((id) => Number.isInteger(id) && id >= 0);
    if (typeof completion !== 'string' && !ids) throw invalid(where, `completion ${i} is neither text nor a list of token ids`);
  });
  for (const [name, values] of Object.entries(rewards ?? {})) {
    const fits = Array.isArray(values) && values.length === completions.length && values.every((v) => v === null || Number.isFinite(v));
    if (!fits) throw invalid(where, `rewards.${name} is not a list of ${completions.length} numbers or nulls`);
  }
  return { image: image ?? undefined, prompt, completions, rewards: rewards as BatchRow['rewards'], ...aboutQuestion(row, where) };
}

/** What reward functions may be told of the question. */
function aboutQuestion(row: object, where: string): Pick<BatchRow, 'question' | 'options' | 'answer' | 'modality' | 'question_type'> {
  const texts = (['question', 'answer', 'modality', 'question_type'] as const).map((key) => {
    const value = (row as Record<string, unknown>)[key] ?? undefined;
    if (value !== undefined && typeof value !== 'string') throw invalid(where, `"${key}" is not text`);
    return [key, value] as const;
  });
  const { options } = row as { options?: unknown };
  const list = options === undefined || (Array.isArray(options) && options.every((option) => typeof option === 'string'));
  if (!list) throw invalid(where, '"options" is not a list of texts');
  return {
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ...(options === undefined ? {} : { options: options as string[] }),
  };
}

/** A row as the model takes it. */
export async function encodeRow(processor: Processor, row: BatchRow): Promise<BatchGroup> {
  const prompt = await processor.prompt({ images: row.image === undefined ? [] : [await pixelsOfFile(row.image)], text: row.prompt });
  const completions = row.completions.map((completion) => (typeof completion === 'string' ? processor.encode(completion) : completion));
  return { prompt, completions, rewards: row.rewards ?? {} };
}

function located(image: string, file: string): string {
  if (isAbsolute(image)) return image;
  const beside = resolve(dirname(file), image);
  return existsSync(beside) ? beside : resolve(image);
}

function invalid(where: string, what: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError({
    code: 'BATCH_INVALID',
    message: `${where}: ${what}`,
    remedy:
      'One JSON object a line: {"image": path (optional), "prompt": text, "completions": [text or token ids, ...], "rewards": {...}}.',
    cause,
  });
}
