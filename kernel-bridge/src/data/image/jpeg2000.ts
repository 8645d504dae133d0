/** JPEG 2000 files by OpenJPEG, which decodes them for Pillow too: grey and RGB of 8 bits, grey of more. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ImageError, MAX_IMAGE_PIXELS } from './open.ts';
import type { Picture } from './types.ts';
import { rangeOf } from './window.ts';

/** What is used here of @cornerstonejs/codec-openjpeg, which has no types. */
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number; isSigned: boolean };
  getColorSpace(): number;
  delete(): void;
}
interface Codec {
  J2KDecoder: new () => Decoder;
}

/** OpenJPEG's numbers for colours that are not as they stand: sYCC, e-YCC, CMYK. */
const OTHER_COLOURS = [3, 4, 5];

let codec: Promise<Codec> | undefined;

function loadCodec(): Promise<Codec> {
  const require = createRequire(import.meta.url);
  const script = require.resolve('@cornerstonejs/codec-openjpeg/decodewasmjs');
  const make = require(script) as (options: object) => Promise<Codec>;
  return make({ locateFile: (name: string) => join(dirname(script), name), print: () => {}, printErr: () => {} });
}

/** Throws ImageError. */
export async function readJpeg2000(bytes: Buffer, image: string): Promise<Picture> {
  const { pixels, channels: coded } = sizeOf(bytes);
  if (pixels > MAX_IMAGE_PIXELS) throw new ImageError('image-too-large', image);
  if (coded !== 1 && coded !== 3) throw new ImageError('image-format', image); // the codec gives no others
  const { J2KDecoder } = await (codec ??= loadCodec());
  const decoder = new J2KDecoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const decoded = Buffer.from(decoder.getDecodedBuffer());
    const { width, height, bitsPerSample: bits, componentCount: channels, isSigned } = decoder.getFrameInfo();
    const count = width * height;
    if (count === 0 || decoded.length < count * channels * (bits > 8 ? 2 : 1)) throw new ImageError('image-unreadable', image);
    const isDeep = channels === 1 && (bits > 8 || isSigned);
    if (bits > 16 || (!isDeep && (bits > 8 || isSigned)) || OTHER_COLOURS.includes(decoder.getColorSpace()))
      throw new ImageError('image-format', image);
    if (!isDeep) return { kind: 'rgb', width, height, data: toRgb(decoded, count, channels, bits), study: null };
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = sample(decoded, i * channels, bits, isSigned);
    return { kind: 'grey', width, height, values, window: rangeOf(values), inverted: false, study: null };
  } catch (cause) {
    throw cause instanceof ImageError ? cause : new ImageError('image-unreadable', image, cause);
  } finally {
    decoder.delete();
  }
}

/** By the SIZ marker, before anything is decoded: a few bytes can ask for any memory. */
function sizeOf(bytes: Buffer): { pixels: number; channels: number } {
  const siz = bytes.indexOf(Buffer.from([0xff, 0x4f, 0xff, 0x51]));
  if (siz < 0 || siz + 42 > bytes.length) return { pixels: 0, channels: 1 }; // no picture, as the decoder will find
  const at = (offset: number): number => bytes.readUInt32BE(siz + offset);
  return { pixels: (at(8) - at(16)) * (at(12) - at(20)), channels: bytes.readUInt16BE(siz + 40) };
}

function sample(data: Buffer, at: number, bits: number, isSigned: boolean): number {
  if (bits <= 8) return isSigned ? data.readInt8(at) : data[at];
  return isSigned ? data.readInt16LE(2 * at) : data.readUInt16LE(2 * at);
}

/** Fewer than 8 bits are spread over 0..255. */
function toRgb(data: Buffer, pixels: number, channels: number, bits: number): Uint8Array {
  const rgb = new Uint8Array(3 * pixels);
  const most = 2 ** bits - 1;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      const value = data[channels * i + (channels === 1 ? 0 : c)];
      rgb[3 * i + c] = bits === 8 ? value : Math.round((value * 255) / most);
    }
  }
  return rgb;
}
