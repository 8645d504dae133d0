/**
 * Opens an image file of a data set. A record's path must stay in the data folder by its words; links in the folder are the user's own, and are
 * followed. Nothing but a regular file is read: a pipe would block its reader for ever.
 */
import { join } from 'node:path';
import { WorkbenchError } from '../../protocol/errors.ts';
import { FileRefused, readPlain } from '../../files/plain.ts';
import { isConfined } from '../images.ts';
import { PROBLEMS, type Problem } from '../../protocol/problems.ts';

const MAX_IMAGE_BYTES = 64 << 20;
export const MAX_IMAGE_PIXELS = 64e6;

/** An image that cannot be used; `problem` is the code that its items are marked with. */
export class ImageError extends WorkbenchError {
  readonly problem: Problem;

  constructor(problem: Problem, image: string, cause?: unknown) {
    super({
      code: 'DATA_IMAGE',
      message: `${image}: ${PROBLEMS[problem]}`,
      remedy: '`medr1 data audit` counts such images; their questions are left out of training.',
      http: problem === 'image-missing' ? 404 : 422,
      cause,
    });
    this.problem = problem;
  }
}

/** The whole folder is gone, for example because its disk is not mounted. That does not mean that this image is missing. */
export const dataGone = (root: string): WorkbenchError =>
  new WorkbenchError({
    code: 'DATA_GONE',
    message: `the data folder ${root} is gone`,
    remedy: 'Put the folder back (is its disk mounted?), then resume: nothing that was done is lost.',
  });

export const imageChanged = (image: string): WorkbenchError =>
  new WorkbenchError({
    code: 'DATA_IMAGE_CHANGED',
    message: `${image} is no longer the image that was indexed`,
    remedy:
      'Put the image back, or index the data set again (`medr1 data add`) and start a new run or evaluation on the images as they are now.',
    http: 409,
  });

/** Bytes of the image at a path relative to the data folder. Throws ImageError. */
export async function readImage(root: string, image: string): Promise<Buffer> {
  if (!isConfined(image)) throw new ImageError('image-outside', image);
  return readFileBytes(join(root, image), image);
}

/** Bytes of an image file; `image` is what messages call it. Throws ImageError. */
export async function readFileBytes(path: string, image: string): Promise<Buffer> {
  try {
    return await readPlain(path, MAX_IMAGE_BYTES);
  } catch (cause) {
    throw new ImageError(problemOf(cause), image, cause);
  }
}

function problemOf(cause: unknown): Problem {
  if (cause instanceof FileRefused) return cause.reason === 'size' ? 'image-too-large' : 'image-not-a-file';
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' ? 'image-missing' : 'image-unreadable';
}
