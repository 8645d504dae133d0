/** Med-R1's published figures, as far as they are known, each with its source (published.json). */
import { readFileSync } from 'node:fs';
import type { MatrixKind } from '../protocol/evals.ts';

export interface Published {
  paper: string;
  headlines: { text: string; percent: number; source: string }[];
  /** In points: accuracy without thinking minus accuracy with it. */
  no_think_minus_think: Record<MatrixKind, { names: string[]; points: number[][]; source: string }>;
  missing: string;
}

export const published = JSON.parse(readFileSync(new URL('./published.json', import.meta.url), 'utf8')) as Published;
