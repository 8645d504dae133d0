import { describe, expect, it } from 'vitest';
import { sfc32 } from '../../stats/random.ts';
import type { Scene } from '../../data/sample/world.ts';
import { bindingExample, captionExample, cleanExample, flawedExample, longBindingExample, namedExample } from './examples.ts';
import type { Example } from './examples.ts';

const SCENE: Scene = { modality: 'OCT', anatomy: 'cornea', lesion: { finding: 'cyst', size: 'large', place: 'top' } };
const THINK =
  /^<think>This (\w+) image shows the (\w+) with (.+)\. So the answer is \((\w+) ([A-D])\)\.<\/think><answer> ([A-D]) <\/answer>$/;

const draws = (make: (rng: ReturnType<typeof sfc32>) => Example, count = 400) => {
  const rng = sfc32('test');
  return Array.from({ length: count }, () => make(rng));
};

/** The letter that a prompt gives to an option. */
const letterOf = (example: Example, option: string) => new RegExp(`([A-D])\\)${option}\\b`).exec(example.text)?.[1];

describe('demonstrations', () => {
  it('look up the letters that the options have', () => {
    for (const example of draws(bindingExample, 50)) {
      const pairs = [...example.completion.matchAll(/ \((\w+) ([A-D])\)\./g)];
      expect(pairs).toHaveLength(4);
      for (const [, word, letter] of pairs) expect(letterOf(example, word)).toBe(letter);
    }
  });

  it('see what the image shows, name the right option and its letter', () => {
    for (const example of draws((rng) => cleanExample(rng, SCENE, 3, 'think'), 100)) {
      const [, modality, anatomy, seen, option, letter, final] = THINK.exec(example.completion)!;
      expect([modality, anatomy, seen]).toEqual(['OCT', 'cornea', 'a large blue ring at the top']);
      expect(['OCT', 'cornea', 'cyst', 'severe', 'top']).toContain(option);
      expect([letter, final]).toEqual([letterOf(example, option), letterOf(example, option)]);
      expect(example.image).toBe(3);
    }
  });

  it('that answer at once give the letter, or first the option and then its letter', () => {
    for (const example of draws((rng) => cleanExample(rng, SCENE, 0, 'no-think'), 50)) {
      const [, letter] = /^<answer> ([A-D]) <\/answer>$/.exec(example.completion)!;
      expect(['OCT', 'cornea', 'cyst', 'severe', 'top'].map((option) => letterOf(example, option))).toContain(letter);
    }
    for (const example of draws((rng) => namedExample(rng, SCENE, 0), 50)) {
      const [, option, letter] = /^<answer>(\w+) ([A-D]) <\/answer>$/.exec(example.completion)!;
      expect(['OCT', 'cornea', 'cyst', 'severe', 'top']).toContain(option);
      expect(letterOf(example, option)).toBe(letter);
    }
  });

  it('of the long look-up have no image and count letters alone', () => {
    for (const example of draws(longBindingExample, 50)) {
      expect([example.image, example.learn]).toEqual([null, 'letters']);
      const [, , , , option, letter] = THINK.exec(example.completion)!;
      expect(letterOf(example, option)).toBe(letter);
    }
  });

  it('of captions stop before the answer', () => {
    expect(captionExample(SCENE, 0).completion).toBe('<think>This OCT image shows the cornea with a large blue ring at the top.');
  });

  it('with flaws see something else, give another letter or break the format as often as asked', () => {
    const share = (flaws: Parameters<typeof flawedExample>[4], flawed: (example: Example) => boolean) =>
      draws((rng) => flawedExample(rng, SCENE, 0, 'think', flaws)).filter(flawed).length / 400;
    const none = { finding: 0, letter: 0, format: 0 };
    const wrongLetter = (example: Example) => {
      const [, , , , option, letter] = THINK.exec(example.completion)!;
      return letterOf(example, option) !== letter;
    };
    const wrongAnswer = (example: Example) => !['OCT', 'cornea', 'cyst', 'severe', 'top'].includes(THINK.exec(example.completion)![4]);
    expect(share(none, (example) => !THINK.test(example.completion) || wrongLetter(example) || wrongAnswer(example))).toBe(0);
    expect(share({ ...none, format: 0.25 }, (example) => !THINK.test(example.completion))).toBeCloseTo(0.25, 1);
    expect(share({ ...none, letter: 0.4 }, wrongLetter)).toBeCloseTo(0.3, 1); // a random letter is right one time in four
    expect(share({ ...none, finding: 0.4 }, wrongAnswer)).toBeCloseTo(0.3, 1);
  });

  it('with a wrong finding describe the finding that they then name', () => {
    const graded = draws((rng) => flawedExample(rng, SCENE, 0, 'think', { finding: 1, letter: 0, format: 0 })).filter(
      ({ type }) => type === 'Lesion Grading',
    );
    const sizes = { mild: 'small', moderate: 'medium', severe: 'large' };
    for (const { completion } of graded) {
      const [, , , seen, option] = THINK.exec(completion)!;
      expect(seen).toContain(option === 'none' ? 'no lesion' : sizes[option as keyof typeof sizes]);
    }
  });
});
