import { expect, it } from 'vitest';
import { piecesOver } from './marked.ts';

it('what goes over several texts is found in each of them', () => {
  expect(piecesOver(['a tu', 'mor ', 'and', ' tumor tumor'], /tumor/gi)).toEqual([
    ['a ', 'tu', ''],
    ['', 'mor', ' '],
    ['and'],
    [' ', 'tumor', ' ', 'tumor', ''],
  ]);
  expect(piecesOver(['', 'no', ''], /tumor/g)).toEqual([[''], ['no'], ['']]);
  expect(piecesOver(['x', 'y'], null)).toEqual([['x'], ['y']]);
});
