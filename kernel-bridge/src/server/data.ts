/** The data routes of the browser view (protocol/data.ts, DATA_ROUTES), to be mounted at /api/data. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Hono, type Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { Compile } from 'typebox/compile';
import Type from 'typebox';
import { Downloads } from '../data/downloads.ts';
import { homeDir } from '../data/home.ts';
import { imageError, openPicture, toSharp } from '../data/image/picture.ts';
import { Thumbs } from '../data/image/thumbs.ts';
import { rangeOf } from '../data/image/window.ts';
import { checkName } from '../data/index/add.ts';
import type { Dataset } from '../data/index/dataset.ts';
import { isRunFacet, runsOf } from '../data/index/run-facets.ts';
import { IndexJobs } from '../data/index/jobs.ts';
import { listDatasets, removeDataset, summary } from '../data/index/list.ts';
import { FACETS } from '../data/index/search.ts';
import { runTask } from '../data/index/task.ts';
import { Pool } from '../data/pool.ts';
import { readSplit, splitFilesOf, splitPath } from '../data/splits/files.ts';
import { EXPORT_FORMATS, ItemQuery, MakeSplit, SELECTION, type Audit, type SplitFile } from '../protocol/data.ts';
import { WorkbenchError, errorBody } from '../protocol/errors.ts';
import { errors } from '../runs/errors.ts';
import { browse } from './browse.ts';
import { OpenDatasets } from './open-datasets.ts';
import { body, check, number } from './request.ts';
import { answersOfRuns } from './run-answers.ts';

const AddBody = Compile(
  Type.Object(
    { dir: Type.String({ minLength: 1 }), name: Type.Optional(Type.String()), images: Type.Optional(Type.Boolean()) },
    { additionalProperties: false },
  ),
);
const DownloadBody = Compile(
  Type.Object(
    { name: Type.String(), accept_licence: Type.Boolean(), dir: Type.Optional(Type.String({ minLength: 1 })) },
    { additionalProperties: false },
  ),
);
const QueryBody = Compile(ItemQuery);
const SplitBody = Compile(MakeSplit);
const ExportBody = Compile(
  Type.Object({ format: Type.String({ enum: [...EXPORT_FORMATS] }), query: Type.Optional(ItemQuery) }, { additionalProperties: false }),
);

/** Images are ours, encoded anew; still nothing in them may run or be guessed at. */
const IMAGE_HEADERS = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };

