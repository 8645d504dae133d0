import { expect, it } from 'vitest';
import { lineOfTest } from './test-lines.ts';

const FILE = `// export const tests = [1];
const more = [1, 2];
export const tests: { completion: string; expected: number }[] = [
  { completion: 'a, ] "', expected: 1 }, // { not one, nor two
  /* { nor this }, */
  { completion: \`two
lines\`, options: ['x', 'y'], expected: Math.max(1, 2) }, { completion: "\\"", expected: 3 },
  ...more.map((expected) => ({ completion: '', expected })),
  { completion: 'behind', expected: 0 },
];
export default (all: string[]) => all.map(() => 1);
`;

it('tests are found by their lines, whatever texts and comments hold', () => {
  expect([0, 1, 2].map((index) => lineOfTest(FILE, index))).toEqual([4, 6, 7]);
});

it('nothing is said of tests behind others that are not written out, nor of those that there are none of', () => {
  expect([3, 4, 9].map((index) => lineOfTest(FILE, index))).toEqual([null, null, null]);
  expect(lineOfTest('export const tests = [1, 2];', 2)).toBeNull();
  expect(lineOfTest('const list = [1]; export const tests = list;', 0)).toBeNull();
  expect(lineOfTest('export const tests = [', 0)).toBeNull();
});
