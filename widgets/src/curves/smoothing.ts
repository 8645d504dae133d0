/**
 * Exponential moving average with the bias of its start taken out, as TensorBoard and W&B smooth:
 * last = w * last + (1 - w) * y, shown as last / (1 - w^n). Missing and non-finite values stay gaps and leave the average alone.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let last = 0;
  let debias = 0; // 1 - w^n
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    last = weight * last + (1 - weight) * value;
    debias = weight * debias + (1 - weight);
    return last / debias;
  });
}
