import { execFileSync } from 'node:child_process';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { medr1, omni, picture, temporary, write } from './fixtures.ts';
import { buildIndex } from './index/build.ts';
import { Dataset } from './index/dataset.ts';
import { loadItems } from './load.ts';
import { PYARROW } from './readers/parquet.fixtures.ts';

describe('an OmniMedVQA folder', () => {
  it('keeps every record, and says of each why it cannot be used', async () => {
    using dir = temporary();
    const records = [
      omni(0),
      omni(1, { gt_answer: 'glaucoma.' }),
      omni(2, { option_C: undefined, option_D: undefined }),
      omni(3, { option_E: 'Cataract', option_F: 'Uveitis', gt_answer: 'Uveitis' }),
      omni(4, { option_D: 'DRUSEN.' }),
      omni(5, { gt_answer: 'Nothing of these' }),
      omni(6, { gt_answer: '' }),
      omni(7, { option_B: '', option_C: '', option_D: '', gt_answer: 'No finding' }),
      omni(8, { question: '  ' }),
      omni(9, { image_path: 'Images/ACRIMA/none.png' }),
      omni(10, { image_path: '../../etc/passwd' }),
      omni(11, { image_path: '' }),
      omni(12, { image_path: 'Images/NLM- Malaria & (a)/[1].png', modality_type: 'unknown' }),
      omni(13, { question: '<img src=x onerror=alert(1)>' }),
      omni(0, { question: 'The same id again?' }),
      { foreign: true },
      null,
      'text',
    ];
    write(dir.path, { 'QA_information/Restricted-access/all.json': records, 'Images/NLM- Malaria & (a)/[1].png': 'x' });
    for (let n = 0; n < 14; n++) write(dir.path, { [`Images/ACRIMA/${n}.png`]: 'x' });
    const { items } = await loadItems(dir.path);
    expect(items.map(({ id, answer, options, problem }) => [id, answer, options.length, problem])).toEqual([
      ['ACRIMA_0000', 'B', 4, null],
      ['ACRIMA_0001', 'B', 4, null],
      ['ACRIMA_0002', 'B', 2, null],
      ['ACRIMA_0003', 'F', 6, null],
      ['ACRIMA_0004', 'B', 4, 'options-equal'],
      ['ACRIMA_0005', null, 4, 'answer-no-option'],
      ['ACRIMA_0006', null, 4, 'answer-missing'],
      ['ACRIMA_0007', 'A', 1, 'options-too-few'],
      ['ACRIMA_0008', 'B', 4, 'question-missing'],
      ['ACRIMA_0009', 'B', 4, 'image-missing'],
      ['ACRIMA_0010', 'B', 4, 'image-outside'],
      ['ACRIMA_0011', 'B', 4, 'image-none'],
      ['ACRIMA_0012', 'B', 4, null],
      ['ACRIMA_0013', 'B', 4, null],
      ['ACRIMA_0000#2', 'B', 4, null],
      ['QA_information/Restricted-access/all.json:15', null, 0, 'record-unknown'],
      ['QA_information/Restricted-access/all.json:16', null, 0, 'record-unreadable'],
      ['QA_information/Restricted-access/all.json:17', null, 0, 'record-unreadable'],
    ]);
    expect(items[13].question).toBe('<img src=x onerror=alert(1)>');
    const usable = await loadItems(dir.path, { usable: true });
    expect([usable.items.length, usable.left_out]).toEqual([7, items.length - 7]);
  });

  it('is found one folder down, as an archive unpacks it', async () => {
    using dir = temporary();
    write(dir.path, { 'OmniMedVQA/QA_information/Open-access/a.json': [omni(0)], 'OmniMedVQA/Images/ACRIMA/0.png': 'x' });
    expect(await loadItems(dir.path)).toMatchObject({ root: join(dir.path, 'OmniMedVQA'), items: [{ problem: null }] });
  });
});

