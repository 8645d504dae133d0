/** Files as other programs and clusters leave them. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { browse } from '../server/browse.ts';
import { picture, temporary, write, omni } from './fixtures.ts';
import { addDataset } from './index/add.ts';
import { buildIndex } from './index/build.ts';
import { Dataset } from './index/dataset.ts';
import { summary } from './index/list.ts';
import { parseLiteral } from './literal.ts';
import { loadItems } from './load.ts';

const row = { question: 'Q?', options: ['x', 'y'], answer: 'A' };

describe('lists in cells', () => {
  it.each<[string, unknown]>([
    ["['cyst' 'mass'\n 'lymph node']", ['cyst', 'mass', 'lymph node']], // numpy, as Dataset.to_csv writes it
    [`["Crohn's" 'mass']`, ["Crohn's", 'mass']],
    ["array(['a', 'b'], dtype=object)", ['a', 'b']],
    ["[np.str_('a'), np.float64(1.5)]", ['a', 1.5]],
    ['[1 2 3]', [1, 2, 3]],
    ["['a', None, nan, True]", ['a', null, null, true]],
    ["('a', 'b')", ['a', 'b']],
    ["{'A': 'x', 'B': None}", { A: 'x', B: null }],
    ['["a", "b\\u00e9\\n"]', ['a', 'bé\n']],
    ["['it\\'s', 'caf\\xe9']", ["it's", 'café']],
    ["{'text': array(['a', 'b'], dtype=object), 'label': array(['A', 'B'], dtype=object)}", { text: ['a', 'b'], label: ['A', 'B'] }],
    ['[1, 2', undefined],
    ["['a' + 'b']", undefined],
    ['[__import__("os")]', undefined],
    [`${'['.repeat(5000)}`, undefined],
  ])('%s', (text, value) => expect(parseLiteral(text)).toEqual(value));
});

describe('files of questions as programs write them', () => {
  const csv = 'image,question,A,B,answer\nx.png,Q?,x,y,B\n';
  const tab = csv.replaceAll(',', '\t');
  const line = JSON.stringify({ ...row, image: 'x.png' });
  it.each<[string, string | Buffer]>([
    ['set.csv', `sep=;\n${csv.replaceAll(',', ';')}`], // Excel
    ['set.csv', `"sep=,"\r\n${csv}`],
    ['set.csv', `\ufeffsep=;\r\n${csv.replaceAll(',', ';')}`],
    ['set.tsv', `sep=\t\n${tab}`],
    ['set.csv.gz', gzipSync(csv)],
    ['set.tsv.gz', gzipSync(tab)],
    ['set.jsonl.gz', gzipSync(`${line}\n`)],
    ['set.json.gz', gzipSync(`[${line}]`)],
    ['set.jsonl', `[\n  ${line}\n]\n`], // a list under the name of lines
    ['set.jsonl', `\ufeff [${line}]`],
    ['set.ndjson', Buffer.from(`\ufeff[${line}]`, 'utf16le')],
  ])('%s: %j', async (name, content) => {
    using dir = temporary();
    write(dir.path, { 'x.png': 'x', [name]: content });
    const { items } = await loadItems(dir.path);
    expect(items).toMatchObject([{ image: 'x.png', options: ['x', 'y'], problem: null }]);
  });

  it('a gzip file that ends too early has the questions before its end, and says so', async () => {
    using dir = temporary();
    const lines = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ ...row, question: `Q${Math.sin(i)}?`, image: 'x.png' }));
    const zipped = gzipSync(lines.join('\n'));
    write(dir.path, { 'x.png': 'x', 'train.jsonl.gz': zipped.subarray(0, zipped.length >> 1) });
    const { items } = await loadItems(dir.path, { split: 'train' });
    expect(items.length).toBeGreaterThan(100);
    expect(items.at(-1)).toMatchObject({ problem: 'record-unreadable' });
    expect(items.slice(0, 100).every(({ problem }) => problem === null)).toBe(true);
  });

  it('folders of save_to_disk, and files without a row, say what they are', async () => {
    using dir = temporary();
    write(dir.path, {
      'disk/train/data-00000-of-00001.arrow': 'x',
      'disk/train/state.json': {},
      'none/set.csv': csv.split('\n')[0],
      'empty/set.jsonl': '',
    });
    const of = (name: string) => loadItems(join(dir.path, name));
    await expect(of('disk')).rejects.toMatchObject({
      code: 'DATA_LAYOUT_UNKNOWN',
      remedy: expect.stringContaining('to_parquet') as string,
    });
    for (const name of ['none', 'empty'])
      await expect(of(name)).rejects.toMatchObject({ code: 'DATA_EMPTY', message: expect.stringMatching(/holds no question$/) as string });
  });
});

it.each<[unknown, string[]]>([
  ['A. cyst\nB. mass\n', ['cyst', 'mass']],
  ['(A) cyst\n\n(B) mass', ['cyst', 'mass']],
  ['A: cyst; B: mass; C: none', ['cyst', 'mass', 'none']],
  ['cyst; mass', []], // no letters: nothing says that these are two
  ['A. cyst; grade B. mass', []],
])('options in one text: %j', async (options, wanted) => {
  using dir = temporary();
  write(dir.path, { 'x.png': 'x', 'set.jsonl': JSON.stringify({ question: 'Q?', image: 'x.png', options, answer: 'B' }) });
  const [{ options: read, problem }] = (await loadItems(dir.path)).items;
  if (wanted.length === 0) expect(problem).toBe('options-too-few');
  else expect([read, problem]).toEqual([wanted, null]);
});

it('NaN and Infinity, as Python writes them into JSON, spoil no record', async () => {
  using dir = temporary();
  const record = (more: string) =>
    `{"question": "Is NaN a \\"number\\"?", "options": ["x", "y"], "answer": "A", "image": "x.png", ${more}}`;
  write(dir.path, {
    'set.json': `[${record('"age": NaN')}, ${record('"age": -Infinity, "dose": Infinity')}]`,
    'lines.jsonl': `${record('"age": NaN')}\n${record('"age": nan')}`,
    'x.png': 'x',
  });
  const { items } = await loadItems(dir.path);
  expect(items.map(({ problem }) => problem)).toEqual([null, 'record-unreadable', null, null]);
  expect(items[0].question).toBe('Is NaN a "number"?');
});

it('pictures in cells are images: base64, data URIs, and the row that has the picture', async () => {
  using dir = temporary();
  const [one, two] = (await Promise.all([picture(1), picture(2)])).map((png) => png.toString('base64'));
  const tsv = [
    'index\timage\tquestion\tA\tB\tC\tD\tanswer',
    `0\t${one}\tWhat?\tcyst\tmass\t\t\tA`,
    `1\tdata:image/png;base64,${two}\tWhat?\tcyst\tmass\tnode\t\tB`,
    '2\t0\tWhich?\tleft\tright\t\t\tB',
  ];
  const jsonl = [one, { bytes: two, path: null }, [one, two]].map((image) => JSON.stringify({ ...row, image })).join('\n');
  for (const [name, content, problems] of [
    ['set.tsv', tsv.join('\n'), [null, null, null]],
    ['set.csv', `image,question,options,answer\n${one},Q?,x|y,A\n"data:image/png;base64,${two}",Q?,x|y,B\n`, [null, null]],
    ['set.jsonl', jsonl, [null, null, 'images-several']],
  ] as const) {
    write(join(dir.path, name), { [name]: content });
    const home = join(dir.path, 'home');
    await buildIndex(join(dir.path, name), { name: 'set', home });
    const { root, items } = await loadItems('set', { home });
    expect([name, items.map(({ problem }) => problem)]).toEqual([name, problems]);
    expect(items[0].image).toMatch(/^[0-9a-f]{64}\.png$/);
    expect(root.startsWith(home)).toBe(true);
    if (name === 'set.tsv') expect(items.map(({ image }) => image === items[0].image)).toEqual([true, false, true]);
  }
});

it('pictures in cells and files of images stand beside each other in one folder, also where the files lie elsewhere', async () => {
  using dir = temporary();
  const png = await picture(1);
  const home = join(dir.path, 'home');
  const named = (image: string) => JSON.stringify({ ...row, question: `${image}?`, image });
  write(join(dir.path, 'set'), {
    'cells.tsv': `image\tquestion\tA\tB\tanswer\n${png.toString('base64')}\tWhat?\tx\ty\tA\n`,
    'files.jsonl': ['a.png', 'files/b.png', 'late.png', join(dir.path, 'set/a.png'), '../out.png', '/etc/hosts'].map(named).join('\n'),
    'a.png': png,
    'files/b.png': png,
  });
  write(dir.path, { 'out.png': png, 'elsewhere/a.png': png });
  const read = async (imagesDir?: string) => {
    await addDataset(join(dir.path, 'set'), { home, name: 'set', imagesDir });
    const { items } = await loadItems('set', { home });
    return Object.fromEntries(items.map(({ question, problem }) => [question.replace(join(dir.path, 'set'), 'WHOLE'), problem]));
  };
  const found = { 'What?': null, 'a.png?': null, 'WHOLE/a.png?': null, 'files/b.png?': null };
  const outside = { '../out.png?': 'image-outside', '/etc/hosts?': 'image-outside' };
  expect(await read()).toEqual({ ...found, ...outside, 'late.png?': 'image-missing' });
  write(join(dir.path, 'set'), { 'late.png': png });
  expect(await read()).toEqual({ ...found, ...outside, 'late.png?': null });
  const set = new Dataset('set', home);
  expect(set.page({}).items.map(({ width }) => width !== null)).toEqual([true, true, true, true, true, false, false]);
  set.close();
  const missing = { 'files/b.png?': 'image-missing', 'late.png?': 'image-missing', 'WHOLE/a.png?': 'image-outside' };
  expect(await read(join(dir.path, 'elsewhere'))).toEqual({ ...found, ...outside, ...missing });
});

describe('images beside a table', () => {
  it.each(['images', 'imgs', 'figures', 'Images', 'images/train'])('in %s are found', async (folder) => {
    using dir = temporary();
    write(dir.path, { 'set.jsonl': JSON.stringify({ ...row, image: 'a.png' }), [`${folder}/a.png`]: 'x', 'other/a.png': 'x' });
    expect((await loadItems(dir.path)).items).toMatchObject([{ image: `${folder}/a.png`, problem: null }]);
  });
  it('of two folders the one that has more of them', async () => {
    using dir = temporary();
    const rows = ['a.png', 'b.png'].map((image) => JSON.stringify({ ...row, image }));
    write(dir.path, { 'set.jsonl': rows.join('\n'), 'figures/a.png': 'x', 'images/a.png': 'x', 'images/b.png': 'x' });
    expect((await loadItems(dir.path)).items.map(({ image }) => image)).toEqual(['images/a.png', 'images/b.png']);
  });
  it('elsewhere are found where they are said to be, and stay so', async () => {
    using dir = temporary();
    const home = join(dir.path, 'home');
    write(dir.path, { 'set/set.jsonl': JSON.stringify({ ...row, image: 'a.png' }), 'disk/a.png': 'x', 'secret.png': 'x' });
    await addDataset(join(dir.path, 'set'), { home });
    expect(summary('set', home)).toMatchObject({ items: 1, missing: 1 });
    await addDataset(join(dir.path, 'set'), { home, imagesDir: join(dir.path, 'disk') });
    expect(summary('set', home)).toMatchObject({ missing: 0, root: join(dir.path, 'disk') });
    write(dir.path, {
      'set/set.jsonl': `${JSON.stringify({ ...row, image: 'a.png' })}\n${JSON.stringify({ ...row, image: '../secret.png' })}`,
    });
    await addDataset(join(dir.path, 'set'), { home });
    const set = new Dataset('set', home);
    expect(set.page({}).items.map(({ image, problem }) => [image, problem])).toEqual([
      ['a.png', 'image-format'],
      ['../secret.png', 'image-outside'],
    ]);
    set.close();
    await expect(addDataset(join(dir.path, 'set'), { home, imagesDir: join(dir.path, 'none') })).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
    });
  });
});

describe('links that a user made', () => {
  it('are followed: a folder of images, of questions, the data folder itself, and the files of the hub', async () => {
    using dir = temporary();
    const at = (path: string) => join(dir.path, path);
    write(dir.path, { 'disk/Images/ACRIMA/0.png': 'x', 'disk/QA/a.json': [omni(0)] });
    for (const folder of ['images/QA_information', 'questions/QA_information', 'snapshot/data', 'blobs', 'shown'])
      mkdirSync(at(folder), { recursive: true });
    symlinkSync(at('disk/Images'), at('images/Images'));
    symlinkSync(at('disk/QA'), at('images/QA_information/Open-access'));
    symlinkSync(at('images'), at('shown/linked'));
    write(dir.path, { 'blobs/1': 'x', 'blobs/2': JSON.stringify({ ...row, file_name: 'a.png' }) });
    symlinkSync('../../blobs/1', at('snapshot/data/a.png'));
    symlinkSync('../../blobs/2', at('snapshot/data/metadata.jsonl'));
    for (const folder of ['images', 'shown/linked', 'snapshot']) {
      const { items } = await loadItems(at(folder));
      expect([folder, items.map(({ problem }) => problem)]).toEqual([folder, [null]]);
    }
    expect((await browse(at('shown'))).folders).toMatchObject([{ name: 'linked', layout: 'omnimedvqa' }]);
    const hub = { dir: at('snapshot/data'), folders: [], files: [{ name: 'metadata.jsonl', path: at('snapshot/data/metadata.jsonl') }] };
    expect(await browse(at('snapshot/data'))).toMatchObject(hub);
    expect(await browse(at('snapshot/data/metadata.jsonl')), 'of a file its folder').toMatchObject(hub);
  });

  it('do not widen what a record may name', async () => {
    using dir = temporary();
    const at = (path: string) => join(dir.path, path);
    write(dir.path, { 'other/a.png': 'x', 'set/x.png': 'x' });
    symlinkSync(at('set'), at('link'));
    const paths = [
      at('set/x.png'),
      `file://${at('set/x.png')}`,
      at('link/x.png'),
      at('other/a.png'),
      '../other/a.png',
      'file:///etc/passwd',
      'file://host/x.png',
    ];
    write(dir.path, { 'set/set.jsonl': paths.map((image) => JSON.stringify({ ...row, image })).join('\n') });
    const outside = Array.from({ length: 4 }, () => 'image-outside');
    const problems = async (folder: string) => (await loadItems(at(folder))).items.map(({ problem }) => problem);
    expect(await problems('set')).toEqual([null, null, 'image-outside', ...outside]);
    expect(await problems('link')).toEqual([null, null, null, ...outside]);
  });
});

it('words that objects inherit are words', async () => {
  using dir = temporary();
  const words = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  const rows = words.map((word) => ({ ...row, id: word, image: `${word}.png`, question_type: word, modality_type: word, dataset: word }));
  write(dir.path, { 'set.jsonl': rows.map((one) => JSON.stringify(one)).join('\n') });
  for (const word of words) write(dir.path, { [`${word}.png`]: await picture(1) });
  const home = join(dir.path, 'home');
  await buildIndex(dir.path, { name: 'set', home });
  const set = new Dataset('set', home);
  const { items, facets } = set.page({});
  expect(items.map(({ question_type, modality, problem }) => [question_type, modality, problem])).toEqual(
    words.map((word) => [word, word, null]),
  );
  for (const facet of ['question_type', 'modality', 'dataset'])
    expect(Object.entries(facets[facet])).toEqual(words.map((word) => [word, 1]));
  expect(set.page({ facets: { question_type: ['__proto__'] } }).total).toBe(1);
  expect(set.page({ q: 'constructor:x' }).total).toBe(0); // words to search for, no facet
  expect(() => set.page({ sort: 'constructor' })).toThrow(/no order/);
  expect(() => set.page({ facets: { constructor: ['x'] } })).toThrow(/no facet/);
  set.close();
});

it('an index that another version made is named, with the command that makes it anew', async () => {
  using dir = temporary();
  const home = join(dir.path, 'home');
  write(dir.path, { 'set/set.jsonl': JSON.stringify({ ...row, image: 'x.png' }) });
  await buildIndex(join(dir.path, 'set'), { name: 'set', home, images: false });
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(join(home, 'datasets/set/index.db'));
  db.exec('PRAGMA user_version = 1');
  db.close();
  await expect(loadItems('set', { home })).rejects.toMatchObject({
    code: 'DATA_INDEX_VERSION',
    remedy: expect.stringContaining('medr1 data add') as string,
  });
  await buildIndex(join(dir.path, 'set'), { name: 'set', home, images: false });
  expect((await loadItems('set', { home })).items).toHaveLength(1);
});
