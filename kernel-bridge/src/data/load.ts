/** The questions that training and evaluation see. */
import { createHash } from 'node:crypto';
import type { VqaItem } from '../protocol/data.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { findLayout } from './layout.ts';
import { modalityName, questionTypeName } from './names.ts';
import { readDataset } from './read.ts';
import { resolveSplit } from './split-names.ts';

type Choice = string | readonly string[] | null | undefined;

export interface LoadOptions {
  /** One of the data set's splits, for example modality/train/Dermoscopy, or a folder of them (modality/train). */
  split?: string | null;
  modality?: Choice;
  questionType?: Choice;
  /** The workbench's home, where indexed data sets are found by name. */
  home?: string;
  /** Leave out items with a problem. */
  usable?: boolean;
  signal?: AbortSignal;
}

export interface Loaded {
  /** Folder that the items' image paths are relative to. */
  root: string;
  items: VqaItem[];
  /** sha256 of what the items say: equal hashes, equal questions in equal order. */
  hash: string;
}

/**
 * Loads a data set by its name or its folder, or one file of questions. Items that cannot be used are among them, marked by
 * `problem`, unless `usable` is set. Fails with DATA_NOT_FOUND, DATA_LAYOUT_UNKNOWN, DATA_SPLIT_UNKNOWN or DATA_EMPTY.
 */
export async function loadItems(nameOrDir: string, options: LoadOptions = {}): Promise<Loaded> {
  const { root, items, splits } = await readAll(nameOrDir, options);
  const inSplit = options.split ? resolveSplit(options.split, splits, nameOrDir) : null;
  const modalities = choice(options.modality, modalityName);
  const types = choice(options.questionType, questionTypeName);
  const chosen = items.filter(
    (item) =>
      (!inSplit || inSplit.has(item.id)) &&
      (!modalities || modalities.has(item.modality)) &&
      (!types || types.has(item.question_type)) &&
      (!options.usable || item.problem === null),
  );
  if (chosen.length === 0) throw empty(nameOrDir, options, items.length);
  return { root, items: chosen, hash: hashItems(chosen) };
}

export interface WholeDataset {
  root: string;
  items: VqaItem[];
  /** Ids by split, in the order of the split's file. */
  splits: Map<string, string[]>;
}

/** Everything that a folder or file holds, with its splits. */
export async function readAll(nameOrDir: string, options: { home?: string; signal?: AbortSignal } = {}): Promise<WholeDataset> {
  const { root, readings } = await readDataset(await findLayout(nameOrDir), options);
  const items = new Map<string, VqaItem>();
  const splits = new Map<string, string[]>();
  for await (const reading of readings) {
    if (reading.type === 'item') items.set(reading.item.id, reading.item);
    else if (reading.type === 'member') {
      const ids = splits.get(reading.split);
      if (ids) ids.push(reading.id);
      else splits.set(reading.split, [reading.id]);
    } else fillIn(items.get(reading.id)!, reading.hints);
  }
  return { root, items: [...items.values()], splits };
}

function fillIn(item: VqaItem, hints: { modality?: string; question_type?: string }): void {
  if (item.modality === 'unknown' && hints.modality) item.modality = hints.modality;
  if (item.question_type === 'unknown' && hints.question_type) item.question_type = hints.question_type;
}

function choice(values: Choice, name: (raw: string) => string): Set<string> | null {
  const list = typeof values === 'string' ? [values] : (values ?? []);
  return list.length > 0 ? new Set(list.map(name)) : null;
}

export function hashItems(items: readonly VqaItem[]): string {
  const hash = createHash('sha256');
  for (const item of items) hash.update(JSON.stringify([item.id, item.image, item.question, item.options, item.answer]));
  return hash.digest('hex');
}

function empty(nameOrDir: string, options: LoadOptions, total: number): WorkbenchError {
  const asked = [
    options.split && `split ${options.split}`,
    options.modality && `modality ${String(options.modality)}`,
    options.questionType && `question type ${String(options.questionType)}`,
    options.usable && 'usable',
  ].filter(Boolean);
  return new WorkbenchError({
    code: 'DATA_EMPTY',
    message: `none of the ${total} questions of ${nameOrDir} is left${asked.length ? ` for ${asked.join(', ')}` : ''}`,
    remedy: 'Choose another split or filter; `medr1 data audit` counts modalities, types and problems.',
  });
}
