/**
 * What tells images apart. sha256 of the bytes finds copies. The perceptual hash finds the same picture at another size, quality or
 * brightness: 64 bits say whether a cell of a 9 x 8 grey version is darker than its right neighbour, 64 whether darker than the one below.
 */
import { createHash } from 'node:crypto';
import type { Problem } from '../../protocol/problems.ts';
import { formatOf } from './format.ts';
import { ImageError, readImage } from './open.ts';
import { identify, imageError, toSharp } from './picture.ts';
import type { Picture } from './types.ts';

export interface Fingerprint {
  bytes: number;
  /** Null when the file could not be read at all. */
  sha256: string | null;
  /** 128 bits as 16 bytes; null when the image could not be decoded. */
  dhash: Uint8Array | null;
  width: number | null;
  height: number | null;
  /** DICOM's StudyInstanceUID. */
  study: string | null;
  /** What is seen through a window, as it holds no 8-bit picture: a DICOM file, or grey of more than 8 bits; null for others. */
  windowed: 'dicom' | 'deep' | null;
  problem: Problem | null;
}

/** Transformers' smart_resize refuses a picture that is longer than 200 times its width, or wider than 200 times its height. */
const LONGEST = 200;
const isThin = (width: number, height: number): boolean => Math.max(width, height) > LONGEST * Math.min(width, height);

const SIDE = 9;
/** Levels by which neighbours must differ: keeps the noise of a black background out of the hash. */
const MARGIN = 2;

export async function fingerprint(root: string, image: string): Promise<Fingerprint> {
  const print: Fingerprint = { bytes: 0, sha256: null, dhash: null, width: null, height: null, study: null, windowed: null, problem: null };
  try {
    const bytes = await readImage(root, image);
    print.bytes = bytes.length;
    print.sha256 = createHash('sha256').update(bytes).digest('hex');
    const picture = await identify(bytes, image);
    print.dhash = await perceptualHash(picture);
    const { width, height, study } = picture;
    const windowed = formatOf(bytes) === 'dcm' ? 'dicom' : picture.kind === 'grey' ? 'deep' : null;
    Object.assign(print, { width, height, study, windowed, problem: isThin(width, height) ? 'image-thin' : null });
  } catch (cause) {
    const error = cause instanceof ImageError ? cause : imageError(cause, image);
    print.problem = error.problem;
  }
  return print;
}

async function perceptualHash(picture: Picture): Promise<Uint8Array> {
  const grey = await toSharp(picture)
    .flatten()
    .toColourspace('b-w')
    .resize(SIDE, SIDE, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
  const hash = new Uint8Array(16);
  for (let bit = 0; bit < 64; bit++) {
    const at = SIDE * Math.floor(bit / 8) + (bit % 8);
    if (grey[at + 1] > grey[at] + MARGIN) hash[bit >> 3] |= 1 << (bit & 7);
    if (grey[at + SIDE] > grey[at] + MARGIN) hash[8 + (bit >> 3)] |= 1 << (bit & 7);
  }
  return hash;
}
