import { describe, expect, it } from 'vitest';
import { modalityName, normalizeText } from './names.ts';
import { answerLetter, parseProblem, parseSolution, withoutLetters } from './options.ts';

describe('parseProblem splits the question from its options', () => {
  it.each([
    ['What is it? A)CT, B)MRI', 'What is it?', ['CT', 'MRI']],
    ['What is it? A)x, B)y, C)z, D)w, E)v, F)u', 'What is it?', ['x', 'y', 'z', 'w', 'v', 'u']],
    ['Is it so? A)Yes., B)No.', 'Is it so?', ['Yes.', 'No.']],
    ['Which? A)Left, upper lobe, B)Right (lower) lobe, C)None', 'Which?', ['Left, upper lobe', 'Right (lower) lobe', 'None']],
    [
      'Type? A)Magnetic resonance imaging (MRI), B)Electrocardiogram (ECG)',
      'Type?',
      ['Magnetic resonance imaging (MRI)', 'Electrocardiogram (ECG)'],
    ],
    ['Is hepatitis A) common? A)Yes, B)No', 'Is hepatitis A) common?', ['Yes', 'No']],
    ['Which?\nA) one\nB) two', 'Which?', ['one', 'two']],
  ])('%s', (problem, question, options) => expect(parseProblem(problem)).toEqual({ question, options }));

  it.each(['What is it?', 'What is it? A)only one', 'What is it? B)x, C)y'])('%s has no two options', (problem) =>
    expect(parseProblem(problem)).toBeNull(),
  );
});

describe('answerLetter', () => {
  const options = ['Yes.', 'No', 'Covid-19 pneumonia', 'B'];
  it.each([
    ['Yes', 'A'],
    ['NO.', 'B'],
    [' covid-19  pneumonia. ', 'C'],
    ['b', 'D'], // an option of that text comes before the letter
    ['C)', 'C'],
    ['(a).', 'A'],
    ['A', 'A'],
    [0, 'A'],
    [3, 'D'],
    [4, null],
    ['E', null],
    ['Pneumonia', null],
    ['B. No', 'B'], // letter and text
    ['C) covid-19 pneumonia', 'C'],
    ['A. No', null], // which do not agree
  ])('%j is %s', (answer, letter) => expect(answerLetter(answer, options)).toBe(letter));
});

it('options that bear their letters are read without them, others as they are', () => {
  expect(withoutLetters(['A. cyst', 'b) mass', '(C) none'])).toEqual(['cyst', 'mass', 'none']);
  for (const list of [['A. fumigatus', 'E. coli'], ['A. one'], ['x', 'y'], []]) expect(withoutLetters(list)).toBe(list);
});

it('an answer that is a number is an option of that text, or else its number from 0', () => {
  expect(answerLetter(2, ['1', '2', '3'])).toBe('B');
  expect(answerLetter(2, ['x', 'y', 'z'])).toBe('C');
});

it("Med-R1's solution is read with and without its tags", () => {
  expect(['<answer> C </answer>', '<answer>C</answer>', 'C'].map(parseSolution)).toEqual(['C', 'C', 'C']);
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
