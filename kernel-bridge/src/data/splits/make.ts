/**
 * New splits of the usable questions, stratified by modality and question type.
 *
 * question: as in Med-R1's paper, 80/20 by question. An image with several questions then stands on both sides.
 * leak-free: an image with its copies, its near-duplicates and its study goes to one side whole.
 */
import { createHash } from 'node:crypto';
import { SELECTION, type SplitFile, type SplitKind, type VqaItem } from '../../protocol/data.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import { HashTable, nearPairs } from '../image/near.ts';
import type { WholeDataset } from '../types.ts';
import { sealed } from './files.ts';
import { hashItems } from './hash.ts';
import { shuffled, splitMix64, type Random } from '../../stats/random.ts';

export interface SplitOptions {
  name?: string;
  kind: SplitKind;
  seed?: number;
  /** Share of the questions that are held out. */
  testFraction?: number;
}

export function makeSplit(whole: WholeDataset, options: SplitOptions): SplitFile {
  const { kind, seed = 42, testFraction = 0.2, name = `${kind}-${seed}` } = options;
  const items = whole.items.filter((item) => item.problem === null);
  if (items.length < 2) throw tooFew(whole.name, items.length);
  const groups = kind === 'question' ? items.map((item) => [item]) : linked(items, whole);
  const test = new Set(drawTest(groups, testFraction, splitMix64(seed)).map((item) => item.id));
  const ids = (side: boolean) => items.filter((item) => test.has(item.id) === side).map((item) => item.id);
  return sealed({
    format: 'medr1-split/1',
    name,
    dataset: whole.name,
    items_hash: hashItems(items),
    kind,
    seed,
    test_fraction: testFraction,
    train: ids(false),
    test: ids(true),
  });
}

/** The usable ones of chosen questions as a split without a test side. The same questions give the same name. */
export function makeSelection(whole: WholeDataset, chosen: ReadonlySet<string>, name?: string): SplitFile {
  const items = whole.items.filter((item) => item.problem === null && chosen.has(item.id));
  if (items.length === 0) throw nothingChosen(whole.name, chosen.size);
  const train = items.map((item) => item.id);
  const digest = createHash('sha256').update(JSON.stringify(train)).digest('hex');
  return sealed({
    format: 'medr1-split/1',
    name: name ?? `${SELECTION}-${digest.slice(0, 8)}`,
    dataset: whole.name,
    items_hash: hashItems(items),
    kind: SELECTION,
    seed: 0,
    test_fraction: 0,
    train,
    test: [],
  });
}

const stratumOf = (item: VqaItem) => `${item.modality}\0${item.question_type}`;

/**
 * Deals groups to the two sides, each to the side that is emptier for what the group holds. Large groups come first, while there is
 * room to even them out; groups of equal size come in the seed's order.
 */
function drawTest(groups: VqaItem[][], fraction: number, random: Random): VqaItem[] {
  const total = count(groups.flat());
  const taken = { train: new Map<string, number>(), test: new Map<string, number>() };
  const share = { train: 1 - fraction, test: fraction };
  const room = (side: 'train' | 'test', group: VqaItem[]) =>
    group.reduce((sum, item) => {
      const stratum = stratumOf(item);
      return sum + 1 - (taken[side].get(stratum) ?? 0) / (share[side] * total.get(stratum)!);
    }, 0);
  const test: VqaItem[] = [];
  for (const group of shuffled(random, groups).toSorted((a, b) => b.length - a.length)) {
    const side = room('test', group) > room('train', group) ? 'test' : 'train';
    for (const item of group) taken[side].set(stratumOf(item), (taken[side].get(stratumOf(item)) ?? 0) + 1);
    if (side === 'test') test.push(...group);
  }
  return test;
}

function count(items: VqaItem[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(stratumOf(item), (counts.get(stratumOf(item)) ?? 0) + 1);
  return counts;
}

/** Questions that share an image, its content, its looks or its study, through any chain of these. */
export function linked(items: readonly VqaItem[], { prints, studies }: Pick<WholeDataset, 'prints' | 'studies'>): VqaItem[][] {
  const parent = new Map<string, string>();
  const find = (key: string): string => {
    let root = key;
    while (parent.get(root) !== undefined && parent.get(root) !== root) root = parent.get(root)!;
    for (let at = key; at !== root;) {
      const next = parent.get(at)!;
      parent.set(at, root);
      at = next;
    }
    return root;
  };
  const join = (a: string, b: string) => parent.set(find(a), find(b));
  for (const item of items) {
    parent.set(`image:${item.image}`, find(`image:${item.image}`));
    const sha256 = prints.get(item.image)?.sha256;
    if (sha256) join(`image:${item.image}`, `bytes:${sha256}`);
    const study = studies.get(item.id);
    if (study) join(`image:${item.image}`, `study:${item.dataset}\0${study}`);
  }
  const used = new Set(items.map((item) => item.image));
  const hashed = [...prints].flatMap(([path, { dhash }]) => (dhash && used.has(path) ? [{ path, dhash }] : []));
  for (const { a, b } of nearPairs(new HashTable(hashed.map(({ dhash }) => dhash))))
    join(`image:${hashed[a].path}`, `image:${hashed[b].path}`);
  const groups = Map.groupBy(items, (item) => find(`image:${item.image}`));
  return [...groups.values()];
}

function tooFew(dataset: string, usable: number): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_EMPTY',
    message: `${dataset} has ${usable} usable questions, too few to split`,
    remedy: '`medr1 data audit` tells why the others cannot be used.',
  });
}

function nothingChosen(dataset: string, chosen: number): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_EMPTY',
    message: `none of the ${chosen} chosen questions of ${dataset} can be used`,
    remedy: 'Choose questions without a problem.',
  });
}
