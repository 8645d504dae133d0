/**
 * Image files as RGB pixels, as transformers' processor takes them through Pillow: EXIF orientation applied, alpha dropped, palettes and
 * grey expanded, ICC profiles ignored (CMYK's too); a PNG's one transparent colour is white. 16-bit grey is clipped at 255 (with alpha: its high byte), which is what transformers sees
 * through Pillow: data sets of 16-bit images want a window chosen first (give the pixels as `{ data, width, height, channels }`).
 */
import sharp, { type Sharp } from 'sharp';
import { readPlain } from '../files/plain.ts';
import { errors } from './errors.ts';

/** A path, an encoded file's bytes, or pixels: data [height, width, channels] uint8 with 1 (grey), 3 (RGB) or 4 (RGBA) channels. */
export type ImageInput = string | Uint8Array | RawImage;

export interface RawImage {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

const MAX_PIXELS = 64e6; // a 249 kB PNG can ask for 768 MB
const MAX_FILE_BYTES = 512 * 2 ** 20;

// Loaders that have had holes, or run programs of their own (SVG, PDF, ImageMagick, HEIF), are off.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif'].map((format) => `VipsForeignLoad${format}`) });

/** Decodes to RGB, data [height, width, 3]. */
export async function decodeImage(input: ImageInput): Promise<RawImage> {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return rawToRgb(input);
  const name = typeof input === 'string' ? input : `of ${input.length} bytes`;
  const bytes = typeof input === 'string' ? await readImageFile(input) : input;
  try {
    return await decodeBytes(bytes);
  } catch (cause) {
    throw errors.imageUnreadable(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function decodeBytes(bytes: Uint8Array): Promise<RawImage> {
  const image = () =>
    sharp(bytes, { autoOrient: true, failOn: 'error', limitInputPixels: MAX_PIXELS, limitInputChannels: 5, ignoreIcc: true });
  const { depth, space, format } = await image().metadata();
  const greyAlphaPng = format === 'png' && bytes[25] === 4; // its colour type; hasAlpha is true of a transparent colour as well
  if (depth === 'ushort' && (space === 'grey16' || space === 'b-w')) return fromGrey16(image(), greyAlphaPng);
  if (space === 'cmyk') return fromCmyk(image());
  if (format === 'png' && hasTransparentColour(bytes)) return onWhite(image());
  const { data, info } = await image().removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return rawToRgb({ data, width: info.width, height: info.height, channels: info.channels });
}

/**
 * Whether a PNG of at most 8 bits makes one colour transparent. Pillow keeps that colour when it converts to RGB, and transformers then lays the
 * image on white; of an alpha channel, or a palette with several or partial transparencies, nothing is kept.
 */
function hasTransparentColour(bytes: Uint8Array): boolean {
  const [depth, colourType] = [bytes[24], bytes[25]];
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') return false;
    if (type !== 'tRNS') continue;
    if (colourType !== 3) return depth === 8;
    const alphas = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    return alphas.filter((alpha) => alpha === 0).length === 1 && alphas.every((alpha) => alpha === 0 || alpha === 255);
  }
  return false;
}

async function onWhite(image: Sharp): Promise<RawImage> {
  const { data, info } = await image.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const seen = rawToRgb({ data, width: info.width, height: info.height, channels: info.channels });
  for (let i = 0; i < info.width * info.height; i++) if (data[4 * i + 3] === 0) seen.data.fill(255, 3 * i, 3 * i + 3);
  return seen;
}

async function fromGrey16(image: Sharp, hasAlpha: boolean): Promise<RawImage> {
  const { data, info } = await image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true });
  const wide = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const { width, height } = info;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const grey = wide[i * info.channels];
    rgb.fill(hasAlpha ? grey >> 8 : Math.min(255, grey), 3 * i, 3 * i + 3);
  }
  return { data: rgb, width, height, channels: 3 };
}

/** Each ink takes its share of what the black leaves. */
async function fromCmyk(image: Sharp): Promise<RawImage> {
  const { data, info } = await image.pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const light = 255 - data[i * channels + 3];
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = light - Math.round((data[i * channels + c] * light) / 255);
  }
  return { data: rgb, width, height, channels: 3 };
}

function rawToRgb({ data, width, height, channels }: RawImage): RawImage {
  if (data.length !== width * height * channels || ![1, 3, 4].includes(channels)) {
    throw errors.imageUnreadable(
      'given as pixels',
      `${data.length} bytes are not ${height} x ${width} x ${channels}, with 1, 3 or 4 channels`,
    );
  }
  if (channels === 3) return { data, width, height, channels };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[channels * i + (channels === 1 ? 0 : c)];
  }
  return { data: rgb, width, height, channels: 3 };
}

/** Reads plain files only: libvips would wait for ever on a FIFO. */
async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    return await readPlain(path, MAX_FILE_BYTES);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw errors.imageUnreadable(path, missing ? 'does not exist' : (cause as Error).message, cause);
  }
}
