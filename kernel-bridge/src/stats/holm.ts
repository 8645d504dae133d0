/** Holm's step-down correction (Holm 1979) of several tests' p: what each is worth given that the others were made too. In the order given. */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, at) => at).toSorted((a, b) => p[a] - p[b]);
  const corrected = new Array<number>(p.length);
  let largest = 0;
  order.forEach((at, rank) => {
    largest = Math.max(largest, Math.min(1, (p.length - rank) * p[at]));
    corrected[at] = largest;
  });
  return corrected;
}
