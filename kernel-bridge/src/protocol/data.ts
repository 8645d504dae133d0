/** Data sets, their questions, splits and audits: what the data routes take and answer (routes.ts is their table) and what training reads. */
import Type from 'typebox';
import { SORTS } from './facets.ts';
import { ReadingName } from './readings.ts';

const Text = (description?: string) => Type.String(description ? { description } : {});
const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const Counts = Type.Record(Type.String(), Type.Integer());

/** One multiple-choice question about one image, whatever file it came from. */
export const VqaItem = Type.Object({
  /** Stable in its data set: OmniMedVQA's question_id, or file and row. */
  id: Type.String(),
  /** OmniMedVQA's `dataset` field, for example "ACRIMA". */
  dataset: Type.String(),
  /** Relative to the data set's root, with forward slashes. */
  image: Type.String(),
  question: Type.String(),
  /** Texts in the order A, B, C, ... */
  options: Type.Array(Type.String()),
  /** Letter of the right option; null when the record names none (see `problem`). */
  answer: orNull(Type.String()),
  modality: Type.String(),
  question_type: Type.String(),
  /** Why the item cannot be used, a stable code such as `image-missing`; null when it can. */
  problem: orNull(Type.String()),
});
export type VqaItem = Type.Static<typeof VqaItem>;

export const DatasetSummary = Type.Object({
  name: Type.String(),
  /** Folder or file that was added, and the folder that image paths are relative to. */
  dir: Type.String(),
  root: Type.String(),
  kind: Text('omnimedvqa, medr1, imagefolder, parquet or table'),
  items: Type.Integer(),
  usable: Type.Integer(),
  /** Questions whose image file is not there. */
  missing: Type.Integer(),
  images: Type.Integer(),
  /** Images whose content is known. */
  hashed: Type.Integer(),
  indexed_at: Type.Number(),
  /** Grows when the index changes. */
  revision: Type.Integer(),
});
export type DatasetSummary = Type.Static<typeof DatasetSummary>;

export const RenameDataset = Type.Object({ name: Text('the name from now on') }, { additionalProperties: false });

