/** Writes a scene as SVG: a picture that stands alone has a legend, for it has none of the page's around it. No DOM here. */
import { pathRound } from 'd3-path';
import { MARGIN } from './scale.ts';
import { DASH_LENGTHS, RIM, type Scene, type Shape, type Size } from './scene.ts';
import type { ChartLine } from './line.ts';

const TEXT = 'font-family="system-ui, sans-serif"';
/** Height of the title, and of a row of the legend. */
const TITLE_HEIGHT = 22;
const ROW_HEIGHT = 16;
/** Height of the line under the numbers of x, which says what they are. */
const AXIS_HEIGHT = 16;
/** Width of a letter of the legend, about; of a piece of line; and between two entries. */
const LETTER = 6.2;
const SWATCH = 22;
const GAP = 14;
const PAD = 4;
/** Around all pictures of an SVG. */
const MARGIN_AROUND = 8;
/** Letters of a name or title; more would be cut at the edge. */
const MOST_LETTERS = 60;
const LEAST_PLOT = 80;

export interface Picture {
  width: number;
  height: number;
  /** Elements of SVG, drawn from 0, 0. */
  elements: string;
}

/** What happened at a step: a sign `at` so many pixels, and a line through the chart where what follows is made otherwise. */
export interface PictureMark {
  at: number;
  glyph: string;
  text: string;
  line: boolean;
}

/** Of a chart, in this size: its title, its legend, below them the scene that is made for what is left, with its marks, and what x is. `id` tells it from others of the same SVG. */
export function pictureOf(
  { title, x }: { title: string; x: string },
  lines: readonly ChartLine[],
  { width, height }: Size,
  make: (plot: Size) => Scene,
  id: string,
  marks: (plot: Size) => readonly PictureMark[] = () => [],
): Picture {
  const rows = rowsOf(lines, width);
  const top = TITLE_HEIGHT + rows.length * ROW_HEIGHT;
  const scene = make({ width, height: Math.max(LEAST_PLOT, height - top - AXIS_HEIGHT) });
  const bottom = top + scene.height;
  const middle = tenth((MARGIN.l + scene.width - MARGIN.r) / 2);
  const heading = `<text x="4" y="15" ${TEXT} font-size="13" font-weight="600" fill="${escaped(scene.text)}">${escaped(brief(title))}</text>`;
  return {
    width,
    height: bottom + AXIS_HEIGHT,
    elements:
      heading +
      `<g transform="translate(0 ${TITLE_HEIGHT})" ${TEXT} font-size="11" fill="${escaped(scene.text)}">${legend(rows)}</g>` +
      `<g transform="translate(0 ${top})">${elementsOf(scene, id)}${marksOf(scene, marks(scene))}</g>` +
      `<text x="${middle}" y="${bottom + 10}" text-anchor="middle" ${TEXT} font-size="11" fill="${escaped(scene.text)}">${escaped(x)}</text>`,
  };
}

/** One SVG of pictures at their places. */
export function svgOf(placed: readonly (Picture & { x: number; y: number })[], surface: string): string {
  const left = Math.min(...placed.map(({ x }) => x)) - MARGIN_AROUND;
  const top = Math.min(...placed.map(({ y }) => y)) - MARGIN_AROUND;
  const width = Math.max(...placed.map(({ x, width: own }) => x + own)) + MARGIN_AROUND - left;
  const height = Math.max(...placed.map(({ y, height: own }) => y + own)) + MARGIN_AROUND - top;
  const parts = placed.map(({ x, y, elements }) => `<g transform="translate(${x - left} ${y - top})">${elements}</g>`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${escaped(surface)}"/>${parts.join('')}</svg>`
  );
}

