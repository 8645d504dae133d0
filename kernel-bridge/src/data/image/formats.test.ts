import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { pixels, temporary, write } from '../fixtures.ts';
import { readBmp } from './bmp.ts';
import { fingerprint } from './fingerprint.ts';
import { identify, pixelsOf, pixelsOfFile } from './picture.ts';
import { join } from 'node:path';

/** A BMP with the newer header of 40 bytes; rows as the file has them. */
function bmp(options: {
  width: number;
  height: number;
  bits: number;
  rows: number[];
  palette?: number[];
  compression?: number;
  masks?: number[];
}): Buffer {
  const { width, height, bits, rows, palette = [], compression = 0, masks = [] } = options;
  const head = Buffer.alloc(54 + 4 * masks.length);
  head.write('BM');
  head.writeUInt32LE(head.length + 4 * palette.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  head.writeUInt32LE(palette.length, 46);
  masks.forEach((mask, i) => head.writeUInt32LE(mask, 54 + 4 * i));
  const colours = Buffer.alloc(4 * palette.length);
  palette.forEach((colour, i) => colours.writeUInt32LE(colour, 4 * i));
  return Buffer.concat([head, colours, Buffer.from(rows)]);
}

const [RED, BLUE, WHITE, BLACK] = [0xff0000, 0x0000ff, 0xffffff, 0x000000];
const rgb = (colours: number[]) => colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]);

describe('BMP, as Pillow 12 decodes it', () => {
  it.each<[string, Parameters<typeof bmp>[0], number[]]>([
    ['24 bits, from the bottom', { width: 1, height: 2, bits: 24, rows: [255, 0, 0, 0, 0, 0, 255, 0] }, [RED, BLUE]],
    ['24 bits, from the top', { width: 1, height: -2, bits: 24, rows: [255, 0, 0, 0, 0, 0, 255, 0] }, [BLUE, RED]],
    ['32 bits', { width: 2, height: 1, bits: 32, rows: [255, 0, 0, 9, 0, 0, 255, 9] }, [BLUE, RED]],
    ['16 bits, five a colour', { width: 2, height: 1, bits: 16, rows: [0x1f, 0, 0xef, 0x3d] }, [BLUE, 0x7b7b7b]],
    [
      '16 bits under masks',
      { width: 2, height: 1, bits: 16, compression: 3, masks: [0xf800, 0x7e0, 0x1f], rows: [0, 0xf8, 0xff, 0xff] },
      [RED, WHITE],
    ],
    ['8 bits of palette', { width: 2, height: 1, bits: 8, palette: [BLACK, RED], rows: [1, 0, 0, 0] }, [RED, BLACK]],
    ['4 bits of palette', { width: 3, height: 1, bits: 4, palette: [BLACK, RED, BLUE], rows: [0x12, 0x00, 0, 0] }, [RED, BLUE, BLACK]],
    ['1 bit', { width: 3, height: 1, bits: 1, palette: [BLACK, WHITE], rows: [0b10100000, 0, 0, 0] }, [WHITE, BLACK, WHITE]],
    [
      'runs of 8 bits',
      { width: 3, height: 2, bits: 8, compression: 1, palette: [BLACK, RED, BLUE], rows: [3, 1, 0, 0, 0, 3, 2, 1, 2, 0, 0, 1] },
      [BLUE, RED, BLUE, RED, RED, RED],
    ],
    [
      'runs of 4 bits',
      { width: 3, height: 1, bits: 4, compression: 2, palette: [BLACK, RED, BLUE], rows: [3, 0x12, 0, 1] },
      [RED, BLUE, RED],
    ],
  ])('%s', (_, options, colours) => expect([...readBmp(bmp(options), 'x').data]).toEqual(rgb(colours)));

  it.each([
    ['cut off', bmp({ width: 9, height: 9, bits: 24, rows: [1, 2, 3] }), 'image-unreadable'],
    ['of 30,000 x 30,000', bmp({ width: 30_000, height: 30_000, bits: 24, rows: [] }), 'image-too-large'],
    ['of a compression that is not read', bmp({ width: 1, height: 1, bits: 24, compression: 4, rows: [] }), 'image-format'],
    ['without a palette', bmp({ width: 1, height: 1, bits: 8, rows: [] }), 'image-unreadable'],
  ])('%s is refused by name', async (_, bytes, problem) => {
    await expect(identify(bytes, 'x.bmp')).rejects.toMatchObject({ problem });
  });
});

