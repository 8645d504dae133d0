import type { Share } from '../protocol/evals.ts';

const Z = 1.959963984540054; // two-sided 95 %

/** A share with its 95 % Wilson score interval (Wilson 1927); no continuity correction. */
export function wilson(right: number, total: number): Share {
  if (total === 0) return { right, total, rate: null, low: null, high: null };
  const rate = right / total;
  const scale = 1 + Z ** 2 / total;
  const centre = (rate + Z ** 2 / (2 * total)) / scale;
  const half = (Z / scale) * Math.sqrt((rate * (1 - rate)) / total + Z ** 2 / (4 * total ** 2));
  return { right, total, rate, low: right === 0 ? 0 : centre - half, high: right === total ? 1 : centre + half };
}
