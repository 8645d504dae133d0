/** Med-R1's published figures, as far as they are known, each with its source (published.json). */
import type { MatrixKind } from '../protocol/evals.ts';
import json from './published.json' with { type: 'json' };

export interface Published {
  paper: string;
  headlines: { text: string; percent: number; source: string }[];
  /** In points: accuracy without thinking minus accuracy with it. */
  no_think_minus_think: Record<MatrixKind, { names: string[]; points: number[][]; source: string }>;
  missing: string;
}

export const published: Published = json;
