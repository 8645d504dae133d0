import { parquetWriteBuffer } from 'hyparquet-writer';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { medr1, omni, picture, temporary, write } from './fixtures.ts';
import { loadItems } from './load.ts';

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
    expect((await loadItems(dir.path, { usable: true })).items).toHaveLength(7);
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

  it('a folder without questions is refused with the layouts that are known', async () => {
    using dir = temporary();
    write(dir.path, { 'package.json': {}, 'readme.txt': 'x' });
    await expect(loadItems(dir.path)).rejects.toMatchObject({
      code: 'DATA_LAYOUT_UNKNOWN',
      remedy: expect.stringContaining('QA_information') as string,
    });
  });
});
