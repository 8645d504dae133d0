/** Numbers that are taken and are most often a slip of the pen. */

/** In the schema of a key: from where on a number is doubted, and what it does. */
export interface Doubtful {
  above: number;
  why: string;
}

/** What such a number does; null for one that nobody doubts. */
export const doubtOf = (value: unknown, doubtful: Doubtful | undefined): string | null =>
  doubtful && typeof value === 'number' && value > doubtful.above ? `above ${doubtful.above} ${doubtful.why}` : null;
