/** Audit of a data set: what leaks from train to test, what gives answers away, what cannot be used. */
import { choicesOf } from '../answers/index.ts';
import type { Audit, AuditFinding, AuditSplit, VqaItem } from '../protocol/data.ts';
import { mapInLanes } from './lanes.ts';
import { fingerprint } from './image/fingerprint.ts';
import { HashTable, nearPairs } from './image/near.ts';
import { OptionPrior, chance } from './prior.ts';
import { PROBLEMS, type Problem } from '../protocol/problems.ts';
import type { WholeDataset } from './types.ts';
import { readWhole } from './whole.ts';

export interface AuditOptions {
  home?: string;
  /** False leaves the images of a folder that was not indexed unread: one image is then one path, and nothing is said of near-duplicates. */
  images?: boolean;
  signal?: AbortSignal;
  progress?: (done: number, total: number) => void;
}

export async function auditDataset(nameOrDir: string, options: AuditOptions = {}): Promise<Audit> {
  const whole = await readWhole(nameOrDir, options);
  if (options.images !== false) await completePrints(whole, options);
  return audit(whole);
}

/** Hashes the images that no index has hashed, and marks the questions of those that cannot be read. */
async function completePrints({ root, items, prints }: WholeDataset, { signal, progress }: AuditOptions): Promise<void> {
  const paths = [...new Set(items.filter((item) => imageExists(item.problem) && !prints.has(item.image)).map((item) => item.image))];
  let done = 0;
  await mapInLanes(paths, 4, async (path) => {
    signal?.throwIfAborted();
    prints.set(path, await fingerprint(root, path));
    progress?.(++done, paths.length);
  });
  for (const item of items) item.problem ??= prints.get(item.image)?.problem ?? null;
}

const NO_FILE: readonly (string | null)[] = ['image-none', 'image-outside', 'image-missing', 'image-not-a-file'] satisfies Problem[];
const imageExists = (problem: string | null) => !NO_FILE.includes(problem);

/** The audit of what has been read. Pure: the same data set gives the same audit. */
export function audit(whole: WholeDataset): Audit {
  const { items, prints } = whole;
  const identity = imageIdentity(whole);
  const near = nearDuplicates(whole);
  const copied = copiedContent(whole);
  const byId = new Map(items.map((item) => [item.id, item]));
  const splits = new Map([...whole.splits].map(([name, ids]) => [name, ids.map((id) => byId.get(id)!)]));
  const pairs = pairNames([...splits.keys()]);
  const priors = new Map([...splits].filter(([name]) => sideOf(name) === 'train').map(([name, train]) => [name, new OptionPrior(train)]));
  const leaks = pairs.map(([train, test]) => leaksOf(splits.get(train)!, splits.get(test)!, identity, near));
  const rows = pairs.map(([train, test], i) => auditSplit(train, test, splits, leaks[i], near.looked, priors.get(train)!));
  const partial = {
    dataset: whole.name,
    root: whole.root,
    items: items.length,
    usable: items.filter((item) => item.problem === null).length,
    images: new Set(items.map((item) => identity(item.image))).size,
    splits: rows,
    prior_matrix: priorMatrix(splits, priors),
    problems: countBy(items.filter((item) => item.problem !== null).map((item) => item.problem!)),
    letters: countBy(items.flatMap((item) => item.answer ?? [])),
    options: countBy(items.map((item) => String(choicesOf(item.options).length))),
    modality_by_type: table(items),
    confounding: cramersV(items),
    duplicate_images: copied.size,
    near_duplicates: { looked: near.looked, pairs: near.pairs.length, examples: examples(near.pairs, splits, pairs) },
  };
  return {
    ...partial,
    findings: findings(
      partial,
      leaks,
      items.filter((item) => copied.has(prints.get(item.image)?.sha256 ?? '')),
      whole,
    ),
  };
}

/** Images are counted by content where the file was read, else by path. */
function imageIdentity({ prints }: WholeDataset): (path: string) => string {
  return (path) => prints.get(path)?.sha256 ?? path;
}

interface Near {
  pairs: { a: string; b: string; distance: number }[];
  /** Paths that look like a path. */
  of: Map<string, string[]>;
  /** Whether any image was decoded. */
  looked: boolean;
}

