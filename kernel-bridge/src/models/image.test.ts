import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smartResize } from './families/qwen2vl/image-processor.ts';
import { decodeImage } from './image.ts';

let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'medr1-image-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};

const noise = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 97 + (i >> 4) * 31) % 256);
const jpeg = () =>
  sharp(noise, { raw: { width: 64, height: 48, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();

describe('decodeImage', () => {
  it('refuses a file that is missing, no file, truncated, empty or of a blocked kind, naming it', async () => {
    await expect(decodeImage(join(dir, 'no.png'))).rejects.toThrow(/no\.png: does not exist/);
    await expect(decodeImage(dir)).rejects.toThrow('not a file');
    const whole = await jpeg();
    await expect(decodeImage(file('cut.jpg', whole.subarray(0, whole.length * 0.6)))).rejects.toThrow(/cut\.jpg: .*premature end/i);
    await expect(decodeImage(file('empty.png', ''))).rejects.toThrow('empty.png');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await expect(decodeImage(file('drawing.svg', svg))).rejects.toThrow(/drawing\.svg: .*unsupported/);
  });

  it('does not wait for a pipe', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe.png')]);
    await expect(decodeImage(join(dir, 'pipe.png'))).rejects.toThrow('not a file');
  });

  it('refuses an enormous image before decoding it', async () => {
    await expect(decodeImage(file('bomb.png', pngHeader(100_000, 100_000)))).rejects.toThrow(/bomb\.png: .*pixel limit/i);
  });

  it('takes 16-bit grey as Pillow does: clipped, but with an alpha channel its high byte', async () => {
    const grey = Buffer.from([0, 0x01, 0x23, 0x00, 0x80]); // no filter; 0x0123 and 0x0080
    const plain = await decodeImage(file('grey16.png', png(2, 1, 0, 16, grey)));
    expect([...plain.data]).toEqual([255, 255, 255, 128, 128, 128]);
    const alpha = Buffer.from([0, 0x01, 0x23, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00]);
    const both = await decodeImage(file('grey_alpha16.png', png(2, 1, 4, 16, alpha)));
    expect([...both.data]).toEqual([1, 1, 1, 128, 128, 128]);
  });

  it('makes the one transparent colour of a PNG white, as transformers does, and drops every other transparency', async () => {
    const pixels = async (...args: Parameters<typeof png>) => [...(await decodeImage(png(...args))).data];
    const chunks = (...of: [string, number[]][]): [string, Uint8Array][] => of.map(([type, data]) => [type, Uint8Array.from(data)]);
    const white = [255, 255, 255];
    expect(await pixels(2, 1, 0, 8, Buffer.from([0, 5, 9]), chunks(['tRNS', [0, 5]]))).toEqual([...white, 9, 9, 9]);
    const colours = Buffer.from([0, 1, 2, 3, 1, 2, 4]);
    expect(await pixels(2, 1, 2, 8, colours, chunks(['tRNS', [0, 1, 0, 2, 0, 3]]))).toEqual([...white, 1, 2, 4]);
    const palette: [string, number[]] = ['PLTE', [10, 20, 30, 40, 50, 60]];
    const indices = Buffer.from([0, 0, 1]);
    expect(await pixels(2, 1, 3, 8, indices, chunks(palette, ['tRNS', [255, 0]]))).toEqual([10, 20, 30, ...white]);
    expect(await pixels(2, 1, 3, 8, indices, chunks(palette, ['tRNS', [0, 0]]))).toEqual([10, 20, 30, 40, 50, 60]);
    expect(await pixels(2, 1, 3, 8, indices, chunks(palette, ['tRNS', [128, 0]]))).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('takes pixels as they are: grey is repeated, alpha dropped, a wrong size refused', async () => {
    const grey = await decodeImage({ data: Uint8Array.of(7, 9), width: 2, height: 1, channels: 1 });
    expect([...grey.data]).toEqual([7, 7, 7, 9, 9, 9]);
    const clear = await decodeImage({ data: Uint8Array.of(1, 2, 3, 0), width: 1, height: 1, channels: 4 });
    expect([...clear.data]).toEqual([1, 2, 3]);
    await expect(decodeImage({ data: Uint8Array.of(1), width: 2, height: 1, channels: 1 })).rejects.toThrow('1 bytes are not 1 x 2 x 1');
  });
});

describe('smartResize', () => {
  it.each([
    // height, width -> height, width; factor 28, pixels within [3136, 12845056] unless given
    [384, 384, 392, 392],
    [42, 70, 56, 56], // 1.5 and 2.5 round to even, as in Python
    [10, 10, 56, 56], // too small: scaled up
    [300, 57, 308, 56],
  ])('%i x %i becomes %i x %i', (height, width, h, w) => {
    expect(smartResize(height, width, 28, 3136, 12845056)).toEqual([h, w]);
  });
  it('scales down to the largest area allowed', () => {
    expect(smartResize(2000, 1000, 28, 3136, 401408)).toEqual([896, 448]);
  });
  it('refuses an aspect ratio above 200 with the words of transformers', () => {
    expect(() => smartResize(4030, 20, 28, 3136, 12845056)).toThrow('absolute aspect ratio must be smaller than 200, got 201.5');
  });
});

/** A PNG that announces a size and holds nothing. */
const pngHeader = (width: number, height: number) => png(width, height, 2, 8, Buffer.alloc(10));

/** `lines` are the filtered lines, not deflated yet; `before` are chunks that stand before them. */
function png(
  width: number,
  height: number,
  colourType: number,
  depth: number,
  lines: Uint8Array,
  before: readonly [type: string, data: Uint8Array][] = [],
): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([depth, colourType, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const given = before.map(([type, data]) => chunk(type, data));
  return Buffer.concat([signature, chunk('IHDR', size), ...given, chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

function crc(bytes: Uint8Array): number {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}
