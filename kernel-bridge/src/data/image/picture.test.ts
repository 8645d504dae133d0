import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { dicom, picture, pixels, temporary, write } from '../fixtures.ts';
import { fingerprint } from './fingerprint.ts';
import { HashTable } from './near.ts';
import { identify, modelImage, openPicture, toSharp } from './picture.ts';

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
