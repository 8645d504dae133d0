/** Finding a split by the name a person writes. */
import { WorkbenchError } from '../../protocol/errors.ts';
import { splitOfFile } from '../layout.ts';
import type { WholeDataset } from '../types.ts';
import { readSplit } from './files.ts';

/**
 * Ids of a split, or of all splits under a folder of them: "modality/train" is the eight modalities' training sets. Two draws are never
 * mixed: "train" is refused where both modality/train and question_type/train exist. "FILE.json#test" is half of a split file.
 */
export async function resolveSplit(asked: string, whole: WholeDataset): Promise<Set<string>> {
  const ofFile = /^(.*\.json)#(train|test)$/.exec(asked);
  if (ofFile) return halfOf(ofFile[1], ofFile[2] as 'train' | 'test', whole);
  const { splits, name: dataset } = whole;
  const wanted = asked.replace(/^Splits\//, '').replace(/\/$/, '');
  const names = [...splits.keys()];
  // A folder before a file's name: as a name, "modality/train" would be the questions of no modality.
  const under = splits.has(wanted) ? [wanted] : names.filter((name) => name.startsWith(`${wanted}/`));
  const named = [splitOfFile(`${wanted}.json`).split, splitOfFile(wanted).split].find((name) => name !== null && splits.has(name));
  const direct = under.length === 0 && named ? [named] : under;
  const found = direct.length > 0 ? direct : names.filter((name) => afterDraw(name) === wanted || afterDraw(name).startsWith(`${wanted}/`));
  const draws = new Set(found.map((name) => name.slice(0, name.indexOf('/'))));
  if (found.length === 0 || draws.size > 1) throw unknownSplit(asked, names, dataset, draws.size > 1);
  return new Set(found.flatMap((name) => splits.get(name)!));
}

const afterDraw = (name: string) => name.slice(name.indexOf('/') + 1);

function halfOf(path: string, side: 'train' | 'test', { items, name }: WholeDataset): Set<string> {
  const split = readSplit(path);
  const known = new Set(items.map((item) => item.id));
  const missing = [...split.train, ...split.test].filter((id) => !known.has(id));
  if (missing.length === 0) return new Set(split[side]);
  throw new WorkbenchError({
    code: 'DATA_SPLIT_CHANGED',
    message: `${path}: ${missing.length} of its questions are not in ${name} (first: ${missing[0]})`,
    remedy: `It was made of ${split.dataset}; use it with the same data.`,
  });
}

function unknownSplit(asked: string, names: string[], dataset: string, ambiguous: boolean): WorkbenchError {
  const list = names.slice(0, 12).join(', ') + (names.length > 12 ? ', ...' : '');
  return new WorkbenchError({
    code: 'DATA_SPLIT_UNKNOWN',
    http: 404,
    message: ambiguous ? `split ${asked} of ${dataset} may be one of several independent draws` : `${dataset} has no split ${asked}`,
    remedy: names.length > 0 ? `It has ${list}.` : 'It has no splits; `medr1 data split` makes them.',
  });
}
