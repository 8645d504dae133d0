import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadItems } from './load.ts';

const made: string[] = [];
afterEach(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true })));

function folder(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'medr1-load-'));
  made.push(dir);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}

const record = {
  dataset: 'ACRIMA',
  question_id: 'ACRIMA_0000',
  question_type: 'Disease Diagnosis',
  question: 'What is seen?',
  gt_answer: 'glaucoma',
  image_path: 'Images/ACRIMA/a 1.png',
  option_A: 'No finding',
  option_B: 'Glaucoma.',
  modality_type: 'Fundus Photography',
};
const split = { image: 'Images/ACRIMA/a 1.png', problem: 'What is seen? A)No finding, B)Glaucoma.', solution: '<answer> B </answer>' };

describe('loadItems', () => {
  it('reads an OmniMedVQA folder and gives the answer text its letter', async () => {
    const dir = folder({ 'QA_information/Open-access/ACRIMA.json': [record], 'Images/ACRIMA/a 1.png': 'x' });
    const { root, items } = await loadItems(dir);
    expect(root).toBe(dir);
    expect(items).toEqual([
      {
        id: 'ACRIMA_0000',
        dataset: 'ACRIMA',
        image: 'Images/ACRIMA/a 1.png',
        question: 'What is seen?',
        options: ['No finding', 'Glaucoma.'],
        answer: 'B',
        modality: 'Fundus',
        question_type: 'Disease Diagnosis',
        problem: null,
      },
    ]);
  });

  it("matches Med-R1's split records to OmniMedVQA's questions", async () => {
    const other = { ...record, question_id: 'ACRIMA_0001', question: 'Is it so?' };
    const dir = folder({
      'QA_information/Open-access/ACRIMA.json': [record, other],
      'Images/ACRIMA/a 1.png': 'x',
      'Splits/modality/test/Fundus Photography_test.json': [split],
    });
    const { items } = await loadItems(dir, { split: 'modality/test/Fundus Photography' });
    expect(items.map((item) => item.id)).toEqual(['ACRIMA_0000']);
  });

  it('joins the two draws of one question where only split files exist', async () => {
    const dir = folder({
      'Splits/modality/test/Fundus Photography_test.json': [split],
      'Splits/question_type/train/Disease Diagnosis_train.json': [split],
    });
    const { items } = await loadItems(dir);
    expect(items).toMatchObject([{ modality: 'Fundus', question_type: 'Disease Diagnosis', problem: 'image-missing' }]);
  });

  it('finds the images above a single split file', async () => {
    const dir = folder({ 'Images/ACRIMA/a 1.png': 'x', 'notes/mine.json': [split] });
    const { root, items } = await loadItems(join(dir, 'notes/mine.json'));
    expect(root).toBe(dir);
    expect(items).toMatchObject([{ answer: 'B', problem: null }]);
  });

  it('filters by split, modality and question type, and says so when nothing is left', async () => {
    const dir = folder({ 'QA_information/Open-access/ACRIMA.json': [record], 'Images/ACRIMA/a 1.png': 'x' });
    expect((await loadItems(dir, { modality: 'Fundus Photography', questionType: ['Disease Diagnosis'] })).items).toHaveLength(1);
    await expect(loadItems(dir, { modality: ['CT'] })).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    await expect(loadItems(dir, { split: 'modality/train' })).rejects.toMatchObject({ code: 'DATA_SPLIT_UNKNOWN' });
    await expect(loadItems(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' });
  });

  it('keeps the hash where nothing changed and changes it where a question did', async () => {
    const first = folder({ 'a.jsonl': JSON.stringify({ image: 'x.png', question: 'Q', options: ['a', 'b'], answer: 'a' }) });
    const second = folder({ 'a.jsonl': JSON.stringify({ image: 'x.png', question: 'Q', options: ['a', 'b'], answer: 'b' }) });
    expect((await loadItems(first)).hash).toBe((await loadItems(first)).hash);
    expect((await loadItems(first)).hash).not.toBe((await loadItems(second)).hash);
  });
});
