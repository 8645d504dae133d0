/** The questions that training and evaluation see. */
import type { VqaItem } from '../protocol/data.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { isOfFile } from '../protocol/problems.ts';
import { modalityName, questionTypeName } from './names.ts';
import { hashItems } from './splits/hash.ts';
import { resolveSplit } from './splits/resolve.ts';
import type { WholeDataset } from './types.ts';
import { readWhole, type ReadFolder } from './whole.ts';

type Choice = string | readonly string[] | null | undefined;

export interface LoadOptions {
  /** One of the data set's splits (modality/train/Dermoscopy), a folder of them (modality/train), or half of a split file (FILE.json#train). */
  split?: string | null;
  modality?: Choice;
  questionType?: Choice;
  /** The workbench's home, where indexed data sets are found by name. */
  home?: string;
  /** Leave out items with a problem; `records` keeps those whose record is sound and whose image file is not. */
  usable?: boolean | 'records';
  signal?: AbortSignal;
}

export interface Loaded {
  /** Folder that the items' image paths are relative to. */
  root: string;
  items: VqaItem[];
  /** Items of the split and the filters that `usable` left out. */
  left_out: number;
  /** sha256 of what the items say: equal hashes, equal questions in equal order. */
  hash: string;
  /** sha256 of their image files by path, as far as an index has them. */
  images?: ReadonlyMap<string, string>;
}

/**
 * Loads a data set by its name or its folder, or one file of questions. Items that cannot be used are among them, marked by
 * `problem`, unless `usable` is set. `read`: reads a folder, or has it already. Fails with DATA_NOT_FOUND, DATA_LAYOUT_UNKNOWN, DATA_SPLIT_UNKNOWN, DATA_SPLIT_CHANGED or DATA_EMPTY.
 */
export async function loadItems(nameOrDir: string, options: LoadOptions = {}, read?: ReadFolder): Promise<Loaded> {
  const whole = await readWhole(nameOrDir, options, read);
  const { root, items } = whole;
  const inSplit = options.split ? await resolveSplit(options.split, whole) : null;
  const modalities = choice(options.modality, modalityName);
  const types = choice(options.questionType, questionTypeName);
  const asked = items.filter(
    (item) =>
      (!inSplit || inSplit.has(item.id)) && (!modalities || modalities.has(item.modality)) && (!types || types.has(item.question_type)),
  );
  const chosen = asked.filter(({ problem }) => !options.usable || problem === null || (options.usable === 'records' && isOfFile(problem)));
  if (chosen.length === 0) throw empty(nameOrDir, options, items.length);
  return { root, items: chosen, left_out: asked.length - chosen.length, hash: hashItems(chosen), images: imagesOf(chosen, whole.prints) };
}

function imagesOf(items: readonly VqaItem[], prints: WholeDataset['prints']): Map<string, string> {
  const images = new Map<string, string>();
  for (const { image } of items) {
    const sha256 = prints.get(image)?.sha256;
    if (sha256) images.set(image, sha256);
  }
  return images;
}

function choice(values: Choice, name: (raw: string) => string): Set<string> | null {
  const list = typeof values === 'string' ? [values] : (values ?? []);
  return list.length > 0 ? new Set(list.map(name)) : null;
}

function empty(nameOrDir: string, options: LoadOptions, total: number): WorkbenchError {
  const asked = [
    options.split && `split ${options.split}`,
    options.modality && `modality ${String(options.modality)}`,
    options.questionType && `question type ${String(options.questionType)}`,
    options.usable && 'usable',
  ].filter(Boolean);
  if (total === 0)
    return new WorkbenchError({
      code: 'DATA_EMPTY',
      message: `${nameOrDir} holds no question`,
      remedy: 'Look into its files: they are empty, or have a head and no rows.',
    });
  return new WorkbenchError({
    code: 'DATA_EMPTY',
    message: `none of the ${total} questions of ${nameOrDir} is left${asked.length ? ` for ${asked.join(', ')}` : ''}`,
    remedy: 'Choose another split or filter; `medr1 data audit` counts modalities, types and problems.',
  });
}
