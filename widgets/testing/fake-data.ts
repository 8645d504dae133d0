/** Data sets in memory: made-up, repeatable questions with everything the data views must cope with. Nothing here is measured. */
import { formatSolution, inTags, LETTERS, letterOf, optionOf } from '@medr1/kernel-bridge/answers';
import type { Facet } from '@medr1/kernel-bridge/protocol/facets';
import type {
  Audit,
  DataConnector,
  DataItem,
  DataPage,
  DataSample,
  DatasetDetail,
  DatasetSummary,
  Download,
  DownloadJob,
  ImagePicture,
  IndexJob,
  ItemAnswers,
  ItemPlace,
  ItemQuery,
  MakeSplit,
  RunAnswer,
  SplitSummary,
} from '../src/connector.ts';
import { drawing, random, seedOf } from './drawing.ts';

export interface FakeDataset {
  name: string;
  /** Questions. */
  items: number;
  /** Share of images whose content is known; 1 when left out. */
  hashed?: number;
  /** Questions whose image file is not there; none when left out. */
  missing?: number;
}

export interface FakeDataOptions {
  /** Replaces the one data set that there is otherwise. */
  datasets?: FakeDataset[];
  jobs?: IndexJob[];
  /** Changes a made item, where a state needs a certain one. */
  item?: (item: DataItem, index: number) => DataItem;
}

type Answer = <T>(name: string, args: unknown[], value: () => T) => Promise<T>;

const MODALITIES: { name: string; dataset: string; size: [number, number]; share: number }[] = [
  { name: 'Magnetic Resonance Imaging', dataset: 'RadImageNet', size: [256, 256], share: 0.36 },
  { name: 'CT(Computed Tomography)', dataset: 'Chest CT Scan', size: [512, 400], share: 0.18 },
  { name: 'Ultrasound', dataset: 'RadImageNet', size: [640, 480], share: 0.12 },
  { name: 'X-Ray', dataset: 'CoronaHack', size: [400, 520], share: 0.09 },
  { name: 'Dermoscopy', dataset: 'ISIC2019', size: [600, 450], share: 0.08 },
  { name: 'Fundus Photography', dataset: 'ACRIMA', size: [512, 512], share: 0.07 },
  { name: 'Microscopy Images', dataset: 'BreakHis', size: [700, 460], share: 0.06 },
  { name: 'OCT (Optical Coherence Tomography)', dataset: 'OLIVES', size: [1008, 396], share: 0.04 },
];
const TYPES: { name: string; question: string; options: string[] }[] = [
  {
    name: 'Disease Diagnosis',
    question: 'What is the specific type of abnormality shown in this image?',
    options: ['Glaucoma', 'No abnormality', 'Macular edema', 'Melanoma', 'Pneumonia', 'Cyst'],
  },
  {
    name: 'Modality Recognition',
    question: 'Which imaging technique was used to obtain this picture?',
    options: ['CT', 'Ultrasound', 'MRI', 'X-ray', 'Fundus photography', 'Dermoscopy'],
  },
  {
    name: 'Anatomy Identification',
    question: 'Which organ is visible in the middle of the image?',
    options: ['Lung', 'Liver', 'Kidney', 'Brain', 'Retina', 'Thyroid nodule'],
  },
  {
    name: 'Lesion Grading',
    question: 'How severe is the lesion that can be seen here, judged by its size and its borders?',
    options: ['Mild', 'Moderate', 'Severe', 'Benign', 'Malignant', 'No lesion'],
  },
];
/** Every so many images there is one with this problem. */
const PROBLEMS: [every: number, problem: string][] = [
  [89, 'image-missing'],
  [131, 'image-unreadable'],
  [173, 'image-compressed-dicom'],
];
const INDEXED = Date.UTC(2026, 0, 5, 9, 0) / 1000;

const KNOWN: Download = {
  name: 'omnimedvqa',
  repo: 'foreverbeliever/OmniMedVQA',
  size: '10.7 GB as one archive, OmniMedVQA.zip',
  licence: 'Each image and question stays under the licence of the data set that it was taken from, many of them for research only.',
  layout: 'DIR/QA_information/Open-access/<data set>.json\nDIR/Images/<data set>/...',
  dir: '/home/alice/.medr1/downloads/omnimedvqa',
};

const hex = (text: string): string =>
  Array.from({ length: 8 }, (_, part) => seedOf(`${part} ${text}`).toString(16).padStart(8, '0')).join('');

