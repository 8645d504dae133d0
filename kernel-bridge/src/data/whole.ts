/** A data set with all its questions, by name (also one of before it was renamed) from its index or by reading its folder. */
import type { VqaItem } from '../protocol/data.ts';
import { presentName, refuseOlderIndex } from './index/list.ts';
import { readIndexed } from './index/read-indexed.ts';
import { findLayout, type Layout } from './layout.ts';
import { readDataset } from './read.ts';
import { partsOfSplit, splitFilesOf } from './splits/files.ts';
import type { WholeDataset } from './types.ts';

export interface WholeOptions {
  home?: string;
  signal?: AbortSignal;
}
/** Reads all questions of a folder; `asked` is how it was named. */
export type ReadFolder = (asked: string, layout: Layout, options: WholeOptions) => Promise<WholeDataset>;

/** Reads all of a data set; the splits made of an indexed one by `medr1 data split` are among its splits. */
export async function readWhole(nameOrDir: string, options: WholeOptions = {}, read: ReadFolder = readFolder): Promise<WholeDataset> {
  const indexed = presentName(nameOrDir, options.home);
  if (indexed === null) {
    refuseOlderIndex(nameOrDir, options.home);
    return read(nameOrDir, await findLayout(nameOrDir), options);
  }
  const whole = readIndexed(indexed, options.home);
  for (const [name, ids] of splitFilesOf(indexed, options.home).flatMap(partsOfSplit)) whole.splits.set(name, ids);
  return whole;
}

export async function readFolder(asked: string, layout: Layout, options: WholeOptions): Promise<WholeDataset> {
  const { root, readings } = await readDataset(layout, options);
  const items = new Map<string, VqaItem>();
  const splits = new Map<string, string[]>();
  const studies = new Map<string, string>();
  for await (const reading of readings) {
    if (reading.type === 'item') {
      items.set(reading.item.id, reading.item);
      if (reading.study !== null) studies.set(reading.item.id, reading.study);
    } else if (reading.type === 'member') {
      const ids = splits.get(reading.split);
      if (ids) ids.push(reading.id);
      else splits.set(reading.split, [reading.id]);
    } else if (reading.type === 'answer') {
      Object.assign(items.get(reading.id)!, { answer: reading.answer, problem: reading.problem });
    } else {
      const item = items.get(reading.id)!;
      if (item.modality === 'unknown') item.modality = reading.hints.modality ?? 'unknown';
      if (item.question_type === 'unknown') item.question_type = reading.hints.question_type ?? 'unknown';
    }
  }
  return { name: asked, root, items: [...items.values()], splits, studies, prints: new Map() };
}