describe("Med-R1's files", () => {
  const asked = (n: number) => medr1(`Images/ACRIMA/${n}.png`, `What is ${n}?`, ['Yes.', 'No.'], 'A');

  it('may stand in their own clone below the images', async () => {
    using dir = temporary();
    write(dir.path, { 'Images/ACRIMA/1.png': 'x', 'Med-R1/Splits/modality/test/OCT (Optical Coherence Tomography_test.json': [asked(1)] });
    expect(await loadItems(join(dir.path, 'Med-R1'))).toMatchObject({
      root: dir.path,
      items: [{ modality: 'OCT', dataset: 'ACRIMA', problem: null }],
    });
  });

  it('are found by several names, and the two draws are never mixed', async () => {
    using dir = temporary();
    write(dir.path, {
      'Splits/modality/train/Fundus Photography_train.json': [asked(1), asked(2)],
      'Splits/modality/train/OCT (Optical Coherence Tomography_train.json': [asked(3)],
      'Splits/modality/train/unknown_train.json': [asked(5)],
      'Splits/question_type/train/Disease Diagnosis_train.json': [asked(1), asked(4)],
    });
    const count = async (split: string) => (await loadItems(dir.path, { split })).items.length;
    expect(await count('modality/train/Fundus')).toBe(2);
    expect(await count('modality/train/Fundus Photography')).toBe(2);
    expect(await count('Splits/modality/train/Fundus Photography_train.json')).toBe(2);
    expect(await count('modality/train')).toBe(4); // the one of unknown modality is one of them, not all of them
    expect(await count('question_type/train')).toBe(2);
    await expect(count('train')).rejects.toMatchObject({
      code: 'DATA_SPLIT_UNKNOWN',
      message: expect.stringContaining('independent draws') as string,
    });
    await expect(count('modality/test')).rejects.toMatchObject({ code: 'DATA_SPLIT_UNKNOWN' });
  });

  it('flat prompts are told by their names', async () => {
    using dir = temporary();
    write(dir.path, { 'CT_test.json': [asked(1)], 'MRI_test.json': [asked(2)] });
    const { items } = await loadItems(dir.path, { split: 'test' });
    expect(items.map((item) => item.modality)).toEqual(['CT', 'MRI']);
  });
});