/** The items of a data set; one to three questions in a row share an image. */
function makeItems({ name, items: count, hashed = 1 }: FakeDataset, change: FakeDataOptions['item']): DataItem[] {
  const chance = random(seedOf(name));
  const pick = <T extends { share: number }>(list: T[]): T => {
    let left = chance();
    return list.find(({ share }) => (left -= share) < 0) ?? list[0];
  };
  const items: DataItem[] = [];
  for (let image = 0; items.length < count; image++) {
    const { name: modality, dataset, size } = pick(MODALITIES);
    const path = `Images/${dataset}/${String(image).padStart(5, '0')}.png`;
    const problem = PROBLEMS.find(([every]) => image % every === every - 1)?.[1] ?? null;
    const known = problem === null && chance() < hashed;
    const stretch = 0.8 + chance() * 0.4;
    const questions = Math.min(count - items.length, chance() < 0.6 ? 1 : chance() < 0.7 ? 2 : 3);
    for (let q = 0; q < questions; q++) {
      const type = TYPES[Math.floor(chance() * TYPES.length)];
      const number = 2 + Math.floor(chance() * 3);
      const start = Math.floor(chance() * 6);
      const options = Array.from({ length: number }, (_, o) => type.options[(start + o) % 6]);
      const test = chance() < 0.2;
      const at = items.length;
      const item: DataItem = {
        id: `${dataset.replaceAll(' ', '-')}_${String(at).padStart(5, '0')}`,
        dataset,
        image: path,
        question: type.question,
        options,
        answer: letterOf(Math.floor(chance() * number)),
        modality,
        question_type: type.name,
        problem,
        splits: problem ? [] : [`modality/${test ? 'test' : 'train'}/${modality.split(/ ?\(/)[0]}`],
        sha256: known ? hex(path) : null,
        width: known ? Math.round(size[0] * stretch) : null,
        height: known ? size[1] : null,
      };
      items.push(change?.(item, at) ?? item);
    }
  }
  return items;
}

const FACETS: Record<Facet, (item: DataItem) => string[]> = {
  modality: (item) => [item.modality],
  question_type: (item) => [item.question_type],
  dataset: (item) => [item.dataset],
  split: (item) => item.splits,
  tag: (item) => item.tags ?? [],
  options: (item) => [String(item.options.length)],
  answer: (item) => [item.answer ?? 'none'],
  problem: (item) => [item.problem ?? 'none'],
};

/** A run's newest answer on an item: about a third was never asked. */
export function fakeAnswer(run: string, item: string): RunAnswer | null {
  const chance = random(seedOf(`${run}:${item}`))();
  return chance < 0.4 ? 'right' : chance < 0.52 ? 'wrong' : chance < 0.68 ? 'mixed' : null;
}

const unknown = (what: string): never => {
  throw Object.assign(new Error(`There is no ${what}.`), { code: 'DATA_UNKNOWN', remedy: 'Choose another one.' });
};

export class FakeData implements DataConnector {
  readonly #options: FakeDataOptions;
  readonly #answer: Answer;
  /** Ids of all runs. */
  readonly #runs: () => string[];
  #datasets: FakeDataset[];
  #jobs: IndexJob[];
  #downloads: DownloadJob[] = [];
  readonly #items = new Map<string, DataItem[]>();
  readonly #aspects = new Map<string, number>();

  constructor(options: FakeDataOptions, answer: Answer, runs: () => string[] = () => []) {
    this.#options = options;
    this.#answer = answer;
    this.#runs = runs;
    this.#datasets = options.datasets ?? [{ name: 'omnimedvqa', items: 5000 }];
    this.#jobs = options.jobs ?? [];
  }

