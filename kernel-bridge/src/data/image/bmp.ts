/** BMP files as RGB pixels, as Pillow decodes them: 1, 4 and 8 bits of palette (RLE too), 16, 24 and 32 bits, upright or from the bottom. */
import { ImageError, MAX_IMAGE_PIXELS } from './open.ts';

interface Header {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** Where palette and pixels begin. */
  palette: number;
  pixels: number;
  /** Bytes of a palette entry, and how many there are. */
  entry: number;
  colours: number;
}

const [RGB, RLE8, RLE4, BITFIELDS, ALPHA_BITFIELDS] = [0, 1, 2, 3, 6];
/** Masks of red, green and blue where the file names none. */
const MASKS: Readonly<Record<16 | 24 | 32, readonly [number, number, number]>> = {
  16: [0x7c00, 0x03e0, 0x001f],
  24: [0xff0000, 0x00ff00, 0x0000ff],
  32: [0xff0000, 0x00ff00, 0x0000ff],
};

/** Pixels [height, width, 3]. Throws ImageError. */
export function readBmp(bytes: Buffer, image: string): { data: Uint8Array; width: number; height: number } {
  try {
    const header = headerOf(bytes);
    if (header === null) throw new ImageError('image-format', image);
    const { width, height } = header;
    if (width < 1 || height < 1) throw new ImageError('image-unreadable', image);
    if (width * height > MAX_IMAGE_PIXELS) throw new ImageError('image-too-large', image);
    return { data: header.bits > 8 ? direct(bytes, header) : throughPalette(bytes, header), width, height };
  } catch (cause) {
    if (cause instanceof RangeError) throw new ImageError('image-unreadable', image, cause); // it ends too early
    throw cause;
  }
}

/** Null of a kind that is not read. */
function headerOf(bytes: Buffer): Header | null {
  const size = bytes.readUInt32LE(14);
  const pixels = bytes.readUInt32LE(10);
  if (size === 12) {
    const [width, height, bits] = [bytes.readUInt16LE(18), bytes.readUInt16LE(20), bytes.readUInt16LE(24)];
    if (![1, 4, 8, 24].includes(bits)) return null;
    return { width, height, topDown: false, bits, compression: RGB, palette: 26, pixels, entry: 3, colours: 2 ** bits };
  }
  if (size < 40) return null;
  const [width, tall, bits, compression] = [bytes.readInt32LE(18), bytes.readInt32LE(22), bytes.readUInt16LE(28), bytes.readUInt32LE(30)];
  const fields = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  const known = [1, 4, 8].includes(bits)
    ? [RGB, bits === 8 ? RLE8 : bits === 4 ? RLE4 : RGB].includes(compression)
    : bits === 24
      ? compression === RGB
      : (bits === 16 || bits === 32) && (compression === RGB || fields);
  if (!known) return null;
  const masks = fields && size === 40 ? (compression === ALPHA_BITFIELDS ? 16 : 12) : 0;
  const colours = bytes.readUInt32LE(46) || 2 ** bits;
  return { width, height: Math.abs(tall), topDown: tall < 0, bits, compression, palette: 14 + size + masks, pixels, entry: 4, colours };
}

/** 16, 24 and 32 bits: each colour is the part of the pixel under its mask, widened to 0..255. */
function direct(bytes: Buffer, { width, height, topDown, bits, compression, pixels }: Header): Uint8Array {
  const masks = compression === RGB ? MASKS[bits as 16 | 24 | 32] : [54, 58, 62].map((at) => bytes.readUInt32LE(at));
  const parts = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { shift, most: mask >>> shift };
  });
  const size = bits / 8;
  const stride = rowBytes(width, bits);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = pixels + (topDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      const pixel = bytes.readUIntLE(row + x * size, size);
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) {
        const { shift, most } = parts[c];
        data[at + c] = most === 0 ? 0 : Math.floor((((pixel >>> shift) & most) * 255) / most);
      }
    }
  }
  return data;
}

function throughPalette(bytes: Buffer, header: Header): Uint8Array {
  const { width, height, topDown, palette, entry, colours } = header;
  const indices = header.compression === RGB ? plainIndices(bytes, header) : runs(bytes, header);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = (topDown ? y : height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      const index = indices[row + x];
      const from = palette + index * entry;
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) data[at + c] = index < colours ? bytes.readUInt8(from + 2 - c) : 0;
    }
  }
  return data;
}

/** Rows in the order of the file. */
function plainIndices(bytes: Buffer, { width, height, bits, pixels }: Header): Uint8Array {
  const stride = rowBytes(width, bits);
  const mask = 2 ** bits - 1;
  const indices = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = bytes.readUInt8(pixels + y * stride + ((x * bits) >> 3));
      indices[y * width + x] = (byte >> (8 - bits - ((x * bits) & 7))) & mask;
    }
  }
  return indices;
}

/** Run lengths: (n, colour) repeats, (0, 0) ends a row, (0, 1) the picture, (0, 2) moves, (0, n) gives n colours as they are. */
function runs(bytes: Buffer, { width, height, bits, pixels }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [x, y, at] = [0, 0, pixels];
  const put = (colour: number): void => {
    if (x < width && y < height) indices[y * width + x] = colour;
    x++;
  };
  const colourOf = (byte: number, i: number): number => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, value] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
    at += 2;
    if (count > 0) for (let i = 0; i < count; i++) put(colourOf(value, i));
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) {
      x += bytes.readUInt8(at);
      y += bytes.readUInt8(at + 1);
      at += 2;
    } else {
      for (let i = 0; i < value; i++) put(colourOf(bytes.readUInt8(at + (bits === 8 ? i : i >> 1)), i));
      const used = bits === 8 ? value : (value + 1) >> 1;
      at += used + (used & 1); // on a word boundary
    }
  }
  return indices;
}

const rowBytes = (width: number, bits: number): number => ((width * bits + 31) >> 5) * 4;
