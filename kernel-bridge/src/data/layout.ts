/**
 * What lies in a folder: which files hold questions, which hold splits, and where images are looked for.
 *
 *     OmniMedVQA    QA_information/{Open,Restricted}-access/*.json   Images/   and, where present, Med-R1's Splits/
 *     Med-R1        Splits/{modality,question_type}/{train,test}/*.json, or its flat prompts <name>_test.json
 *     imagefolder   metadata.jsonl or metadata.csv beside the images, also per split folder
 *     Parquet       *.parquet with an image column
 *     table         *.json, *.jsonl, *.csv, *.tsv with image, question, options, answer; all but Parquet also as .gz
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { reasonOf } from '../files/reason.ts';
import { kindOf } from './folders.ts';
import { expandHome } from '../files/user-path.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { Hints } from './item.ts';
import { MODALITY_ORDER, modalityName, questionTypeName } from './names.ts';

export type Kind = 'omnimedvqa' | 'medr1' | 'imagefolder' | 'parquet' | 'table';

export interface Source {
  /** Absolute. */
  path: string;
  /** Relative to the data set's folder, as it is shown. */
  file: string;
  /** Name of the split that the file is, if it is one. */
  split: string | null;
  hints: Hints;
}
export interface Layout {
  kind: Kind;
  dir: string;
  /** Files whose records are the questions. */
  questions: Source[];
  /** Files that only say which questions belong to a split. */
  splits: Source[];
}

const TABLE = /\.(json|jsonl|ndjson|csv|tsv)(\.gz)?$/i;
const NO_TABLE = /^(dataset_info|dataset_infos|dataset_dict|state|package|package-lock|tsconfig|config)\.json(\.gz)?$/i;

export async function findLayout(path: string): Promise<Layout> {
  const given = resolve(expandHome(path));
  const info = await stat(given).catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'EACCES' ? unreadable(path, cause as Error) : notFound(path, cause);
  });
  if (info.isFile()) return oneFile(given);
  if (!info.isDirectory()) throw notFound(path);
  const dir = await innerFolder(given);
  const [qa, splits] = [await files(join(dir, 'QA_information'), /\.json$/i), await files(join(dir, 'Splits'), /\.json$/i)];
  const splitSources = splits.map((file) => source(dir, file, true));
  if (qa.length > 0) {
    const questions = qa.map((file) => source(dir, file, false));
    return { kind: 'omnimedvqa', dir, questions, splits: splitSources };
  }
  if (splits.length > 0) return { kind: 'medr1', dir, questions: splitSources, splits: [] };
  return tables(dir, path);
}

const OF_QUESTIONS = /\.((json|jsonl|ndjson|csv|tsv)(\.gz)?|parquet)$/i;

/** Whether a file may hold questions, by its name. */
export const mayHoldQuestions = (name: string): boolean => OF_QUESTIONS.test(name) && !NO_TABLE.test(name);

/** A YAML file, which is a run's configuration, and a file that is of no kind read here have no questions. */
function oneFile(path: string): Layout {
  if (!OF_QUESTIONS.test(path)) throw notQuestions(path);
  const dir = dirname(path);
  const kind = path.endsWith('.parquet') ? 'parquet' : 'table';
  const inSplits = path.split(sep).lastIndexOf('Splits');
  const from = inSplits > 0 ? path.split(sep).slice(0, inSplits).join(sep) : dir;
  const only = { ...source(from, path, true), file: basename(path) };
  return { kind, dir, questions: [only], splits: [] };
}

/** The folder itself, its parent when it is QA_information, or its only child with a known layout (archives unpack into one). */
async function innerFolder(dir: string): Promise<string> {
  if (['QA_information', 'Splits'].includes(basename(dir))) return dirname(dir);
  const children = await readdir(dir, { withFileTypes: true }).catch((cause: Error) => {
    throw unreadable(dir, cause);
  });
  const known = (names: string[]) => names.includes('QA_information') || names.includes('Splits');
  if (known(children.map((child) => child.name))) return dir;
  const inner: string[] = [];
  for (const child of children) {
    if ((await kindOf(child, join(dir, child.name))) !== 'folder') continue;
    const names = await readdir(join(dir, child.name)).catch(() => []);
    if (known(names)) inner.push(join(dir, child.name));
  }
  return inner.length === 1 ? inner[0] : dir;
}

async function tables(dir: string, asked: string): Promise<Layout> {
  const all = await files(dir, OF_QUESTIONS);
  const pick = (pattern: RegExp) => all.filter((file) => pattern.test(basename(file)));
  const kinds: [Kind, string[]][] = [
    ['imagefolder', pick(/^metadata\.(jsonl|csv)(\.gz)?$/i)],
    ['parquet', pick(/\.parquet$/i)],
    ['table', pick(TABLE).filter((file) => !NO_TABLE.test(basename(file)))],
  ];
  const found = kinds.find(([, list]) => list.length > 0);
  if (!found) throw nothingKnown(asked, (await files(dir, /\.arrow$/i)).length > 0);
  return { kind: found[0], dir, questions: found[1].map((file) => source(dir, file, true)), splits: [] };
}

