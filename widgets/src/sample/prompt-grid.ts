/** How the tokens of an image lie over it. */
import type { Generation } from '../connector.ts';

/** Columns and rows of square cells, one token each; null where the number of tokens is no such grid. */
export function patchGrid(image: NonNullable<Generation['prompt']['image']>): { columns: number; rows: number } | null {
  const { resized_width: width, resized_height: height, tokens } = image;
  const side = Math.sqrt((width * height) / tokens);
  const [columns, rows] = [Math.round(width / side), Math.round(height / side)];
  return columns * rows === tokens ? { columns, rows } : null;
}
