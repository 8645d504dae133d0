/**
 * Opens an image file of a data set. Nothing but a regular file inside the data folder is read: a pipe would block its reader for
 * ever, a link may lead out, and a path that was good a moment ago may be a link now (so the opened file is checked, not the path).
 */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkbenchError } from '../../protocol/errors.ts';
import { isConfined, isInside } from '../images.ts';
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

/** Bytes of the image at a path relative to the data folder. Throws ImageError. */
export async function readImage(root: string, image: string): Promise<Buffer> {
  if (!isConfined(image)) throw new ImageError('image-outside', image);
  const real = await realpath(join(root, image)).catch((cause: unknown) => {
    throw new ImageError('image-missing', image, cause);
  });
  if (!isInside(await realpath(root), real)) throw new ImageError('image-outside', image);
  // O_NONBLOCK: opening a pipe returns at once, and the check below refuses it.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new ImageError('image-unreadable', image, cause);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new ImageError('image-not-a-file', image);
    if (info.size > MAX_IMAGE_BYTES) throw new ImageError('image-too-large', image);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
