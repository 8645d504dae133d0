import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VqaItem } from '../protocol/data.ts';
import { auditDataset } from './audit.ts';
import { medr1, picture, temporary, write } from './fixtures.ts';
import { OptionPrior } from './prior.ts';

const item = (options: string[], answer: string | null): VqaItem => ({
  id: '',
  dataset: '',
  image: '',
  question: '',
  options,
  answer,
  modality: '',
  question_type: '',
  problem: null,
});

describe('the option prior', () => {
  it('is (times right + 0.25) / (times shown + 1), whatever the case and the full stop', () => {
    const prior = new OptionPrior([
      item(['CT', 'MRI'], 'A'),
      item(['ct.', 'X-ray'], 'A'),
      item(['MRI', 'X-Ray'], 'B'),
      item(['CT', 'PET'], null),
    ]);
    expect(['ct', 'mri', 'x-ray', 'PET'].map((text) => prior.probability(text))).toEqual([2.25 / 3, 0.25 / 3, 1.25 / 3, 0.25]);
    expect(prior.answer(item(['MRI', 'PET', 'CT.'], 'A'))).toBe('C');
    expect(prior.accuracy([item(['PET', 'CT'], 'B'), item(['MRI', 'PET'], 'A'), item(['a', 'b'], null)])).toBe(50);
  });
});

describe('an audit', () => {
  const q = (image: string, right: string, wrong: string, question = 'What is it?') => medr1(image, question, [right, wrong], 'A');
  async function audited(dir: string) {
    const [one, two, three] = [await picture(1), await picture(2), await picture(3)];
    write(dir, {
      'Images/S/1.png': one,
      'Images/S/1 copy.png': one,
      'Images/S/2.png': two,
      'Images/S/3.png': three,
      'Splits/modality/train/CT_train.json': [q('Images/S/1.png', 'cyst', 'mass'), q('Images/S/2.png', 'cyst', 'none')],
      // the copy, the same path, a new image; a missing one
      'Splits/modality/test/CT_test.json': [
        q('Images/S/1 copy.png', 'cyst', 'mass'),
        q('Images/S/2.png', 'mass', 'cyst', 'Other?'),
        q('Images/S/3.png', 'cyst', 'tumour'),
        q('Images/S/4.png', 'cyst', 'none'),
      ],
      'Splits/modality/test/MRI_test.json': [q('Images/S/3.png', 'none', 'cyst')],
      'Splits/question_type/train/Lesion Grading_train.json': [q('Images/S/3.png', 'cyst', 'tumour')],
    });
    return auditDataset(dir, { home: join(dir, 'home') });
  }

  it('counts images common to train and test by content, by path where there is no file', async () => {
    using dir = temporary();
    const audit = await audited(dir.path);
    expect(audit).toMatchObject({
      items: 7,
      usable: 6,
      images: 4,
      duplicate_images: 1,
      problems: { 'image-missing': 1 },
      letters: { A: 7 },
      options: { 2: 7 },
    });
    expect(audit.splits).toEqual([
      {
        train: 'modality/train/CT',
        test: 'modality/test/CT',
        train_items: 2,
        test_items: 4,
        image_overlap: 2,
        near_overlap: 0,
        prior_accuracy: 75,
        chance: 50,
      },
    ]);
  });

  it('gives the prior of every training split on every test split of the same draw', async () => {
    using dir = temporary();
    expect((await audited(dir.path)).prior_matrix).toEqual({
      'modality/train/CT': { 'modality/test/CT': 75, 'modality/test/MRI': 0 },
      'question_type/train/Lesion Grading': {},
    });
  });

  it('names each finding with the questions to look at', async () => {
    using dir = temporary();
    const { findings } = await audited(dir.path);
    const byCode = Object.fromEntries(findings.map((finding) => [finding.code, finding]));
    expect(byCode['image-overlap']).toMatchObject({
      count: 2,
      text: '2 of 4 (50 %) questions of modality/test/CT show an image of modality/train/CT.',
    });
    expect(byCode['image-overlap'].query.ids).toHaveLength(2);
    expect(byCode['option-prior'].query).toEqual({ facets: { split: ['modality/test/CT'] } });
    expect(byCode['image-missing']).toMatchObject({ count: 1, query: { facets: { problem: ['image-missing'] } } });
    expect(byCode['letter-balance']).toMatchObject({ count: 7 });
  });

  it('without reading images takes one path for one image and says nothing of looks', async () => {
    using dir = temporary();
    await audited(dir.path);
    const audit = await auditDataset(dir.path, { home: join(dir.path, 'home'), images: false });
    expect(audit.splits[0]).toMatchObject({ image_overlap: 1, near_overlap: null });
    expect(audit.near_duplicates.looked).toBe(false);
  });
});