/** Files below a folder whose names match, sorted, links followed; hidden folders and image folders are passed by. */
async function files(dir: string, pattern: RegExp, depth = 4): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(dir, entry.name);
    const kind = await kindOf(entry, path);
    if (kind === 'file' && pattern.test(entry.name)) found.push(path);
    else if (kind === 'folder' && depth > 0 && entry.name !== 'Images') found.push(...(await files(path, pattern, depth - 1)));
  }
  return found;
}

function source(dir: string, path: string, mayBeSplit: boolean): Source {
  const file = relative(dir, path).split(sep).join('/');
  if (!mayBeSplit) return { path, file, split: null, hints: { dataset: basename(path, extname(path)) } };
  return { path, file, ...splitOfFile(file) };
}

/**
 * Splits/modality/train/OCT (Optical Coherence Tomography_train.json -> modality/train/OCT, and that its questions are of OCT.
 * The draw (modality or question_type) stays in the name: the two are independent, an item of one's test set may be in the other's train set.
 */
export function splitOfFile(file: string): { split: string | null; hints: Hints } {
  const parts = file.split('/');
  const unzipped = file.replace(/\.gz$/i, '');
  const stem = basename(unzipped, extname(unzipped)).replace(/-\d{5}-of-\d{5}$/, '');
  const ending = /^(.*?)_(train|test|val|validation)$/i.exec(stem);
  const side = (ending?.[2] ?? parts.find((part) => /^(train|test|val|validation)$/i.test(part)) ?? wholeSide(stem))?.toLowerCase();
  const raw = ending?.[1] ?? (wholeSide(stem) || /^metadata$/i.test(stem) ? '' : stem);
  const [modality, type] = [modalityName(raw), questionTypeName(raw)];
  const draw = parts.includes('modality')
    ? 'modality'
    : parts.some((part) => /^(question_type|q_type)$/.test(part))
      ? 'question_type'
      : null;
  const isModality = draw === 'modality' || (draw === null && raw !== '' && MODALITY_ORDER.includes(modality));
  const isType = draw === 'question_type';
  const hints: Hints = isModality ? { modality } : isType ? { question_type: type } : {};
  const name = isModality ? modality : isType ? type : raw;
  return { split: side ? [draw, side, name].filter(Boolean).join('/') : null, hints };
}

const wholeSide = (stem: string) => /^(train|test|val|validation)$/i.exec(stem)?.[0];

function notQuestions(path: string): WorkbenchError {
  const yaml = /\.ya?ml$/i.test(path);
  return new WorkbenchError({
    code: 'DATA_NOT_QUESTIONS',
    http: 422,
    message: `${path} ${yaml ? 'configures a run' : 'is of no kind that the workbench reads'}: it holds no questions`,
    remedy: yaml
      ? `Train it with \`medr1 train ${basename(path)}\`; give the folder or file that its dataset_name names here.`
      : 'Give a folder, or a file that ends in .json, .jsonl, .ndjson, .csv, .tsv (each also with .gz) or .parquet.',
  });
}

function notFound(path: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_NOT_FOUND',
    http: 404,
    cause,
    message: `${path} is no data set, folder or file`,
    remedy: 'Name a folder or a file, or a data set of `medr1 data list`.',
  });
}

/** A folder or file that cannot be read any more. Indexing ends there: an index of the rest must not replace the whole one. */
export function unreadable(path: string, cause: Error): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_UNREADABLE',
    cause,
    message: `${path} cannot be read: ${reasonOf(cause)}`,
    remedy: 'Mend the folder, or remove the file from it, and start again.',
  });
}

function nothingKnown(path: string, arrow: boolean): WorkbenchError {
  if (arrow)
    return new WorkbenchError({
      code: 'DATA_LAYOUT_UNKNOWN',
      message: `${path} holds Arrow files, as Dataset.save_to_disk() and the cache of Hugging Face's datasets write them; they are not read`,
      remedy: "Write Parquet in Python: datasets.load_from_disk('FOLDER')['train'].to_parquet('train.parquet').",
    });
  return new WorkbenchError({
    code: 'DATA_LAYOUT_UNKNOWN',
    message: `${path} holds no questions in a layout that the workbench knows`,
    remedy:
      'Known: OmniMedVQA (QA_information/, Images/), Med-R1 (Splits/), metadata.jsonl or metadata.csv beside images, Parquet, JSON, JSON Lines, CSV.',
  });
}
