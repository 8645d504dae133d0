/** The question that a request means: an item of a data set, or one in words, with the folder that its image is in. */
import { Dataset, noItem } from '../data/index/dataset.ts';
import { indexedName } from '../data/index/list.ts';
import type { VqaItem } from '../protocol/data.ts';
import type { GenerateRequest } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import type { RunRow } from '../runs/row.ts';
import type { LoadItems } from '../runs/runs.ts';

/** Exactly one of `item` and `question` is there. */
export async function questionAsked(
  { dataset: named, item, question, image = '' }: Pick<GenerateRequest, 'dataset' | 'item' | 'question' | 'image'>,
  run: Pick<RunRow, 'root' | 'config'> | null,
  { home, loadItems }: { home: string; loadItems: LoadItems },
): Promise<{ root: string; item: VqaItem }> {
  const dataset = named ?? run?.config.dataset_name;
  const indexed = dataset === undefined ? null : indexedName(dataset, home);
  if (indexed !== null) {
    const set = new Dataset(indexed, home);
    try {
      return { root: set.root, item: item === undefined ? inWords(question!, image) : set.item(item) };
    } finally {
      set.close();
    }
  }
  if (dataset === undefined) return { root: '', item: inWords(question!, image) };
  if (item === undefined && run && named === undefined) return { root: run.root, item: inWords(question!, image) };
  const { root, items } = await loadItems(dataset, { home });
  const found = item === undefined ? inWords(question!, image) : items.find(({ id }) => id === item);
  if (!found) throw noItem(dataset, item!);
  return { root, item: found };
}

/** What is wrong with how a request names model and question; undefined where nothing is. */
export function wronglyNamed(
  { run, step, model, dataset, item, image, question }: Partial<GenerateRequest>,
  { isAsked }: { isAsked: boolean },
): string | undefined {
  return [
    (run === undefined) === (model === undefined) && 'it names either a run or a model',
    step !== undefined && run === undefined && 'a step is one of a run',
    (item === undefined) === (question === undefined) && 'it names either an item or a question in words',
    dataset === undefined && run === undefined && item !== undefined && 'it names no data set for the item',
    dataset === undefined && run === undefined && image !== undefined && 'it names no data set for the image',
    question?.trim() === '' && isAsked && 'the question is empty',
  ].find((problem) => problem !== false);
}

/** Throws REQUEST_INVALID where the stretch does not lie within the image. */
export function checkCrop(crop: GenerateRequest['crop'], { width, height }: { width: number; height: number }): void {
  if (crop === undefined || (crop.left + crop.width <= width && crop.top + crop.height <= height)) return;
  const stretch = `${crop.width} x ${crop.height} pixels at ${crop.left}, ${crop.top}`;
  throw errors.badRequest('body crop', `the crop (${stretch}) does not lie within the image, which has ${width} x ${height} pixels`);
}

/** A question that stands in no data set: its options are in its words, its right answer is not known. */
function inWords(question: string, image: string): VqaItem {
  const unknown = { modality: 'unknown', question_type: 'unknown', problem: null };
  return { id: '', dataset: '', image, question, options: [], answer: null, ...unknown };
}
