/**
 * An image of any kind, ready to be shown: 8-bit files go through sharp as they are; 16-bit and DICOM keep their values until a window
 * is chosen. (sharp alone would turn a 12-bit image in a 16-bit file into a black one without a word.)
 */
import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { readBmp } from './bmp.ts';
import { readDicom } from './dicom.ts';
import { formatOf } from './format.ts';
import { readJpeg2000 } from './jpeg2000.ts';
import { ImageError, imageChanged, MAX_IMAGE_PIXELS, readFileBytes, readImage } from './open.ts';
import type { Picture } from './types.ts';
import { rangeOf, type Window } from './window.ts';

/** What breaks off or is damaged is refused; a warning, such as of the odd headers that some cameras write, stops no browser and no Pillow. */
const INPUT = { limitInputPixels: MAX_IMAGE_PIXELS, failOn: 'error', autoOrient: true } as const;

sharp.concurrency(1); // images are decoded side by side, not rows of one image
sharp.cache(false);

/** Reads and identifies an image; the pixels of an 8-bit file are decoded later. Throws ImageError. */
export async function openPicture(root: string, image: string): Promise<Picture> {
  return identify(await readImage(root, image), image);
}

/**
 * The image at a path that a person names, or of the bytes, as the model's processor takes it: what `medr1 generate` and its kin show the model is
 * what training would. Throws ImageError.
 */
export async function pixelsOfFile(path: string): Promise<ModelPixels> {
  return pixelsOf(await identify(await readFileBytes(path, path), path));
}

/** By the file's first bytes, whatever its name says. */
export async function identify(bytes: Buffer, image: string): Promise<Picture> {
  const format = formatOf(bytes);
  // Others are refused before a decoder sees them: SVG may name files, HEIF is no format of this field.
  if (format === null) throw new ImageError('image-format', image);
  if (format === 'dcm') return readDicom(bytes, image);
  if (format === 'bmp') return { kind: 'rgb', ...readBmp(bytes, image), study: null };
  if (format === 'jp2') return readJpeg2000(bytes, image);
  const metadata = await sharp(bytes, INPUT)
    .metadata()
    .catch((cause: unknown) => {
      throw imageError(cause, image);
    });
  const { width, height } = metadata.autoOrient;
  if (metadata.depth === 'short') throw new ImageError('image-format', image); // libvips would make zeros of what is negative
  if (metadata.depth !== 'uchar' && metadata.channels <= 2) return deepGrey(bytes, metadata.depth === 'ushort', image);
  return { kind: 'file', width, height, bytes, study: null };
}

/** Grey of more than 8 bits: 16 of a PNG or TIFF, or the 32-bit and floating values of a TIFF. */
async function deepGrey(bytes: Buffer, ushort: boolean, image: string): Promise<Picture> {
  try {
    const { data, info } = await sharp(bytes, INPUT)
      .removeAlpha()
      .toColourspace(ushort ? 'grey16' : 'b-w')
      .raw({ depth: 'float' })
      .toBuffer({ resolveWithObject: true });
    const values = new Float32Array(data.buffer, data.byteOffset, info.width * info.height);
    return { kind: 'grey', width: info.width, height: info.height, values, window: rangeOf(values), inverted: false, study: null };
  } catch (cause) {
    throw imageError(cause, image);
  }
}

/** The picture as 8-bit pixels in a sharp pipeline, to be resized and encoded. `window` replaces the file's own. */
export function toSharp(picture: Picture, window?: Partial<Window>): Sharp {
  if (picture.kind === 'file') return sharp(picture.bytes, INPUT);
  const { width, height } = picture;
  if (picture.kind === 'rgb') return sharp(picture.data, { raw: { width, height, channels: 3 } });
  const { level, width: range } = { ...picture.window, ...window };
  const [low, span] = [level - range / 2, Math.max(range, Number.EPSILON)];
  const grey = new Uint8Array(picture.values.length);
  for (let i = 0; i < grey.length; i++) {
    const value = Math.max(0, Math.min(255, Math.round(((picture.values[i] - low) * 255) / span)));
    grey[i] = picture.inverted ? 255 - value : value;
  }
  return sharp(grey, { raw: { width, height, channels: 1 } });
}

/** What the model's processor takes: an encoded file, or data [height, width, channels] uint8. */
export type ModelPixels = Uint8Array | { data: Uint8Array; width: number; height: number; channels: number };

/**
 * The image as the model's processor takes it. Throws ImageError, and DATA_IMAGE_CHANGED where the file is not the one with this `sha256`.
 */
export async function modelImage(root: string, image: string, sha256?: string): Promise<ModelPixels> {
  const bytes = await readImage(root, image);
  if (sha256 !== undefined && createHash('sha256').update(bytes).digest('hex') !== sha256) throw imageChanged(image);
  return pixelsOf(await identify(bytes, image));
}

/** The file's bytes, or, where they hold no 8-bit picture, its pixels through the file's window. */
export async function pixelsOf(picture: Picture): Promise<ModelPixels> {
  if (picture.kind === 'file') return picture.bytes;
  const { data, info } = await toSharp(picture).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** libvips' message -> the reason that the item is marked with. */
export function imageError(cause: unknown, image: string): ImageError {
  if (cause instanceof ImageError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/pixel limit/i.test(message)) return new ImageError('image-too-large', image, cause);
  return new ImageError(/unsupported image format/i.test(message) ? 'image-format' : 'image-unreadable', image, cause);
}
