/** A board as one picture: the charts as they stand, each with its title, in one SVG; or that SVG painted as PNG. */
import type { Palette } from '../theme.ts';

/** A chart's own drawing, and where it stands on the board, in pixels. */
export interface Placed {
  title: string;
  /** data: address of an SVG. */
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Above each chart, for its title. */
export const TITLE_HEIGHT = 22;
const PAD = 8;
/** Pixels of a PNG for each of the board. */
const SHARPNESS = 2;

/** One SVG with the others in it. `x` and `y` of the charts may begin anywhere. */
export function boardSvg(charts: readonly Placed[], { text, surface }: Pick<Palette, 'text' | 'surface'>): string {
  const left = Math.min(...charts.map(({ x }) => x)) - PAD;
  const top = Math.min(...charts.map(({ y }) => y)) - PAD;
  const width = Math.max(...charts.map(({ x, width: own }) => x + own)) + PAD - left;
  const height = Math.max(...charts.map(({ y, height: own }) => y + TITLE_HEIGHT + own)) + PAD - top;
  const parts = charts.map(
    ({ title, url, x, y, width: w, height: h }) =>
      `<text x="${x - left + 4}" y="${y - top + 15}" font-family="system-ui, sans-serif" font-size="13" font-weight="600" fill="${escaped(text)}">${escaped(title)}</text>` +
      `<image x="${x - left}" y="${y - top + TITLE_HEIGHT}" width="${w}" height="${h}" href="${escaped(url)}"/>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${escaped(surface)}"/>${parts.join('')}</svg>`
  );
}

const escaped = (value: string): string =>
  value.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!);

/** Rejects where the browser cannot paint it. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width * SHARPNESS, height: image.height * SHARPNESS });
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large for the browser. Save it as SVG.'))),
      'image/png',
    ),
  );
}