/** Pairs of images with different bytes that look alike. */
function nearDuplicates({ prints }: WholeDataset): Near {
  const hashed = [...prints].flatMap(([path, { dhash, sha256 }]) => (dhash ? [{ path, dhash, sha256 }] : []));
  const found = nearPairs(new HashTable(hashed.map(({ dhash }) => dhash)))
    .filter(({ a, b }) => hashed[a].sha256 !== hashed[b].sha256)
    .map(({ a, b, distance }) => ({ a: hashed[a].path, b: hashed[b].path, distance }));
  const of = new Map<string, string[]>();
  for (const { a, b } of found) {
    of.set(a, [...(of.get(a) ?? []), b]);
    of.set(b, [...(of.get(b) ?? []), a]);
  }
  return { pairs: found, of, looked: hashed.length > 0 };
}

const sideOf = (split: string) => /(^|\/)(train|test)(\/|$)/.exec(split)?.[2] ?? null;
const drawOf = (split: string) => split.replace(/(^|\/)(train|test)(\/.*|$)/, '');

/** Train and test of the same name: modality/train/OCT and modality/test/OCT. */
function pairNames(names: string[]): [string, string][] {
  return names
    .filter((name) => sideOf(name) === 'train')
    .map((name): [string, string] => [name, name.replace(/(^|\/)train(\/|$)/, '$1test$2')])
    .filter(([, test]) => names.includes(test))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

interface Leaks {
  /** Test questions whose image is in train. */
  same: VqaItem[];
  /** Others whose image looks like one in train. */
  near: VqaItem[];
}

function leaksOf(train: VqaItem[], test: VqaItem[], identity: (path: string) => string, near: Near): Leaks {
  const seen = new Set(train.map((item) => identity(item.image)));
  const [same, others] = [test.filter((item) => seen.has(identity(item.image))), test.filter((item) => !seen.has(identity(item.image)))];
  return { same, near: others.filter((item) => (near.of.get(item.image) ?? []).some((path) => seen.has(identity(path)))) };
}

function auditSplit(
  train: string,
  test: string,
  splits: Map<string, VqaItem[]>,
  leaks: Leaks,
  looked: boolean,
  prior: OptionPrior,
): AuditSplit {
  const testItems = splits.get(test)!;
  return {
    train,
    test,
    train_items: splits.get(train)!.length,
    test_items: testItems.length,
    image_overlap: leaks.same.length,
    near_overlap: looked ? leaks.near.length : null,
    prior_accuracy: prior.accuracy(testItems),
    chance: chance(testItems),
  };
}

/** Every training split against every test split of the same draw. */
function priorMatrix(splits: Map<string, VqaItem[]>, priors: Map<string, OptionPrior>): Audit['prior_matrix'] {
  const tests = [...splits].filter(([name]) => sideOf(name) === 'test');
  const row = (train: string, prior: OptionPrior) =>
    Object.fromEntries(tests.filter(([test]) => drawOf(test) === drawOf(train)).map(([test, items]) => [test, prior.accuracy(items)]));
  return Object.fromEntries([...priors].map(([train, prior]) => [train, row(train, prior)]));
}

function countBy(values: string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const value of values.toSorted()) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries(counts); // whose own property even __proto__ is
}

function table(items: VqaItem[]): Record<string, Record<string, number>> {
  const byModality = Map.groupBy(items, (item) => item.modality);
  return Object.fromEntries([...byModality].map(([modality, list]) => [modality, countBy(list.map((item) => item.question_type))]));
}

/** Cramer's V = sqrt(chi2 / (n (min(rows, columns) - 1))) of modality by question type, where both are known. */
function cramersV(all: VqaItem[]): number | null {
  const items = all.filter((item) => item.modality !== 'unknown' && item.question_type !== 'unknown');
  const [rows, columns] = [countBy(items.map((item) => item.modality)), countBy(items.map((item) => item.question_type))];
  const least = Math.min(Object.keys(rows).length, Object.keys(columns).length);
  if (least < 2) return null;
  const cells = table(items);
  let chi2 = 0;
  for (const [modality, total] of Object.entries(rows)) {
    for (const [type, column] of Object.entries(columns)) {
      const expected = (total * column) / items.length;
      const seen = Object.hasOwn(cells[modality], type) ? cells[modality][type] : 0;
      chi2 += (seen - expected) ** 2 / expected;
    }
  }
  return Math.round(1e3 * Math.sqrt(chi2 / (items.length * (least - 1)))) / 1e3;
}

