import { describe, expect, it } from 'vitest';
import { modalityName, normalizeText } from './names.ts';
import { parseProblem, readAnswer, withoutLetters } from './options.ts';

describe('parseProblem splits the question from its options', () => {
  it.each([
    ['What is it? A)CT, B)MRI', 'What is it?', ['CT', 'MRI']],
    ['What is it? A)x, B)y, C)z, D)w, E)v, F)u', 'What is it?', ['x', 'y', 'z', 'w', 'v', 'u']],
    [
      `Which? ${[...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter, i) => `${letter})o${i}`).join(', ')}`,
      'Which?',
      Array.from({ length: 26 }, (_, i) => `o${i}`),
    ],
    ['Is it so? A)Yes., B)No.', 'Is it so?', ['Yes.', 'No.']],
    ['Which? A)Left, upper lobe, B)Right (lower) lobe, C)None', 'Which?', ['Left, upper lobe', 'Right (lower) lobe', 'None']],
    [
      'Type? A)Magnetic resonance imaging (MRI), B)Electrocardiogram (ECG)',
      'Type?',
      ['Magnetic resonance imaging (MRI)', 'Electrocardiogram (ECG)'],
    ],
    ['Is hepatitis A) common? A)Yes, B)No', 'Is hepatitis A) common?', ['Yes', 'No']],
    ['Which?\nA) one\nB) two', 'Which?', ['one', 'two']],
    ['Which? A)x, C)z, D)w', 'Which?', ['x', '', 'z', 'w']], // a letter that is left out keeps its place
    ['Which? A), B)y, C)z', 'Which?', ['', 'y', 'z']],
    ['Which? A)water, B)soluble (C), C)fat soluble (A, D)', 'Which?', ['water', 'soluble (C)', 'fat soluble (A, D)']],
    ['Which? A)OCT (Optical Coherence Tomography, B)CT', 'Which?', ['OCT (Optical Coherence Tomography', 'CT']],
    [
      `Which? ${[...'ABCDEFGHIJ'].map((letter) => `${letter})option ${letter}`).join(', ')}`,
      'Which?',
      [...'ABCDEFGHIJ'].map((letter) => `option ${letter}`),
    ],
  ])('%s', (problem, question, options) => expect(parseProblem(problem)).toEqual({ question, options }));

  it.each(['What is it?', 'What is it? A)only one', 'What is it? B)x, C)y'])('%s has no two options', (problem) =>
    expect(parseProblem(problem)).toBeNull(),
  );
});

describe('readAnswer', () => {
  const options = ['Yes.', 'No', 'Covid-19 pneumonia', 'B', '', 'node'];
  it.each<[string | number, string | null, string | null]>([
    ['Yes', null, 'A'],
    ['NO.', null, 'B'],
    [' covid-19  pneumonia. ', null, 'C'],
    ['b', 'B', 'D'], // a letter, and the text of another option
    ['C)', 'C', null],
    ['(a).', 'A', null],
    ['A', 'A', null],
    [0, 'A', null],
    [3, 'D', null],
    [6, null, null],
    ['E', null, null], // an empty option is none
    [4, null, null],
    ['', null, null],
    ['Pneumonia', null, null],
    ['B. No', 'B', null], // letter and text
    ['C) covid-19 pneumonia', 'C', null],
    ['A. No', null, null], // which do not agree
    ['f', 'F', null],
  ])('%j names %s, and reads %s', (answer, named, text) => expect(readAnswer(answer, options)).toMatchObject({ named, text }));

  it('knows letters to Z, and the labels that a record gives its options', () => {
    const many = Array.from({ length: 26 }, (_, i) => `option ${i}`);
    expect(readAnswer('Z', many)).toMatchObject({ named: 'Z', text: null });
    expect(readAnswer('2', ['x', 'y'], ['1', '2'])).toMatchObject({ named: 'B', form: 'letter' });
  });
});

it('options that bear their letters are read without them, others as they are', () => {
  expect(withoutLetters(['A. cyst', 'b) mass', '(C) none'])).toEqual(['cyst', 'mass', 'none']);
  expect(withoutLetters(['A. cyst', '', 'C: none', 'D:'])).toEqual(['cyst', '', 'none', '']);
  for (const list of [['A. fumigatus', 'E. coli'], ['A. one'], ['x', 'y'], []]) expect(withoutLetters(list)).toBe(list);
});

it('an answer that is a number may be the text of an option, or its number from 0', () => {
  expect(readAnswer(2, ['1', '2', '3'])).toMatchObject({ named: 'C', text: 'B' });
  expect(readAnswer(2, ['x', 'y', 'z'])).toMatchObject({ named: 'C', text: null });
});

describe("OmniMedVQA's modality strings", () => {
  it.each([
    ['CT(Computed Tomography)', 'CT'],
    ['MR (Mag-netic Resonance Imaging)', 'MRI'],
    ['OCT (Optical Coherence Tomography', 'OCT'],
    ['Fundus Photography', 'Fundus'],
    ['Microscopy Images', 'Microscopy'],
    ['ultrasound', 'Ultrasound'],
    ['X-Ray', 'X-Ray'],
    ['unknown', 'unknown'],
    ['', 'unknown'],
    ['Endoscopy', 'Endoscopy'],
  ])('%j is %s', (raw, name) => expect(modalityName(raw)).toBe(name));
});

it('equal texts differ at most in case, spacing and one full stop', () => {
  expect(normalizeText(' Lung  Nodule. ')).toBe(normalizeText('lung nodule'));
  expect(normalizeText('a..')).not.toBe(normalizeText('a'));
});