function elementsOf({ width, height, xTicks, yTicks, shapes, notes, grid, text, surface }: Scene, id: string): string {
  const [right, bottom] = [width - MARGIN.r, height - MARGIN.b];
  const down = xTicks.map(({ at }) => `M${Math.round(at) + 0.5},${MARGIN.t}V${bottom}`).join('');
  const across = yTicks.map(({ at }) => `M${MARGIN.l},${Math.round(at) + 0.5}H${right}`).join('');
  const marks = [
    ...xTicks.map((tick) => `<text x="${tenth(tick.textAt)}" y="${bottom + 14}" text-anchor="middle">${escaped(tick.text)}</text>`),
    ...yTicks.map((tick) => `<text x="${MARGIN.l - 5}" y="${tenth(tick.at + 3.5)}" text-anchor="end">${escaped(tick.text)}</text>`),
  ];
  return (
    `<path d="${down}${across}" stroke="${escaped(grid)}" fill="none"/>` +
    `<g ${TEXT} font-size="10" fill="${escaped(text)}">${marks.join('')}</g>` +
    `<clipPath id="${id}"><rect x="${MARGIN.l}" y="${MARGIN.t}" width="${right - MARGIN.l}" height="${bottom - MARGIN.t}"/></clipPath>` +
    `<g clip-path="url(#${id})">${shapes.map(shapeElement).join('')}</g>` +
    `<g ${TEXT} font-size="10" stroke="${escaped(surface)}" stroke-width="${RIM}" paint-order="stroke">${notes.map((note) => `<text x="${tenth(note.x)}" y="${tenth(note.y + 3.5)}" fill="${escaped(note.colour)}">${escaped(note.text)}</text>`).join('')}</g>`
  );
}

function marksOf({ height, text }: Scene, marks: readonly PictureMark[]): string {
  const bottom = height - MARGIN.b;
  const one = ({ at, glyph, text: says, line }: PictureMark): string =>
    (line ? `<path d="M${tenth(at)},${MARGIN.t}V${bottom}" stroke="${escaped(text)}" stroke-dasharray="3 3" opacity="0.7"/>` : '') +
    `<text x="${tenth(at)}" y="${line ? MARGIN.t + 9 : bottom - 3}" text-anchor="middle"><title>${escaped(says)}</title>${escaped(glyph)}</text>`;
  return marks.length === 0 ? '' : `<g ${TEXT} font-size="11" fill="${escaped(text)}">${marks.map(one).join('')}</g>`;
}

function shapeElement({ colour, opacity, stroke, draw }: Shape): string {
  const pen = pathRound(1);
  draw(pen);
  return `<path d="${pen}" opacity="${opacity}" ${stroke ? strokeOf(colour, stroke) : `fill="${escaped(colour)}"`}/>`;
}

function strokeOf(colour: string, { width, dash }: NonNullable<Shape['stroke']>): string {
  const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
  return `fill="none" stroke="${escaped(colour)}" stroke-width="${width}" stroke-linejoin="round"${dashes}`;
}

interface Entry {
  line: ChartLine;
  text: string;
  x: number;
}

/** The names of the lines in as many rows as they need. */
function rowsOf(lines: readonly ChartLine[], width: number): Entry[][] {
  const rows: Entry[][] = [];
  let x = Infinity;
  for (const line of lines) {
    const text = brief(line.label);
    const wide = SWATCH + LETTER * text.length;
    if (x + wide > width) {
      rows.push([]);
      x = PAD;
    }
    rows.at(-1)!.push({ line, text, x });
    x += wide + GAP;
  }
  return rows;
}

/** Each name behind a piece of its line. */
const legend = (rows: readonly Entry[][]): string =>
  rows
    .flatMap((row, at) =>
      row.map(({ line: { colour, dash }, text, x }) => {
        const y = (at + 0.5) * ROW_HEIGHT;
        const piece = `<path d="M${x},${y}h${SWATCH - 4}" ${strokeOf(colour, { width: 1.75, dash: DASH_LENGTHS[dash] })}/>`;
        return `${piece}<text x="${x + SWATCH}" y="${y + 4}">${escaped(text)}</text>`;
      }),
    )
    .join('');

const brief = (text: string): string => (text.length <= MOST_LETTERS ? text : `${text.slice(0, MOST_LETTERS - 1)}…`);

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** As text in an SVG, whatever is written in it: signs that XML has no place for are shown as unknown ones. */
const escaped = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!);
