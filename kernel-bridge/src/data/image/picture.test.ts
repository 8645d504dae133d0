import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { dicom, picture, pixels, temporary, write } from '../fixtures.ts';
import { fingerprint } from './fingerprint.ts';
import { HashTable } from './near.ts';
import { identify, modelImage, openPicture, toSharp } from './picture.ts';
import { rangeOf } from './window.ts';

const grey = async (bytes: Buffer, window?: { level?: number; width?: number }) => [
  ...(await toSharp(await identify(bytes, 'x'), window)
    .toColourspace('b-w')
    .raw()
    .toBuffer()),
];
const grey16 = (values: number[]) =>
  sharp(Uint16Array.from(values), { raw: { width: values.length, height: 1, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();

describe('16-bit images', () => {
  it('are shown over the range of their values: 12 bits in 16 are not black', async () => {
    const bytes = await grey16([0, 1024, 2048, 4095]);
    expect(await identify(bytes, 'x')).toMatchObject({ kind: 'grey', window: { level: 2047.5, width: 4095 } });
    expect(await grey(bytes)).toEqual([0, 64, 128, 255]);
  });
  it('take another window', async () =>
    expect(await grey(await grey16([0, 1000, 2000, 60000]), { level: 1000, width: 2000 })).toEqual([0, 128, 255, 255]));
});

it('a TIFF of 32-bit or floating values is shown over their range; of signed 16-bit ones it is refused, as they would be cut at 0', async () => {
  const int = Int32Array.of(-100_000, -50_000, 0, 100_000);
  expect(await grey(tiff(new Uint8Array(Float32Array.of(0, 0.25, 0.5, 1).buffer), 32, 3))).toEqual([0, 64, 128, 255]);
  expect(await grey(tiff(new Uint8Array(int.buffer), 32, 2))).toEqual([0, 64, 128, 255]);
  const short = tiff(new Uint8Array(Int16Array.of(-1000, -500, 0, 1000).buffer), 16, 2);
  await expect(identify(short, 'x')).rejects.toMatchObject({ problem: 'image-format' });
});

/** One row of grey values, uncompressed; format 2 is signed, 3 floating (TIFF 6.0). */
function tiff(pixels: Uint8Array, bits: number, format: number): Buffer {
  const tags: [tag: number, value: number][] = [
    [256, pixels.length / (bits / 8)],
    [257, 1],
    [258, bits],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, 1],
    [279, pixels.length],
    [339, format],
  ];
  const directory = Buffer.alloc(2 + 12 * tags.length + 4);
  directory.writeUInt16LE(tags.length, 0);
  tags.forEach(([tag, value], i) => {
    directory.writeUInt16LE(tag, 2 + 12 * i);
    directory.writeUInt16LE(4, 4 + 12 * i);
    directory.writeUInt32LE(1, 6 + 12 * i);
    directory.writeUInt32LE(value, 10 + 12 * i);
  });
  const head = Buffer.from('49492a0000000000', 'hex');
  head.writeUInt32LE(8 + pixels.length, 4);
  return Buffer.concat([head, pixels, directory]);
}

it('values that are no numbers do not spoil the range of the others', () => {
  expect(rangeOf(Float32Array.of(NaN, 1, 3, Infinity))).toEqual({ level: 2, width: 2 });
  expect(rangeOf(Float32Array.of(NaN))).toEqual({ level: 0, width: 1 });
});

describe('DICOM', () => {
  const four = { width: 4, height: 1 };
  it('is shown through the window of the file', async () => {
    expect(await grey(dicom({ ...four, values: [0, 50, 100, 4000], window: { level: 50, width: 100 } }))).toEqual([0, 128, 255, 255]);
  });
  it('has slope and intercept applied, and the sign of its values', async () => {
    const file = dicom({ ...four, values: [-1000, 0, 1000, 3000], signed: true, slope: 2, intercept: -24 });
    expect(await identify(file, 'x')).toMatchObject({ values: Float32Array.of(-2024, -24, 1976, 5976) });
  });
  it('MONOCHROME1 is white at its lowest value', async () => {
    expect(await grey(dicom({ ...four, values: [0, 0, 100, 100], photometric: 'MONOCHROME1' }))).toEqual([255, 255, 0, 0]);
  });
  it.each([
    ['compressed', dicom({ transferSyntax: '1.2.840.10008.1.2.4.50' }), 'image-compressed-dicom'],
    ['palette', dicom({ photometric: 'PALETTE COLOR' }), 'image-format'],
    ['half-sampled colour', dicom({ photometric: 'YBR_FULL_422' }), 'image-format'],
    ['a report, which has no pixels', dicom({ width: 0 }), 'image-format'],
    ['truncated', dicom().subarray(0, -8), 'image-unreadable'],
    ['cut in its header', dicom().subarray(0, 200), 'image-unreadable'],
    ['of 100,000 x 60,000', dicom({ width: 60000, height: 60000, values: [0] }), 'image-too-large'],
  ])('%s is refused by name', async (_, bytes, problem) => {
    await expect(identify(bytes, 'x')).rejects.toMatchObject({ problem });
  });
});

describe('a hostile file costs its own items and nothing else', () => {
  const bomb = () => {
    const header = Buffer.from('89504e470d0a1a0a0000000d49484452000186a0000186a00800000000', 'hex'); // 100,000 x 100,000
    const idat = deflateSync(Buffer.alloc(100));
    return Buffer.concat([header, Buffer.alloc(4), Buffer.from([0, 0, 0, idat.length]), Buffer.from('IDAT'), idat, Buffer.alloc(4)]);
  };
  it.each([
    ['a bomb', async () => bomb(), ['image-too-large', 'image-unreadable']],
    [
      'a truncated JPEG',
      async () =>
        (
          await sharp(pixels(1), { raw: { width: 48, height: 48, channels: 3 } })
            .jpeg()
            .toBuffer()
        ).subarray(0, 500),
      ['image-unreadable'],
    ],
    ['a web page named .png', async () => Buffer.from('<html><script>alert(1)</script>'), ['image-format']],
    ['an SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), ['image-format']],
    ['an empty file', async () => Buffer.alloc(0), ['image-format']],
  ])('%s', async (_, make, problems) => {
    using dir = temporary();
    write(dir.path, { 'x.png': await make() });
    const print = await fingerprint(dir.path, 'x.png');
    expect(problems).toContain(print.problem);
    expect(print).toMatchObject({ dhash: null, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('a JPEG named .png is what its bytes are', async () => {
    const jpeg = await sharp(pixels(1), { raw: { width: 48, height: 48, channels: 3 } })
      .jpeg()
      .toBuffer();
    expect(await identify(jpeg, 'x.png')).toMatchObject({ kind: 'file', width: 48 });
  });
});

it('EXIF orientation turns the picture and its size', async () => {
  const turned = await sharp(pixels(1, 20), { raw: { width: 20, height: 20, channels: 3 } })
    .resize(40, 20, { fit: 'fill' })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  expect(await identify(turned, 'x')).toMatchObject({ width: 20, height: 40 });
});

it('the model gets a file as it is, and 16-bit and DICOM images through their window', async () => {
  using dir = temporary();
  const png = await picture(1);
  write(dir.path, { 'x.png': png, 'deep.png': await grey16([0, 4095]), 'ct.dcm': dicom({ width: 2, height: 1, values: [0, 400] }) });
  expect(await modelImage(dir.path, 'x.png')).toEqual(png);
  for (const name of ['deep.png', 'ct.dcm']) {
    const { data, width, height, channels } = (await modelImage(dir.path, name)) as {
      data: Uint8Array;
      width: number;
      height: number;
      channels: number;
    };
    expect([width, height, data[0], data[channels]]).toEqual([2, 1, 0, 255]);
  }
  await expect(modelImage(dir.path, '../x.png')).rejects.toMatchObject({ problem: 'image-outside' });
});

it('the perceptual hash hardly sees size, quality and brightness, and tells pictures apart', async () => {
  using dir = temporary();
  const original = sharp(pixels(7, 96), { raw: { width: 96, height: 96, channels: 3 } });
  write(dir.path, {
    'a.png': await original.clone().png().toBuffer(),
    'small.jpg': await original.clone().resize(60, 60).jpeg({ quality: 60 }).toBuffer(),
    'bright.png': await original.clone().linear(0.9, 15).png().toBuffer(),
    'other.png': await picture(8, 96),
  });
  const hashes = await Promise.all(
    ['a.png', 'small.jpg', 'bright.png', 'other.png'].map(async (name) => (await fingerprint(dir.path, name)).dhash!),
  );
  const table = new HashTable(hashes);
  expect(table.distance(0, 1)).toBeLessThanOrEqual(6);
  expect(table.distance(0, 2)).toBeLessThanOrEqual(6);
  expect(table.distance(0, 3)).toBeGreaterThan(20);
});

it('opens by path inside the folder', async () => {
  using dir = temporary();
  write(dir.path, { 'a b/x.png': await picture(1) });
  expect(await openPicture(dir.path, 'a b/x.png')).toMatchObject({ width: 48, height: 48 });
});
