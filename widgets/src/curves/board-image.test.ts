import { expect, it } from 'vitest';
import { boardSvg, TITLE_HEIGHT } from './board-image.ts';

const chart = (title: string, x: number, y: number) => ({ title, url: 'data:image/svg+xml,%3Csvg/%3E', x, y, width: 300, height: 190 });
const PALETTE = { text: 'black', surface: 'white' };

it('charts stand in the picture as on the board, from its upper left corner', () => {
  const svg = boardSvg([chart('Reward', 100, 500), chart('KL', 404, 500)], PALETTE);
  expect(svg).toContain(`width="620" height="${190 + TITLE_HEIGHT + 16}"`);
  expect([...svg.matchAll(/<image x="(\d+)" y="(\d+)"/g)].map(([, x, y]) => [Number(x), Number(y)])).toEqual([
    [8, 8 + TITLE_HEIGHT],
    [312, 8 + TITLE_HEIGHT],
  ]);
});

it('a title is text, whatever is written in it', () => {
  const svg = boardSvg([chart('<script>"a" & b</script>', 0, 0)], PALETTE);
  expect(svg).toContain('&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;');
});
