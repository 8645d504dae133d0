import { expect, it } from 'vitest';
import type { ChartLine } from './line.ts';
import { sceneOf, type Size } from './scene.ts';
import { pictureOf, svgOf } from './svg.ts';

const PALETTE = { series: ['red'], text: 'black', grid: 'grey', surface: 'white' };
const scene = (size: Size) =>
  sceneOf(
    {
      traces: [{ kind: 'line', colour: 'red', width: 1.75, dash: 'dash', opacity: 1, stepped: false, dots: false, x: [0, 10], y: [0, 1] }],
      heat: null,
      cuts: [{ x: 4, text: '6 min', colour: 'red' }],
      settings: { axis: 'training', logY: false },
      x: [0, 10],
      y: [0, 1],
    },
    PALETTE,
    size,
  );
const line = (label: string) => ({ label, colour: 'red', dash: 'dash' }) as ChartLine;
const picture = (title: string, lines: ChartLine[], size: Size = { width: 300, height: 190 }) =>
  pictureOf({ title, x: 'time without pauses' }, lines, size, scene, 'plot');

it('a chart by itself has its title, its lines with their dashes, their names, and the numbers of both axes', () => {
  const svg = svgOf([{ ...picture('Reward', [line('a'), line('b')]), x: 0, y: 0 }], 'white');
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="316" height="206"/);
  for (const part of [
    '>Reward</text>',
    '>a</text>',
    '>b</text>',
    'stroke-dasharray="7 4"',
    '>10 min</text>',
    '>6 min</text>',
    '>0.5</text>',
    '>time without pauses</text>',
    'clip-path="url(#plot)"',
  ])
    expect(svg).toContain(part);
  expect(svg).toMatch(/<path d="M44,[\d.]+L292,[\d.]+"/);
});

it('charts stand in the picture as on the board, from its upper left corner', () => {
  const at = (x: number, y: number) => ({ ...picture('Reward', []), x, y });
  const svg = svgOf([at(100, 500), at(404, 500)], 'white');
  expect([...svg.matchAll(/<g transform="translate\((\d+) (\d+)\)"><text x="4" y="15"/g)].map(([, x, y]) => [x, y])).toEqual([
    ['8', '8'],
    ['312', '8'],
  ]);
  expect(svg).toContain('width="620"');
});

it('many names take as many rows as they need, and the plot what they leave', () => {
  const few = picture('T', [line('a')], { width: 300, height: 400 });
  const many = picture(
    'T',
    Array.from({ length: 12 }, (_, at) => line(`Seed ${at} of the long run`)),
    { width: 300, height: 400 },
  );
  const plotTop = ({ elements }: { elements: string }) =>
    Math.max(...[...elements.matchAll(/<g transform="translate\(0 (\d+)\)"/g)].map(([, y]) => Number(y)));
  expect([few.height, many.height]).toEqual([400, 400]);
  expect(plotTop(many)).toBeGreaterThan(plotTop(few) + 60);
  expect(
    picture(
      'T',
      Array.from({ length: 40 }, () => line('long name')),
    ).height,
  ).toBeGreaterThan(190);
});

it('a name is text, whatever is written in it, and no longer than can be read', () => {
  const { elements } = picture('<script>"a" & b</script>', [line('\u0000\ud800</svg>'), line('x'.repeat(1_000_000))]);
  expect(elements).toContain('&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;');
  expect(elements).toContain('\ufffd\ufffd&lt;/svg&gt;');
  expect(elements.length).toBeLessThan(5000);
});

it('has the marks of the chart: what was changed goes through it, each with its words', () => {
  const marks = () => [
    { at: 100, glyph: '▼', text: 'Rewards, step 4\nformat 1 → <0.3>', line: true },
    { at: 200, glyph: '◆', text: 'Checkpoint, step 8', line: false },
  ];
  const { elements } = pictureOf({ title: 'Reward', x: 'step' }, [line('a')], { width: 300, height: 190 }, scene, 'plot', marks);
  expect(elements).toMatch(/<path d="M100,6V\d+"[^>]*stroke-dasharray="3 3"/);
  expect(elements).toContain('<title>Rewards, step 4\nformat 1 → &lt;0.3&gt;</title>▼');
  expect(elements).toMatch(/<text x="200"[^>]*><title>Checkpoint, step 8<\/title>◆/);
  expect(elements).not.toMatch(/M200,6V/);
});