  /** Every item of a data set in the order of its files. */
  all(name: string): DataItem[] {
    let items = this.#items.get(name);
    if (!items) {
      items = makeItems(this.#datasets.find((set) => set.name === name) ?? unknown(`data set ${name}`), this.#options.item);
      this.#items.set(name, items);
      for (const item of items) if (item.sha256) this.#aspects.set(item.sha256, item.width! / item.height!);
    }
    return items;
  }

  item(name: string, id: string): DataItem {
    return this.all(name).find((item) => item.id === id) ?? unknown(`question ${id}`);
  }

  /** One that was indexed meanwhile. */
  addDataset(set: FakeDataset): void {
    this.#datasets = [...this.#datasets, set];
  }

  /** What indexing would tell next. */
  tellJob(name: string, change: Partial<IndexJob>): void {
    this.#jobs = this.#jobs.map((job) => (job.name === name ? { ...job, ...change } : job));
  }

  list = (): Promise<{ datasets: DatasetSummary[]; jobs: IndexJob[] }> =>
    this.#answer('list', [], () => ({ datasets: this.#datasets.map((set) => this.#summary(set.name)), jobs: this.#jobs }));

  add: DataConnector['add'] = ({ dir, name, images_dir }) =>
    this.#answer('add', [{ dir, ...(name !== undefined && { name }), ...(images_dir !== undefined && { images_dir }) }], () => {
      const job: IndexJob = {
        name: name ?? dir.split('/').at(-1)!,
        dir,
        state: 'running',
        phase: 'questions',
        done: 0,
        total: null,
        started_at: INDEXED,
        seconds_left: null,
        error: null,
      };
      this.#jobs = [...this.#jobs.filter(({ name }) => name !== job.name), job];
      return job;
    });

  downloads = (): Promise<{ known: Download[]; jobs: DownloadJob[] }> =>
    this.#answer('downloads', [], () => ({ known: [KNOWN], jobs: this.#downloads }));

  download: DataConnector['download'] = (body) =>
    this.#answer('download', [body], () => {
      const { name, dir = KNOWN.dir } = body;
      const { repo } = KNOWN;
      const none = { file: null, done: 0, total: null, files: [], seconds_left: null, dataset: null, error: null };
      this.#downloads = [{ name, repo, dir, state: 'running', phase: 'download', started_at: INDEXED, ...none }];
      return this.#downloads[0];
    });

  downloadJob = (name: string): Promise<DownloadJob> => this.#answer('downloadJob', [name], () => this.#downloads[0]);

  stopDownload = (name: string): Promise<DownloadJob> =>
    this.#answer('stopDownload', [name], () => (this.tellDownload({ state: 'stopped' }), this.#downloads[0]));

  /** What the download would tell next. */
  tellDownload(change: Partial<DownloadJob>): void {
    this.#downloads = this.#downloads.map((job) => ({ ...job, ...change }));
  }

  browse: DataConnector['browse'] = ({ dir: given = '/home/alice' } = {}) => {
    const dir = given.replace(/\/questions\.jsonl$/, '');
    return this.#answer('browse', [given], () => ({
      dir,
      parent: dir === '/' ? null : dir.slice(0, dir.lastIndexOf('/')) || '/',
      folders: ['OmniMedVQA', 'Med-R1', 'fundus export', 'papers'].map((name, at) => ({
        name,
        dir: `${dir}/${name}`,
        layout: ['omnimedvqa', 'medr1', 'imagefolder', null][at],
      })),
      files: [{ name: 'questions.jsonl', path: `${dir}/questions.jsonl` }],
    }));
  };

  get = (name: string): Promise<DatasetDetail> =>
    this.#answer('get', [name], () => ({
      ...this.#summary(name),
      facets: this.#page(name, { limit: 1 }).facets,
      splits: this.#splits(name),
      job: this.#jobs.find((job) => job.name === name) ?? null,
    }));

  remove = (name: string): Promise<{ removed: string; trash: string; id: string }> =>
    this.#answer('remove', [name], () => {
      this.#datasets = this.#datasets.filter((set) => set.name !== name);
      return { removed: name, trash: `trash/data-${name}`, id: `data-${name}` };
    });

  rename: DataConnector['rename'] = (name, { name: to }) =>
    this.#answer('rename', [name, to], () => {
      if (this.#datasets.some((set) => set.name === to))
        throw { code: 'DATA_NAME_TAKEN', message: `the name ${to} belongs to another data set`, remedy: 'Choose another name.' };
      this.#datasets = this.#datasets.map((set) => (set.name === name ? { ...set, name: to } : set));
      return this.#summary(to);
    });

  job = (name: string): Promise<IndexJob> =>
    this.#answer('job', [name], () => this.#jobs.find((job) => job.name === name) ?? unknown(`job ${name}`));
  stop = (name: string): Promise<IndexJob> =>
    this.#answer('stop', [name], () => {
      this.tellJob(name, { state: 'stopped' });
      return this.#jobs.find((job) => job.name === name) ?? unknown(`job ${name}`);
    });

  page = (name: string, query: ItemQuery = {}, _signal?: AbortSignal): Promise<DataPage> =>
    this.#answer('page', [name, query], () => this.#page(name, query));

  async *items(name: string, query: Omit<ItemQuery, 'cursor' | 'offset'> = {}): AsyncGenerator<DataItem> {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: DataPage = await this.page(name, { limit: 500, ...query, cursor });
      yield* page.items;
      cursor = page.cursor;
    }
  }

  note: DataConnector['note'] = (name, { query, ...change }) =>
    this.#answer('note', [name, { query, ...change }], () => {
      const passing = this.#hits(name, query).passed;
      for (const item of passing) {
        const { tags = item.tags ?? [], add_tags = [], remove_tags = [], note = item.note ?? '' } = change;
        item.tags = [...new Set([...tags, ...add_tags])].filter((tag) => !remove_tags.includes(tag));
        item.note = note;
      }
      return { items: passing.length };
    });
  notes: DataConnector['notes'] = (name) =>
    this.#answer('notes', [name], () =>
      this.all(name).flatMap(({ id, tags = [], note = '' }) =>
        tags.length > 0 || note ? [{ item: id, tags, note, author: '', updated_at: INDEXED }] : [],
      ),
    );

  sample = (name: string, id: string): Promise<DataSample> =>
    this.#answer('sample', [name, id], () => {
      const items = this.all(name);
      const at = items.findIndex((item) => item.id === id);
      const item = items[at] ?? unknown(`question ${id}`);
      const others = items.slice(Math.max(0, at - 30), at + 30).filter((one) => one.image !== item.image && one.sha256);
      const near = [...new Map(others.map((one) => [one.image, one])).values()].slice(0, 5);
      return {
        item,
        raw: { question_id: item.id, question: item.question, gt_answer: optionOf(item.answer ?? 'A', item.options) },
        file: `QA_information/Open-access/${item.dataset}.json`,
        row: at,
        same_image: items.filter((one) => one.image === item.image && one.id !== id),
        near: near.map(({ image: path, sha256, width, height }, distance) => {
          const on = items.filter((one) => one.image === path);
          const splits = [...new Set(on.flatMap((one) => one.splits))].sort();
          return { path, sha256, width, height, distance, items: on.map((one) => one.id), splits };
        }),
      };
    });

  place = (name: string, id: string, query: ItemQuery = {}, _signal?: AbortSignal): Promise<ItemPlace> =>
    this.#answer('place', [name, id, query], () => {
      const { items, total } = this.#page(name, { ...query, group: undefined, offset: 0, limit: Infinity });
      const index = items.findIndex((item) => item.id === id);
      const beside = (at: number): string | null => (index < 0 ? null : (items[at]?.id ?? null));
      return { index: index < 0 ? null : index, total, previous: beside(index - 1), next: beside(index + 1) };
    });

  answers: DataConnector['answers'] = (name, id, { runs = this.#runs() } = {}) =>
    this.#answer('answers', [name, id, runs], () => {
      const { answer, options } = this.item(name, id);
      return runs.flatMap((run): ItemAnswers[] => {
        const said = fakeAnswer(run, id);
        if (!said) return [];
        const chance = random(seedOf(`${run}:${id}`));
        const wrong = LETTERS.slice(0, options.length).filter((letter) => letter !== answer);
        return [120, 60].map((step) => ({
          run,
          run_name: `Run ${run}`,
          sampled_by: null,
          variant: 'think',
          step,
          source: step === 120 ? ('evaluation' as const) : ('rollouts' as const),
          group: step === 120 ? null : 3,
          reading: step === 120 ? ('strict' as const) : ('exact' as const),
          think_open: false,
          completions: Array.from({ length: step === 120 ? 1 : 8 }, (_, index) => {
            const correct = said === 'right' || (said === 'mixed' && (index % 2 === 0 || chance() < 0.3));
            const prediction = correct ? answer : wrong[Math.floor(chance() * wrong.length)];
            const text = `${inTags('think', `The image shows ${optionOf(prediction ?? 'A', options)} .`)} ${formatSolution(prediction ?? 'A')}`;
            return { text, prediction, correct };
          }),
        }));
      });
    });

  thumbUrl = (name: string, sha256: string, size = 192): string => {
    this.all(name);
    return drawing(sha256, size, this.#aspects.get(sha256));
  };
  imageUrl = (name: string, path: string, options: { size?: number; window?: number; level?: number } = {}): string =>
    this.thumbUrl(name, hex(path), options.size ?? 768);

  picture = (
    name: string,
    path: string,
    options: { size?: number; window?: number; level?: number } = {},
    _signal?: AbortSignal,
  ): Promise<ImagePicture> =>
    this.#answer('picture', [name, path, options], () => {
      const { width, height, modality, problem } = this.all(name).find(({ image }) => image === path) ?? unknown(`image ${path}`);
      if (problem?.startsWith('image-')) unknown(`image ${path} that can be read`);
      const text = decodeURIComponent(drawing(hex(path), 768, (width ?? 1) / (height ?? 1))).replace(/^[^,]*,/, '');
      const { window = 400, level = 40 } = options;
      const grey = modality.startsWith('CT') ? { window, level, low: -1024, high: 3071 } : null;
      return { blob: new Blob([text], { type: 'image/svg+xml' }), width: width ?? 512, height: height ?? 512, grey };
    });

  audit = (name: string): Promise<Audit> => this.#answer('audit', [name], () => this.#audit(name));

  splits = (name: string): Promise<{ splits: Record<string, number>; files: SplitSummary[] }> =>
    this.#answer('splits', [name], () => ({ splits: this.#splits(name), files: [] }));
  makeSplit = (name: string, split: MakeSplit): Promise<SplitSummary> =>
    this.#answer('makeSplit', [name, split], () => ({
      format: 'medr1-split/1' as const,
      name: split.name ?? `${split.kind}-${split.seed ?? 42}`,
      dataset: name,
      items_hash: hex(name),
      kind: split.kind,
      seed: split.seed ?? 42,
      test_fraction: split.test_fraction ?? 0.2,
      train: Math.round(this.all(name).length * 0.8),
      test: Math.round(this.all(name).length * 0.2),
      sha256: hex(`${name} split`),
    }));
  split = (name: string, split: string) => this.#answer('split', [name, split], () => unknown(`split ${split} of ${name}`));

  export: DataConnector['export'] = (name, { format, query = {} }) =>
    this.#answer('export', [name, { format, query }], () => {
      const lines = this.#hits(name, query).passed.map((item) => `${JSON.stringify(item)}\n`);
      return new Blob(lines, { type: 'application/x-ndjson' });
    });

  #summary(name: string): DatasetSummary {
    const items = this.all(name);
    const images = new Map(items.map((item) => [item.image, item.sha256]));
    return {
      name,
      dir: `/data/${name}`,
      root: `/data/${name}`,
      kind: 'omnimedvqa',
      items: items.length,
      usable: items.filter(({ problem }) => problem === null).length,
      images: images.size,
      missing: this.#datasets.find((set) => set.name === name)?.missing ?? 0,
      hashed: [...images.values()].filter(Boolean).length,
      indexed_at: INDEXED,
      revision: 1,
    };
  }

  #splits(name: string): Record<string, number> {
    return countOf(this.all(name).flatMap(({ splits }) => splits));
  }

  /** The items that pass, and the counts: a facet's own choice does not narrow its own counts. */
  #hits(name: string, query: ItemQuery): { passed: DataItem[]; facets: DataPage['facets'] } {
    const tests: [string, (item: DataItem) => string[]][] = [
      ...Object.entries(FACETS),
      ...(query.runs ?? []).map((run): [string, (item: DataItem) => string[]] => [
        `run:${run}`,
        (item) => [fakeAnswer(run, item.id) ?? 'unasked'],
      ]),
    ];
    const words = (query.q ?? '').toLowerCase().match(/-?(?:[a-z_]+:)?(?:"[^"]*"|\S+)/g) ?? [];
    const ids = query.ids && new Set(query.ids);
    const found = this.all(name).filter(
      (item) =>
        (!ids || ids.has(item.id)) &&
        (!query.image || item.image === query.image || item.sha256 === query.image) &&
        words.every((word) => saysIn(item, word)),
    );
    const passes = (item: DataItem, [facet, values]: (typeof tests)[number]): boolean => {
      const chosen = query.facets?.[facet];
      return !chosen?.length || values(item).some((value) => chosen.includes(value));
    };
    const facets: DataPage['facets'] = {};
    for (const test of tests) {
      const others = tests.filter((one) => one !== test);
      const zero = Object.fromEntries(this.all(name).flatMap((item) => test[1](item).map((value) => [value, 0])));
      const counted = found.filter((item) => others.every((one) => passes(item, one))).flatMap(test[1]);
      facets[test[0]] = { ...zero, ...countOf(counted) };
    }
    return { passed: found.filter((item) => tests.every((test) => passes(item, test))), facets };
  }

  #page(name: string, query: ItemQuery): DataPage {
    const { passed, facets } = this.#hits(name, query);
    const total = passed.length;
    const key = query.sort ?? 'file';
    let rows = passed;
    if (query.group === 'image') {
      const groups = Map.groupBy(passed, (item) => item.image);
      rows = [...groups.values()].map((group) => ({ ...group[0], group: group.map(({ id }) => id) }));
    } else if (key !== 'file') {
      const value = (item: DataItem): string => String(item[key as keyof DataItem]);
      rows = passed.toSorted((a, b) => value(a).localeCompare(value(b)));
    }
    if (query.descending) rows = rows.toReversed();
    const start = query.cursor ? Number(query.cursor) : (query.offset ?? 0);
    const end = start + (query.limit ?? 100);
    const items = rows.slice(start, end).map((item) => (query.runs ? { ...item, answers: answersOf(query.runs, item.id) } : item));
    const images = query.group === 'image' ? { images: rows.length } : {};
    return { items, total, ...images, facets, revision: 1, cursor: end < rows.length ? String(end) : null };
  }

  #audit(name: string): Audit {
    const items = this.all(name);
    const { usable, images, root } = this.#summary(name);
    const modalities = ['Dermoscopy', 'Fundus Photography', 'OCT'];
    const problems = countOf(items.flatMap(({ problem }) => problem ?? []));
    const of = (side: string, modality: string) => `modality/${side}/${modality}`;
    const overlapping = items.filter(({ problem }) => problem === null).slice(0, 253);
    return {
      dataset: name,
      root,
      items: items.length,
      usable,
      images,
      splits: modalities.map((modality, at) => ({
        train: of('train', modality),
        test: of('test', modality),
        train_items: 3392 - 700 * at,
        test_items: 848 + 100 * at,
        image_overlap: [253, 106, 12][at],
        near_overlap: [31, null, 0][at],
        prior_accuracy: [100, 94.8, 71.2][at],
        chance: [25, 26.1, 31.4][at],
      })),
      prior_matrix: Object.fromEntries(
        modalities.map((train, a) => [
          of('train', train),
          Object.fromEntries(modalities.map((test, b) => [of('test', test), a === b ? [100, 94.8, 71.2][a] : 33 + 7 * ((a + 2 * b) % 4)])),
        ]),
      ),
      problems,
      letters: countOf(items.flatMap(({ answer }) => answer ?? [])),
      options: countOf(items.map(({ options }) => String(options.length))),
      modality_by_type: Object.fromEntries(
        [...Map.groupBy(items, ({ modality }) => modality)].map(([modality, list]) => [
          modality,
          countOf(list.map(({ question_type }) => question_type)),
        ]),
      ),
      confounding: 0.41,
      duplicate_images: 7,
      near_duplicates: {
        looked: true,
        pairs: 31,
        examples: overlapping.slice(0, 8).map(({ image }, at) => ({
          a: image,
          b: overlapping[at + 20].image,
          distance: at,
          across: at < 4 ? [of('test', 'Dermoscopy')] : [],
        })),
      },
      findings: [
        {
          code: 'image-overlap',
          count: 253,
          text: `253 of 848 (30 %) questions of ${of('test', 'Dermoscopy')} show an image of ${of('train', 'Dermoscopy')}.`,
          query: { ids: overlapping.map(({ id }) => id) },
        },
        {
          code: 'option-prior',
          count: 848,
          text: `Option text alone answers 100 % of ${of('test', 'Dermoscopy')} (chance 25 %).`,
          query: { facets: { split: [of('test', 'Dermoscopy')] } },
        },
        ...Object.entries(problems).map(([problem, count]) => ({
          code: problem,
          count,
          text: `Images with ${problem}.`,
          query: { facets: { problem: [problem] } },
        })),
      ],
    };
  }
}

function answersOf(runs: readonly string[], item: string): Record<string, RunAnswer> {
  return Object.fromEntries(
    runs.flatMap((run) => {
      const said = fakeAnswer(run, item);
      return said ? [[run, said]] : [];
    }),
  );
}

/** One term of a search: a word, "a phrase", field:value, each with - for without. */
function saysIn(item: DataItem, term: string): boolean {
  const without = term.startsWith('-');
  const [, field, value] = /^-?(?:([a-z_]+):)?"?([^"]*)/.exec(term)!;
  const facet = FACETS[field as Facet];
  const there = facet
    ? facet(item).some((one) => one.toLowerCase() === value)
    : [item.question, ...item.options].some((text) => text.toLowerCase().includes(field ? `${field}:${value}` : value));
  return there !== without;
}

function countOf(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