export const IndexJob = Type.Object({
  name: Type.String(),
  dir: Type.String(),
  state: Type.Unsafe<'running' | 'done' | 'failed' | 'stopped'>(Type.String()),
  phase: Type.Unsafe<'questions' | 'images'>(Type.String()),
  done: Type.Integer(),
  total: orNull(Type.Integer()),
  started_at: Type.Number(),
  /** Seconds left at the present rate; null while it is not known. */
  seconds_left: orNull(Type.Number()),
  error: orNull(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
});
export type IndexJob = Type.Static<typeof IndexJob>;

/** A data set that can be fetched from the Hugging Face hub. */
export const Download = Type.Object({
  name: Type.String(),
  repo: Type.String(),
  size: Text('in words'),
  /** To be shown, and accepted, before anything is fetched. */
  licence: Type.String(),
  /** Folders and files that the workbench expects, for those who bring the data by other means. */
  layout: Type.String(),
  dir: Text('where it goes when no folder is named'),
});
export type Download = Type.Static<typeof Download>;

export const DownloadJob = Type.Object({
  name: Type.String(),
  repo: Type.String(),
  dir: Type.String(),
  state: Type.Unsafe<'running' | 'done' | 'failed' | 'stopped'>(Type.String()),
  /** Files are fetched, their sha256 is checked, archives are unpacked. */
  phase: Type.Unsafe<'download' | 'check' | 'unpack'>(Type.String()),
  /** The file that is on its way, with its bytes so far and in all; of an archive that is unpacked, all its files' bytes. */
  file: orNull(Type.String()),
  done: Type.Integer(),
  total: orNull(Type.Integer()),
  /** Files that are here whole. */
  files: Type.Array(Type.String()),
  started_at: Type.Number(),
  /** Of this phase and file, at the present rate; null while it is not known. */
  seconds_left: orNull(Type.Number()),
  /** Once done: the data set that is being indexed. */
  dataset: orNull(Type.String()),
  error: orNull(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
});
export type DownloadJob = Type.Static<typeof DownloadJob>;

/** Indexes a folder or file on the server's machine. */
export const AddDataset = Type.Object(
  {
    dir: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    images: Type.Optional(Type.Boolean({ default: true, description: 'decode and hash the images too' })),
    images_dir: Type.Optional(Type.String({ minLength: 1, description: 'folder of the images where they lie apart from the questions' })),
  },
  { additionalProperties: false },
);
export type AddDataset = Type.Static<typeof AddDataset>;

export const StartDownload = Type.Object(
  {
    name: Type.String(),
    accept_licence: Type.Boolean({ description: 'the user has seen the licence and accepts it' }),
    dir: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type StartDownload = Type.Static<typeof StartDownload>;

export const RUN_ANSWERS = ['right', 'wrong', 'mixed'] as const;
/** A run's newest group on a question: all completions right, none, or some (`mixed`: they disagree). An evaluation's answer counts as one completion. */
export type RunAnswer = (typeof RUN_ANSWERS)[number];

export const DataItem = Type.Object({
  ...VqaItem.properties,
  splits: Type.Array(Type.String()),
  /** Of the image's bytes: the thumbnail's address. Null until the image was hashed. */
  sha256: orNull(Type.String()),
  /** Pixels. */
  width: orNull(Type.Integer()),
  height: orNull(Type.Integer()),
  /** What people tagged it with, and noted; left out where nobody did. */
  tags: Type.Optional(Type.Array(Type.String())),
  note: Type.Optional(Type.String()),
  /** With group=image: ids of all questions on the image that pass the filter. */
  group: Type.Optional(Type.Array(Type.String())),
  /** With runs=: how each run answered it last; a run that was never asked it is left out. */
  answers: Type.Optional(Type.Record(Type.String(), Type.Unsafe<RunAnswer>(Type.String()))),
});
export type DataItem = Type.Static<typeof DataItem>;

/** What people note of a question. */
export const QuestionNote = Type.Object({
  item: Type.String(),
  tags: Type.Array(Type.String()),
  note: Type.String(),
  author: Type.String(),
  updated_at: Type.Number({ description: 'milliseconds since 1970' }),
});
export type QuestionNote = Type.Static<typeof QuestionNote>;

const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 60 }), { maxItems: 20 });
/** Choices by facet: values of one facet are alternatives, facets narrow one another. */
export const ItemQuery = Type.Object(
  {
    facets: Type.Optional(Type.Unsafe<Partial<Record<string, string[]>>>(Type.Record(Type.String(), Type.Array(Type.String())))),
    q: Type.Optional(Type.String({ maxLength: 1000, description: 'words, "a phrase", -without, field:value' })),
    ids: Type.Optional(Type.Array(Type.String())),
    image: Type.Optional(Type.String({ description: 'path or sha256 of an image' })),
    runs: Type.Optional(
      Type.Array(Type.String(), { maxItems: 4, description: 'runs whose answers become facets run:<id> (right, wrong, mixed, unasked)' }),
    ),
    sort: Type.Optional(Type.String({ description: Object.keys(SORTS).join(', ') })),
    descending: Type.Optional(Type.Boolean()),
    group: Type.Optional(Type.Literal('image')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    cursor: Type.Optional(Type.String()),
    offset: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type ItemQuery = Type.Static<typeof ItemQuery>;

/** Of one question, or of all that pass a filter; what is left out stays, and without tags and note nothing is kept. */
export const NoteQuestions = Type.Object(
  {
    query: ItemQuery,
    tags: Type.Optional(Tags),
    add_tags: Type.Optional(Tags),
    remove_tags: Type.Optional(Tags),
    note: Type.Optional(Type.String({ maxLength: 10_000 })),
    author: Type.Optional(Type.String({ maxLength: 120 })),
  },
  { additionalProperties: false },
);
export type NoteQuestions = Type.Static<typeof NoteQuestions>;

/** The columns that `data.columns` gives of each question, and a column `run:ID` for each run that is named. */
export const ITEM_COLUMNS = [
  'id',
  'dataset',
  'image',
  'question',
  'options',
  'answer',
  'modality',
  'question_type',
  'problem',
  'splits',
  'tags',
  'note',
  'sha256',
  'width',
  'height',
] as const satisfies readonly (keyof DataItem)[];

/** Every question of a filter at once, not page by page. */
export const ColumnsQuery = Type.Object(
  {
    ...Type.Omit(ItemQuery, ['group', 'limit', 'cursor', 'offset']).properties,
    limit: Type.Optional(Type.Integer({ minimum: 0, description: 'questions at most' })),
  },
  { additionalProperties: false },
);
export type ColumnsQuery = Type.Static<typeof ColumnsQuery>;

export const DataPage = Type.Object({
  items: Type.Array(DataItem),
  /** Questions that pass the filter. */
  total: Type.Integer(),
  /** With group=image: images that these are on, the rows of all pages. */
  images: Type.Optional(Type.Integer()),
  /** Questions by facet and value; a facet's own choice does not narrow its counts. */
  facets: Type.Record(Type.String(), Counts),
  revision: Type.Integer(),
  /** For the next page; null at the end. */
  cursor: orNull(Type.String()),
});
export type DataPage = Type.Static<typeof DataPage>;

/** A data set with what its filters can be. */
export const DatasetDetail = Type.Object({
  ...DatasetSummary.properties,
  facets: DataPage.properties.facets,
  /** Questions by split. */
  splits: Counts,
  job: orNull(IndexJob),
});
export type DatasetDetail = Type.Static<typeof DatasetDetail>;

export const DataSample = Type.Object({
  item: DataItem,
  raw: Type.Unknown({ description: 'the record as it stands in its file' }),
  file: Type.String(),
  row: Type.Integer(),
  same_image: Type.Array(DataItem),
  near: Type.Array(
    Type.Object({
      path: Type.String(),
      sha256: orNull(Type.String()),
      width: orNull(Type.Integer()),
      height: orNull(Type.Integer()),
      distance: Type.Integer({ description: 'bits of 128 in which the perceptual hashes differ; 0 also for copies' }),
      /** Ids of the questions on it, at most 200, and the splits that these are in. */
      items: Type.Array(Type.String()),
      splits: Type.Array(Type.String()),
    }),
  ),
});
export type DataSample = Type.Static<typeof DataSample>;

/** Where a question stands among those that pass a filter, in the filter's order. */
export const ItemPlace = Type.Object({
  /** From 0; null when it does not pass. */
  index: orNull(Type.Integer()),
  total: Type.Integer(),
  /** Ids of its neighbours. Of one that does not pass: those that would be. */
  previous: orNull(Type.String()),
  next: orNull(Type.String()),
});
export type ItemPlace = Type.Static<typeof ItemPlace>;

/** What one run said to a question, newest first: groups of training steps, and evaluations. */
export const ItemAnswers = Type.Object({
  run: Type.String(),
  run_name: Type.String(),
  variant: Type.String({ description: 'of the prompt that was answered' }),
  /** The run that sampled these answers, before this one was forked from it; null for its own. */
  sampled_by: orNull(Type.Object({ run: Type.String(), name: Type.String() })),
  step: Type.Integer(),
  source: Type.Unsafe<'rollouts' | 'evaluation'>(Type.String()),
  group: orNull(Type.Integer({ description: 'group of the step, for rollouts' })),
  /** By which the answers are read. */
  reading: ReadingName,
  /** The prompt ends in `<think>`, so that the texts begin inside it. */
  think_open: Type.Boolean(),
  completions: Type.Array(Type.Object({ text: Type.String(), prediction: orNull(Type.String()), correct: orNull(Type.Boolean()) })),
});
export type ItemAnswers = Type.Static<typeof ItemAnswers>;

export const SPLIT_KINDS = ['question', 'leak-free'] as const;
export type SplitKind = (typeof SPLIT_KINDS)[number];
/** What was chosen by a filter or by hand, not drawn: all of it is `train`. */
export const SELECTION = 'selection';

/** A split that can be shared: ids, how they were drawn, and a hash over all of it. */
export const SplitFile = Type.Object({
  format: Type.Literal('medr1-split/1'),
  name: Type.String(),
  dataset: Type.String(),
  /** sha256 of the questions that it was drawn from. */
  items_hash: Type.String(),
  kind: Type.Unsafe<SplitKind | typeof SELECTION>(Type.String()),
  seed: Type.Integer(),
  test_fraction: Type.Number(),
  train: Type.Array(Type.String()),
  test: Type.Array(Type.String()),
  sha256: Type.String(),
});
export type SplitFile = Type.Static<typeof SplitFile>;

/** A split file with its sizes in place of its ids. */
export const SplitSummary = Type.Object({ ...SplitFile.properties, train: Type.Integer(), test: Type.Integer() });
export type SplitSummary = Type.Static<typeof SplitSummary>;

export const MakeSplit = Type.Object(
  {
    name: Type.Optional(Type.String()),
    kind: Type.Unsafe<SplitKind | typeof SELECTION>(Type.String({ enum: [...SPLIT_KINDS, SELECTION] })),
    seed: Type.Optional(Type.Integer({ minimum: 0 })),
    test_fraction: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })),
    /** Of a selection: the questions in it. */
    query: Type.Optional(ItemQuery),
    force: Type.Optional(Type.Boolean({ description: 'write over another split of this name' })),
  },
  { additionalProperties: false },
);
export type MakeSplit = Type.Static<typeof MakeSplit>;

const Percent = Type.Number({ description: 'percent' });

export const AuditSplit = Type.Object({
  train: Type.String(),
  test: Type.String(),
  train_items: Type.Integer(),
  test_items: Type.Integer(),
  /** Test questions whose image is in train: the same content where the file exists, the same path where it does not. */
  image_overlap: Type.Integer(),
  /** Test questions whose image is not in train but looks like one there; null when images were not decoded. */
  near_overlap: orNull(Type.Integer()),
  /** Accuracy of choosing the option whose text was most often right in train, without image or question. */
  prior_accuracy: Percent,
  chance: Percent,
});
export type AuditSplit = Type.Static<typeof AuditSplit>;

export const AuditFinding = Type.Object({
  code: Type.String(),
  count: Type.Integer(),
  text: Type.String(),
  /** Opens the grid on what was found. */
  query: ItemQuery,
});
export type AuditFinding = Type.Static<typeof AuditFinding>;

export const Audit = Type.Object({
  dataset: Type.String(),
  root: Type.String(),
  items: Type.Integer(),
  usable: Type.Integer(),
  images: Type.Integer(),
  splits: Type.Array(AuditSplit),
  /** Prior accuracy in percent: {train split: {test split: percent}}, within one draw. */
  prior_matrix: Type.Record(Type.String(), Type.Record(Type.String(), Percent)),
  problems: Counts,
  /** Right answers by letter. */
  letters: Counts,
  /** Questions by number of options. */
  options: Counts,
  modality_by_type: Type.Record(Type.String(), Counts),
  /** Cramer's V of modality and question type: 0 independent, 1 one tells the other. Null with a single modality or type. */
  confounding: orNull(Type.Number()),
  /** Groups of image files with equal bytes. */
  duplicate_images: Type.Integer(),
  near_duplicates: Type.Object({
    /** False when images were not decoded: then nothing is known. */
    looked: Type.Boolean(),
    pairs: Type.Integer(),
    /** The nearest pairs across train and test first, at most 200. */
    examples: Type.Array(
      Type.Object({
        a: Type.String(),
        b: Type.String(),
        distance: Type.Integer(),
        across: Type.Array(Type.String(), { description: 'splits pairs that it leaks through' }),
      }),
    ),
  }),
  findings: Type.Array(AuditFinding),
});
export type Audit = Type.Static<typeof Audit>;

export const Folder = Type.Object({
  dir: Type.String(),
  parent: orNull(Type.String()),
  folders: Type.Array(Type.Object({ name: Type.String(), dir: Type.String(), layout: orNull(Type.String()) })),
  /** Files that may hold questions, by their names. */
  files: Type.Array(Type.Object({ name: Type.String(), path: Type.String() })),
});
export type Folder = Type.Static<typeof Folder>;

export const EXPORT_FORMATS = ['jsonl', 'medr1', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const ExportItems = Type.Object(
  { format: Type.Unsafe<ExportFormat>(Type.String({ enum: [...EXPORT_FORMATS] })), query: Type.Optional(ItemQuery) },
  { additionalProperties: false },
);
export type ExportItems = Type.Static<typeof ExportItems>;
