/** What the routes of data sets do. */
import { basename } from 'node:path';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Downloads } from '../data/downloads.ts';
import { homeDir } from '../data/home.ts';
import { imageError, openPicture, toSharp } from '../data/image/picture.ts';
import { Thumbs } from '../data/image/thumbs.ts';
import { rangeOf } from '../data/image/window.ts';
import { checkName } from '../data/index/add.ts';
import type { ColumnBlocks, Dataset } from '../data/index/dataset.ts';
import { runsOf } from '../data/index/run-facets.ts';
import { IndexJobs } from '../data/index/jobs.ts';
import { listDatasets, removeDataset, renameDataset, summary } from '../data/index/list.ts';
import { runTask } from '../data/index/task.ts';
import { Lanes } from '../data/lanes.ts';
import { readSplit, splitFilesOf, splitPath } from '../data/splits/files.ts';
import { SELECTION, type Audit, type ItemQuery, type SplitFile } from '../protocol/data.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { browse } from './browse.ts';
import type { GroupOf, Handlers } from './mount.ts';
import { OpenDatasets } from './open-datasets.ts';
import { answersOfRuns } from './run-answers.ts';

/** Images are ours, encoded anew; still nothing in them may run or be guessed at. */
const IMAGE_HEADERS = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };

interface Parts {
  home?: string;
  /** Indexing under way, which runs start too. */
  jobs?: IndexJobs;
  hubUrl?: string;
}

export function dataHandlers({ home = homeDir(), jobs = new IndexJobs(home), hubUrl }: Parts = {}): Handlers<GroupOf<'data'>> {
  const downloads = new Downloads(home, (dir, name) => jobs.start(dir, { name }), hubUrl);
  const said = answersOfRuns(home);
  const open = new OpenDatasets(home, said.outcomes);
  const thumbs = new Thumbs(join(home, 'cache', 'thumbs'));
  const decoding = new Lanes(2);
  const audits = new Map<string, { revision: number; audit: Promise<Audit> }>();
  const named = (name: string) => open.get(name);

  return {
    'data.list': () => ({ datasets: listDatasets(home), jobs: jobs.all() }),
    'data.add': ({ body: { dir, ...options } }) => jobs.start(dir, options),
    'data.browse': ({ query }) => browse(query.dir || homedir()),

    'data.downloads': () => ({ known: downloads.known(), jobs: downloads.all() }),
    'data.download': ({ body: { name, ...options } }) => downloads.start(name, options),
    'data.downloadJob': ({ name }) => downloads.get(name),
    'data.stopDownload': ({ name }) => downloads.stop(name),

    'data.get': ({ name }) => {
      const set = named(name);
      return { ...summary(name, home), facets: set.page({ limit: 1 }).facets, splits: set.splits(), job: jobs.get(name) };
    },
    'data.rename': async ({ name, body: { name: to } }) => {
      await jobs.forget(checkName(name));
      open.close(name);
      audits.delete(name);
      return renameDataset(name, checkName(to), home);
    },
    'data.remove': async ({ name }) => {
      await jobs.forget(checkName(name));
      open.close(name);
      audits.delete(name);
      const trash = removeDataset(name, home);
      return { removed: name, trash, id: basename(trash) };
    },

    'data.job': ({ name }) => job(jobs, name),
    'data.stop': async ({ name }) => {
      await jobs.stop(name);
      return job(jobs, name);
    },

    'data.find': ({ name, query }) => named(name).page(query),
    'data.page': ({ name, body }) => named(name).page(body),
    'data.columns': ({ name, body }) =>
      new Response(linesOf(named(name).columns(body)), {
        headers: { 'content-type': 'application/x-ndjson; charset=utf-8', 'x-content-type-options': 'nosniff' },
      }),
    'data.sample': ({ name, id }) => named(name).sample(id),
    'data.note': ({ name, body: { query, ...change } }) => {
      const set = named(name);
      const items = set.ids(query);
      set.notes.write(items, change);
      return { items: items.length };
    },
    'data.notes': ({ name }) => ({ notes: [...named(name).notes.all.values()] }),
    'data.place': ({ name, id, body }) => named(name).place(id, body),
    'data.answers': ({ name, id, query }) => {
      const set = named(name);
      return { answers: said.toItem(set.item(id).id, set, query.runs) };
    },

    'data.thumb': async ({ name, hash, query: { size = 192 }, signal }) => {
      const set = named(name);
      const image = set.imageByHash(hash);
      if (!image) throw noImage(hash);
      return fileOf(await thumbs.get(set.root, image, hash, size, signal), {
        ...IMAGE_HEADERS,
        'content-type': 'image/webp',
        'cache-control': 'private, max-age=31536000, immutable',
      });
    },

    'data.image': async ({ name, query: { path, size = 2048, window: width, level }, signal }) => {
      const { root } = named(name); // before it waits for its turn: the data set may be removed meanwhile
      const longest = Math.min(Math.max(size, 1), 4096);
      const chosen = { ...(width !== undefined && { width }), ...(level !== undefined && { level }) };
      const { picture, png } = await decoding.run(async () => {
        const picture = await openPicture(root, path);
        const resized = toSharp(picture, chosen).resize(longest, longest, { fit: 'inside', withoutEnlargement: true });
        const png = await resized
          .png()
          .toBuffer()
          .catch((cause: unknown) => {
            throw imageError(cause, path);
          });
        return { picture, png };
      }, signal);
      const shown = picture.kind === 'grey' ? { ...picture.window, ...chosen } : null;
      const range = picture.kind === 'grey' ? rangeOf(picture.values) : null;
      return fileOf(png, {
        ...IMAGE_HEADERS,
        'content-type': 'image/png',
        'cache-control': 'private, max-age=3600',
        'x-image-size': `${picture.width}x${picture.height}`,
        ...(shown && { 'x-image-window': `${shown.width}`, 'x-image-level': `${shown.level}` }),
        ...(range && { 'x-image-range': `${range.level - range.width / 2} ${range.level + range.width / 2}` }),
      });
    },

    'data.audit': ({ name }) => {
      const { revision } = named(name);
      let known = audits.get(name);
      if (known?.revision !== revision) {
        known = { revision, audit: runTask('audit', { name, home }) };
        known.audit.catch(() => audits.delete(name)); // a failure may be tried again
        audits.set(name, known);
      }
      return known.audit;
    },

    'data.splits': ({ name }) => ({ splits: named(name).splits(), files: splitFilesOf(name, home).map(withoutIds) }),
    'data.makeSplit': async ({ name, body: { test_fraction, kind, query = {}, force, ...options } }) => {
      const set = named(name);
      if (options.name) checkName(options.name);
      const made =
        kind === SELECTION
          ? runTask('selection', { name, home, query: withoutRuns(set, query), as: options.name, force })
          : runTask('split', { name, home, options: { ...options, kind, testFraction: test_fraction }, force });
      return withoutIds(await made);
    },
    'data.split': ({ name, split }) => readSplit(splitPath(named(name).name, checkName(split), home)),

    'data.export': async ({ name, body: { format, query = {} }, signal }) => {
      const asked = { name, home, format: format as 'jsonl', query: withoutRuns(named(name), query) };
      const { bytes, type, extension } = await runTask('export', asked, signal);
      return fileOf(bytes, {
        'content-type': type,
        'content-disposition': `attachment; filename="${name}.${extension}"`,
        'x-content-type-options': 'nosniff',
      });
    },
  };
}