describe('tables', () => {
  it('CSV with quoted line breaks, options as a JSON list or between bars, answers as letter or text', async () => {
    using dir = temporary();
    write(dir.path, {
      'set.csv':
        'image,question,options,answer\nx.png,"What,\n""this""?","[""a"",""b, c""]",B\nx.png,Which?,left | right,Left\nx.png,None?,left|right,up\n',
      'x.png': 'x',
    });
    const { items } = await loadItems(join(dir.path, 'set.csv'));
    expect(items).toMatchObject([
      { id: 'set.csv:0', question: 'What,\n"this"?', options: ['a', 'b, c'], answer: 'B', problem: null },
      { options: ['left', 'right'], answer: 'A', problem: null },
      { answer: null, problem: 'answer-no-option' },
    ]);
  });

  it.each<[string, string | Buffer, object]>([
    ['a byte order mark and CRLF', '\uFEFFimage,question,options,answer\r\nx.png,Q,x|y,y\r\n', {}],
    ['UTF-16, as Excel saves it', Buffer.from('\uFEFFimage\tquestion\toptions\tanswer\nx.png\tQ\tx|y\ty\n', 'utf16le'), {}],
    ['semicolons', 'image;question;option_a;option_b;answer\nx.png;Q;x;y;y\n', {}],
    ['names in capitals and with spaces', 'Image,Question,Option A,Option B,Answer\nx.png,Q,x,y,Y.\n', {}],
    ["PMC-VQA's columns", 'Figure_path,Question,Choice A,Choice B,Answer,Answer_label\nx.png,Q, A: x, B: y,y,B\n', {}],
    ['a list as Python prints it', `image,question,options,answer\nx.png,Q,"['x', \\"y\\"]",y\n`.replaceAll('\\"', '""'), {}],
    ['a dict as Python prints it', `image,question,options,answer\nx.png,Q,"{'A': 'x', 'B': 'y'}",B\n`, {}],
    ['a dict as JSON', 'image,question,options,answer\nx.png,Q,"{""a"": ""x"", ""b"": ""y""}",b\n', {}],
    ["an option's number under label", 'image,question,choices,label\nx.png,Q,x|y,1\n', {}],
    [
      'a bare number as answer, which may count from 0 or from 1',
      'image,question,options,answer\nx.png,Q,x|y,1\n',
      { answer: null, problem: 'answer-no-option' },
    ],
    [
      'Latin-1',
      Buffer.from('image,question,options,answer\nx.png,Gr\xf6\xdfe,x|y,y\n', 'latin1'),
      { question: 'Gr\uFFFD\uFFFDe', problem: 'text-invalid' },
    ],
  ])('CSV with %s', async (_, content, differs) => {
    using dir = temporary();
    write(dir.path, { 'set.csv': content as string, 'x.png': 'x' });
    expect((await loadItems(dir.path)).items).toMatchObject([
      { question: 'Q', options: ['x', 'y'], answer: 'B', problem: null, ...differs },
    ]);
  });

  it('CSV whose quote is never closed costs its own rest and little memory', async () => {
    using dir = temporary();
    write(dir.path, {
      'set.csv': `image,question,options,answer\nx.png,Q,x|y,y\nx.png,"Q,x|y,y\n${'x.png,Q,x|y,y\n'.repeat(3e6)}`,
      'x.png': 'x',
    });
    const before = process.memoryUsage.rss();
    expect((await loadItems(dir.path)).items.map(({ problem }) => problem)).toEqual([null, 'record-too-large']);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });

  it.each<[string, object, object]>([
    ['options with letters', { options: ['A. x', 'B. y'], answer: 'B. y' }, {}],
    ['options that are numbers', { options: [1, 2, 3], answer: 2 }, { options: ['1', '2', '3'] }],
    ['options that are truths', { options: [false, true], answer: true }, { options: ['false', 'true'] }],
    ['options as {text, label}', { options: { text: ['x', 'y'], label: ['A', 'B'] }, answer: 'B' }, {}],
    ['an answer in a list', { answer: ['y'] }, {}],
    ['an image as {path}', { image: { path: 'x.png' } }, {}],
    ['an image in a list', { image: null, images: ['x.png'] }, {}],
    ['half a surrogate pair', { id: '\ud800', question: 'Q\ud800' }, { id: '\uFFFD', question: 'Q\uFFFD' }],
    ['a NUL', { id: 'a\0b', question: 'Q\0' }, { id: 'a\uFFFDb', question: 'Q\uFFFD' }],
    ['a name that objects inherit', { constructor: 1, ['__proto__']: 2 }, {}],
  ])('JSON Lines with %s', async (_, changes, differs) => {
    using dir = temporary();
    write(dir.path, {
      'set.jsonl': JSON.stringify({ image: 'x.png', question: 'Q', options: ['x', 'y'], answer: 'y', ...changes }),
      'x.png': 'x',
    });
    expect((await loadItems(dir.path)).items).toMatchObject([
      { image: 'x.png', question: 'Q', options: ['x', 'y'], answer: 'B', problem: null, ...differs },
    ]);
  });

  it('JSON whose list stands under a key has the questions of the list', async () => {
    using dir = temporary();
    const data = ['x', 'y'].map((answer) => ({ image: 'x.png', question: 'Q', options: ['x', 'y'], answer }));
    write(dir.path, { 'set.json': JSON.stringify({ version: '1.0', data }), 'x.png': 'x' });
    expect((await loadItems(dir.path, { usable: true })).items.map(({ answer }) => answer)).toEqual(['A', 'B']);
  });

  it('ids that differ in what cannot be stored are two ids', async () => {
    using dir = temporary();
    const row = (id: string) => JSON.stringify({ id, image: `${id}.png`, question: 'Q', options: ['x', 'y'], answer: 'y' });
    write(dir.path, { 'set.jsonl': [row('\ud800'), row('\ud801')].join('\n') });
    await buildIndex(dir.path, { name: 'set', home: join(dir.path, 'home') });
    expect((await loadItems('set', { home: join(dir.path, 'home') })).items.map(({ id }) => id)).toEqual(['\uFFFD', '\uFFFD#2']);
  });

  it('only what OmniMedVQA calls its images is looked for above the folder', async () => {
    using dir = temporary();
    const row = (image: string) => ({ image, question: 'Q', options: ['x', 'y'], answer: 'y' });
    write(dir.path, {
      'private/x.png': 'x',
      'Images/x.png': 'x',
      'set/a.json': [row('private/x.png')],
      'prompts/CT_test.json': [row('Images/x.png')],
    });
    expect((await loadItems(join(dir.path, 'set'))).items).toMatchObject([{ problem: 'image-missing' }]);
    expect(await loadItems(join(dir.path, 'prompts'))).toMatchObject({ root: dir.path, items: [{ problem: null }] });
  });

  it('a pipe is no data set, and is not waited for', async () => {
    using dir = temporary();
    execFileSync('mkfifo', [join(dir.path, 'set.json')]);
    await expect(loadItems(join(dir.path, 'set.json'))).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' });
    await expect(loadItems(dir.path)).rejects.toMatchObject({ code: 'DATA_LAYOUT_UNKNOWN' });
  });

  it('an imagefolder with metadata.jsonl in each split', async () => {
    using dir = temporary();
    const line = (name: string) => JSON.stringify({ file_name: name, question: 'Q?', options: ['a', 'b'], answer: 1 });
    write(dir.path, { 'train/metadata.jsonl': line('x.png'), 'train/x.png': 'x', 'test/metadata.jsonl': line('y.png'), 'test/y.png': 'x' });
    const { items } = await loadItems(dir.path, { split: 'test' });
    expect(items).toMatchObject([{ image: 'test/y.png', answer: 'B', problem: null }]);
  });

  it('Parquet with image bytes, which are kept outside the data folder', async () => {
    using dir = temporary();
    const png = await picture(1);
    const data = parquetWriteBuffer({
      columnData: [
        { name: 'image', data: [new Uint8Array(png), new Uint8Array(png)], type: 'BYTE_ARRAY' },
        { name: 'problem', data: ['Q? A)a, B)b', 'R? A)a, B)b'], type: 'STRING' },
        { name: 'solution', data: ['<answer> B </answer>', '<answer> A </answer>'], type: 'STRING' },
      ],
    });
    write(dir.path, { 'set/train-00000-of-00001.parquet': new Uint8Array(data) });
    const home = join(dir.path, 'home');
    const { root, items } = await loadItems(join(dir.path, 'set'), { home, split: 'train' });
    expect(root.startsWith(home)).toBe(true);
    expect(items).toMatchObject([
      { question: 'Q?', answer: 'B', problem: null },
      { question: 'R?', answer: 'A', problem: null },
    ]);
    expect(items[0].image).toBe(items[1].image);
  });

  const parquet = (
    columns: Record<string, { data: unknown[]; type: 'BYTE_ARRAY' | 'STRING' | 'JSON' }>,
    codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY',
  ) =>
    new Uint8Array(
      parquetWriteBuffer({ columnData: Object.entries(columns).map(([name, { data, type }]) => ({ name, data, type })), codec }),
    );
  const bytes = (text: string) => new TextEncoder().encode(text);

  it('Parquet with paths of images beside it, and with text in a column that is not marked as text', async () => {
    using dir = temporary();
    const file = parquet({
      image: { data: ['i/x.png'], type: 'STRING' },
      question: { data: [bytes('Größe?')], type: 'BYTE_ARRAY' },
      options: { data: ['["a", "b"]'], type: 'STRING' },
      answer: { data: ['B'], type: 'STRING' },
    });
    write(dir.path, { 'set/data.parquet': file, 'set/i/x.png': 'x' });
    const { root, items } = await loadItems(join(dir.path, 'set'), { home: join(dir.path, 'home') });
    expect(root).toBe(join(dir.path, 'set'));
    expect(items).toMatchObject([{ image: 'i/x.png', question: 'Größe?', answer: 'B', problem: null }]);
  });

  it('Parquet that is damaged is one record that says so; other files are read on', async () => {
    using dir = temporary();
    const whole = parquet({
      image: { data: [new Uint8Array(await picture(1))], type: 'BYTE_ARRAY' },
      problem: { data: ['Q? A)a, B)b'], type: 'STRING' },
      solution: { data: ['B'], type: 'STRING' },
    });
    write(dir.path, { 'set/a.parquet': whole.subarray(0, whole.length / 2), 'set/b.parquet': whole });
    await buildIndex(join(dir.path, 'set'), { name: 'set', home: join(dir.path, 'home') });
    const { items } = await loadItems('set', { home: join(dir.path, 'home') });
    expect(items.map(({ problem }) => problem)).toEqual(['record-unreadable', null]);
    const set = new Dataset('set', join(dir.path, 'home'));
    expect(set.sample(items[0].id).raw).toMatchObject({ error: expect.stringMatching(/parquet/) as string });
    set.close();
  });

  // written by pyarrow: one row, image a struct {bytes, path}, size a struct of int64
  it.each(['zstd', 'gzip', 'brotli', 'lz4'])('Parquet packed with %s', async (codec) => {
    using dir = temporary();
    write(dir.path, { 'set/data.parquet': Buffer.from(PYARROW[codec], 'base64') });
    await buildIndex(join(dir.path, 'set'), { name: 'set', home: join(dir.path, 'home') });
    expect((await loadItems('set', { home: join(dir.path, 'home') })).items).toMatchObject([
      { question: 'Q', options: ['x', 'y'], answer: 'B', problem: null },
    ]);
  });

  it('a folder without questions is refused with the layouts that are known', async () => {
    using dir = temporary();
    write(dir.path, { 'package.json': {}, 'readme.txt': 'x' });
    await expect(loadItems(dir.path)).rejects.toMatchObject({
      code: 'DATA_LAYOUT_UNKNOWN',
      remedy: expect.stringContaining('QA_information') as string,
    });
  });
});
