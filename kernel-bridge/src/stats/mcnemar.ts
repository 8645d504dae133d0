/** McNemar's test on paired answers, in its exact form: under the null hypothesis each flip falls to either side like a coin. */
import type { McNemar } from '../protocol/evals.ts';

/** Two-sided p of `onlyA` against `onlyB` flips: twice the smaller binomial tail at 1/2, at most 1 (as statsmodels' `mcnemar(exact=True)`). */
export function exactP(onlyA: number, onlyB: number): number {
  const [n, k] = [onlyA + onlyB, Math.min(onlyA, onlyB)];
  // the terms binom(n, i) / 2^n in logarithms: n may be thousands
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let i = 0; i <= k; i++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}

/** Right or wrong of two evaluations, by question. */
export interface Pair {
  id: string;
  a: boolean;
  b: boolean;
}

/** One pair's test; what it is worth among others is for who makes several to say (holm.ts). */
export function mcnemar(pairs: readonly Pair[]): Omit<McNemar, 'p_holm'> {
  const ids = (a: boolean, b: boolean): string[] => pairs.filter((pair) => pair.a === a && pair.b === b).map(({ id }) => id);
  const [both, onlyA, onlyB, neither] = [ids(true, true), ids(true, false), ids(false, true), ids(false, false)];
  return {
    both: both.length,
    only_a: onlyA.length,
    only_b: onlyB.length,
    neither: neither.length,
    p: exactP(onlyA.length, onlyB.length),
    difference: pairs.length === 0 ? null : (onlyB.length - onlyA.length) / pairs.length,
    flips: { only_a: onlyA, only_b: onlyB },
  };
}
