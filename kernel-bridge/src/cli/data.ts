/** `medr1 data`: index, list, audit, split, get and forget data sets. */
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { auditDataset } from '../data/audit.ts';
import { getDataset, KNOWN, type GetProgress, type KnownName } from '../data/get.ts';
import { homeDir } from '../data/home.ts';
import { addDataset, checkName } from '../data/index/add.ts';
import { hasQuestions, listDatasets, removeDataset, renameDataset, summary } from '../data/index/list.ts';
import { splitPath, writeSplit } from '../data/splits/files.ts';
import { makeSplit } from '../data/splits/make.ts';
import { readWhole } from '../data/whole.ts';
import { SPLIT_KINDS, type Audit, type SplitKind } from '../protocol/data.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { usage, whole } from './arguments.ts';
import { printJson, Status, table, tell } from './output.ts';

interface Json {
  json?: boolean;
}

export function register(program: Command): void {
  const data = program.command('data').description('index, list and audit data sets');
  data
    .command('add')
    .description('index a folder or file of questions; a second time only what changed')
    .argument('<dir>', "OmniMedVQA folder, Med-R1's Splits, imagefolder, Parquet, JSON, JSON Lines or CSV")
    .option('--name <name>', "the folder's name when left out")
    .option('--images <dir>', 'folder of the images, where they lie apart from the questions')
    .option('--no-images', 'leave the images unread: no thumbnails, no near-duplicates, no check that they can be decoded')
    .option('--json', 'one JSON document')
    .action(add);
  data.command('list').description('indexed data sets').option('--json', 'one JSON document').action(list);
  data
    .command('audit')
    .description('leaks from train to test, shortcuts, duplicates, and what cannot be used')
    .argument('<name|dir>')
    .option('--no-images', 'leave the images of a folder that is not indexed unread')
    .option('--json', 'one JSON document')
    .action(audit);
  data
    .command('split')
    .description('draw a new split, stratified by modality and question type')
    .argument('<name|dir>')
    .addOption(
      new Option('--kind <kind>', 'question: as in the paper; leak-free: image, near-duplicates and study stay together')
        .choices(SPLIT_KINDS)
        .default('leak-free'),
    )
    .option('--seed <n>', 'same seed, same split', whole, 42)
    .option('--test <fraction>', 'share that is held out', fraction, 0.2)
    .option('--name <name>', 'kind and seed when left out')
    .option('--force', 'write over another split of this name')
    .option('--out <file>', 'where to write it; needed for a folder that is not indexed')
    .option('--json', 'one JSON document')
    .action(split);
  data
    .command('get')
    .description('download a data set from the Hugging Face hub, unpack and index it; what an earlier try left is gone on with')
    .addArgument(program.createArgument('<name>', 'which').choices(Object.keys(KNOWN)))
    .argument('[dir]', 'where to; the name when left out')
    .option('--yes', 'accept the licence without asking')
    .option('--hub-url <url>', 'another hub; HF_ENDPOINT when left out')
    .action(get);
  data
    .command('rename')
    .description('give a data set another name; its folder is not touched')
    .argument('<name>')
    .argument('<to>', 'the name from now on')
    .option('--json', 'one JSON document')
    .action(rename);
  data
    .command('remove')
    .description('forget an index; the data folder is not touched')
    .argument('<name>')
    .option('--json', 'one JSON document')
    .action(remove);
}

async function add(dir: string, { name, images, json }: { name?: string; images?: boolean | string } & Json): Promise<void> {
  const line = statusLine(json);
  const added = await interruptible((signal) =>
    addDataset(dir, {
      name,
      images: images !== false,
      imagesDir: typeof images === 'string' ? images : undefined,
      home: homeDir(),
      signal,
      progress: ({ phase, done, total }) => line(`${phase}: ${done}${total === null ? '' : ` of ${total}`}`),
    }),
  );
  line(null);
  const facts = summary(added.name, homeDir());
  if (json) return printJson(facts);
  tell(`${facts.name}: ${facts.items} questions (${facts.usable} usable), ${facts.images} images`);
  if (facts.missing === facts.items)
    tell(
      `None of the images was found below ${facts.root}. Where they are elsewhere: medr1 data add ${dir} --name ${facts.name} --images FOLDER`,
    );
  else if (facts.usable < facts.items) tell(`medr1 data audit ${facts.name} tells why ${facts.items - facts.usable} cannot be used`);
}

function list({ json }: Json): void {
  const datasets = listDatasets(homeDir());
  if (json) return printJson({ datasets });
  if (datasets.length === 0) return tell('No data set is indexed. medr1 data add DIR');
  const rows = datasets.map(({ name, kind, items, usable, images, dir }) => [name, kind, items, usable, images, dir]);
  tell(...table([['name', 'kind', 'questions', 'usable', 'images', 'folder'], ...rows]));
}

