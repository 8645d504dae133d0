import type { Agreement } from '../protocol/evals.ts';

/** How often two say the same, and Cohen's kappa (Cohen 1960): how far that is above what their own shares of each label give by chance. */
export function agreement(pairs: readonly (readonly [a: string, b: string])[]): Agreement {
  const total = pairs.length;
  const counts = new Map<string, [number, number]>();
  let same = 0;
  for (const pair of pairs) {
    if (pair[0] === pair[1]) same++;
    for (const side of [0, 1] as const) {
      const count = counts.get(pair[side]) ?? [0, 0];
      count[side]++;
      counts.set(pair[side], count);
    }
  }
  if (total === 0) return { same, total, rate: null, kappa: null };
  const byChance = counts.values().reduce((sum, [a, b]) => sum + (a / total) * (b / total), 0);
  // where both always say one and the same, chance explains all of it and kappa says nothing
  return { same, total, rate: same / total, kappa: byChance >= 1 ? null : (same / total - byChance) / (1 - byChance) };
}
