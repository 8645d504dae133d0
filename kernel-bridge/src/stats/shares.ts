/** Whether two shares differ, for counts of documents that come in groups, and what that is worth among many tests. */

/** Documents that have something, of `documents` in `groups`. */
export interface Clustered {
  documents: number;
  groups: number;
  /** Sum of the squared sizes of the groups. */
  squares: number;
  /** Documents that have it; sum over groups of the squared counts; sum over groups of count times size. */
  having: number;
  squaredHaving: number;
  havingBySize: number;
}

/**
 * G squared of the likelihood-ratio test of two shares (Dunning 1993), with one degree of freedom: 0 where they are equal. The counts may have been
 * divided by a design effect.
 */
export function likelihoodRatio(a: number, ofA: number, b: number, ofB: number): number {
  const share = (a + b) / (ofA + ofB);
  const term = (seen: number, expected: number): number => (seen === 0 ? 0 : seen * Math.log(seen / expected));
  const sum = term(a, ofA * share) + term(ofA - a, ofA * (1 - share)) + term(b, ofB * share) + term(ofB - b, ofB * (1 - share));
  return Math.max(0, 2 * sum);
}

/**
 * Design effect of two shares together (Kish 1965; Rao and Scott 1981, first order): the variance that the groups show over the one that independent
 * documents would have. At least 1: groups that are more alike than chance are taken for chance.
 */
export function designEffect(sides: readonly Clustered[]): number {
  let seen = 0;
  let independent = 0;
  for (const { documents, groups, squares, having, squaredHaving, havingBySize } of sides) {
    if (groups < 2) continue;
    const share = having / documents;
    const around = squaredHaving - 2 * share * havingBySize + share ** 2 * squares;
    seen += ((groups / (groups - 1)) * around) / documents ** 2;
    independent += (share * (1 - share)) / documents;
  }
  return independent === 0 ? 1 : Math.max(1, seen / independent);
}

/** How often chance gives as much with one degree of freedom: the upper tail of chi squared. Relative error below 2e-7. */
export const chiSquaredTail = (value: number): number => erfc(Math.sqrt(value / 2));

/** Complementary error function for x of 0 or more, by Press et al. (Numerical Recipes, erfcc). */
function erfc(x: number): number {
  const t = 1 / (1 + x / 2);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
  ];
  const power = series.reduceRight((sum, one) => sum * t + one, 0);
  return t * Math.exp(-x * x + power);
}

/** Each p as a false discovery rate among all of them (Benjamini and Hochberg 1995), in the order given. */
export function falseDiscoveryRates(p: readonly number[]): number[] {
  const order = p.map((_, at) => at).toSorted((a, b) => p[b] - p[a]);
  const rates = new Array<number>(p.length);
  let least = 1;
  order.forEach((at, fromTop) => {
    least = Math.min(least, (p[at] * p.length) / (p.length - fromTop));
    rates[at] = least;
  });
  return rates;
}