describe('JPEG 2000', () => {
  // six colours in RGB, four greys of 16 bits: written by Pillow, losslessly
  const COLOURS =
    'AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAAAgAAAAMAAwcHAAAAAAAPY29scgEAAAAAABAAAACmanAyY/9P/1EALwAAAAAAAwAAAAIAAAAAAAAAAAAAAAMAAAACAAAAAAAAAAAAAwcBAQcBAQcBAf9SAAwAAAABAAAEBAAB/1wABEBA/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS40/5AACgAAAAAALgAB/5PfgEAL5G4QWm6Vd9+AQAjzoGkn9/TP34A4CLT3/u4BX//Z';
  const GREYS =
    'AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAAAgAAAAIAAQ8HAAAAAAAPY29scgEAAAAAABEAAACLanAyY/9P/1EAKQAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAAQ8BAf9SAAwAAAABAAAEBAAB/1wABECA/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS40/5AACgAAAAAAGQAB/5Pf+JA4B4FXWNDEr//Z';
  const colours = Buffer.from(COLOURS, 'base64');

  it('is read as it is, and as a bare code stream', async () => {
    const expected = rgb([RED, 0x00ff00, BLUE, BLACK, 0x808080, WHITE]);
    const stream = colours.subarray(colours.indexOf(Buffer.from('ff4fff51', 'hex')));
    for (const bytes of [colours, stream]) {
      const picture = await identify(bytes, 'x.jp2');
      expect(picture).toMatchObject({ kind: 'rgb', width: 3, height: 2 });
      expect([...(picture as { data: Uint8Array }).data]).toEqual(expected);
    }
  });
  it('of 16 bits keeps its values until a window is chosen', async () =>
    expect(await identify(Buffer.from(GREYS, 'base64'), 'x')).toMatchObject({
      kind: 'grey',
      values: Float32Array.of(0, 1024, 2048, 4095),
    }));
  it('that is cut off, too large or of other colours is refused by name', async () => {
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(colours);
      bytes.writeUInt32BE(value, bytes.indexOf(Buffer.from('ff4fff51', 'hex')) + at);
      return bytes;
    };
    await expect(identify(colours.subarray(0, 120), 'x')).rejects.toMatchObject({ problem: 'image-unreadable' });
    await expect(identify(changed(8, 2 ** 31), 'x')).rejects.toMatchObject({ problem: 'image-too-large' });
    await expect(identify(changed(40, 0x00040701), 'x')).rejects.toMatchObject({ problem: 'image-format' });
  });
});

const photo = () => sharp(pixels(3), { raw: { width: 48, height: 48, channels: 3 } });

it('the first frame of a GIF', async () => {
  const gif = await photo().gif().toBuffer();
  expect(await identify(gif, 'x.gif')).toMatchObject({ kind: 'file', width: 48, height: 48 });
});

it('a JPEG with an odd scan header is read, as browsers and Pillow read it; one that breaks off is not', async () => {
  using dir = temporary();
  const odd = await photo().jpeg().toBuffer();
  const scan = odd.indexOf(Buffer.from('ffda', 'hex'));
  odd[scan + 2 + odd.readUInt16BE(scan + 2) - 2] = 0; // the end of the spectrum, 63 in a sequential JPEG
  await expect(sharp(odd, { failOn: 'warning' }).raw().toBuffer()).rejects.toThrow(/SOS/);
  write(dir.path, { 'odd.jpg': odd, 'cut.jpg': odd.subarray(0, -2) });
  expect(await fingerprint(dir.path, 'odd.jpg')).toMatchObject({ problem: null, width: 48, windowed: null });
  expect(await fingerprint(dir.path, 'cut.jpg')).toMatchObject({ problem: 'image-unreadable' });
});

it.each([
  [201, 1, 'image-thin'],
  [1, 201, 'image-thin'],
  [200, 1, null],
])('%d x %d pixels: %s', async (width, height, problem) => {
  using dir = temporary();
  const png = await sharp({ create: { width, height, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  write(dir.path, { 'x.png': png });
  expect(await fingerprint(dir.path, 'x.png')).toMatchObject({ problem, width, height });
});

it('a file that is named alone is shown to the model as training would show it', async () => {
  using dir = temporary();
  const deep = await sharp(Uint16Array.of(0, 2048, 4095, 4095), { raw: { width: 4, height: 1, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  write(dir.path, { 'x.png': deep });
  const alone = (await pixelsOfFile(join(dir.path, 'x.png'))) as { data: Uint8Array; channels: number };
  expect([0, 1, 2].map((i) => alone.data[i * alone.channels])).toEqual([0, 128, 255]);
  expect(alone).toEqual(await pixelsOf(await identify(deep, 'x.png')));
  await expect(pixelsOfFile(join(dir.path, 'none.png'))).rejects.toMatchObject({ problem: 'image-missing' });
});