async function audit(nameOrDir: string, { images, json }: { images: boolean } & Json): Promise<void> {
  const line = statusLine(json);
  const progress = (done: number, total: number) => line(`images: ${done} of ${total}`);
  const found = await interruptible((signal) => auditDataset(nameOrDir, { home: homeDir(), images, signal, progress }));
  line(null);
  if (json) printJson(found);
  else printAudit(found);
}

export function printAudit(audit: Audit): void {
  tell(`${audit.dataset}: ${audit.items} questions (${audit.usable} usable) on ${audit.images} images`, '');
  if (audit.splits.length > 0) {
    const rows = audit.splits.map((s) => [
      s.test,
      s.train_items,
      s.test_items,
      s.image_overlap,
      s.near_overlap ?? '-',
      s.prior_accuracy,
      s.chance,
    ]);
    tell(...table([['test split', 'train', 'test', 'image in train', 'similar', 'prior %', 'chance %'], ...rows]), '');
  }
  for (const [draw, rows] of Map.groupBy(Object.entries(audit.prior_matrix), ([train]) => train.split('/')[0])) printMatrix(draw, rows);
  if (audit.findings.length === 0) return tell('Nothing was found.');
  for (const { code, text, count } of audit.findings) tell(`${code} (${count}): ${text}`);
}

/** The option-text prior, rows train, columns test; nothing where a single split tells no more than the table above. */
function printMatrix(draw: string, rows: [string, Record<string, number>][]): void {
  const tests = Object.keys(rows[0]?.[1] ?? {});
  if (tests.length < 2) return;
  const short = (name: string) => name.replace(/^.*?(train|test)\//, '');
  tell(`Option-text prior of ${draw}, % right: rows train, columns test`);
  const body = rows.map(([train, row]) => [short(train), ...tests.map((test) => row[test])]);
  tell(...table([['', ...tests.map(short)], ...body]), '');
}

interface SplitArguments extends Json {
  kind: SplitKind;
  seed: number;
  test: number;
  name?: string;
  out?: string;
  force?: boolean;
}

async function split(nameOrDir: string, { kind, seed, test, name, out, force, json }: SplitArguments): Promise<void> {
  const home = homeDir();
  const indexed = hasQuestions(nameOrDir, home);
  if (!indexed && !out)
    throw usage(
      `${nameOrDir} is not indexed, so that --out must say where the split is written`,
      'Add --out FILE.json, or index it first: medr1 data add DIR',
    );
  const made = makeSplit(await readWhole(nameOrDir, { home }), { kind, seed, testFraction: test, name: name && checkName(name) });
  const path = out ?? splitPath(nameOrDir, made.name, home);
  writeSplit(path, made, { force });
  if (json) return printJson({ path, ...made });
  const use = out ? `${resolve(path)}#train` : `${made.name}/train`;
  tell(`${path}: ${made.train.length} train, ${made.test.length} test`, `dataset_train_split: ${use}`);
}

async function get(name: KnownName, dir: string | undefined, { yes, hubUrl }: { yes?: boolean; hubUrl?: string }): Promise<void> {
  const { repo, licence, size } = KNOWN[name];
  const target = resolve(dir ?? name);
  tell(...licence.split('\n'), '', `${repo}: ${size}, to ${target}`);
  if (!yes && !(await agreed())) throw usage('the licence was not accepted', 'Start again and answer y, or add --yes.');
  const line = statusLine(false);
  const mebi = (n: number) => (n / 2 ** 20).toFixed(1);
  const progress = ({ phase, file, done, total }: GetProgress) => line(`${phase}: ${mebi(done)} of ${mebi(total)} MiB, ${file}`);
  await interruptible((signal) => getDataset({ repo, dir: target, hubUrl, signal, progress }));
  line(null);
  await add(target, { name, images: true });
}

async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question('Go on under these terms? [y/N] ');
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

function rename(name: string, to: string, { json }: Json): void {
  const renamed = renameDataset(name, checkName(to), homeDir());
  if (json) printJson(renamed);
  else tell(`${name} is called ${to} now`);
}

function remove(name: string, { json }: Json): void {
  removeDataset(name, homeDir());
  if (json) printJson({ removed: name });
  else tell(`${name} is forgotten; its folder is as it was`);
}

/** Ends the work cleanly on Ctrl-C: what was done so far stays, and the same command goes on from there. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const stop = () => abort.abort(stopped());
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work(abort.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function stopped(): WorkbenchError {
  return new WorkbenchError({ code: 'DATA_STOPPED', message: 'stopped', remedy: 'The same command goes on from here.' });
}

/** One line that is redrawn on a terminal, and nothing elsewhere; null ends it. */
function statusLine(quiet = false): (text: string | null) => void {
  const status = new Status();
  return (text) => (quiet ? undefined : text === null ? status.clear() : status.draw(text));
}

function fraction(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It must be between 0 and 1.');
  return value;
}