/** Content that several files hold. */
function copiedContent({ prints }: WholeDataset): Set<string> {
  const counts = countBy([...prints.values()].flatMap(({ sha256 }) => sha256 ?? []));
  return new Set(Object.keys(counts).filter((sha256) => counts[sha256] > 1));
}

/** Pairs to look at: those that stand on two sides of a split first, then the nearest. */
function examples(pairs: Near['pairs'], splits: Map<string, VqaItem[]>, names: [string, string][]): Audit['near_duplicates']['examples'] {
  const images = new Map([...splits].map(([name, items]) => [name, new Set(items.map((item) => item.image))]));
  const leaks = (a: string, b: string) => names.filter(([train, test]) => images.get(train)!.has(a) && images.get(test)!.has(b));
  return pairs
    .map(({ a, b, distance }) => ({ a, b, distance, across: [...leaks(a, b), ...leaks(b, a)].map(([, test]) => test) }))
    .toSorted((x, y) => Math.sign(y.across.length) - Math.sign(x.across.length) || x.distance - y.distance)
    .slice(0, 200);
}

const questions = (count: number): string => `${count} ${count === 1 ? 'question shows' : 'questions show'}`;

/** What other programs make of images that are seen here through a window. */
const WINDOWED = {
  deep:
    'a grey image of more than 8 bits. Training, evaluation and `medr1 generate` show the model the range of its values as 256 greys; transformers opens it ' +
    'with Pillow, which makes every value above 255 white. Convert such images to 8 bits before a checkpoint that was trained on them is used elsewhere.',
  dicom:
    "a DICOM image. Training, evaluation and `medr1 generate` show the model the file's own window; Pillow, and so transformers, cannot open it. " +
    'Convert such images to PNG before a checkpoint that was trained on them is used elsewhere.',
} as const;

/** The facts that a researcher must not miss, each with the filter that shows them. */
function findings(audit: Omit<Audit, 'findings'>, leaks: Leaks[], copied: VqaItem[], { items, prints }: WholeDataset): AuditFinding[] {
  const found: AuditFinding[] = [];
  const add = (code: string, count: number, text: string, query: AuditFinding['query']) => found.push({ code, count, text, query });
  const these = (items: VqaItem[]) => ({ ids: items.map((item) => item.id) });
  const share = (part: number, whole: number) => `${part} of ${whole} (${Math.round((100 * part) / Math.max(1, whole))} %)`;
  audit.splits.forEach(({ train, test, test_items, prior_accuracy, chance: even }, i) => {
    const { same, near } = leaks[i];
    if (same.length > 0)
      add('image-overlap', same.length, `${share(same.length, test_items)} questions of ${test} show an image of ${train}.`, these(same));
    if (near.length > 0)
      add(
        'near-overlap',
        near.length,
        `${share(near.length, test_items)} questions of ${test} show an image that looks like one of ${train}.`,
        these(near),
      );
    if (prior_accuracy > even + 10)
      add('option-prior', test_items, `Option text alone answers ${prior_accuracy} % of ${test} (chance ${even} %).`, {
        facets: { split: [test] },
      });
  });
  for (const [problem, count] of Object.entries(audit.problems))
    add(problem, count, PROBLEMS[problem as Problem], { facets: { problem: [problem] } });
  const answers = Object.values(audit.letters).reduce((a, b) => a + b, 0);
  for (const [letter, count] of Object.entries(audit.letters)) {
    if (count > 0.4 * answers)
      add('letter-balance', count, `${letter} is right in ${share(count, answers)} questions.`, { facets: { answer: [letter] } });
  }
  if ((audit.confounding ?? 0) > 0.3)
    add('confounding', audit.items, `Modality and question type are confounded (Cramér's V ${audit.confounding}).`, {});
  for (const [windowed, text] of Object.entries(WINDOWED)) {
    const seen = items.filter((item) => prints.get(item.image)?.windowed === windowed);
    if (seen.length > 0) add(`${windowed}-images`, seen.length, `${questions(seen.length)} ${text}`, these(seen));
  }
  if (copied.length > 0)
    add(
      'duplicate-images',
      audit.duplicate_images,
      `${audit.duplicate_images === 1 ? '1 image stands' : `${audit.duplicate_images} images stand`} in several files with equal bytes.`,
      {
        ...these(copied),
        sort: 'image',
      },
    );
  return found;
}