export function dataRoutes({ home = homeDir(), hubUrl }: { home?: string; hubUrl?: string } = {}): Hono {
  const app = new Hono();
  const jobs = new IndexJobs(home);
  const downloads = new Downloads(home, (dir, name) => jobs.start(dir, { name }), hubUrl);
  const said = answersOfRuns(home);
  const open = new OpenDatasets(home, said.outcomes);
  const thumbs = new Thumbs(join(home, 'cache', 'thumbs'));
  const decoding = new Pool(2);
  const audits = new Map<string, { revision: number; audit: Promise<Audit> }>();
  const named = (c: Context) => open.get(c.req.param('name')!);

  app.get('/', (c) => c.json({ datasets: listDatasets(home), jobs: jobs.all() }));

  app.post('/', async (c) => {
    const { dir, ...options } = check(AddBody, await body(c), 'POST /data');
    return c.json(await jobs.start(dir, options), 202);
  });

  app.get('/browse', async (c) => c.json(await browse(c.req.query('dir') || homedir())));

  app.get('/downloads', (c) => c.json({ known: downloads.known(), jobs: downloads.all() }));
  app.post('/downloads', async (c) => {
    const { name, ...options } = check(DownloadBody, await body(c), 'POST /data/downloads');
    return c.json(downloads.start(name, options), 202);
  });
  app.get('/downloads/:name', (c) => c.json(downloads.get(c.req.param('name'))));
  app.delete('/downloads/:name', async (c) => c.json(await downloads.stop(c.req.param('name'))));

  app.get('/:name', (c) => {
    const set = named(c);
    return c.json({ ...summary(set.name, home), facets: set.page({ limit: 1 }).facets, splits: set.splits(), job: jobs.get(set.name) });
  });

  app.delete('/:name', async (c) => {
    const name = checkName(c.req.param('name'));
    await jobs.forget(name);
    open.close(name);
    audits.delete(name);
    removeDataset(name, home);
    return c.json({ removed: name });
  });

  app.get('/:name/job', (c) => c.json(job(jobs, c.req.param('name'))));
  app.delete('/:name/job', async (c) => {
    await jobs.stop(c.req.param('name'));
    return c.json(job(jobs, c.req.param('name')));
  });

  app.get('/:name/items', (c) => c.json(named(c).page(check(QueryBody, queryOf(c), 'GET /data/:name/items'))));
  app.post('/:name/items', async (c) => c.json(named(c).page(queryIn(await body(c)))));
  app.get('/:name/items/:id', (c) => c.json(named(c).sample(c.req.param('id'))));
  app.post('/:name/items/:id/place', async (c) => c.json(named(c).place(c.req.param('id'), queryIn(await body(c)))));

  app.get('/:name/items/:id/answers', (c) => {
    const set = named(c);
    const { id } = set.item(c.req.param('id'));
    return c.json({ answers: said.toItem(id, set, listOf(c, 'runs')) });
  });

  app.get('/:name/thumb/:hash', async (c) => {
    const set = named(c);
    const hash = c.req.param('hash');
    const image = set.imageByHash(hash);
    if (!image) throw noImage(hash);
    const bytes = await thumbs.get(set.root, image, hash, number(c, 'size') ?? 192, c.req.raw.signal);
    return c.body(new Uint8Array(bytes), 200, {
      ...IMAGE_HEADERS,
      'content-type': 'image/webp',
      'cache-control': 'private, max-age=31536000, immutable',
    });
  });

  app.get('/:name/image', async (c) => {
    const set = named(c);
    const path = c.req.query('path') ?? '';
    const [width, level] = [number(c, 'window'), number(c, 'level')];
    const size = Math.min(Math.max(number(c, 'size') ?? 2048, 1), 4096);
    const chosen = { ...(width !== null && { width }), ...(level !== null && { level }) };
    const { picture, png } = await decoding.run(async () => {
      const picture = await openPicture(set.root, path);
      const resized = toSharp(picture, chosen).resize(size, size, { fit: 'inside', withoutEnlargement: true });
      const png = await resized
        .png()
        .toBuffer()
        .catch((cause: unknown) => {
          throw imageError(cause, path);
        });
      return { picture, png };
    }, c.req.raw.signal);
    const shown = picture.kind === 'grey' ? { ...picture.window, ...chosen } : null;
    const range = picture.kind === 'grey' ? rangeOf(picture.values) : null;
    return c.body(new Uint8Array(png), 200, {
      ...IMAGE_HEADERS,
      'content-type': 'image/png',
      'cache-control': 'private, max-age=3600',
      'x-image-size': `${picture.width}x${picture.height}`,
      ...(shown && { 'x-image-window': `${shown.width}`, 'x-image-level': `${shown.level}` }),
      ...(range && { 'x-image-range': `${range.level - range.width / 2} ${range.level + range.width / 2}` }),
    });
  });

  app.get('/:name/audit', async (c) => {
    const { name, revision } = named(c);
    let known = audits.get(name);
    if (known?.revision !== revision) {
      known = { revision, audit: runTask('audit', { name, home }) };
      known.audit.catch(() => audits.delete(name)); // a failure may be tried again
      audits.set(name, known);
    }
    return c.json(await known.audit);
  });

  app.get('/:name/splits', (c) => {
    const set = named(c);
    return c.json({ splits: set.splits(), files: splitFilesOf(set.name, home).map(withoutIds) });
  });
  app.post('/:name/splits', async (c) => {
    const set = named(c);
    const { name } = set;
    const { test_fraction, kind, query = {}, ...options } = check(SplitBody, await body(c), 'POST /data/:name/splits');
    if (options.name) checkName(options.name);
    const made =
      kind === SELECTION
        ? runTask('selection', { name, home, query: withoutRuns(set, query), as: options.name })
        : runTask('split', { name, home, options: { ...options, kind, testFraction: test_fraction } });
    return c.json(withoutIds(await made), 201);
  });
  app.get('/:name/splits/:split', (c) => c.json(readSplit(splitPath(named(c).name, checkName(c.req.param('split')), home))));

  app.post('/:name/export', async (c) => {
    const set = named(c);
    const { name } = set;
    const { format, query = {} } = check(ExportBody, await body(c), 'POST /data/:name/export');
    const asked = { name, home, format: format as 'jsonl', query: withoutRuns(set, query) };
    const { bytes, type, extension } = await runTask('export', asked, c.req.raw.signal);
    return c.body(new Uint8Array(bytes), 200, {
      'content-type': type,
      'content-disposition': `attachment; filename="${name}.${extension}"`,
      'x-content-type-options': 'nosniff',
    });
  });

  app.onError((error, c) => {
    if (error instanceof WorkbenchError) return c.json(errorBody(error), error.http as ContentfulStatusCode);
    if (c.req.raw.signal.aborted) return c.body(null, 499 as 400); // nobody waits for it
    process.stderr.write(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}\n`);
    return c.json(errorBody(error), 500);
  });
  return app;
}

const QUERY_NAMES = Object.keys(ItemQuery.properties).filter((name) => name !== 'facets');

function noFilter(name: string, known: readonly string[]): WorkbenchError {
  return errors.badRequest('query', `there is no filter ${JSON.stringify(name.slice(0, 100))}; there are ${known.join(', ')}`);
}

/** A query in a body; throws where a filter has a name that there is not. */
function queryIn(value: Record<string, unknown>): ItemQuery {
  const known = Object.keys(ItemQuery.properties);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw noFilter(unknown, known);
  return check(QueryBody, value, 'query');
}

/** Filters as they stand in an address; a facet may repeat. */
function queryOf(c: Context): ItemQuery {
  const known = [...FACETS, ...QUERY_NAMES];
  const unknown = Object.keys(c.req.queries()).find((name) => !known.includes(name) && !isRunFacet(name));
  if (unknown !== undefined) throw noFilter(unknown, [...known, 'run:<id>']);
  const facets: Record<string, string[]> = {};
  for (const facet of FACETS) {
    const values = c.req.queries(facet);
    if (values) facets[facet] = values;
  }
  for (const [facet, values] of Object.entries(c.req.queries())) if (isRunFacet(facet)) facets[facet] = values;
  const text = (name: string) => c.req.query(name);
  const whole = (name: string) => number(c, name) ?? undefined;
  return JSON.parse(
    JSON.stringify({
      facets,
      q: text('q'),
      ids: listOf(c, 'ids'),
      runs: listOf(c, 'runs'),
      image: text('image'),
      sort: text('sort'),
      descending: text('descending') === undefined ? undefined : /^(1|true)$/.test(text('descending')!),
      group: text('group'),
      limit: whole('limit'),
      cursor: text('cursor'),
      offset: whole('offset'),
    }),
  ) as ItemQuery;
}

const listOf = (c: Context, name: string) => c.req.query(name)?.split(',');

/** For another process, which knows no run: the questions themselves where answers of runs are filtered by. */
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
