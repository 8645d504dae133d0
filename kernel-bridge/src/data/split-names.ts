/** Finding a split by the name a person writes. */
import { WorkbenchError } from '../protocol/errors.ts';
import { splitOfFile } from './layout.ts';

/**
 * Ids of a split, or of all splits under a folder of them: "modality/train" is the eight modalities' training sets. The two draws
 * are never mixed: "train" is refused where both modality/train and question_type/train exist.
 */
export function resolveSplit(asked: string, splits: ReadonlyMap<string, readonly string[]>, dataset: string): Set<string> {
  const wanted = asked.replace(/^Splits\//, '').replace(/\/$/, '');
  const names = [...splits.keys()];
  const named = [wanted, splitOfFile(`${wanted}.json`).split, splitOfFile(wanted).split].find((name) => name !== null && splits.has(name));
  const under = named ? [named] : names.filter((name) => name.startsWith(`${wanted}/`));
  const loose = under.length > 0 ? under : names.filter((name) => name.split('/').slice(1).join('/') === wanted || name.split('/')[1] === wanted);
  const draws = new Set(loose.map((name) => name.split('/')[0]));
  if (loose.length === 0 || draws.size > 1) throw unknownSplit(asked, names, dataset, draws.size > 1);
  return new Set(loose.flatMap((name) => splits.get(name)!));
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
