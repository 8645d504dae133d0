/** A prompt as the model takes it. */
import type { Tensor } from '../torch/index.ts';

/** Patches of an image in time, height and width. */
export type Grid = [t: number, h: number, w: number];

/** pixelValues [t * h * w, numbers of a patch] float32. */
export interface EncodedImage {
  pixelValues: Tensor;
  grid: Grid;
}

export interface EncodedPrompt {
  /** Image placeholders already repeated, once per image token. */
  inputIds: number[];
  images: EncodedImage[];
  /** The rendered chat template, with one placeholder per image. */
  text: string;
}