/** Lines of JSON: the number of questions that pass, the blocks, and at the end how many were sent. */
function linesOf(columns: ColumnBlocks): ReadableStream {
  const lines = (async function* () {
    yield { total: columns.total };
    let end = 0;
    for await (const block of columns.blocks) {
      end += block.id.length;
      yield block;
    }
    yield { end };
  })();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await lines.next().catch((error: unknown) => (columns.close(), Promise.reject(error as Error)));
      if (!done) return controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      columns.close();
      controller.close();
    },
    cancel: () => columns.close(),
  });
}

const fileOf = (bytes: Uint8Array, headers: Record<string, string>): Response => new Response(new Uint8Array(bytes), { headers });

/** A query for a process that cannot read runs: a filter by a run's answers is replaced by the ids of the questions that pass it. */
const withoutRuns = (set: Dataset, query: ItemQuery): ItemQuery => (runsOf(query).length === 0 ? query : { ids: set.ids(query) });

function job(jobs: IndexJobs, name: string) {
  const found = jobs.get(name);
  if (found) return found;
  throw new WorkbenchError({
    code: 'DATA_JOB_UNKNOWN',
    http: 404,
    message: `${name} is not being indexed`,
    remedy: 'POST /api/data starts it.',
  });
}

const withoutIds = ({ train, test, ...rest }: SplitFile) => ({ ...rest, train: train.length, test: test.length });

function noImage(hash: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_IMAGE_UNKNOWN',
    http: 404,
    message: `no image has the content ${hash.slice(0, 64)}`,
    remedy: 'Index the data set again.',
  });
}
